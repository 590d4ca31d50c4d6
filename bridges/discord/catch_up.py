"""What was said while no gateway session was alive: Discord delivers it to nobody later, but the channels keep it.

After each READY one `CatchUp` looks back, as far as it is worth it. Guilds tell with their arrival which message is the
newest of each channel and active thread, so nothing is asked for where nothing was said; a quiet start costs one call
for each direct channel that was in use of late. A direct channel of somebody who never wrote before is in no list.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import timedelta
from functools import partial
from typing import TypeAlias, TypeVar

import discord

from bridges.discord import thread as threads
from bridges.discord.errors import TRANSLATED, translated
from core.bridge import Recent
from core.errors import PlatformError, PlatformUnavailable, SlowDown
from core.model import ThreadId

log = logging.getLogger(__name__)

T = TypeVar("T")

Place: TypeAlias = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
"""Where people write in a guild."""
Channel: TypeAlias = Place | discord.PartialMessageable

MOST_DIRECT = 100
"""Direct channels that are looked into, those of the newest conversations."""
MOST_KNOWN = 200
"""Channels and threads with news, of those in which the bot was spoken to of late."""
MOST_OTHERS = 50
"""Other channels and threads with news, those with the newest: the bot may have been mentioned there."""
MOST_PAGES = 10
"""Calls for one channel."""
PAGE = 100
"""Messages in one answer. https://discord.com/developers/docs/resources/message#get-channel-messages"""

AT_ONCE = 4
"""Channels that are read at the same time."""
SPACING = 0.05
"""Seconds between two calls: replies need the most part of the 50 that the bot may make in a second."""
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
        *,
        recollected: Callable[[], Awaitable[Recent | None]],
        lock: Callable[[int], asyncio.Lock],
        take: Callable[[discord.Message], Awaitable[None]],
    ) -> None:
        """`recollected` gives None when there is no knowing; `lock` is that of a channel; `take` raises nothing."""
        self._client = client
        self._recollected = recollected
        self._lock = lock
        self._take = take
        self._recent: Recent | None = None
        self._known: frozenset[int] = frozenset()
        self._planned = asyncio.Event()
        self._guilds: set[int] = set()
        self._pending: dict[int, Channel] = {}
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._known_left = MOST_KNOWN
        self._others_left = MOST_OTHERS
        self._calling = asyncio.Lock()

    async def run(self) -> None:
        """Reads what has to be read, and goes on for guilds that arrive later, until cancelled."""
        self._recent = await self._recollected()
        if self._recent is None:
            return
        self._known = frozenset(_channels(self._recent.threads))
        for guild in self._client.guilds:
            self.arrived(guild)
        for channel in _direct(self._recent.threads, MOST_DIRECT):
            self._expect(self._client.get_partial_messageable(channel, type=discord.ChannelType.private))
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
        news = with_news(guild, _since(self._recent.within), me.id)
        known = [channel for channel in news if channel.id in self._known]
        others = [channel for channel in news if channel.id not in self._known]
        chosen = known[: self._known_left], others[: self._others_left]
        self._known_left -= len(chosen[0])
        self._others_left -= len(chosen[1])
        for channel in (*chosen[0], *chosen[1]):
            self._expect(channel)
        if left := len(news) - len(chosen[0]) - len(chosen[1]):
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
            log.warning("what was missed in channel %s could not be read: %s (%s)", channel, error, error.detail)

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
                        await asyncio.sleep(SPACING)
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


async def _page(channel: Channel, after: int) -> list[discord.Message]:
    return [message async for message in channel.history(limit=PAGE, after=discord.Object(after))]


# --- where to look ------------------------------------------------------------------------------------------------


def _since(within: timedelta) -> int:
    """The newest id that a message of that age can have."""
    return discord.utils.time_snowflake(discord.utils.utcnow() - within, high=True)


def _channels(conversations: Collection[ThreadId]) -> Iterator[int]:
    """Threads, and the channels that they are in: the bot is asked there too."""
    for where in map(threads.read, conversations):
        yield where.channel
        yield where.target


def _direct(conversations: Collection[ThreadId], most: int) -> list[int]:
    return [where.channel for where in map(threads.read, conversations) if where.guild is None][:most]


def with_news(guild: discord.Guild, since: int, me: int) -> list[Place]:
    """The channels and active threads that the bot may read in which something was said after `since`, those with the
    newest first. No I/O."""
    places: tuple[Place, ...] = (*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads)
    news = [one for one in places if (one.last_message_id or 0) > since and _may_read(one, me)]
    return sorted(news, key=lambda one: one.last_message_id or 0, reverse=True)


def _may_read(channel: Place, me: int) -> bool:
    """Refused calls count against the bot, so those that are known to be are not made."""
    member = channel.guild.get_member(me)
    if member is None:
        return True
    try:
        may = channel.permissions_for(member)
    except discord.ClientException:
        # a thread of a channel that the bot does not know of
        return False
    return may.view_channel and may.read_message_history
