"""Every adapter against the stand-in of its system, which was built from the vendors' pages by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    ConversationUnknown,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import Opened, Text
from core.upstream import HasConversations, HasHistory
from sandbox.faults import Fault
from sandbox.upstream import UpstreamServer
from tests.core.upstream.reading import Heard
from tests.core.upstream.scripted import answered, attachments, failure, prompt
from tests.core.upstream.standing import KINDS, REMEMBERING, SENT, make


@pytest.fixture
async def server() -> AsyncIterator[UpstreamServer]:
    async with UpstreamServer() as server:
        yield server


def written(server: UpstreamServer, heard: Heard) -> str:
    """The last answer in the record of the conversation."""
    [conversation] = [one for one in server.conversations if one.id == heard.opened[-1]]
    return conversation.messages[-1].text


VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    "goapi": ("goapi", {}),
    "goapi, deltas": ("goapi", {"encoding": "deltas"}),
    "goapi, blank lines": ("goapi", {"separator": ""}),
    **{
        f"gptbots, {layout}, flow {flow}": ("gptbots", {"layout": layout, "flow": flow})
        for layout in ("lines", "data", "glued")
        for flow in ("step", "only", "none")
    },
    **{
        f"mygptassistants, {framing}, id {id_in}": ("mygptassistants", {"framing": framing, "id_in": id_in})
        for framing in ("chunk", "result", "typed", "done", "words", "ndjson", "raw", "document")
        for id_in in ("first", "last", "nothing")
    },
}


@pytest.mark.parametrize("split", [None, 3])
@pytest.mark.parametrize("name", VARIANTS)
async def test_two_turns_of_one_conversation_in_every_variant(
    server: UpstreamServer, name: str, split: int | None
) -> None:
    kind, switches = VARIANTS[name]
    for switch, value in switches.items():
        assert hasattr(getattr(server, kind), switch)
        setattr(getattr(server, kind), switch, value)
    server.split = split
    async with make(server, kind) as upstream:
        first = await answered(upstream, prompt("My name is Ann. Hello 日本 😀"))
        assert first.error is None
        assert len(first.opened) == 1
        assert first.text == written(server, first)
        second = await answered(upstream, prompt("What is my name?", conversation_id=first.opened[0]))
        assert second.error is None
        assert second.text == written(server, first)
        assert len(server.conversations) == 1


async def test_an_openai_server(server: UpstreamServer) -> None:
    async with make(server, "openai") as upstream:
        heard = await answered(upstream, prompt("Hello 日本 😀"))
        assert heard.error is None
        assert heard.text
        assert heard.usage is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [("cut", AnswerInterrupted), ("break", AnswerInterrupted), ("error", AnswerInterrupted)],
)
async def test_faults_in_the_middle(
    server: UpstreamServer, kind: str, fault: Any, expected: type[UpstreamError]
) -> None:
    async with make(server, kind) as upstream:
        server.faults.add(Fault(SENT[kind], fault, words=5))
        heard = await answered(upstream, prompt("Tell me a long story"))
        assert heard.error is expected
        assert heard.text
        assert (await answered(upstream, prompt("Again"))).error is None


@pytest.mark.parametrize("kind", KINDS)
async def test_garbage_in_the_middle_is_said_unless_it_heals(server: UpstreamServer, kind: str) -> None:
    async with make(server, kind) as upstream:
        server.faults.add(Fault(SENT[kind], "garbage", words=5))
        heard = await answered(upstream, prompt("Tell me a long story"))
        assert heard.error in (None, AnswerMalformed)
        if heard.error is None:  # what came later had the whole text in it
            assert heard.text == written(server, heard)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "times", "expected"),
    [(429, 2, None), (503, 2, None), (429, 9, UpstreamBusy), (500, 9, UpstreamUnavailable), (401, 1, UpstreamRefused)],
)
async def test_refusals(
    server: UpstreamServer, kind: str, status: int, times: int, expected: type[UpstreamError] | None
) -> None:
    async with make(server, kind) as upstream:
        server.faults.add(Fault(SENT[kind], "status", status=status, times=times, retry_after=1))
        assert (await answered(upstream, prompt())).error is expected


@pytest.mark.parametrize("kind", KINDS)
async def test_no_answer_is_asked_for_twice_when_the_connection_is_lost(server: UpstreamServer, kind: str) -> None:
    async with make(server, kind) as upstream:
        server.faults.add(Fault(SENT[kind], "drop"))
        assert isinstance(await failure(upstream, prompt()), UpstreamUnavailable)
        assert len([one for one in server.feed.past if one.data.get("name") == SENT[kind]]) == 1


@pytest.mark.parametrize("kind", REMEMBERING)
async def test_a_forgotten_conversation(server: UpstreamServer, kind: str) -> None:
    async with make(server, kind) as upstream:
        heard = await answered(upstream, prompt())
        assert server.forget(heard.opened[0])
        assert isinstance(await failure(upstream, prompt(conversation_id=heard.opened[0])), ConversationUnknown)


@pytest.mark.parametrize("kind", KINDS)
async def test_abandoning_an_answer_is_noticed_by_the_server(server: UpstreamServer, kind: str) -> None:
    server.hold_after = 3
    async with make(server, kind) as upstream:
        async with aclosing(upstream.stream(prompt("Tell me a long story"))) as events:
            async for event in events:
                if isinstance(event, Text):
                    break
        await server.feed.until(lambda: [one for one in server.feed.past if one.kind == "abandoned"])


@pytest.mark.parametrize("kind", REMEMBERING)
async def test_a_conversation_that_goes_on_writing_after_a_stop_is_waited_for(
    server: UpstreamServer, kind: str
) -> None:
    server.finishes_abandoned = True

    async def wait(_: float) -> None:
        server.hold_after = None
        await server.feed.until(lambda: not server.conversations[0].busy)

    async with make(server, kind, sleep=wait) as upstream:
        [conversation] = (await answered(upstream, prompt())).opened
        server.hold_after = 3
        async with aclosing(upstream.stream(prompt("Tell me a long story", conversation_id=conversation))) as events:
            async for event in events:
                if isinstance(event, Text):
                    break
        await server.feed.until(lambda: [one for one in server.feed.past if one.kind == "abandoned"])
        assert (await answered(upstream, prompt("And?", conversation_id=conversation))).error is None


@pytest.mark.parametrize("kind", REMEMBERING)
async def test_the_id_is_known_while_the_answer_is_still_being_written(server: UpstreamServer, kind: str) -> None:
    server.hold_after = 3
    server.mygptassistants.id_in = "first"
    async with (
        make(server, kind) as upstream,
        aclosing(upstream.stream(prompt("Tell me a long story"))) as events,
        asyncio.timeout(10),
    ):
        assert isinstance(await anext(events), Opened)


@pytest.mark.parametrize("kind", ["gptbots", "mygptassistants"])
async def test_the_record_of_a_conversation(server: UpstreamServer, kind: str) -> None:
    async with make(server, kind) as upstream:
        heard = await answered(upstream, prompt("Hello"))
        assert isinstance(upstream, HasHistory)
        assert isinstance(upstream, HasConversations)
        asked, said = await upstream.history(heard.opened[0])
        assert (asked.role, asked.text, said.role, said.text) == ("user", "Hello", "assistant", heard.text)
        page = await upstream.conversations()
        assert [one.id for one in page.conversations] == [heard.opened[0]]


@pytest.mark.parametrize(
    "more", [{"api_version": 1}, {"response_mode": "blocking"}, {"api_version": 1, "response_mode": "blocking"}]
)
async def test_the_other_ways_to_ask_gptbots(server: UpstreamServer, more: dict[str, Any]) -> None:
    async with make(server, "gptbots", **more) as upstream:
        heard = await answered(upstream, prompt("Hello"))
        assert heard.error is None
        assert heard.text == written(server, heard)
        assert [one.text for one in await upstream.history(heard.opened[0])] == ["Hello", heard.text]  # type: ignore[attr-defined]  # it has a history


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\0\x80" + b"\0" * 50


@pytest.mark.parametrize(
    ("kind", "more"), [("goapi", {}), ("gptbots", {}), ("gptbots", {"api_version": 1}), ("openai", {})]
)
async def test_files_on_their_way_in(server: UpstreamServer, kind: str, more: dict[str, Any]) -> None:
    async with make(server, kind, **more) as upstream:
        opened = (await answered(upstream, prompt("Hello"))).opened
        files = attachments(("cat.png", "image/png", PNG), ("notes.txt", "text/plain", b"notes"))
        known = opened[0] if opened else None
        heard = await answered(upstream, prompt("What is this?", conversation_id=known, **files))
        assert heard.error is None
        assert "cat.png" in heard.text or kind == "openai"
        assert "could not be passed on" not in heard.text


async def test_a_picture_on_its_way_out(server: UpstreamServer) -> None:
    async with make(server, "goapi") as upstream:
        heard = await answered(upstream, prompt("draw me a wild cat"))
        assert heard.error is None
        [file] = heard.files
        assert file.media_type.startswith("image/")
        assert isinstance(file.source, str)
        assert file.source.startswith(server.url)


async def test_a_picture_that_comes_within_the_answer(server: UpstreamServer) -> None:
    async with make(server, "openai", modalities=["text", "image"]) as upstream:
        heard = await answered(upstream, prompt("draw me a wild cat"))
    [file] = heard.files
    assert (heard.error, file.name, isinstance(file.source, bytes)) == (None, "image-1.png", True)


@pytest.mark.parametrize("errors", ["envelope", "nested", "message", "text"])
async def test_all_envelopes_of_errors(server: UpstreamServer, errors: Any) -> None:
    server.mygptassistants.errors = errors
    async with make(server, "mygptassistants") as upstream:
        assert isinstance(await failure(upstream, prompt(conversation_id="conv_none")), ConversationUnknown)
