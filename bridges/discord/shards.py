"""Shards: each gateway session is told of its share of the servers, and sessions begin at a measured pace.

https://discord.com/developers/docs/events/gateway#sharding
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import discord

from bridges.discord.errors import TRANSLATED

log = logging.getLogger(__name__)

IDENTIFY_SECONDS = 5.2
"""One IDENTIFY in five seconds for each bucket, and a little for the way. https://discord.com/developers/docs/events/gateway#rate-limiting"""


@dataclass(frozen=True, slots=True)
class Shard:
    number: int
    of: int

    def has(self, guild: int | None) -> bool:
        """Is this shard told of what happens there? None: in direct messages."""
        return self.number == (0 if guild is None else (guild >> 22) % self.of)

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"


class Gate:
    """Lets the shards of one process begin their sessions, not too many in five seconds. Other processes are not
    known here: if they come in between, Discord refuses, and the shard comes again later."""

    def __init__(self, buckets: int = 1) -> None:
        """`buckets`: Discord's `max_concurrency`."""
        self._buckets = buckets
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._passed: dict[int, float] = {}

    @asynccontextmanager
    async def passing(self, shard: Shard) -> AsyncIterator[None]:
        """An IDENTIFY may be sent inside."""
        bucket = shard.number % self._buckets
        clock = asyncio.get_running_loop().time
        async with self._locks[bucket]:
            if bucket in self._passed:
                await asyncio.sleep(self._passed[bucket] + IDENTIFY_SECONDS - clock())
            try:
                yield
            finally:
                self._passed[bucket] = clock()


async def gate(client: discord.Client) -> Gate:
    """As wide as Discord says for this bot; one at a time where it does not say."""
    try:
        _, _, limit = await client.http.get_bot_gateway()
        return Gate(max(1, limit["max_concurrency"]))
    except TRANSLATED as error:
        log.debug("how many shards may begin at once is not known: %s", type(error).__name__)
        return Gate()
