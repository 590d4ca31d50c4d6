"""The Discord bridge: discord.py underneath, `core.bridge.Bridge` above."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import discord

from bridges.discord import files
from bridges.discord import format as formats
from bridges.discord import thread as threads
from bridges.discord.completing import whole_guild, whole_message, whole_thread
from bridges.discord.errors import TRANSLATED, at_start
from bridges.discord.gateway import DEAF_SECONDS, stay_connected
from bridges.discord.pace import pace
from bridges.discord.receiving import RECORDING_DELAYS, Receiver
from bridges.discord.registering import register
from bridges.discord.rest import Rest
from bridges.discord.room import Enclosed, KnownThreads, Room
from bridges.discord.shards import Gate, Shard, gate
from bridges.discord.surface import DiscordSurface
from bridges.endpoints import Endpoints
from bridges.settings import DiscordSettings
from bridges.tasks import run_together
from core.bridge import Accept, May, Recollect
from core.errors import PlatformError, PlatformRefused, SlowDown
from core.fetching import Fetched
from core.model import Attachment, MessageId, ThreadId
from core.pace import Pace

log = logging.getLogger(__name__)

TYPING_SECONDS = 8.0
"""How often the typing indicator is renewed; Discord shows it for ten."""

SIGN = "⏳"
"""The emoji that says that a message waits."""


def _after(whole: Callable[[Any], Any], parse: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda data: parse(whole(data))


class BotClient(discord.Client):
    """discord.py's client with our REST, and as little cached as it can do with. What it is told goes to `receiver`.

    Each shard has one of its own, so that a session that begins anew leaves the caches of the others alone."""

    def __init__(self, api_url: str, shard: Shard, rest: Rest | None = None) -> None:
        """`rest`: that of another client, which is logged in and closes it."""
        # said at the construction of every client, at warning level; this bot does not speak
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        self._api_url = api_url
        self.shard = shard
        self.receiver: Receiver | None = None
        self.unready: str | None = None
        """Why it has no session, if attempts have failed."""
        self.heard_at = time.monotonic()
        self._shared = rest
        self.rest: Rest
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = intents.message_content = True
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.0,
            heartbeat_timeout=DEAF_SECONDS,
            allowed_mentions=discord.AllowedMentions.none(),
            shard_id=shard.number,
            shard_count=shard.of,
        )

    async def sibling(self, shard: Shard) -> BotClient:
        """A client for another shard, with this one's REST side. Nobody has to close it."""
        client = BotClient(self._api_url, shard, self.rest)
        await client._async_setup_hook()
        return client

    def _get_state(self, **options: Any) -> Any:
        self.http = self.rest = self._shared or Rest(self.loop, self._api_url)
        state = super()._get_state(**options)
        for event, whole in (
            ("MESSAGE_CREATE", whole_message),
            ("THREAD_CREATE", whole_thread),
            ("GUILD_CREATE", whole_guild),
        ):
            state.parsers[event] = _after(whole, state.parsers[event])
        state.parsers["INTERACTION_CREATE"] = self._interaction
        return state

    def _interaction(self, data: Any) -> None:
        """Read by us: the library wants more fields than there is use for, and answers to one address only."""
        if self.receiver is not None and isinstance(data, dict):
            self.receiver.used(data)

    def failed(self, sentence: str) -> None:
        self.unready = sentence

    def heard(self) -> None:
        self.heard_at = time.monotonic()

    async def on_connect(self) -> None:
        self.unready = None
        log.info("connected to Discord as %s (id %s), %s", self.user, self.user.id if self.user else "?", self.shard)
        if self.receiver is not None:
            self.receiver.begun()

    async def on_resumed(self) -> None:
        self.unready = None
        log.info("connected to Discord again, %s; what was missed has been delivered", self.shard)

    async def on_ready(self) -> None:
        # of guilds that came before this, discord.py does not tell in another way
        for guild in self.guilds:
            await self.on_guild_available(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        if self.receiver is not None:
            self.receiver.arrived(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self.on_guild_available(guild)

    async def on_message(self, message: discord.Message) -> None:
        if self.receiver is not None:
            await self.receiver.receive(message)


class DiscordBridge:
    """See `core.bridge.Bridge`. Several may live in one process, also with different addresses; several processes may
    listen for one bot, each to shards of its own.

    What was written while no gateway session was alive (a restart, or a session that could not be resumed) is not
    delivered by Discord later; `catch_up` reads it from the channels."""

    name = "discord"
    largest_file = 10 * 2**20
    """Bytes in servers that nobody pays for, https://discord.com/developers/docs/reference#uploading-files."""

    def __init__(
        self,
        settings: DiscordSettings,
        *,
        endpoints: Endpoints | None = None,
        roles: bool = False,
        choices: Sequence[str] = (),
        recording_delays: tuple[float, ...] = RECORDING_DELAYS,
    ) -> None:
        """`endpoints` is not needed: Discord is listened to over its gateway. `roles`: messages are handed over with
        the roles of their authors, which costs a call for each message that was missed. `choices`: the names that
        `/use` offers, where there are several."""
        self._settings = settings
        self._roles = roles
        self._choices = choices
        self._recording_delays = recording_delays
        self._shards = [Shard(number, settings.shards) for number in settings.own_shards]
        self._client: BotClient | None = None
        self._listening: list[BotClient] = []
        self._known = KnownThreads()
        self._pace = pace(lambda channel, call: self.client.rest.left(channel, call))

    @property
    def pace(self) -> Pace:
        return self._pace

    # --- lifecycle ----------------------------------------------------------------------------------------------

    async def __aenter__(self) -> DiscordBridge:
        client = BotClient(self._settings.api_url, self._shards[0])
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

    @property
    def unready(self) -> str | None:
        return next((client.unready for client in self._listening if client.unready is not None), None)

    @property
    def heard_at(self) -> float | None:
        """The shard that has been silent for longest counts."""
        return min((client.heard_at for client in self._listening), default=None)

    async def listen(self, accept: Accept, recollect: Recollect) -> None:
        first, others = self.client, self._shards[1:]
        entrance = await gate(first) if others else Gate()
        self._listening = [first, *[await first.sibling(shard) for shard in others]]
        for client in self._listening:
            client.heard()  # as if: from here on a sign is to be expected
        registering = asyncio.create_task(register(first, self._choices))
        try:
            await run_together(*(self._listen(client, entrance, accept, recollect) for client in self._listening))
        finally:
            self._listening = []
            registering.cancel()
            await asyncio.gather(registering, return_exceptions=True)

    async def _listen(self, client: BotClient, entrance: Gate, accept: Accept, recollect: Recollect) -> None:
        receiver = Receiver(
            client,
            client.rest,
            accept,
            recollect,
            self._known,
            client.shard,
            answer_in=self._settings.answer_in,
            roles=self._roles,
            delays=self._recording_delays,
        )
        client.receiver = receiver
        try:
            async with receiver:
                await stay_connected(
                    client, self._settings.gateway_url, client.shard, entrance, client.failed, client.heard
                )
        finally:
            client.receiver = None

    # --- speaking -----------------------------------------------------------------------------------------------

    def fits(self, text: str) -> bool:
        return formats.fits(text)

    def open(
        self, thread: ThreadId, key: str, message: MessageId | None = None, *, reply_to: MessageId | None = None
    ) -> DiscordSurface:
        return DiscordSurface(self._room(thread), key, message, reply_to)

    async def attach(
        self, thread: ThreadId, key: str, name: str, file: Fetched, *, reply_to: MessageId | None = None
    ) -> MessageId:
        """Within some minutes the same key gives the same message again, as for texts."""
        answered = int(reply_to) if reply_to is not None and reply_to.isdecimal() else None
        written = await self._room(thread).write("", key, answered, enclosed=Enclosed(name, file.content))
        return MessageId(str(written.id))

    async def find(self, thread: ThreadId, key: str) -> MessageId | None:
        """None: Discord tells the nonce in the answer to the creation and in the gateway's event, but does not keep
        it, so no history has it. Showing again under the same key is the way: within some minutes Discord gives the
        first message back instead of creating another."""
        return None

    def _room(self, thread: ThreadId) -> Room:
        return Room(self.client, threads.read(thread), self._known, self._settings.answer_in == "thread")

    @asynccontextmanager
    async def typing(self, thread: ThreadId, may: May) -> AsyncIterator[None]:
        task = asyncio.create_task(_keep_typing(self._room(thread), may))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def sign(self, thread: ThreadId, message: MessageId, *, waits: bool) -> None:
        """See `core.bridge.Signing`."""
        if message.isdecimal():
            await self._room(thread).react(int(message), SIGN, stands=waits)

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        return files.stream(self.client, self.client.rest, attachment)


async def _keep_typing(room: Room, may: May) -> None:
    while True:
        pause = TYPING_SECONDS
        await may()
        try:
            await room.show_typing()
        except PlatformRefused:
            return
        except SlowDown as refusal:
            pause = max(refusal.retry_after, 1.0)
        except PlatformError as error:
            log.debug("typing could not be shown: %s", error.detail)
        await asyncio.sleep(pause)
