"""What was said while no gateway session was alive: Discord delivers it to nobody later, but the channels keep it.

After each READY one `CatchUp` looks back, as far as it is worth it, into what its shard is told of. Guilds tell with
their arrival which message is the newest of each channel and active thread, so nothing is asked for where nothing was
said; a quiet start costs one call for each direct channel and each archived thread that was in use of late. A direct
channel of somebody who never wrote before is in no list, nor an archived thread in which the bot was never spoken to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeAlias, TypeVar

import discord

from bridges.discord import thread as threads
from bridges.discord.errors import NOT_UNDERSTOOD, TRANSLATED, translated
from bridges.discord.inbound import is_direct
from bridges.discord.places import Place, look
from bridges.discord.shards import Shard
from bridges.discord.thread import Where
from core.bridge import Recent
from core.errors import PlatformError, PlatformUnavailable, SlowDown

log = logging.getLogger(__name__)

T = TypeVar("T")

Channel: TypeAlias = Place | discord.PartialMessageable

MOST_DIRECT = 100
"""Direct channels that are looked into, those of the newest conversations."""
MOST_KNOWN = 200
"""Channels and threads with news, of those in which the bot was spoken to of late."""
MOST_UNLISTED = 100
"""Places where the bot was spoken to of late that their guild does not list, as it does not list archived threads."""
MOST_OTHERS = 50
"""Other channels and threads with news, those with the newest: the bot may have been mentioned there."""
MOST_PAGES = 10
"""Calls for one channel."""
PAGE = 100
"""Messages in one answer. https://discord.com/developers/docs/resources/message#get-channel-messages"""

AT_ONCE = 4
"""Channels that are read at the same time."""
SPACING = 0.05
"""Seconds between two calls of all shards together: replies need the most part of the 50 that the bot may make in a
second."""
OVERLAP = 4
"""Look backs at the same time: more shards than that do not begin so soon one after the other."""
FIRST_DELAY = 1.0
"""Seconds until a call that failed is made again; doubled each time."""
PATIENCE = 10.0
"""Seconds for one page, all attempts together. What is said in the channel meanwhile waits for its turn."""


class CatchUp:
    """One look back, which begins with a session.

    Within a channel one goes after the other, each in possession of the channel's lock. Who has it asks for `before`:
    then what was missed there comes first, and once, whether the look back gets there first or a new message does."""

    def __init__(
        self,
        client: discord.Client,
        shard: Shard,
        *,
        recollected: Callable[[], Awaitable[Recent | None]],
        lock: Callable[[int], asyncio.Lock],
        take: Callable[[discord.Message], Awaitable[None]],
        unreadable: set[int],
    ) -> None:
        """`recollected` gives None when there is no knowing; `lock` is that of a channel; `take` raises nothing.
        `unreadable` collects the channels of which the log has said that they cannot be read."""
        self._client = client
        self._shard = shard
        self._unreadable = unreadable
        self._recollected = recollected
        self._lock = lock
        self._take = take
        self._recent: Recent | None = None
        self._conversations: list[Where] = []
        self._planned = asyncio.Event()
        self._guilds: set[int] = set()
        self._pending: dict[int, Channel] = {}
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._known_left = MOST_KNOWN
        self._unlisted_left = MOST_UNLISTED
        self._others_left = MOST_OTHERS
        self._calling = asyncio.Lock()

    async def run(self) -> None:
        """Reads what has to be read, and goes on for guilds that arrive later, until cancelled."""
        self._recent = await self._recollected()
        if self._recent is None:
            return
        conversations = map(threads.read, self._recent.threads)
        self._conversations = [where for where in conversations if self._shard.has(where.guild)]
        for guild in self._client.guilds:
            self.arrived(guild)
        for where in [where for where in self._conversations if where.guild is None][:MOST_DIRECT]:
            self._expect(self._client.get_partial_messageable(where.channel, type=discord.ChannelType.private))
        self._planned.set()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work())

    def ended(self) -> None:
        """Nobody needs to wait for the plan any more."""
        self._planned.set()

    def arrived(self, guild: discord.Guild) -> None:
        """A guild with its channels is there. Saying so twice does no harm, nor too early: `run` looks at all."""
        me = self._client.user
        if self._recent is None or me is None or guild.unavailable or guild.id in self._guilds:
            return
        self._guilds.add(guild.id)
        found = look(guild, self._conversations, _since(self._recent.within), me.id)
        for channel in found.closed:
            self._say_unreadable(channel, "the bot may not read its history any more")
        known, others = found.known[: self._known_left], found.others[: self._others_left]
        unlisted = found.unlisted[: self._unlisted_left]
        self._known_left -= len(known)
        self._others_left -= len(others)
        self._unlisted_left -= len(unlisted)
        for place in (*known, *others):
            self._expect(place)
        for channel in unlisted:
            self._expect(self._client.get_partial_messageable(channel, guild_id=guild.id))
        if left := len(found.known) + len(found.others) - len(known) - len(others):
            log.warning("%d channels of the server %s are too many to look for missed messages", left, guild.id)

    def _expect(self, channel: Channel) -> None:
        self._pending[channel.id] = channel
        self._queue.put_nowait(channel.id)

    async def before(self, channel: int, guild: discord.Guild | None) -> None:
        """Returns when what was missed in this channel has been handed over. For the holder of its lock."""
        await self._planned.wait()
        if guild is not None:
            self.arrived(guild)
        found = self._pending.pop(channel, None)
        if found is None:
            return
        try:
            await self._read(found)
        except PlatformError as error:
            # of those that their guild does not list, many are merely gone
            level = logging.INFO if _is_unlisted(found) else logging.WARNING
            self._say_unreadable(channel, f"{error} ({error.detail})", level)

    def _say_unreadable(self, channel: int, reason: str, level: int = logging.WARNING) -> None:
        """Once for each channel."""
        if channel not in self._unreadable:
            self._unreadable.add(channel)
            log.log(level, "what was missed in channel %s could not be read: %s", channel, reason)

    async def _work(self) -> None:
        while True:
            channel = await self._queue.get()
            async with self._lock(channel):
                await self.before(channel, None)

    # --- reading ------------------------------------------------------------------------------------------------

    async def _read(self, channel: Channel) -> None:
        """Hands over the messages of a channel, oldest first, without those on record. Raises `PlatformError`."""
        recent = self._recent
        assert recent is not None
        after = _since(recent.within)
        for _ in range(MOST_PAGES):
            page = await self._asked(partial(_page, channel, after))
            if page and _is_unlisted(channel):
                channel = await self._asked(partial(_learned, self._client, channel))
                for message in page:
                    message.channel = channel
            for message in page:
                after = message.id
                if str(after) not in recent.messages:
                    await self._take(message)
            if len(page) < PAGE:
                return
        log.warning("channel %s has too much news: what was missed after message %s is not answered", channel.id, after)

    async def _asked(self, call: Callable[[], Awaitable[T]]) -> T:
        """Makes a call, again and again while it fails for a reason that passes. Raises `PlatformError`."""
        delay = FIRST_DELAY
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with self._calling:
                        await asyncio.sleep(SPACING * min(self._shard.of, OVERLAP))
                    try:
                        return await call()
                    except TRANSLATED as error:
                        failure = translated(error)
                    match failure:
                        case SlowDown():
                            await asyncio.sleep(max(delay, failure.retry_after))
                        case PlatformUnavailable():
                            await asyncio.sleep(delay)
                        case _:
                            raise failure
                    delay *= 2
        except TimeoutError as error:
            raise translated(error) from None


def _is_unlisted(channel: Channel) -> bool:
    return isinstance(channel, discord.PartialMessageable) and not is_direct(channel)


async def _learned(client: discord.Client, channel: Channel) -> Channel:
    """The channel with all that is known of it; as it is where Discord does not say."""
    try:
        found = await client.fetch_channel(channel.id)
    except (discord.NotFound, discord.Forbidden, discord.InvalidData, *NOT_UNDERSTOOD):
        return channel
    return found if isinstance(found, Place) else channel


async def _page(channel: Channel, after: int) -> list[discord.Message]:
    return [message async for message in channel.history(limit=PAGE, after=discord.Object(after))]


def _since(within: timedelta) -> int:
    """The newest id that a message of that age can have."""
    return discord.utils.time_snowflake(discord.utils.utcnow() - within, high=True)
