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
TYPING = Budget("telegram:typing", calls=2, seconds=1.0, shared=True)
"""Where many answers begin at once, their texts come first: the placeholder says already that somebody writes."""


def chat_budget(chat: int) -> Budget:
    """All topics of a chat share it. Growing text keeps a little below the guidance; a placeholder with its first text
    and a last edit are the short bursts."""
    if chat > 0:
        return Budget(f"telegram:{chat}", calls=6, seconds=5.0, reserve=1.1)
    return Budget(f"telegram:{chat}", calls=19, seconds=60.0, reserve=3, burst=6)


def signs_budget(chat: int) -> Budget:
    """Reactions count in the chat as well; this keeps many of them from standing in the way of growing text."""
    if chat > 0:
        return Budget(f"telegram:{chat}:signs", calls=3, seconds=5.0, burst=2)
    return Budget(f"telegram:{chat}:signs", calls=5, seconds=60.0, burst=4)


def _budgets(thread: ThreadId, call: Call) -> Iterator[Budget]:
    chat = read(thread).chat
    yield BOT
    if call == "type":
        yield TYPING
        if chat > 0:
            return
    yield chat_budget(chat)
    if call in ("sign", "unsign"):
        yield signs_budget(chat)


PACE = Pace(_budgets, placeholder=True)
