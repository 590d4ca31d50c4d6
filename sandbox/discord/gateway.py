"""Discord's gateway, version 10, JSON, plain or `zlib-stream`: sessions that outlive their sockets.

A session numbers what it is sent and keeps it, so that a client that comes back (RESUME) gets what it missed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.discord import payloads
from sandbox.discord.interactions import Interaction
from sandbox.discord.records import Channel, Message
from sandbox.discord.session import Session, Wire
from sandbox.discord.shards import Sharding, concerns
from sandbox.discord.world import World
from sandbox.feed import Feed

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    0,
    1,
    2,
    3,
    6,
    7,
    8,
    9,
    10,
    11,
)
GUILDS, GUILD_MEMBERS, GUILD_PRESENCES, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
GUILD_MESSAGES, GUILD_TYPING, DIRECT_MESSAGES, DIRECT_TYPING = 1 << 9, 1 << 11, 1 << 12, 1 << 14
HEARTBEAT_INTERVAL_MS = 41_250
CLOSINGS = {
    4001: "Unknown opcode",
    4002: "Decode error",
    4003: "Not authenticated",
    4004: "Authentication failed",
    4005: "Already authenticated",
    4007: "Invalid seq",
    4009: "Session timed out",
    4010: "Invalid shard",
    4011: "Sharding required",
    4014: "Disallowed intent(s)",
}


class Gateway:
    """All sessions of the one bot. `address` is what a client is told to come back to."""

    def __init__(self, world: Callable[[], World], feed: Feed, token: str) -> None:
        self._world = world
        self._feed = feed
        self._token = token
        self.address = ""
        self.files_url = ""
        self.message_content_allowed = True
        self.sharding = Sharding()
        self.strip_content = False
        """Content is withheld even from those who asked for it, as after a review that failed."""
        self._sessions: dict[str, Session] = {}
        self._wires: set[Wire] = set()

    @property
    def connected(self) -> int:
        """How many clients are connected and identified."""
        return sum(session.wire is not None for session in self._sessions.values())

    # --- one connection -----------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if "upgrade" not in request.headers.get("Connection", "").lower():
            return web.Response(status=400, text="Bad Request")
        socket = web.WebSocketResponse(max_msg_size=4096, autoclose=False)
        await socket.prepare(request)
        wire = Wire(socket, request.query.get("compress"))
        self._wires.add(wire)
        writing = asyncio.create_task(wire.write())
        session: Session | None = None
        self._feed.publish("gateway", what="connected")
        try:
            wire.send({"op": HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}, "s": None, "t": None})
            while True:
                frame = await socket.receive(timeout=HEARTBEAT_INTERVAL_MS / 1000 * 1.5)
                if frame.type is not WSMsgType.TEXT:
                    break
                session = await self._take(wire, session, frame.data)
        except TimeoutError:
            await self._close(wire, 4009)
        finally:
            writing.cancel()
            self._wires.discard(wire)
            if session is not None and session.wire is wire:
                session.wire = None
                if socket.close_code in (1000, 1001):
                    self._sessions.pop(session.id, None)
            self._feed.publish("gateway", what="disconnected", code=int(socket.close_code or 0))
            await socket.close()
        return socket

    async def _take(self, wire: Wire, session: Session | None, text: str) -> Session | None:
        try:
            frame = json.loads(text)
            op, data = int(frame["op"]), frame.get("d")
        except (ValueError, KeyError, TypeError):
            await self._close(wire, 4002)
            return session
        match op:
            case 1:
                wire.send({"op": ACK, "d": None, "s": None, "t": None})
            case 2 if session is not None:
                await self._close(wire, 4005)
            case 2:
                return await self._identify(wire, data)
            case 6:
                return await self._resume(wire, data)
            case _ if session is None:
                await self._close(wire, 4003)
            case 3 | 4:
                pass
            case 8:
                self._members(session, data)
            case _:
                await self._close(wire, 4001)
        return session

    async def _close(self, wire: Wire, code: int) -> None:
        await wire.socket.close(code=code, message=CLOSINGS.get(code, "").encode())

    async def _identify(self, wire: Wire, data: dict[str, Any]) -> Session | None:
        self._feed.publish("gateway", what="identify", shard=data.get("shard"))
        intents = int(data.get("intents", 0))
        if data.get("token", "").removeprefix("Bot ") != self._token:
            await self._close(wire, 4004)
            return None
        if intents & MESSAGE_CONTENT and not self.message_content_allowed:
            await self._close(wire, 4014)
            return None
        shard = self.sharding.read(data)
        if isinstance(shard, int):
            await self._close(wire, shard)
            return None
        if self.sharding.too_soon(shard, time.monotonic()):
            self._feed.publish("gateway", what="too_soon", shard=shard)
            wire.send({"op": INVALID, "d": False, "s": None, "t": None})
            return None
        world = self._world()
        guilds = [one for one in world.guilds if concerns(shard, one)]
        session = Session(secrets.token_hex(16), intents, shard, wire=wire)
        self._sessions[session.id] = session
        ready: dict[str, Any] = {
            "v": 10,
            "user": payloads.user(world.users[world.bot]),
            "guilds": [{"id": one, "unavailable": True} for one in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.address,
            "private_channels": [],
            "application": {"id": world.bot, "flags": payloads.MESSAGE_CONTENT_FLAG},
        }
        if "shard" in data:
            ready["shard"] = list(shard)
        self._tell(session, "READY", ready)
        if intents & GUILDS:
            for one in guilds:
                self._tell(session, "GUILD_CREATE", payloads.guild(world, one))
        return session

    async def _resume(self, wire: Wire, data: dict[str, Any]) -> Session | None:
        session = self._sessions.get(data.get("session_id") or "")
        self._feed.publish("gateway", what="resume", known=session is not None)
        if data.get("token", "").removeprefix("Bot ") != self._token:
            await self._close(wire, 4004)
            return None
        last = data.get("seq")
        if session is None or not isinstance(last, int) or (session.sent and session.sent[0][0] > last + 1):
            wire.send({"op": INVALID, "d": False, "s": None, "t": None})
            return None
        if last > session.number:
            await self._close(wire, 4007)
            return None
        if session.wire is not None:
            session.wire.cut()
        session.wire = wire
        for number, event in session.sent:
            if number > last:
                wire.send(event)
        self._tell(session, "RESUMED", {})
        return session

    def _members(self, session: Session, data: dict[str, Any]) -> None:
        world = self._world()
        wanted = data.get("user_ids") or list(world.users)
        found = [one for one in world.users.values() if one.id in wanted]
        chunk: dict[str, Any] = {
            "guild_id": data.get("guild_id", world.guild),
            "members": [{**payloads.member(world, one), "user": payloads.user(one)} for one in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        }
        if "nonce" in data:
            chunk["nonce"] = data["nonce"]
        self._tell(session, "GUILD_MEMBERS_CHUNK", chunk)

    # --- telling ------------------------------------------------------------------------------------------------

    def _tell(self, session: Session, event: str, data: dict[str, Any]) -> None:
        session.number += 1
        payload = {"op": DISPATCH, "t": event, "s": session.number, "d": data}
        session.sent.append((session.number, payload))
        if session.wire is not None:
            session.wire.send(payload)

    def message(self, event: str, message: Message) -> None:
        """`MESSAGE_CREATE` or `MESSAGE_UPDATE`, to every session that may see it, with as much as it may see."""
        world = self._world()
        place = world.channels[message.channel]
        intent = DIRECT_MESSAGES if place.guild is None else GUILD_MESSAGES
        if world.lacks(place, "VIEW_CHANNEL"):
            return
        shape = payloads.in_gateway(world, message, payloads.message(world, message, self.files_url))
        if event == "MESSAGE_CREATE" and message.nonce is not None:
            shape["nonce"] = message.nonce
        for session in self._sessions.values():
            if not session.wants(intent, place.guild):
                continue
            trusted = bool(session.intents & MESSAGE_CONTENT) and not self.strip_content
            self._tell(session, event, payloads.readable(world, message, shape, trusted=trusted))

    def deleted(self, message: Message) -> None:
        guild = self._world().channels[message.channel].guild
        data = {"id": message.id, "channel_id": message.channel, **({"guild_id": guild} if guild else {})}
        for session in self._sessions.values():
            if session.wants(GUILD_MESSAGES if guild else DIRECT_MESSAGES, guild):
                self._tell(session, "MESSAGE_DELETE", data)

    def channel(self, event: str, channel: Channel, **more: Any) -> None:
        """`CHANNEL_CREATE`, `THREAD_CREATE`, `THREAD_UPDATE`, ..."""
        world = self._world()
        if channel.guild is None or world.lacks(channel, "VIEW_CHANNEL"):
            return
        for session in self._sessions.values():
            if session.wants(GUILDS, channel.guild):
                self._tell(session, event, {**payloads.channel(world, channel), **more})

    def typing(self, channel: Channel, user: str, at: float) -> None:
        guild = channel.guild
        data = {"channel_id": channel.id, "user_id": user, "timestamp": int(at)}
        for session in self._sessions.values():
            if session.wants(GUILD_TYPING if guild else DIRECT_TYPING, guild):
                self._tell(session, "TYPING_START", {**data, **({"guild_id": guild} if guild else {})})

    def interaction(self, used: Interaction) -> None:
        """`INTERACTION_CREATE`: no intent is needed for it, nor may the bot see the channel."""
        world = self._world()
        place = world.channels[used.channel]
        data = payloads.interaction(world, used)
        for session in self._sessions.values():
            if concerns(session.shard, place.guild):
                self._tell(session, "INTERACTION_CREATE", data)

    # --- making trouble -----------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Every connection breaks; the sessions stay and can be resumed."""
        for wire in list(self._wires):
            wire.cut()

    async def close(self, code: int) -> None:
        """Every connection is closed with this code. With 4004 and the like a client must not come back."""
        for wire in list(self._wires):
            await wire.socket.close(code=code, message=CLOSINGS.get(code, "").encode())

    def expire(self, shard: int | None = None) -> None:
        """Every connection breaks and the sessions are forgotten: who comes back is told that its session is invalid,
        and what happens until it identifies anew is lost. `shard`: only that one's."""
        for session in [one for one in self._sessions.values() if shard in (None, one.shard[0])]:
            del self._sessions[session.id]
            if session.wire is not None:
                session.wire.cut()

    def ask_to_reconnect(self) -> None:
        for wire in list(self._wires):
            wire.send({"op": RECONNECT, "d": None, "s": None, "t": None})

    def invalidate(self, *, resumable: bool) -> None:
        """Tells every client that its session is invalid."""
        if not resumable:
            self.forget()
        for wire in list(self._wires):
            wire.send({"op": INVALID, "d": resumable, "s": None, "t": None})

    def nonsense(self, event: str, data: dict[str, Any]) -> None:
        """An event of a shape that no client expects."""
        for session in self._sessions.values():
            self._tell(session, event, data)

    def forget(self) -> None:
        """No session is known any more. Clients that are connected hear nothing."""
        self._sessions.clear()
