"""The relay: what is said is answered, once, in order, whole, and what fails is said."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import (
    AnswerInterrupted,
    ConversationUnknown,
    PlatformRefused,
    PlatformUnavailable,
    SlowDown,
    UpstreamUnavailable,
)
from core.model import Attachment, Done, Exchange, File, MessageId, Opened, Replace, Status, Text, ThreadId
from core.tables import State
from core.upstream import Limits
from tests.core.conftest import Start, turns_of
from tests.fakes import LOST, FakeBridge, FakeUpstream
from tests.messages import THREAD, message

OTHER = ThreadId("fake:harbour:2")
HELLO = (Opened("c-1"), Text("Hello "), Text("Ann."), Done())


async def test_a_message_is_answered_and_the_record_says_so(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        said = await run.say("Hi")
        [turn] = await run.settled()
    [posted] = run.bridge.messages
    assert (posted.text, posted.final, posted.reply_to) == ("Hello Ann.", True, said.id)
    assert (turn.state, turn.reply, turn.upstream, turn.error) == (State.ANSWERED, "Hello Ann.", "main", None)
    assert run.upstream.prompts[0].text == "Hi"
    assert run.bridge.typing_now == 0


async def test_the_reply_grows_while_the_upstream_writes(start: Start) -> None:
    more = asyncio.Event()
    async with start(FakeUpstream((Text("First words"), more, Text(" and the rest."), Done()))) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.texts() == ["First words"])
        assert not run.bridge.messages[0].final
        more.set()
        await run.settled()
    assert run.bridge.texts() == ["First words and the rest."]


async def test_typing_is_shown_until_there_is_something_to_read(start: Start) -> None:
    begin, end = asyncio.Event(), asyncio.Event()
    async with start(FakeUpstream((begin, Text("Here."), end, Done()))) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.typing_now == 1)
        begin.set()
        await run.bridge.until(lambda: run.bridge.texts() == ["Here."])
        await run.bridge.until(lambda: not run.bridge.typing_now)
        end.set()
        await run.settled()


async def test_the_conversation_goes_on_with_the_upstreams_own_id_also_after_a_restart(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        await run.say()
        await run.settled()
    async with start(FakeUpstream(HELLO)) as run:
        await run.say()
        await run.settled()
        assert run.upstream.prompts[0].conversation_id == "c-1"


async def test_the_conversation_id_is_kept_before_any_text_comes(start: Start) -> None:
    never = asyncio.Event()
    async with start(FakeUpstream((Opened("c-early"), Status("thinking"), never)), drain_within=0) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.messages)
    async with start(FakeUpstream(HELLO)) as run:
        await run.settled()
        assert run.upstream.prompts[0].conversation_id == "c-early"


async def test_two_threads_never_share_a_conversation(start: Start) -> None:
    async with start(FakeUpstream((Opened("c-1"), Text("x"), Done()), (Opened("c-2"), Text("y"), Done()))) as run:
        await run.say()
        await run.settled()
        await run.say(thread=OTHER)
        await run.settled()
        assert [prompt.conversation_id for prompt in run.upstream.prompts] == [None, None]
        assert [prompt.history for prompt in run.upstream.prompts] == [(), ()]


async def test_turns_of_a_thread_are_answered_one_after_the_other_and_others_do_not_wait(start: Start) -> None:
    first = asyncio.Event()
    upstream = FakeUpstream((first, Text("slow"), Done()), (Text("quick"), Done()))
    async with start(upstream) as run:
        await run.say("one")
        await run.say("two")
        await upstream.asked.wait()
        await run.say("elsewhere", thread=OTHER)
        await run.bridge.until(lambda: run.bridge.texts(OTHER) == ["quick"])
        assert [prompt.text for prompt in upstream.prompts] == ["one", "elsewhere"]
        first.set()
        await run.settled()
    assert [prompt.text for prompt in upstream.prompts] == ["one", "elsewhere", "two"]
    assert run.bridge.texts(THREAD) == ["slow", "quick"]


async def test_a_message_delivered_again_is_answered_by_silence(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        one = await run.say()
        await run.settled()
        await run.relay.accept(one)
        await asyncio.gather(*(run.relay.accept(one) for _ in range(5)))
        assert len(await run.settled()) == 1
    assert len(run.bridge.messages) == 1


async def test_a_follow_up_counts_only_where_the_bot_takes_part(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        await run.say("not for the bot", addressed=False)
        assert await run.settled() == []
        await run.say("for the bot")
        await run.settled()
        await run.say("a follow-up", addressed=False)
        await run.say("elsewhere", addressed=False, thread=OTHER)
        assert [turn.prompt for turn in await run.settled()] == ["for the bot", "a follow-up"]


async def test_a_long_reply_takes_as_many_messages_as_it_needs_and_settled_ones_never_move(start: Start) -> None:
    text = "\n\n".join(f"Paragraph {n} " + "word " * 20 for n in range(20))
    steps = [Text(text[i : i + 37]) for i in range(0, len(text), 37)]
    async with start(FakeUpstream([*steps, Done()]), FakeBridge(limit=300)) as run:
        await run.say()
        [turn] = await run.settled()
    assert turn.reply == text
    assert len(run.bridge.messages) > 5
    assert "".join("".join(run.bridge.texts()).split()) == "".join(text.split())
    assert all(posted.final for posted in run.bridge.messages)
    for posted in run.bridge.messages:
        lengths = [len(shown) for shown in posted.history]
        assert lengths == sorted(lengths) or posted.text.startswith(posted.history[0][:20])


async def test_a_replaced_text_takes_the_place_of_what_was_shown(start: Start) -> None:
    go = asyncio.Event()
    long = "word " * 100
    async with start(FakeUpstream((Text(long), go, Replace("Short."), Done()))) as run:
        await run.say()
        await run.bridge.until(lambda: len(run.bridge.messages) > 1)
        go.set()
        await run.settled()
    assert run.bridge.texts() == ["Short."]


async def test_a_status_shows_and_vanishes(start: Start) -> None:
    go = asyncio.Event()
    async with start(FakeUpstream((Status("Searching"), go, Text("Found."), Done()))) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.texts() == ["*Searching …*"])
        go.set()
        await run.settled()
    assert run.bridge.texts() == ["Found."]


async def test_an_upstream_that_cannot_be_reached_is_said(start: Start) -> None:
    async with start(FakeUpstream((UpstreamUnavailable(detail="secret host"),), HELLO)) as run:
        await run.say()
        [turn] = await run.settled()
        assert turn.state == State.FAILED
        assert run.bridge.texts() == [f"⚠️ {UpstreamUnavailable().sentence}"]
        await run.say()
        await run.settled()
    assert run.bridge.texts()[1] == "Hello Ann."


async def test_an_answer_that_breaks_off_keeps_what_came_and_says_so(start: Start) -> None:
    script = (Text("Half an\n```py\nprint("), AnswerInterrupted())
    async with start(FakeUpstream(script)) as run:
        await run.say()
        [turn] = await run.settled()
    [shown] = run.bridge.texts()
    assert shown.startswith("Half an\n```py\nprint(\n```\n\n⚠️ ")
    assert shown.endswith(AnswerInterrupted().sentence)
    assert turn.reply == "Half an\n```py\nprint("
    assert turn.state == State.FAILED


async def test_an_empty_answer_is_an_error(start: Start) -> None:
    async with start(FakeUpstream((Opened("c-1"), Text("  \n"), Done()))) as run:
        await run.say()
        [turn] = await run.settled()
    assert turn.state == State.FAILED
    assert run.bridge.texts() == ["⚠️ The assistant's answer was empty. Please ask again."]


async def test_a_fault_in_an_adapter_ends_one_turn_and_shows_no_traceback(start: Start) -> None:
    async with start(FakeUpstream((Text("so far"), KeyError("inside")), HELLO)) as run:
        await run.say()
        await run.say()
        first, second = await run.settled()
    assert (first.state, second.state) == (State.FAILED, State.ANSWERED)
    assert "KeyError" not in run.bridge.texts()[0]
    assert run.bridge.texts()[0].startswith("so far\n\n⚠️ ")


async def test_a_forgotten_conversation_is_begun_anew_once_with_its_history(start: Start) -> None:
    gone = (ConversationUnknown(),)
    again = (Opened("c-2"), Text("Anew."), Done())
    async with start(FakeUpstream(HELLO, gone, again, gone)) as run:
        await run.say("Hi")
        await run.settled()
        await run.say("And now?")
        await run.settled()
        assert run.bridge.texts() == ["Hello Ann.", "Anew."]
        anew = run.upstream.prompts[2]
        assert (anew.conversation_id, anew.history) == (None, (Exchange("Hi", "Hello Ann."),))
        await run.say("Again")
        turn = (await run.settled())[-1]
    assert turn.state == State.FAILED
    assert len(run.upstream.prompts) == 5


async def test_an_upstream_that_remembers_nothing_is_given_the_history(start: Start) -> None:
    async with start(FakeUpstream((Text("A"), Done()), (Text("B"), Done()), remembers=False)) as run:
        for text in ("one", "two", "three"):
            await run.say(text)
            await run.settled()
        assert run.upstream.prompts[2].history == (Exchange("one", "A"), Exchange("two", "B"))


async def test_new_begins_another_conversation(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        await run.say("Hi")
        await run.say("", command="new")
        await run.say("Hi again")
        await run.settled()
        assert [(p.conversation_id, p.history) for p in run.upstream.prompts] == [(None, ()), (None, ())]
    assert "new conversation" in run.bridge.texts()[1]


@pytest.mark.parametrize(
    ("command", "said"), [("help", "Just write"), ("status", "main"), ("retry", "nothing here yet")]
)
async def test_commands_are_answered_by_the_program(start: Start, command: str, said: str) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        await run.say("", command=command)
        await run.settled()
    assert said in "".join(run.bridge.texts())
    assert run.upstream.prompts == []


async def test_stop_ends_the_answer_keeps_what_came_and_lets_the_upstream_go(start: Start) -> None:
    never = asyncio.Event()
    async with start(FakeUpstream((Opened("c-1"), Text("So far"), never), HELLO)) as run:
        await run.say("Hi")
        await run.bridge.until(lambda: run.bridge.texts() == ["So far"])
        await run.say("", command="stop")
        await run.say("Next")
        first, _, third = await run.settled()
    assert (first.state, first.reply, third.state) == (State.STOPPED, "So far", State.ANSWERED)
    assert run.bridge.texts()[0] == "So far\n\n⏹ *Stopped.*"
    assert run.upstream.abandoned == 1
    assert run.upstream.prompts[1].conversation_id == "c-1"


async def test_stop_in_one_thread_leaves_the_others_alone(start: Start) -> None:
    go = asyncio.Event()
    async with start(FakeUpstream((Text("So"), go, Text(" on."), Done()))) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.texts() == ["So"])
        await run.say("", command="stop", thread=OTHER)
        go.set()
        await run.settled()
    assert run.bridge.texts(THREAD) == ["So on."]


async def test_retry_asks_the_last_question_again(start: Start) -> None:
    async with start(FakeUpstream((UpstreamUnavailable(),), HELLO)) as run:
        await run.say("What is the tide?")
        await run.say("", command="retry")
        _, again = await run.settled()
        assert [prompt.text for prompt in run.upstream.prompts] == ["What is the tide?"] * 2
    assert (again.state, again.prompt) == (State.ANSWERED, "What is the tide?")


async def test_a_message_without_words_is_answered_kindly(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        await run.say(" \n ")
        await run.settled()
    assert "no text" in run.bridge.texts()[0]
    assert run.upstream.prompts == []


async def test_a_message_of_only_an_attachment_goes_to_the_upstream_with_a_way_to_read_it(start: Start) -> None:
    file = Attachment("a.txt", "text/plain", 3, "ref")
    async with start(FakeUpstream(HELLO)) as run:
        await run.say("", attachments=(file,))
        await run.settled()
        [prompt] = run.upstream.prompts
        assert prompt.attachments == (file,)
        assert prompt.fetch is not None
        assert [chunk async for chunk in prompt.fetch(file)] == [b"content of ref"]


async def test_a_message_longer_than_the_upstream_takes_is_said(start: Start) -> None:
    async with start(FakeUpstream(HELLO, limits=Limits(text=1000))) as run:
        await run.say("x" * 200_000)
        [turn] = await run.settled()
    assert "1,000 characters at most" in run.bridge.texts()[0]
    assert turn.state == State.FAILED


@pytest.mark.parametrize(
    "text",
    ["\ud83d alone", "nul \0 here", "\u202eright to left\u202c", "zero\u200bwidth", "😀" * 10_000, "x" * 200_000],
)
async def test_text_of_every_kind_goes_through_unharmed(start: Start, text: str) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        await run.say(text)
        [turn] = await run.settled()
        asked = run.upstream.prompts[0].text
    assert turn.state == State.ANSWERED
    assert asked == text.replace("\ud83d", "\ufffd").replace("\0", "")


async def test_files_of_the_answer_are_linked(start: Start) -> None:
    script = (Text("Here:"), File("cat.png", "image/png", "https://files.example/cat.png"), Done())
    async with start(FakeUpstream(script)) as run:
        await run.say()
        await run.settled()
    assert run.bridge.texts() == ["Here:\n\n![cat.png](<https://files.example/cat.png>)"]


# --- a platform in trouble ------------------------------------------------------------------------------------------


async def test_refused_edits_are_tried_again_and_nothing_is_lost(start: Start) -> None:
    bridge = FakeBridge()
    bridge.trouble = lambda call, count: SlowDown(0.01) if call == "edit" and count < 3 else None
    async with start(FakeUpstream((Text("a"), Text("b"), Text("c"), Done())), bridge) as run:
        await run.say()
        [turn] = await run.settled()
    assert (turn.state, bridge.texts()) == (State.ANSWERED, ["abc"])


async def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(start: Start) -> None:
    bridge = FakeBridge()
    bridge.trouble = lambda call, count: ("after", LOST) if call == "create" and count == 0 else None
    async with start(FakeUpstream(HELLO), bridge) as run:
        await run.say()
        [turn] = await run.settled()
    assert (turn.state, bridge.texts()) == (State.ANSWERED, ["Hello Ann."])


async def test_where_posts_cannot_be_found_only_a_placeholder_may_be_left_over(start: Start) -> None:
    bridge = FakeBridge(findable=False, placeholder=True)
    bridge.trouble = lambda call, count: ("after", LOST) if call == "create" and count == 0 else None
    async with start(FakeUpstream(HELLO), bridge) as run:
        await run.say()
        await run.settled()
    assert bridge.texts() == ["", "Hello Ann."]


async def test_an_edit_whose_answer_was_lost_is_repeated_in_place(start: Start) -> None:
    bridge = FakeBridge()
    bridge.trouble = lambda call, count: ("after", LOST) if call == "edit" and count == 0 else None
    async with start(FakeUpstream((Text("a"), Text("b"), Done())), bridge) as run:
        await run.say()
        await run.settled()
    assert bridge.texts() == ["ab"]


async def test_a_reply_that_was_taken_away_is_written_once_more(start: Start) -> None:
    go = asyncio.Event()
    async with start(FakeUpstream((Text("Here"), go, Text(" it is."), Done()))) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.messages)
        run.bridge.messages.clear()
        go.set()
        await run.settled()
    assert run.bridge.texts() == ["Here it is."]


async def test_a_platform_that_refuses_ends_the_turn_and_the_next_one_goes_on(start: Start) -> None:
    bridge = FakeBridge()
    bridge.trouble = lambda call, count: PlatformRefused(detail="kicked") if (call, count) == ("create", 0) else None
    async with start(FakeUpstream(HELLO), bridge) as run:
        await run.say()
        await run.say()
        first, second = await run.settled()
    assert (first.state, second.state) == (State.FAILED, State.ANSWERED)


# --- stopping and starting ------------------------------------------------------------------------------------------


async def test_a_stop_lets_a_running_turn_finish_and_begins_no_other(start: Start) -> None:
    go = asyncio.Event()
    async with start(FakeUpstream((Text("a"), go, Text("b"), Done()))) as run:
        await run.say("one")
        await run.say("two")
        await run.bridge.until(lambda: run.bridge.texts() == ["a"])
        asyncio.get_running_loop().call_soon(go.set)
        await run.relay.stop()
        first, second = await turns_of(run.store)
    assert (first.state, second.state) == (State.ANSWERED, State.WAITING)


async def test_a_turn_that_was_cut_off_is_finished_in_the_same_messages_after_the_start(start: Start) -> None:
    bridge, never = FakeBridge(), asyncio.Event()
    async with start(FakeUpstream((Opened("c-1"), Text("Half an ans"), never)), bridge, drain_within=0) as run:
        await run.say()
        await bridge.until(lambda: bridge.texts() == ["Half an ans"])
    async with start(FakeUpstream((Text("The whole answer."), Done())), bridge) as run:
        [turn] = await run.settled()
    assert bridge.texts() == ["The whole answer."]
    assert (turn.state, turn.attempt) == (State.ANSWERED, 2)
    assert len(bridge.messages[0].history) > 1


async def test_a_part_intended_but_not_confirmed_is_found_again(start: Start) -> None:
    bridge = FakeBridge()
    async with start(FakeUpstream(HELLO), bridge, drain_within=0) as run:
        one = message()
        await run.store.record("fake", one)
        turn = await run.store.claim(THREAD)
        part = await run.store.parts.intend(turn, 0)
        bridge.new(THREAD, part.key, MessageId(one.id), "Hel", False)
    async with start(FakeUpstream(HELLO), bridge) as run:
        await run.settled()
    assert bridge.texts() == ["Hello Ann."]


async def test_what_belongs_to_a_bridge_that_is_no_longer_configured_waits(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        await run.store.record("gone", message(thread=OTHER))
        await run.store.record("fake", message())
    async with start(FakeUpstream(HELLO)) as run:
        await run.relay.idle()
        assert [turn.state for turn in await turns_of(run.store)] == [State.WAITING, State.ANSWERED]


async def test_turns_too_old_to_matter_are_marked_once(start: Start) -> None:
    async with start(FakeUpstream(HELLO), drain_within=0) as run:
        for text in ("one", "two", "three"):
            one = message(text, sent_at=datetime.now(UTC) - timedelta(days=1))
            await run.store.record("fake", one)
    async with start(FakeUpstream(HELLO), recover_within=0) as run:
        turns = await run.settled()
    assert {turn.state for turn in turns} == {State.EXPIRED}
    [note] = run.bridge.texts()
    assert "not answered in time" in note
    assert run.upstream.prompts == []


async def test_a_turn_that_takes_down_every_runner_is_given_up_with_a_visible_error(start: Start) -> None:
    async with start(FakeUpstream(HELLO)) as run:
        one = message()
        await run.store.record("fake", one)
        for _ in range(5):
            await run.store.claim(THREAD)
    async with start(FakeUpstream(HELLO)) as run:
        [turn] = await run.settled()
    assert turn.state == State.FAILED
    assert "again and again" in run.bridge.texts()[0]
    assert run.upstream.prompts == []


async def test_a_runner_that_lost_its_turn_stops_showing(start: Start) -> None:
    go = asyncio.Event()
    async with start(FakeUpstream((Text("mine"), go, Text(" more"), Done()))) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.texts() == ["mine"])
        stolen = await run.store.claim(THREAD)
        go.set()
        await run.relay.idle()
        [turn] = await turns_of(run.store)
    assert (turn.state, turn.attempt) == (State.RUNNING, stolen.attempt)


async def test_abandoning_a_turn_closes_the_upstreams_stream(start: Start) -> None:
    never = asyncio.Event()
    async with start(FakeUpstream((Text("a"), never)), drain_within=0) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.texts() == ["a"])
    assert run.upstream.abandoned == 1


async def test_a_platform_that_stays_silent_does_not_stop_another_thread(start: Start) -> None:
    bridge = FakeBridge()
    bridge.trouble = lambda call, count: PlatformUnavailable(detail="down") if (call, count) == ("create", 0) else None
    async with start(FakeUpstream(HELLO), bridge) as run:
        await run.say()
        await run.say(thread=OTHER)
        await run.settled()
    assert sorted(bridge.texts()) == ["Hello Ann.", "Hello Ann."]


async def test_a_text_that_stands_there_already_waits_for_nobody_to_become_final(start: Start) -> None:
    """The last edit of the growing text is often all of it; the next turn need not wait for leave to repeat it."""
    go = asyncio.Event()
    bridge = FakeBridge()
    async with start(FakeUpstream((Text("All of it."), go, Done())), bridge) as run:
        await run.say()
        await bridge.until(lambda: bridge.texts() == ["All of it."])
        before = bridge.leaves
        go.set()
        await run.settled()
    assert bridge.messages[0].final
    assert bridge.leaves == before
