"""Where platforms reach the program over HTTP. The server is the console's; bridges only say what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoints:
    """The paths that bridges answer just now; requests for any other are not found."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    @contextmanager
    def serve(self, path: str, handler: Handler) -> Iterator[None]:
        """Answers POST requests to `path` (starting with a slash) as long as the block runs; or, if it ends with a
        slash too, all requests to it and to what is below it."""
        if path in self._handlers:
            raise ValueError(f"{path} is answered already")
        self._handlers[path] = handler
        try:
            yield
        finally:
            del self._handlers[path]

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        folder = request.path[: request.path.find("/", 1) + 1]
        handler = self._handlers.get(folder)
        if handler is None and request.method == "POST":
            handler = self._handlers.get(request.path)
        if handler is None:
            raise web.HTTPNotFound
        return await handler(request)
