"""Where a conversation is: made and read here alone.

```
discord:@me:{channel}                   a direct channel
discord:{guild}:{channel}               a channel, which is one conversation
discord:{guild}:{parent}:{thread}       a thread or a forum post
```

A thread's id is that of the message it began with, so the last form may name a thread that is still to be created.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.model import ThreadId

DIRECT = "@me"
_FORM = re.compile(r"discord:(@me|[0-9]{1,20}):([0-9]{1,20})(?::([0-9]{1,20}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Where:
    guild: int | None
    """None: a direct channel."""
    channel: int
    """As an operator would write it in a list; of a thread it is the channel or forum that the thread is in."""
    thread: int | None = None

    @property
    def target(self) -> int:
        """The channel, in Discord's sense, that messages are written to."""
        return self.channel if self.thread is None else self.thread

    def id(self) -> ThreadId:
        guild = DIRECT if self.guild is None else str(self.guild)
        tail = "" if self.thread is None else f":{self.thread}"
        return ThreadId(f"discord:{guild}:{self.channel}{tail}")


def read(thread: ThreadId) -> Where:
    """Raises `ValueError` for what `Where.id` did not make."""
    match = _FORM.fullmatch(thread)
    if match is None or (match[1] == DIRECT and match[3] is not None):
        raise ValueError(f"not a thread of Discord: {thread[:80]!r}")
    return Where(None if match[1] == DIRECT else int(match[1]), int(match[2]), int(match[3]) if match[3] else None)
