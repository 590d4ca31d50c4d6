"""One message of the assistant being written into a conversation."""

from __future__ import annotations

from collections.abc import Awaitable

from bridges.web.room import Room, State
from core.errors import DatabaseError, MessageMissing, PlatformRefused, PlatformUnavailable
from core.model import MessageId, ThreadId


class WebSurface:
    """Implements `core.bridge.Surface`. The key is the id: making the message again writes into the same one."""

    def __init__(
        self, room: Room, thread: ThreadId, key: str, message: MessageId | None, reply_to: MessageId | None
    ) -> None:
        self._room = room
        self._thread = thread
        self._key = key
        self._message = message
        self._reply_to = reply_to
        self._shown: str | None = None
        self._final = False

    @property
    def message(self) -> MessageId | None:
        return self._message

    @property
    def shown(self) -> str | None:
        return self._shown

    async def show(self, text: str, *, final: bool) -> None:
        if self._message is None:
            if text or not final:
                await self._make(text, final)
        elif final and not text:
            await self._remove(self._message)
        elif (text, final) != (self._shown, self._final):
            await self._edit(self._message, text, final)
        self._shown, self._final = text, final

    async def _make(self, text: str, final: bool) -> None:
        if not await reached(self._room.post(self._thread, self._key, text, _state(final), self._reply_to)):
            raise PlatformRefused(detail=f"{self._thread} is not there")
        self._message = MessageId(self._key)

    async def _edit(self, message: MessageId, text: str, final: bool) -> None:
        if not await reached(self._room.edit(self._thread, message, text, _state(final))):
            raise MessageMissing(detail=f"{message} in {self._thread} is not there")

    async def _remove(self, message: MessageId) -> None:
        await reached(self._room.edit(self._thread, message, "", "removed"))
        self._message = None


def _state(final: bool) -> State:
    return "final" if final else "growing"


async def reached(call: Awaitable[bool]) -> bool:
    """What the room says. Raises `PlatformUnavailable`."""
    try:
        return await call
    except DatabaseError as error:
        raise PlatformUnavailable(detail=error.detail or error.sentence) from None
