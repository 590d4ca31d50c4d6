"""What the record says about a question that an upstream may have been asked already, on both databases."""

from __future__ import annotations

from datetime import timedelta

from core.model import Prompt, ThreadId
from core.recollection import CLOCKS, recollected
from core.statements import now
from core.store import Store
from core.tables import State, Turn
from core.upstream import Asked
from tests.messages import THREAD, message

OTHER = ThreadId("fake:harbour:2")


class Recalling:
    """Keeps what it is asked to recall."""

    name = "main"

    def __init__(self, answer: str | Exception | None = None) -> None:
        self.asked: list[Asked] = []
        self._answer = answer

    async def recall(self, asked: Asked) -> str | None:
        self.asked.append(asked)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def begun(store: Store, text: str, *, thread: ThreadId = THREAD, attempts: int = 1) -> Turn:
    """A turn that so many runners took up and began to ask."""
    assert await store.record("fake", message(text, thread=thread))
    for _ in range(attempts - 1):
        await store.claim(thread)
    turn = await store.claim(thread)
    assert turn is not None
    await store.conversations.of(turn, "main")
    return turn


async def asked(store: Store, turn: Turn, conversation_id: str | None = "c-1") -> Asked:
    upstream = Recalling()
    await recollected(
        store.conversations, upstream, turn, Prompt(turn.prompt, "user1", conversation_id=conversation_id)
    )
    [one] = upstream.asked
    return one


async def test_each_time_that_the_same_text_may_have_been_sent_before_counts(store: Store) -> None:
    for text, attempts in (("yes", 1), (" yes\n", 2), ("no", 1), ("yes, but", 1)):
        await store.close(await begun(store, text, attempts=attempts), State.FAILED)
    await store.close(await begun(store, "yes", thread=OTHER), State.ANSWERED)
    assert (await asked(store, await begun(store, "yes", attempts=3))).before == 3


async def test_what_was_said_before_a_new_conversation_is_not_remembered(store: Store) -> None:
    await store.close(await begun(store, "yes"), State.ANSWERED)
    turn = await begun(store, "yes")
    await store.conversations.begin(turn, "main")
    assert (await asked(store, turn)).before == 0


async def test_a_question_that_is_asked_again_by_a_command_is_the_same_text(store: Store) -> None:
    await store.close(await begun(store, "yes"), State.FAILED)
    turn = await begun(store, "")
    await store.repeat(turn)
    assert (await asked(store, turn)).before == 1


async def test_nothing_was_asked_before_the_turn_began_by_a_clock_that_may_be_wrong(store: Store) -> None:
    turn = await begun(store, "yes", attempts=2)
    assert turn.started_at is not None
    assert (await asked(store, turn)).since == turn.started_at - CLOCKS


async def test_where_no_conversation_is_known_those_of_others_are_told(store: Store) -> None:
    other = await begun(store, "hello", thread=OTHER)
    await store.conversations.opened(other, await store.conversations.of(other, "main"), "c-other")
    turn = await begun(store, "hello")
    assert (await asked(store, turn, None)).taken == {"c-other"}
    assert (await asked(store, turn, "c-1")).taken == frozenset()
    assert await store.conversations.known_since(now() - timedelta(hours=1), "second") == frozenset()
    assert await store.conversations.known_since(now() + timedelta(hours=1), "main") == frozenset()


async def test_whatever_goes_wrong_with_the_record_there_is_still_another_way(store: Store) -> None:
    turn = await begun(store, "hello")
    prompt = Prompt("hello", "user1", conversation_id="c-1")
    assert await recollected(store.conversations, Recalling("Hi."), turn, prompt) == "Hi."
    assert await recollected(store.conversations, Recalling(KeyError("fields")), turn, prompt) is None
