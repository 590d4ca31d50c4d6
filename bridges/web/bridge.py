"""The web: people who are connected to this program itself."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from bridges.endpoints import Endpoints
from bridges.settings import WebSettings
from bridges.web import format as formatting
from bridges.web.api import PATH, Api
from bridges.web.clients import Clients
from bridges.web.inbound import message_of
from bridges.web.pace import PACE
from bridges.web.room import Room
from bridges.web.stream import Stream
from bridges.web.surface import WebSurface, reached
from bridges.web.sweeping import keep_sweeping
from bridges.web.watching import Watching
from core.bridge import Accept, May, Recollect, Surface
from core.errors import AttachmentError
from core.model import Attachment, MessageId, ThreadId
from core.pace import Pace

log = logging.getLogger(__name__)


class WebBridge:
    """Implements `core.bridge.Bridge`. The conversations are in the database that `engine` opens."""

    name = "web"
    unready: str | None = None
    heard_at: float | None = None

    def __init__(
        self, settings: WebSettings, *, engine: AsyncEngine, endpoints: Endpoints, choices: Sequence[str] = ()
    ) -> None:
        """`choices`: the names that `use` takes, where there are several."""
        self._settings = settings
        self._endpoints = endpoints
        endpoints.expect(PATH)
        self._choices = choices
        self._engine = engine
        self._alone = engine.dialect.name == "sqlite"
        self._watching = Watching()
        self._room = Room(engine, self._watching)

    @property
    def pace(self) -> Pace:
        return PACE

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def listen(self, accept: Accept, recollect: Recollect) -> None:
        """Answers requests. What was said before and never handed over, since the program ended just then, is handed
        over first."""
        self._watching.closed = False
        clients = Clients({name: client.token for name, client in self._settings.clients.items()})
        origins = frozenset(self._settings.origins)
        api = Api(
            self._room,
            clients,
            accept,
            self._stream,
            choices=self._choices,
            origins=origins,
            with_page=self._settings.page,
        )
        try:
            await self._catch_up(accept, recollect)
            with self._endpoints.serve(PATH, api.answer):
                log.info("Web: %d client%s at %s", len(clients), "s" if len(clients) > 1 else "", PATH)
                await keep_sweeping(self._engine)
        finally:
            self._watching.close()

    async def _catch_up(self, accept: Accept, recollect: Recollect) -> None:
        recent = await recollect()
        for said in await self._room.missed(recent.within):
            if said.id not in recent.messages:
                await accept(message_of(said))

    def _stream(self, rendered: bool) -> Stream:
        return Stream(self._room, self._watching, alone=self._alone, rendered=rendered)

    # --- speaking -----------------------------------------------------------------------------------------------

    def fits(self, text: str) -> bool:
        return formatting.fits(text)

    def open(
        self,
        thread: ThreadId,
        key: str,
        message: MessageId | None = None,
        *,
        reply_to: MessageId | None = None,
    ) -> Surface:
        return WebSurface(self._room, thread, key, message, reply_to)

    async def find(self, thread: ThreadId, key: str) -> MessageId | None:
        message = MessageId(key)
        return message if await reached(self._room.has(thread, message)) else None

    def typing(self, thread: ThreadId, may: May) -> AbstractAsyncContextManager[None]:
        """The placeholder says it, in whichever process."""
        return nullcontext()

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Never called: nobody can send a file here."""
        raise AttachmentError(detail=attachment.name)
        yield b""
