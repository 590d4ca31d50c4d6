"""The adapter of OpenAI-compatible servers over real sockets. What its streams may hold is tested with the reader."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AttachmentError, PromptRejected
from core.model import Attachment, Exchange, Prompt
from core.settings import GoApi, GptBots, MyGptAssistants, OpenAi
from core.upstream.build import build
from core.upstream.files import Luggage
from core.upstream.goapi import GoApiUpstream
from core.upstream.gptbots import GptBotsUpstream
from core.upstream.mygptassistants import MyGptAssistantsUpstream
from core.upstream.openai import OpenAiUpstream, bounded, messages
from tests.core.upstream.reading import Heard
from tests.core.upstream.scripted import Scripted, answered, attachments, failure, prompt, status, streamed

WHOLE = streamed(b'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\ndata: [DONE]\n\n')


def section(url: str = "http://127.0.0.1", **more: Any) -> OpenAi:
    return OpenAi.model_validate({"kind": "openai", "base_url": url, "model": "m", **more})


def adapter(server: Scripted, **more: Any) -> OpenAiUpstream:
    return OpenAiUpstream("test", section(server.url, **more), sleep=server.sleep)


async def test_what_is_asked() -> None:
    history = (Exchange("one", "two"),)
    async with Scripted(WHOLE) as server, adapter(server, system="Be kind.", max_tokens=9, temperature=0.5) as upstream:
        assert await answered(upstream, prompt("three", history=history)) == Heard("Hello")
        assert "Authorization" not in server.asked[0].headers
        assert server.asked[0].json == {
            "model": "m",
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 9,
            "temperature": 0.5,
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "one"},
                {"role": "assistant", "content": "two"},
                {"role": "user", "content": "three"},
            ],
        }
        assert not upstream.remembers


EXCHANGES = st.lists(st.builds(Exchange, st.text(max_size=9), st.text(max_size=9)), max_size=8).map(tuple)


@given(EXCHANGES, st.integers(0, 9), st.integers(0, 60))
def test_the_history_is_bounded_from_the_newest(history: tuple[Exchange, ...], most: int, characters: int) -> None:
    kept = tuple(bounded(history, most, characters))
    assert kept == history[len(history) - len(kept) :]
    assert len(kept) <= most
    assert sum(len(one.prompt) + len(one.reply) for one in kept) <= characters
    if len(kept) < min(most, len(history)):
        more = history[len(history) - len(kept) - 1 :]
        assert sum(len(one.prompt) + len(one.reply) for one in more) > characters


def test_no_history_at_all_is_possible() -> None:
    made = messages(section(history_exchanges=0), (Exchange("a", "b"),), Luggage("c"))
    assert made == [{"role": "user", "content": "c"}]


@pytest.mark.parametrize(
    ("said", "gone", "instead"),
    [
        ("Unrecognized request argument: stream_options", "stream_options", None),
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "max_completion_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.5", "temperature", None),
    ],
)
async def test_a_parameter_that_the_server_does_not_know_is_left_out_from_then_on(
    said: str, gone: str, instead: str | None
) -> None:
    refusal = status(400, {"error": {"message": said}})
    async with Scripted(refusal, WHOLE, WHOLE) as server, adapter(server, max_tokens=9, temperature=0.5) as upstream:
        for _ in range(2):
            assert await answered(upstream, prompt()) == Heard("Hello")
        first, *others = server.asked
        assert gone in first.json
        assert len(others) == 2
        for asked in others:
            assert gone not in asked.json
            assert instead is None or asked.json[instead] == 9


async def test_a_server_that_goes_on_refusing_is_not_asked_for_ever() -> None:
    refusal = status(400, {"error": {"message": "stream_options"}})
    async with Scripted(*[refusal] * 5) as server, adapter(server) as upstream:
        assert isinstance(await failure(upstream, prompt()), PromptRejected)
        assert len(server.asked) == 2


async def test_images_texts_and_what_is_neither() -> None:
    files = attachments(
        ("cat.png", "image/png", b"PNG"),
        ("main.py", "application/octet-stream", "print('é')\n".encode()),
        ("notes", "text/plain; charset=utf-8", b"notes"),
        ("app.exe", "application/x-msdownload", b"MZ"),
        ("big.log", "text/plain", b"x" * 300_000),
        ("empty.txt", "text/plain", b""),
    )
    async with Scripted(WHOLE) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Look", **files))
        [message] = server.asked[0].json["messages"]
        text, image = message["content"]
        assert image == {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{base64.b64encode(b'PNG').decode()}"},
        }
        assert text["text"] == (
            "The file main.py:\n\nprint('é')\n\n\n"
            "The file notes:\n\nnotes\n\n"
            "[The file app.exe could not be passed on: the assistant only takes images and files of text.]\n"
            "[The file big.log could not be passed on: it is larger than 256 KB.]\n"
            "[The file empty.txt could not be passed on: it is empty.]\n\nLook"
        )


async def test_an_image_needs_no_words() -> None:
    async with Scripted(WHOLE) as server, adapter(server) as upstream:
        await answered(upstream, prompt("", **attachments(("cat.png", "image/png", b"PNG"))))
        [part] = server.asked[0].json["messages"][0]["content"]
        assert part["type"] == "image_url"


async def test_a_file_alone_that_is_not_taken_is_refused_with_the_reason() -> None:
    async with Scripted(WHOLE) as server, adapter(server) as upstream:
        error = await failure(upstream, prompt(" ", **attachments(("a\nb.exe", "", b"MZ"))))
        assert isinstance(error, PromptRejected)
        assert (
            error.sentence
            == "The file a b.exe could not be passed on: the assistant only takes images and files of text."
        )
        assert server.asked == []


async def test_files_are_read_no_further_than_they_may_be_long() -> None:
    read = 0

    async def endless(_: Attachment) -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100_000
            yield b"x" * 100_000

    async def broken(_: Attachment) -> AsyncIterator[bytes]:
        yield b"x"
        raise AttachmentError

    def carrying(fetch: Any) -> Prompt:
        return prompt("Look", attachments=(Attachment("a.txt", "text/plain", None, "r"),), fetch=fetch)

    async with Scripted(WHOLE, WHOLE, WHOLE) as server, adapter(server) as upstream:
        for fetch in (endless, broken, None):
            await answered(upstream, carrying(fetch))
        reasons = [asked.json["messages"][0]["content"].partition(": ")[2].partition(".]")[0] for asked in server.asked]
        assert reasons == ["it is larger than 256 KB", "it could not be read", "it could not be read"]
        assert read == 300_000


async def test_half_characters_in_a_prompt_do_no_harm() -> None:
    async with Scripted(WHOLE) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt("a\ud83db")) == Heard("Hello")
        assert json.loads(server.asked[0].body)["messages"][0]["content"] == "a?b"


def test_every_kind_of_section_has_its_adapter() -> None:
    goapi = GoApi.model_validate({"kind": "goapi", "api_key": "k"})
    gptbots = GptBots.model_validate({"kind": "gptbots", "api_key": "k"})
    assistants = MyGptAssistants.model_validate({"kind": "mygptassistants", "api_key": "k", "bot_id": "b"})
    for given_section, kind in (
        (goapi, GoApiUpstream),
        (gptbots, GptBotsUpstream),
        (assistants, MyGptAssistantsUpstream),
        (section(), OpenAiUpstream),
    ):
        made = build("main", given_section)
        assert type(made) is kind
        assert made.name == "main"
