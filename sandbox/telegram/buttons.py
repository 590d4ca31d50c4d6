"""Inline keyboards, and what a press tells the bot (https://core.telegram.org/bots/api#inlinekeyboardmarkup)."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.refusal import Refusal

MOST = 100
"""Buttons of one message."""
LONGEST_DATA = 64
"""Bytes."""
ANSWERED_WITHIN = 15.0
"""Seconds in which a press can be answered."""


def keyboard(markup: Any) -> dict[str, Any] | None:
    """An inline keyboard as messages have it; None where there is none, or an empty one. Raises `Refusal`."""
    if markup is None:
        return None
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list):
        raise Refusal(400, "object expected as reply markup")
    kept = [[_button(button) for button in row] for row in rows if row]
    if sum(map(len, kept)) > MOST:
        raise Refusal(400, "REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": kept} if kept else None


def _button(button: Any) -> dict[str, Any]:
    if not isinstance(button, dict) or not str(button.get("text") or "").strip():
        raise Refusal(400, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    data, url = button.get("callback_data"), button.get("url")
    if data is not None:
        if not 1 <= len(str(data).encode()) <= LONGEST_DATA:
            raise Refusal(400, "BUTTON_DATA_INVALID")
        return {"text": str(button["text"]), "callback_data": str(data)}
    if url is None:
        raise Refusal(400, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    return {"text": str(button["text"]), "url": str(url)}


@dataclass(slots=True)
class Presses:
    """The presses that were told to the bot."""

    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    waiting: dict[str, float] = field(default_factory=dict)
    """Until when each may be answered."""
    answers: dict[str, str] = field(default_factory=dict)
    """What the person was told, by press."""

    def new(self) -> str:
        id = f"4382100000000{next(self.numbers):05d}"
        self.waiting[id] = time.monotonic() + ANSWERED_WITHIN
        return id

    def answer(self, id: str, text: str) -> None:
        """Raises `Refusal` for one that is too old, unknown, or answered already."""
        if time.monotonic() > self.waiting.pop(id, 0.0):
            raise Refusal(400, "query is too old and response timeout expired or query ID is invalid")
        if len(text) > 200:
            raise Refusal(400, "MESSAGE_TOO_LONG")
        self.answers[id] = text
