"""Finds the answer to a question of ours in an upstream's own record: after a crash, or when the connection broke.

It is ours beyond doubt if it is the last question in the record, was asked no earlier than the turn began, and its text
stands there more often than earlier turns can have sent it. In doubt nothing is found, and the question is asked again:
that costs an answer, while another question's answer would be a lie.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from core.upstream import Asked, Remembered
from core.upstream.http import Sleep
from core.upstream.outgoing import mended

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds between two looks at the record. Longer nobody waits for an answer that may not be being written at all."""
LONGEST = 60.0
"""Seconds that it all may take, with a record that is slow to read."""

_BEFORE = ("[What we said before, ", "[The file ")
"""How that begins which adapters put before a person's text: `with_history`, and the sentences of `files.load`."""

Look = Callable[[], Awaitable[Sequence[Remembered]]]
"""Reads the record of one conversation, oldest first."""


async def recalled(look: Look, asked: Asked, *, sleep: Sleep) -> str | None:
    """See `core.upstream.CanRecall`. An answer counts as finished when it stands there in two looks alike, since no
    record says whether one is still being written."""
    found: str | None = ""
    try:
        async with asyncio.timeout(LONGEST):
            for pause in (0.0, *PAUSES):
                if pause:
                    await sleep(pause)
                last, found = found, answer_in(await look(), asked)
                if found is None:
                    return None
                if found and found == last:
                    return mended(found)
    except TimeoutError:
        pass
    return None


def answer_in(record: Sequence[Remembered], asked: Asked) -> str | None:
    """The answer as far as the record has it, empty while it has none; None: our question is not in it beyond doubt,
    or what was said to it is more than one message."""
    text = asked.prompt.text.strip()
    questions = [(place, one) for place, one in enumerate(record) if one.role == "user"]
    if not text or not questions:
        return None
    place, last = questions[-1]
    if last.at is not None and last.at < asked.since:
        return None
    if not _asks(last, text) or sum(_asks(one, text) for _, one in questions) <= asked.before:
        return None
    answers = [one.text for one in record[place + 1 :] if one.text.strip()]
    return None if len(answers) > 1 else "".join(answers)


def _asks(said: Remembered, text: str) -> bool:
    """Is this the message with which that text was sent, whatever was put before it?"""
    sent = said.text.strip()
    before = sent.removesuffix(text).rstrip()
    return sent == text or (before != sent and before.startswith(_BEFORE) and before.endswith("]"))
