"""Which events a session is told, and when the gateway takes no further session.

https://discord.com/developers/docs/events/gateway#sharding
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shard = tuple[int, int]
"""A number, and how many there are."""

INVALID_SHARD, SHARDING_REQUIRED = 4010, 4011


def concerns(shard: Shard, guild: str | None) -> bool:
    """`guild` is None for what happens in direct channels: that is told to the first shard."""
    number, of = shard
    return number == (0 if guild is None else (int(guild) >> 22) % of)


@dataclass(slots=True)
class Sharding:
    required: int = 1
    """The fewest shards that the bot may have: one for each 2,500 guilds."""
    max_concurrency: int = 1
    identify_seconds: float = 0.0
    """How long one IDENTIFY keeps the next of its bucket away. Discord's are 5; 0 lets restarts follow each other as
    fast as they like."""
    _identified: dict[int, float] = field(default_factory=dict)

    def read(self, identify: dict[str, Any]) -> Shard | int:
        """The shard that an IDENTIFY names, or the code to close with."""
        match identify.get("shard", [0, 1]):
            case [int(number), int(of)] if 0 <= number < of:
                return (number, of) if of >= self.required else SHARDING_REQUIRED
            case _:
                return INVALID_SHARD

    def too_soon(self, shard: Shard, now: float) -> bool:
        """Counts an IDENTIFY at this time, unless its bucket was used a moment ago."""
        bucket = shard[0] % self.max_concurrency
        if now - self._identified.get(bucket, -self.identify_seconds) < self.identify_seconds:
            return True
        self._identified[bucket] = now
        return False
