"""The HTTP side over real sockets, seen through the adapter that adds the least to it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Callable
from contextlib import aclosing
from email.utils import formatdate
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    PromptRejected,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import Done, Event, Status, Text
from core.settings import OpenAi
from core.upstream.http import AMBIGUOUS, ENDLESS, SILENT
from core.upstream.openai import OpenAiUpstream
from tests.core.upstream.reading import Heard
from tests.core.upstream.scripted import Reply, Scripted, answered, failure, hung_up, prompt, status, streamed
from tests.virtual_time import in_virtual_time

KEY = "sk-very-secret-key-0123456789"


def data(content: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": content}}]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
WHOLE = streamed(data("Hel"), data("lo"), DONE)
HELLO = Heard("Hello")


def adapter(server: Scripted | None, url: str = "", **more: Any) -> OpenAiUpstream:
    section = OpenAi.model_validate(
        {"kind": "openai", "base_url": server.url if server else url, "model": "m", "api_key": KEY, **more}
    )
    return OpenAiUpstream("test", section, sleep=server.sleep) if server else OpenAiUpstream("test", section)


async def test_an_answer_as_it_comes() -> None:
    async with Scripted(WHOLE) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt()) == HELLO
        assert server.slept == []
        [asked] = server.asked
        assert (asked.method, asked.path) == ("POST", "/chat/completions")
        assert asked.headers["Authorization"] == f"Bearer {KEY}"
        assert asked.headers["Content-Type"] == "application/json"
        assert asked.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504, 529, 408])
async def test_a_refusal_that_passes_is_asked_again_with_growing_pauses(code: int) -> None:
    async with Scripted(status(code), status(code), status(code), WHOLE) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt()) == HELLO
        for pause, full in zip(server.slept, (1, 2, 4), strict=True):
            assert full / 2 <= pause <= full


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 422, 301, 307])
async def test_a_refusal_that_does_not_pass_is_not(code: int) -> None:
    reply = status(code, headers={"Location": "/elsewhere"})
    async with Scripted(reply, WHOLE) as server, adapter(server) as upstream:
        assert isinstance(await failure(upstream, prompt()), PromptRejected | UpstreamRefused)
        assert server.slept == []
        assert len(server.asked) == 1


async def test_gives_up_after_the_configured_retries() -> None:
    async with Scripted(*[status(503)] * 9) as server, adapter(server, retries=2) as upstream:
        assert isinstance(await failure(upstream, prompt()), UpstreamUnavailable)
        assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        (lambda now: {"Retry-After": "7"}, 7, 7.7),
        (
            lambda now: {"Retry-After": formatdate(now + 20, usegmt=True), "Date": formatdate(now, usegmt=True)},
            19,
            22,
        ),
        (lambda now: {"X-RateLimit-Reset": str(int(now) + 40)}, 10, 42),
        (lambda now: {}, 0.5, 1),
    ],
)
async def test_429_is_obeyed(headers: Callable[[float], dict[str, str]], least: float, most: float) -> None:
    async with Scripted(status(429, headers=headers(time.time())), WHOLE) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt()) == HELLO
        [pause] = server.slept
        assert least <= pause <= most


async def test_a_pause_that_nobody_would_wait_for_ends_the_turn_and_says_how_long() -> None:
    async with Scripted(status(429, headers={"Retry-After": "3600"})) as server, adapter(server) as upstream:
        error = await failure(upstream, prompt())
        assert isinstance(error, UpstreamBusy)
        assert error.retry_after == 3600
        assert server.slept == []


async def test_no_connection_is_tried_again() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    section = OpenAi(kind="openai", base_url=f"http://127.0.0.1:{port}", model="m", retries=3)
    async with OpenAiUpstream("test", section, sleep=sleep) as upstream:
        assert isinstance(await failure(upstream, prompt()), UpstreamUnavailable)
    assert len(slept) == 3


@pytest.mark.parametrize("reply", [hung_up(), streamed(then="break"), streamed(b": ping\n\n", then="break")])
async def test_a_message_is_not_sent_twice_when_the_connection_broke_before_any_text(reply: Reply) -> None:
    async with Scripted(reply, WHOLE) as server, adapter(server) as upstream:
        error = await failure(upstream, prompt())
        assert isinstance(error, UpstreamUnavailable)
        assert (error.sentence, error.unheard) == (AMBIGUOUS, True)
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":{"message":"the words"}}', "the words"),
        (b"<html><title>the words</title></html>", "the words"),
        (b"the words", "the words"),
        (b"", "HTTP 500"),
        (b"x" * 200_000, "xxx"),
    ],
    ids=["json", "page", "text", "empty", "long"],
)
async def test_the_words_of_a_refusal_go_to_the_log_and_not_to_the_person(body: bytes, said: str) -> None:
    async with Scripted(status(500, body)) as server, adapter(server, retries=0) as upstream:
        error = await failure(upstream, prompt())
        assert said in error.detail
        assert len(error.detail) < 600
        assert error.sentence == UpstreamUnavailable().sentence


async def test_a_cut_before_the_terminal_marker_keeps_the_text_and_is_said() -> None:
    async with Scripted(streamed(data("Hel"))) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt()) == Heard("Hel", error=AnswerInterrupted)
        assert len(server.asked) == 1


async def test_a_broken_connection_keeps_the_text_and_is_said() -> None:
    async with Scripted(streamed(data("Hel"), then="break")) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt()) == Heard("Hel", error=AnswerInterrupted)
        assert len(server.asked) == 1


ERROR = b'data: {"error": {"message": "overloaded", "code": 529}}\n\n'


@pytest.mark.parametrize(
    ("reply", "unheard"),
    [
        (streamed(data("Hel")), True),
        (streamed(data("Hel"), then="break"), True),
        (streamed(data("Hel"), b"data: {broken\n\n", DONE), True),
        (streamed(data("Hel"), ERROR), False),
        (streamed(ERROR), False),
        (streamed(DONE), False),
        (status(401), False),
    ],
    ids=["cut", "broken", "unreadable", "failed", "failed at once", "empty", "refused"],
)
async def test_only_what_we_lost_may_be_on_record_all_the_same(reply: Reply, unheard: bool) -> None:
    async with Scripted(reply) as server, adapter(server) as upstream:
        assert (await failure(upstream, prompt())).unheard is unheard


async def test_what_came_before_a_break_is_not_lost_to_a_reader_that_was_busy() -> None:
    go = asyncio.Event()
    reply = streamed(data("Hel"), go.wait, data("lo"), then="close")
    async with (
        Scripted(reply) as server,
        adapter(server) as upstream,
        aclosing(upstream.stream(prompt())) as events,
    ):
        assert await anext(events) == Text("Hel")
        go.set()
        for _ in range(100):  # both the last bytes and the break arrive while nobody reads
            await asyncio.sleep(0)
        assert await anext(events) == Text("lo")
        with pytest.raises(AnswerInterrupted):
            await anext(events)


async def test_a_broken_connection_after_the_terminal_marker_does_no_harm() -> None:
    async with (
        Scripted(
            streamed(data("Hello"), b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n', then="break")
        ) as server,
        adapter(server) as upstream,
    ):
        assert await answered(upstream, prompt()) == HELLO


# --- time, which is virtual here ------------------------------------------------------------------------------------


def now() -> float:
    return asyncio.get_running_loop().time()


@in_virtual_time
async def test_silence_before_any_text_and_after_some() -> None:
    async with (
        Scripted(streamed(then="hang"), streamed(data("Hel"), then="hang")) as server,
        adapter(server, idle_timeout=100, first_text_timeout=0) as upstream,
    ):
        error = await failure(upstream, prompt())
        assert (type(error), error.sentence, round(now())) == (UpstreamUnavailable, SILENT, 100)
        assert await answered(upstream, prompt()) == Heard("Hel", error=AnswerInterrupted)
        assert round(now()) == 200


@in_virtual_time
async def test_silence_before_a_status() -> None:
    async def never(_: object) -> Any:
        await asyncio.Event().wait()

    async with (
        Scripted(never) as server,
        adapter(server, idle_timeout=100, connect_timeout=10, first_text_timeout=0) as upstream,
    ):
        error = await failure(upstream, prompt())
        assert (type(error), error.sentence, round(now())) == (UpstreamUnavailable, SILENT, 110)
        assert len(server.asked) == 1


def ticking(every: float, times: int, last: bytes) -> Reply:
    """Keep-alives, then the rest."""

    async def reply(asked: Any) -> Any:
        response = web.StreamResponse()
        await response.prepare(asked.request)
        for _ in range(times):
            await response.write(b": ping\n\n")
            await asyncio.sleep(every)
        await response.write(last)
        return response

    return reply


@in_virtual_time
async def test_keep_alives_reset_the_idle_time() -> None:
    async with (
        Scripted(ticking(15, 10, data("Hello") + DONE)) as server,
        adapter(server, idle_timeout=20, first_text_timeout=0) as upstream,
    ):
        assert await answered(upstream, prompt()) == HELLO


@in_virtual_time
async def test_keep_alives_are_life_and_no_text() -> None:
    async with Scripted(ticking(15, 100, b"")) as server, adapter(server, first_text_timeout=60) as upstream:
        error = await failure(upstream, prompt())
        assert (type(error), error.sentence, round(now())) == (UpstreamUnavailable, SILENT, 60)
        async with asyncio.timeout(5):
            await server.asked[0].gone.wait()


@in_virtual_time
async def test_thoughts_are_life_while_they_last() -> None:
    thought = b'data: {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}\n\n'
    pause = partial(asyncio.sleep, 50)
    reply = streamed(thought, pause, thought, pause, thought, pause, data("Hello"), DONE)
    async with Scripted(reply) as server, adapter(server, first_text_timeout=60) as upstream:
        assert await answered(upstream, prompt()) == HELLO


@in_virtual_time
async def test_keep_alives_do_not_reset_the_total_time() -> None:
    async with (
        Scripted(ticking(15, 100, b"")) as server,
        adapter(server, total_timeout=200, first_text_timeout=0) as upstream,
    ):
        error = await failure(upstream, prompt())
        assert (type(error), error.sentence, round(now())) == (UpstreamUnavailable, ENDLESS, 200)


async def test_retries_do_not_outlast_the_total_time() -> None:
    async with Scripted(*[status(503)] * 9) as server, adapter(server, total_timeout=1.4) as upstream:
        assert isinstance(await failure(upstream, prompt()), UpstreamUnavailable)
        assert sum(server.slept) < 1.4 * 4
        assert len(server.asked) < 5


# --- leaving early --------------------------------------------------------------------------------------------------


async def test_closing_the_stream_closes_the_connection_at_once() -> None:
    async with Scripted(streamed(data("Hel"), then="hang")) as server, adapter(server) as upstream:
        async with aclosing(upstream.stream(prompt())) as events:
            assert await anext(events) == Text("Hel")
        async with asyncio.timeout(5):
            await server.asked[0].gone.wait()


@pytest.mark.parametrize(
    "reply", [streamed(then="hang"), streamed(data("Hel"), then="hang")], ids=["waiting", "reading"]
)
async def test_cancelling_the_task_closes_the_connection_at_once(reply: Reply) -> None:
    async with Scripted(reply) as server, adapter(server) as upstream:
        task = asyncio.create_task(answered(upstream, prompt()))
        asked = await server.until_asked(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await asked.gone.wait()


# --- many at a time -------------------------------------------------------------------------------------------------


async def test_at_most_so_many_are_asked_at_a_time_and_who_comes_first_is_served_first() -> None:
    go = [asyncio.Event() for _ in range(4)]
    replies = [streamed(one.wait, data("Hello"), DONE) for one in go]
    async with Scripted(*replies) as server, adapter(server, concurrency=2) as upstream:
        heard: list[list[Event]] = [[] for _ in go]

        async def ask(number: int) -> None:
            async for event in upstream.stream(prompt(str(number))):
                heard[number] += [event]

        async with asyncio.TaskGroup() as tasks:
            asking = []
            for number in range(4):
                asking.append(tasks.create_task(ask(number)))
                await asyncio.sleep(0)  # so that it has begun before the next
            await server.until_asked(2)
            assert heard == [[], [], [Status("Waiting")], [Status("Waiting")]]
            asking[1].cancel()
            await server.until_asked(3)
            assert asking[0].done() is False
            assert heard[3] == [Status("Waiting")]
            for one in go:
                one.set()
        assert [one.json["messages"][-1]["content"] for one in server.asked[2:]] == ["2", "3"]
        assert heard[0] == [Text("Hello"), Done()]
        assert heard[2] == heard[3] == [Status("Waiting"), Status(""), Text("Hello"), Done()]


async def test_without_a_limit_nobody_waits() -> None:
    go = asyncio.Event()
    async with (
        Scripted(*[streamed(go.wait, data("Hello"), DONE)] * 20) as server,
        adapter(server) as upstream,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(20):
            tasks.create_task(answered(upstream, prompt()))
        await server.until_asked(20)
        go.set()


# --- secrets, addresses, strangers ----------------------------------------------------------------------------------


async def test_no_secret_gets_into_an_error_or_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"error": {"message": f"Incorrect API key provided: {KEY} (sk-ve***6789). You sent Bearer {KEY}"}}
    replies = [
        status(503, body),
        status(401, body),
        streamed(data("a"), b"data: " + json.dumps(body).encode() + b"\n\n"),
    ]
    async with Scripted(*replies) as server, adapter(server) as upstream:
        for _ in range(2):
            error = await failure(upstream, prompt("what the person said"))
            for text in (str(error), error.sentence, error.detail):
                assert KEY not in text
                assert "6789" not in text
    assert KEY not in caplog.text
    assert "what the person said" not in caplog.text


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://127.0.0.1:99999"])
async def test_an_address_that_can_never_work_is_the_operators(url: str) -> None:
    section = OpenAi.model_construct(kind="openai", base_url=url, model="m", retries=0)
    async with OpenAiUpstream("test", section) as upstream:
        error = await failure(upstream, prompt())
        assert isinstance(error, UpstreamRefused | UpstreamUnavailable)


async def test_a_server_that_speaks_no_http() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with adapter(None, f"http://127.0.0.1:{port}", retries=0) as upstream:
            error = await failure(upstream, prompt())
    assert isinstance(error, AnswerMalformed | UpstreamUnavailable)
    assert "SSH" not in error.sentence


async def test_proxies_of_the_environment_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with Scripted(WHOLE) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt()) == HELLO


async def test_an_endless_record_is_refused() -> None:
    async with (
        Scripted(streamed(*[b"data: " + b"x" * 1_000_000] + [b"x" * 1_000_000] * 20, then="hang")) as server,
        adapter(server) as upstream,
    ):
        assert isinstance(await failure(upstream, prompt()), AnswerMalformed)


async def test_refusals_are_errors_of_ours_only() -> None:
    async with Scripted(*[status(code) for code in range(400, 430)]) as server, adapter(server, retries=0) as upstream:
        for _ in range(30):
            assert isinstance(await failure(upstream, prompt()), UpstreamError)
