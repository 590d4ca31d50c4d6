"""The Discord bridge: discord.py underneath, `core.bridge.Bridge` above."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

import discord

from bridges.discord import files, inbound
from bridges.discord import format as formats
from bridges.discord import thread as threads
from bridges.discord.errors import TRANSLATED, at_start
from bridges.discord.gateway import stay_connected
from bridges.discord.pace import PACE
from bridges.discord.rest import Rest
from bridges.discord.room import KnownThreads, Room
from bridges.discord.surface import DiscordSurface
from bridges.endpoints import Endpoints
from bridges.settings import DiscordSettings
from core.bridge import Accept
from core.errors import DatabaseError, PlatformError, PlatformRefused, SlowDown
from core.model import Attachment, MessageId, ThreadId
from core.pace import Pace

log = logging.getLogger(__name__)

TYPING_SECONDS = 8.0
"""How often the typing indicator is renewed; Discord shows it for ten."""

RECORDING_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between attempts to record a message while the database fails."""
RECORDED_WITHIN = 5.0
"""Seconds that messages may take to be recorded when listening ends."""


class BotClient(discord.Client):
    """discord.py's client with our REST, and as little cached as it can do with. Hands on what is written."""

    def __init__(self, api_url: str, received: Callable[[discord.Message], Awaitable[None]]) -> None:
        # said at the construction of every client, at warning level; this bot does not speak
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        self._api_url = api_url
        self._received = received
        self.rest: Rest
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = intents.message_content = True
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.0,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    def _get_state(self, **options: Any) -> Any:
        self.http = self.rest = Rest(self.loop, self._api_url)
        return super()._get_state(**options)

    async def on_connect(self) -> None:
        log.info("connected to Discord as %s (id %s)", self.user, self.user.id if self.user else "?")

    async def on_resumed(self) -> None:
        log.info("connected to Discord again; what was missed has been delivered")

    async def on_message(self, message: discord.Message) -> None:
        await self._received(message)


class DiscordBridge:
    """See `core.bridge.Bridge`. Several may live in one process, also with different addresses.

    What was written while no gateway session was alive (a restart, or a session that could not be resumed) is not
    delivered by Discord later; it can be read from the channels' history from the message last seen on."""

    name = "discord"

    def __init__(
        self,
        settings: DiscordSettings,
        *,
        endpoints: Endpoints | None = None,
        recording_delays: tuple[float, ...] = RECORDING_DELAYS,
    ) -> None:
        """`endpoints` is not needed: Discord is listened to over its gateway."""
        self._settings = settings
        self._recording_delays = recording_delays
        self._client: BotClient | None = None
        self._accept: Accept | None = None
        self._known = KnownThreads()
        self._order: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._receiving: set[asyncio.Task[Any]] = set()

    @property
    def pace(self) -> Pace:
        return PACE

    # --- lifecycle ----------------------------------------------------------------------------------------------

    async def __aenter__(self) -> DiscordBridge:
        client = BotClient(self._settings.api_url, self._received)
        try:
            await client.login(self._settings.token.get_secret_value())
        except TRANSLATED as error:
            await client.close()
            raise at_start(error, self._settings.api_url) from None
        except BaseException:
            await client.close()
            raise
        self._client = client
        return self

    async def __aexit__(self, *_: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def client(self) -> BotClient:
        """discord.py's client, logged in. Raises `RuntimeError` outside of the bridge's context."""
        if self._client is None:
            raise RuntimeError("the bridge has not been entered")
        return self._client

    # --- listening ----------------------------------------------------------------------------------------------

    async def listen(self, accept: Accept) -> None:
        self._accept = accept
        try:
            await stay_connected(self.client, self._settings.gateway_url)
        finally:
            # what is being recorded just now gets recorded
            if self._receiving:
                _, late = await asyncio.wait(self._receiving, timeout=RECORDED_WITHIN)
                for task in late:
                    task.cancel()
            self._accept = None

    async def _received(self, message: discord.Message) -> None:
        """discord.py gives each event a task of its own; within a channel they go on in the order of their coming."""
        accept, task = self._accept, asyncio.current_task()
        if accept is None or task is None:
            return
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)
        order = self._order.get(message.channel.id) or asyncio.Lock()
        self._order[message.channel.id] = order
        async with order:
            try:
                await self._record(message, accept)
            except Exception:
                log.exception("message %s could not be taken in", message.id)

    async def _record(self, message: discord.Message, accept: Accept) -> None:
        """Discord does not deliver again what it has sent, so a database that fails is waited for here."""
        for delay in (*self._recording_delays, None):
            try:
                await self._take(message, accept)
                return
            except DatabaseError as error:
                if delay is None:
                    log.error("message %s could not be recorded and will not be answered: %s", message.id, error)
                    return
                log.warning("message %s could not be recorded; trying again in %.0f s: %s", message.id, delay, error)
                await asyncio.sleep(delay)

    async def _take(self, message: discord.Message, accept: Accept) -> None:
        client = self.client
        if client.user is None or not inbound.from_a_person(message):
            return
        await self._learn_channel(message)
        if isinstance(message.channel, discord.Thread):
            self._known.add(message.channel.id)
        said = inbound.read(message, client.user.id, self._settings.answer_in)
        if said is not None:
            await accept(said)

    async def _learn_channel(self, message: discord.Message) -> None:
        """The gateway does not tell of every thread before somebody writes in it."""
        channel = message.channel
        if not isinstance(channel, discord.PartialMessageable):
            return
        try:
            found = await self.client.fetch_channel(channel.id)
        except TRANSLATED as error:
            log.warning("nothing could be learned about channel %s: %s", channel.id, type(error).__name__)
            return
        if isinstance(found, discord.Thread | discord.TextChannel | discord.VoiceChannel | discord.StageChannel):
            message.channel = found

    # --- speaking -----------------------------------------------------------------------------------------------

    def fits(self, text: str) -> bool:
        return formats.fits(text)

    def open(
        self, thread: ThreadId, key: str, message: MessageId | None = None, *, reply_to: MessageId | None = None
    ) -> DiscordSurface:
        return DiscordSurface(self._room(thread), key, message, reply_to)

    async def find(self, thread: ThreadId, key: str) -> MessageId | None:
        """None: Discord tells the nonce in the answer to the creation and in the gateway's event, but does not keep
        it, so no history has it. Showing again under the same key is the way: within some minutes Discord gives the
        first message back instead of creating another."""
        return None

    def _room(self, thread: ThreadId) -> Room:
        return Room(self.client, threads.read(thread), self._known, self._settings.answer_in == "thread")

    @asynccontextmanager
    async def typing(self, thread: ThreadId) -> AsyncIterator[None]:
        task = asyncio.create_task(_keep_typing(self._room(thread)))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        return files.stream(self.client, self.client.rest, attachment)


async def _keep_typing(room: Room) -> None:
    while True:
        pause = TYPING_SECONDS
        try:
            await room.show_typing()
        except PlatformRefused:
            return
        except SlowDown as refusal:
            pause = max(refusal.retry_after, 1.0)
        except PlatformError as error:
            log.debug("typing could not be shown: %s", error.detail)
        await asyncio.sleep(pause)
