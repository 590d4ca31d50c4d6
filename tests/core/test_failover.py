"""An upstream that is unavailable: its backup answers with the history it needs, and the thread finds its way back."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from core import answering
from core.breaker import Breaker
from core.errors import (
    AnswerInterrupted,
    PromptRejected,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import Done, Exchange, Opened, Text, ThreadId
from core.settings import OpenAi
from core.tables import State
from core.upstream.openai import OpenAiUpstream
from sandbox.upstream import OTHER_KEY, UpstreamServer
from tests.core.conftest import Start
from tests.core.upstream.scripted import Reply, Scripted, hung_up, status, streamed
from tests.core.upstream.standing import SENT, make
from tests.fakes import FakeBridge, FakeUpstream
from tests.messages import THREAD

MAIN = (Opened("m-1"), Text("from main"), Done())
SECOND = (Opened("s-1"), Text("from second"), Done())


def second(*scripts: tuple[object, ...]) -> FakeUpstream:
    return FakeUpstream(*(scripts or (SECOND,)), name="second")  # type: ignore[arg-type]  # scripts of a test


@pytest.mark.parametrize("kind", [UpstreamUnavailable, UpstreamBusy, UpstreamRefused])
async def test_the_backup_answers_with_what_was_said_before(start: Start, kind: type[UpstreamError]) -> None:
    backup = second()
    async with start(FakeUpstream(MAIN, (kind(),)), backups=(backup,)) as run:
        await run.say("one")
        await run.settled()
        await run.say("two")
        turns = await run.settled()
    assert run.bridge.texts() == ["from main", "from second"]
    assert [turn.upstream for turn in turns] == ["main", "second"]
    assert backup.prompts[0].conversation_id is None
    assert backup.prompts[0].history == (Exchange("one", "from main"),)


async def test_the_thread_finds_its_way_back_and_carries_over_what_was_said_meanwhile(start: Start) -> None:
    backup = second()
    main = FakeUpstream(MAIN, (UpstreamUnavailable(),), (UpstreamUnavailable(),), MAIN, MAIN)
    async with start(main, backups=(backup,)) as run:
        for text in ("one", "two", "three", "four", "five"):
            await run.say(text)
            await run.settled()
    assert run.bridge.texts() == ["from main", "from second", "from second", "from main", "from main"]
    assert backup.prompts[1].conversation_id == "s-1"
    assert backup.prompts[1].history == ()
    assert main.prompts[3].conversation_id == "m-1"
    assert main.prompts[3].history == (Exchange("two", "from second"), Exchange("three", "from second"))
    assert main.prompts[4].history == ()


async def test_an_upstream_that_failed_often_is_not_asked_for_a_while(start: Start) -> None:
    main = FakeUpstream((UpstreamUnavailable(),))
    async with start(main, backups=(second(),)) as run:
        for number in range(6):
            await run.say(str(number))
            await run.settled()
    assert len(main.prompts) == 3
    assert set(run.bridge.texts()) == {"from second"}


async def test_one_turn_probes_and_the_others_go_to_the_backup_until_it_has_succeeded(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "Breaker", lambda: Breaker(threshold=1, rest=0))
    go, other = asyncio.Event(), ThreadId("fake:harbour:2")
    main = FakeUpstream(MAIN, (UpstreamUnavailable(),), (UpstreamUnavailable(),), (go, *MAIN))
    async with start(main, backups=(second(),)) as run:
        for text in ("one", "two", "three"):  # the second opens the circuit, the third is a probe that fails
            await run.say(text)
            await run.settled()
        await run.say("four")
        await run.bridge.until(lambda: run.bridge.typing_now)
        await run.say("elsewhere", thread=other)
        await run.bridge.until(lambda: run.bridge.texts(other) == ["from second"])
        go.set()
        await run.settled()
        await run.say("elsewhere again", thread=other)
        await run.settled()
    assert run.bridge.texts(THREAD) == ["from main", "from second", "from second", "from main"]
    assert run.bridge.texts(other) == ["from second", "from main"]
    assert main.prompts[3].conversation_id == "m-1"
    assert main.prompts[3].history == (Exchange("two", "from second"), Exchange("three", "from second"))
    assert main.prompts[4].history == (Exchange("elsewhere", "from second"),)


async def test_where_all_are_unavailable_the_person_reads_it_and_the_first_is_still_asked(start: Start) -> None:
    main, backup = FakeUpstream((UpstreamUnavailable(),)), second((UpstreamBusy(),))
    async with start(main, backups=(backup,)) as run:
        for number in range(5):
            await run.say(str(number))
            await run.settled()
    assert run.bridge.texts()[0] == f"⚠️ {UpstreamBusy().sentence}"
    assert run.bridge.texts()[4] == f"⚠️ {UpstreamUnavailable().sentence}"
    assert (len(main.prompts), len(backup.prompts)) == (5, 3)


async def test_an_answer_that_breaks_off_is_not_replaced_by_anothers(start: Start) -> None:
    backup = second()
    async with start(FakeUpstream((Text("half"), AnswerInterrupted())), backups=(backup,)) as run:
        await run.say()
        [turn] = await run.settled()
    assert turn.state == State.FAILED
    assert run.bridge.texts()[0].startswith("half\n\n⚠️")
    assert backup.prompts == []


async def test_a_message_that_is_refused_is_not_offered_to_the_backup(start: Start) -> None:
    backup = second()
    async with start(FakeUpstream((PromptRejected(),)), backups=(backup,)) as run:
        await run.say()
        await run.settled()
    assert backup.prompts == []


async def test_new_begins_anew_for_the_backup_too(start: Start) -> None:
    backup = second()
    main = FakeUpstream((UpstreamUnavailable(),), (UpstreamUnavailable(),))
    async with start(main, backups=(backup,)) as run:
        await run.say("one")
        await run.say("", command="new")
        await run.say("two")
        await run.settled()
    assert [(prompt.conversation_id, prompt.history) for prompt in backup.prompts] == [(None, ()), (None, ())]


# --- what unavailable means, with a real adapter --------------------------------------------------------------------


def out_of_credit() -> Reply:
    return status(429, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}})


WAYS: dict[str, tuple[Reply, ...]] = {
    "500": (status(500),) * 2,
    "503": (status(503),) * 2,
    "429 that does not pass": (status(429),) * 2,
    "429 for longer than anybody waits": (status(429, headers={"Retry-After": "3600"}),),
    "no credit": (out_of_credit(),),
    "402": (status(402),),
    "a refused key": (status(401),),
    "a broken connection": (hung_up(),),
    "a connection that breaks before the first text": (streamed(b": ping\n\n", then="break"),),
    "no text in time": (streamed(b": ping\n\n", then="hang"),),
    "a failure in the stream before the first text": (streamed(b'data: {"error": {"code": 503}}\n\n'),),
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_of_being_unavailable_leads_to_the_backup(start: Start, way: str) -> None:
    backup = second()
    async with Scripted(whole("from main"), *WAYS[way], whole("from main")) as server:
        settings = OpenAi(kind="openai", base_url=server.url, model="m", retries=1, first_text_timeout=0.2)
        async with (
            OpenAiUpstream("main", settings, sleep=server.sleep) as main,
            start(main, backups=(backup,)) as run,
        ):
            for text in ("one", "two", "three"):
                await run.say(text)
                turns = await run.settled()
        assert run.bridge.texts() == ["from main", "from second", "from main"]
        assert backup.prompts[0].history == (Exchange("one", "from main"),)
        assert [turn.state for turn in turns] == [State.ANSWERED] * 3
        said = [one["content"] for one in server.asked[-1].json["messages"]]
        assert said == ["one", "from main", "two", "from second", "three"]


async def test_no_connection_leads_to_the_backup(start: Start) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        settings = OpenAi(kind="openai", base_url=f"http://127.0.0.1:{held.getsockname()[1]}", model="m", retries=0)
        async with OpenAiUpstream("main", settings) as main, start(main, backups=(second(),)) as run:
            await run.say()
            await run.settled()
    assert run.bridge.texts() == ["from second"]


async def test_while_a_status_stands_the_upstream_works_and_is_not_given_up(start: Start) -> None:
    go = asyncio.Event()
    thought = b'data: {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}\n\n'
    async with Scripted(streamed(thought, go.wait, *content("from main"))) as server:
        settings = OpenAi(kind="openai", base_url=server.url, model="m", first_text_timeout=0.2)
        async with OpenAiUpstream("main", settings) as main, start(main, backups=(second(),)) as run:
            await run.say()
            await run.bridge.until(lambda: run.bridge.texts() == ["*Thinking …*"])
            asyncio.get_running_loop().call_later(0.3, go.set)
            await run.settled()
    assert run.bridge.texts() == ["from main"]


def content(text: str) -> tuple[bytes, bytes]:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n", b"data: [DONE]\n\n"


def whole(text: str) -> Reply:
    return streamed(*content(text))


# --- saying so ------------------------------------------------------------------------------------------------------

NOTE = "*Answered by second, because main is unavailable.*"


async def test_the_person_is_told_where_that_is_wanted_and_the_record_is_not(start: Start) -> None:
    main = FakeUpstream((UpstreamUnavailable(),), MAIN)
    backup = second((Text("from second, and ```unfinished"), Done()))
    async with start(main, backups=(backup,), announce_backup=True) as run:
        await run.say("one")
        [turn] = await run.settled()
        assert turn.reply == "from second, and ```unfinished"
        assert run.bridge.texts()[0].endswith(f"\n\n{NOTE}")
        await run.say("two")
        await run.settled()
    assert main.prompts[1].history == (Exchange("one", "from second, and ```unfinished"),)
    assert run.bridge.texts()[1] == "from main"


async def test_by_default_nothing_is_said_of_it(start: Start) -> None:
    async with start(FakeUpstream((UpstreamUnavailable(),)), backups=(second(),)) as run:
        await run.say()
        await run.settled()
    assert run.bridge.texts() == ["from second"]


async def test_where_the_backup_fails_too_its_error_is_the_end(start: Start) -> None:
    backup = second((Text("half"), AnswerInterrupted()))
    async with start(FakeUpstream((UpstreamUnavailable(),)), backups=(backup,), announce_backup=True) as run:
        await run.say()
        await run.settled()
    assert run.bridge.texts() == [f"half\n\n⚠️ {AnswerInterrupted().sentence}"]


# --- a conversation that is gone ------------------------------------------------------------------------------------

GONE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "goapi": ("goapi", {}, {}),
    "gptbots, 40356": ("gptbots", {}, {}),
    "gptbots, 40356 in an answer of status 200": ("gptbots", {}, {"error_status": 200}),
    "gptbots, version 1": ("gptbots", {"api_version": 1}, {}),
    "gptbots, in one piece": ("gptbots", {"response_mode": "blocking"}, {}),
    "gptbots, 40358": ("gptbots", {"api_key": OTHER_KEY}, {}),
    "mygptassistants": ("mygptassistants", {}, {}),
    "mygptassistants in an answer of status 200": ("mygptassistants", {}, {"errors_as_200": True}),
}
"""A kind, the settings under which its conversation is gone, and the switches of the stand-in."""


@pytest.mark.parametrize("way", GONE)
async def test_a_conversation_that_is_gone_is_begun_anew_once_with_its_history(start: Start, way: str) -> None:
    kind, more, switches = GONE[way]
    async with UpstreamServer() as server:
        bridge = FakeBridge(limit=100_000)
        async with make(server, kind) as upstream, start(upstream, bridge) as run:
            await run.say("My name is Ann.")
            await run.settled()
        [first] = server.conversations
        if "api_key" not in more:
            server.forget(first.id)
        for switch, value in switches.items():
            setattr(getattr(server, kind), switch, value)
        async with make(server, kind, **more) as upstream, start(upstream, bridge) as run:
            await run.say("What is my name?")
            await run.say("And now?")
            *_, last = await run.settled()
        assert last.state == State.ANSWERED
        fresh = [one for one in server.conversations if one is not first]
        assert [one.turns for one in fresh] == [2]
        assert "Ann" in bridge.texts()[1] + fresh[0].messages[0].text, "as messages, or in the text"
        asked = [one for one in server.feed.past if one.data.get("name") in (SENT[kind], "goapi.message")]
        assert len(asked) == 4, "asked, refused, asked anew, asked on"
