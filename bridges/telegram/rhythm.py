"""How long the bridge waits for what."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from core.bridge import SIGN_SECONDS


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds."""

    poll: float = SIGN_SECONDS
    """How long a poll may wait for news; Telegram allows 50, proxies often less than a minute. Its answer is the sign
    that we are heard."""
    first: float = 1.0
    """After the first failure; twice as long after each further one."""
    longest: float = 30.0
    conflict: float = 15.0
    """While another program receives the updates."""
    check: float = 60.0
    """Between two looks at what Telegram says of our webhook."""
    typing: float = 4.0
    """Telegram shows the sign for five."""

    def delays(self) -> Iterator[float]:
        """The waits after failures in a row, a little different for everyone."""
        wait = self.first
        while True:
            yield wait * random.uniform(0.75, 1.25)
            wait = min(wait * 2, self.longest)
