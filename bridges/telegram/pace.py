"""How fast the bot may speak.

Telegram publishes guidance only (its bots FAQ): about one message a second to a chat with short bursts, 20 a minute to
a group, 30 a second altogether; edits count as well. A bucket lets `burst + rate * span` calls through in any span, so
the rates are what is left of the limit after the burst.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridges.telegram.thread import read
from core.model import ThreadId
from core.pace import Budget, Call, Pace

BOT = Budget("telegram", per_second=25, burst=5, reserve=2)
"""At most 30 in any second."""

GROUP_BURST = 4.0
GROUP_RATE = (19 - GROUP_BURST) / 60
"""At most 20 in any minute, one of them kept for what the way to the server brings closer together."""

PRIVATE_BURST = 3.0
PRIVATE_RATE = 0.9
"""A little less than one a second, for the same reason."""


def chat_budget(chat: int) -> Budget:
    """All topics of a chat share it."""
    if chat > 0:
        return Budget(f"telegram:{chat}", PRIVATE_RATE, PRIVATE_BURST, reserve=1)
    return Budget(f"telegram:{chat}", GROUP_RATE, GROUP_BURST, reserve=1)


def _budgets(thread: ThreadId, call: Call) -> Iterator[Budget]:
    yield BOT
    yield chat_budget(read(thread).chat)


PACE = Pace(_budgets, placeholder=True)
