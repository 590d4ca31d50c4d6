"""What is said and answered in the lives of `test_every_await`: each way in which a turn can go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from core import commands
from core.errors import AnswerInterrupted, ConversationUnknown
from core.markdown import split
from core.model import Done, Event, Message, MessageId, Opened, Prompt, Replace, Status, Text
from core.tables import State
from tests.fakes import FakeUpstream
from tests.messages import message
from tests.recovery.photographs import Platform

PIECES = ("The tide ", "comes in twice a day. It goes out as ", "often, and nobody has asked it why it ", "does that.")
"""They make three messages of the fake platform."""


class Author(FakeUpstream):
    """Says the same to the same prompt each time, and waits after a piece until something has been shown, so that
    there is much to see. Conversations are named for what opened them."""

    def __init__(self, platform: Platform, asked: int) -> None:
        super().__init__(())
        self._platform = platform
        self.count = asked

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        self.count += 1
        self.prompts.append(prompt)
        known = prompt.conversation_id
        if prompt.text == "forgotten" and known is not None and known.endswith("one"):
            raise ConversationUnknown
        yield Opened(known or f"c-{self.count}-{prompt.text}")
        match prompt.text:
            case "long":
                yield Status("Searching")
                await self._shown()
                for piece in PIECES:
                    yield Text(piece)
                    await self._shown()
            case "shorter":
                yield Text("".join(PIECES))
                await self._shown()
                yield Replace("On second thoughts: no.")
                await self._shown()
            case "moody" if self.count == 1:
                yield Text("".join(PIECES))
                await self._shown()
                await self._shown()
            case "interrupted":
                yield Text("So far")
                await self._shown()
                raise AnswerInterrupted
            case "removed":
                yield Text("Before. ")
                await self._shown()
                if self._platform.created == len(self._platform.messages):  # nothing was ever taken away
                    self._platform.messages.clear()
                yield Text("After.")
            case _:
                yield Text("Short.")
        await asyncio.sleep(0)
        yield Done()

    async def _shown(self) -> None:
        before = dict(self._platform.calls)
        await self._platform.until(lambda: self._platform.calls != before)


@dataclass(frozen=True)
class Story:
    """What is said in a thread, what has to stand there at the end, and in the record."""

    said: tuple[Message, ...]
    replies: tuple[str, ...]
    state: State = State.ANSWERED
    asked_again: tuple[str, ...] = ()
    """The replies, if the upstream had to be asked more than once and says something else then."""

    def texts(self, answered: int, asked: int) -> list[str]:
        """The platform's messages when so many have been answered, and the upstream was asked so often."""
        replies = self.asked_again if self.asked_again and asked > 1 else self.replies
        return [text for reply in replies[:answered] for text in split(reply, Platform().fits)]


def _said(text: str, **changed: str) -> Message:
    return message(text, id=MessageId(f"m-{text}"), **changed)


STORIES = {
    "a long reply": Story((_said("long"),), ("".join(PIECES),)),
    "an answer that is shorter when asked again": Story((_said("moody"),), ("".join(PIECES),), asked_again=("Short.",)),
    "a reply that becomes shorter": Story((_said("shorter"),), ("On second thoughts: no.",)),
    "an answer that breaks off": Story(
        (_said("interrupted"),), (f"So far\n\n⚠️ {AnswerInterrupted().sentence}",), State.FAILED
    ),
    "a reply that somebody takes away": Story((_said("removed"),), ("Before. After.",)),
    "a conversation that is forgotten": Story((_said("one"), _said("forgotten")), ("Short.", "Short.")),
    "a new conversation in between": Story(
        (_said("one"), _said("two", command="new"), _said("three")), ("Short.", commands.NEW, "Short.")
    ),
}
PLATFORMS: dict[str, Callable[[], Platform]] = {
    "that finds its posts": lambda: Platform(findable=True),
    "that knows its keys": lambda: Platform(findable=False, idempotent=True),
    "that has neither": lambda: Platform(findable=False, placeholder=True),
}
