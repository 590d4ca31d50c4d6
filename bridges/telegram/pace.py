"""How fast the bot may speak.

Telegram publishes guidance only (its bots FAQ): about one message a second to a chat with short bursts, 20 a minute to
a group, 30 a second altogether; edits count as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridges.telegram.thread import read
from core.model import ThreadId
from core.pace import Budget, Call, Pace

BOT = Budget("telegram", calls=28, seconds=1.0, reserve=3, shared=True)


def chat_budget(chat: int) -> Budget:
    """All topics of a chat share it. Growing text keeps a little below the guidance; a placeholder with its first text
    and a last edit are the short bursts."""
    if chat > 0:
        return Budget(f"telegram:{chat}", calls=6, seconds=5.0, reserve=1.1)
    return Budget(f"telegram:{chat}", calls=19, seconds=60.0, reserve=3, burst=6)


def _budgets(thread: ThreadId, call: Call) -> Iterator[Budget]:
    yield BOT
    yield chat_budget(read(thread).chat)


PACE = Pace(_budgets, placeholder=True)
