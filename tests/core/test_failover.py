"""An upstream that is unavailable: its backup answers with the history it needs, and the thread finds its way back."""

from __future__ import annotations

import pytest

from core.errors import (
    AnswerInterrupted,
    PromptRejected,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import Done, Exchange, Opened, Text
from core.tables import State
from tests.core.conftest import Start
from tests.fakes import FakeUpstream

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
