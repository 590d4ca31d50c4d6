"""Messages as a bridge would hand them over."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from core.model import Message, MessageId, ThreadId

THREAD = ThreadId("fake:harbour:1")
_numbers = itertools.count(1)


def message(text: str = "Hello", **changed: Any) -> Message:
    """A message that addresses the bot; each has its own id."""
    values: dict[str, Any] = {
        "id": MessageId(f"m{next(_numbers)}"),
        "thread": THREAD,
        "author": "u1",
        "author_name": "Ann",
        "text": text,
        "sent_at": datetime.now(UTC),
        "channel": "harbour",
        "addressed": True,
    }
    return Message(**values | changed)
