"""From what Discord tells to what is recorded: in order within a channel, and what was missed before what is new."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Literal, TypeVar
from weakref import WeakValueDictionary

import discord

from bridges.discord import inbound, interactions
from bridges.discord.catch_up import CatchUp
from bridges.discord.errors import NOT_UNDERSTOOD, TRANSLATED, translated
from bridges.discord.interactions import Used
from bridges.discord.rest import Rest
from bridges.discord.room import KnownThreads
from bridges.discord.shards import Shard
from core.aside import Aside
from core.bridge import Accept, Recent, Recollect
from core.errors import DatabaseError

log = logging.getLogger(__name__)

T = TypeVar("T")

RECORDING_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between attempts to record a message while the database fails."""
RECORDED_WITHIN = 5.0
"""Seconds that messages may take to be recorded when listening ends."""


class Receiver:
    """Takes the events of one client, as long as the block runs."""

    def __init__(
        self,
        client: discord.Client,
        rest: Rest,
        accept: Accept,
        recollect: Recollect,
        known: KnownThreads,
        shard: Shard,
        *,
        answer_in: Literal["channel", "thread"],
        roles: bool = False,
        delays: tuple[float, ...] = RECORDING_DELAYS,
    ) -> None:
        """`known` learns of threads that exist; `roles`: do those of the author matter?"""
        self._client = client
        self._rest = rest
        self._accept = accept
        self._recollect = recollect
        self._known = known
        self._shard = shard
        self._answer_in = answer_in
        self._roles = roles
        self._delays = delays
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._receiving = Aside()
        self._unreadable: set[int] = set()
        self._catch_up: CatchUp | None = None
        self._catching_up: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Receiver:
        return self

    async def __aexit__(self, *exc: object) -> None:
        looking_back = list(self._catching_up)
        for task in looking_back:
            task.cancel()
        # what is being recorded just now gets recorded
        await self._receiving.end(RECORDED_WITHIN)
        await asyncio.gather(*looking_back, return_exceptions=True)

    # --- events -------------------------------------------------------------------------------------------------

    def begun(self) -> None:
        """A new session: what was said since the last one ended is not going to be delivered."""
        for task in self._catching_up:
            task.cancel()
        catch_up = CatchUp(
            self._client,
            self._shard,
            recollected=self._recollected,
            lock=self._lock,
            take=self._record_or_log,
            unreadable=self._unreadable,
        )
        self._catch_up = catch_up
        task = asyncio.create_task(self._look_back(catch_up))
        self._catching_up.add(task)
        task.add_done_callback(self._catching_up.discard)
        task.add_done_callback(lambda _: catch_up.ended())

    def arrived(self, guild: discord.Guild) -> None:
        """A guild has become available."""
        if self._catch_up is not None:
            self._catch_up.arrived(guild)

    async def receive(self, message: discord.Message) -> None:
        """discord.py gives each event a task of its own; within a channel they go on in the order of their coming."""
        task = asyncio.current_task()
        assert task is not None
        self._receiving.hold(task)
        async with self._lock(message.channel.id):
            if self._catch_up is not None:
                await self._catch_up.before(message.channel.id, message.guild)
            await self._record_or_log(message)

    def used(self, data: dict[str, Any]) -> None:
        """Somebody used a command."""
        self._receiving.begin(self._use(data))

    async def _use(self, data: dict[str, Any]) -> None:
        client = self._client
        try:
            used = None if client.user is None else interactions.read(data, client.user.id)
        except NOT_UNDERSTOOD as error:
            log.warning("a command could not be read: %s", type(error).__name__)
            return
        if used is None:
            return
        # what was missed in the channel is not waited for: Discord waits three seconds
        async with self._lock(used.channel):
            response = await self._record_use(used) if used.may_write else used.response()
        if response is None:
            return
        try:
            await self._rest.respond(used.id, used.token, response)
        except TRANSLATED as error:
            # it came twice, or was recorded too late; the answer is in the channel all the same
            log.info("command %s has no response: %s", used.id, translated(error).detail)

    async def _record_use(self, used: Used) -> dict[str, Any] | None:
        """What the person is told of it; None: nothing, and Discord says that it failed."""
        try:
            where = used.where or inbound.where(await self._channel(used))
            if where is None:
                log.info("a command was used in channel %s, where nothing can be answered", used.channel)
                return None
            message = used.message(where)
            if where.thread is not None:
                self._known.add(where.thread)
            not_taken = await self._patiently(f"command {used.id} could not be recorded", lambda: self._accept(message))
            return used.response(not_taken)
        except DatabaseError as error:
            log.error("command %s could not be recorded, and Discord says so to the person: %s", used.id, error)
        except Exception:
            log.exception("command %s could not be taken in", used.id)
        return None

    async def _channel(self, used: Used) -> object:
        found = self._client.get_channel(used.channel)
        if found is None:
            try:
                found = await self._client.fetch_channel(used.channel)
            except TRANSLATED as error:
                log.warning("nothing could be learned about channel %s: %s", used.channel, type(error).__name__)
                return self._client.get_partial_messageable(used.channel, guild_id=used.guild)
        return found

    # --- recording ----------------------------------------------------------------------------------------------

    def _lock(self, channel: int) -> asyncio.Lock:
        lock = self._locks.get(channel) or asyncio.Lock()
        self._locks[channel] = lock
        return lock

    async def _look_back(self, catch_up: CatchUp) -> None:
        try:
            await catch_up.run()
        except Exception:
            log.exception("what was missed could not be looked for")

    async def _recollected(self) -> Recent | None:
        try:
            return await self._patiently("what was missed is not known", self._recollect)
        except DatabaseError as error:
            log.error("what was missed is not looked for: %s", error)
            return None

    async def _record_or_log(self, message: discord.Message) -> None:
        try:
            await self._patiently(f"message {message.id} could not be recorded", lambda: self._take(message))
        except DatabaseError as error:
            log.error(
                "message %s could not be recorded; it is looked for when the gateway begins anew: %s", message.id, error
            )
        except Exception:
            log.exception("message %s could not be taken in", message.id)

    async def _patiently(self, trouble: str, call: Callable[[], Awaitable[T]]) -> T:
        """Discord does not deliver again what it has sent, so a database that fails is waited for here. Raises
        `DatabaseError` in the end."""
        for delay in self._delays:
            try:
                return await call()
            except DatabaseError as error:
                log.warning("%s; trying again in %.0f s: %s", trouble, delay, error)
                await asyncio.sleep(delay)
        return await call()

    async def _take(self, message: discord.Message) -> None:
        client = self._client
        if client.user is None or not inbound.from_a_person(message):
            return
        await self._learn_channel(message)
        if isinstance(message.channel, discord.Thread):
            self._known.add(message.channel.id)
        said = inbound.read(message, client.user.id, self._answer_in)
        if said is not None and self._roles and message.guild is not None:
            said = replace(said, roles=await _roles(message.author, message.guild))
        if said is not None:
            await self._accept(said)

    async def _learn_channel(self, message: discord.Message) -> None:
        """The gateway does not tell of every thread before somebody writes in it."""
        channel = message.channel
        if not isinstance(channel, discord.PartialMessageable) or inbound.is_direct(channel):
            return
        try:
            found = await self._client.fetch_channel(channel.id)
        except TRANSLATED as error:
            log.warning("nothing could be learned about channel %s: %s", channel.id, type(error).__name__)
            return
        if isinstance(found, discord.Thread | discord.TextChannel | discord.VoiceChannel | discord.StageChannel):
            message.channel = found


async def _roles(author: discord.User | discord.Member, guild: discord.Guild) -> frozenset[str]:
    """The gateway tells them with the message; what is read from a channel's history lacks them. Who has left has
    none."""
    if not isinstance(author, discord.Member):
        try:
            author = await guild.fetch_member(author.id)
        except discord.NotFound:
            return frozenset()
    return frozenset(str(role.id) for role in author.roles)
