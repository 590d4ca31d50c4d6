"""Where platforms reach the program over HTTP. The server is the console's; bridges only say what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


COMING = "The server is just starting. Please try again in a moment."


class Endpoints:
    """The paths that bridges answer just now; requests for any other are not found. `listening`: somebody here is going
    to answer those that are expected."""

    def __init__(self, *, listening: bool = True) -> None:
        self._handlers: dict[str, Handler] = {}
        self._listening = listening
        self._expected: set[str] = set()

    def expect(self, path: str) -> None:
        """While nobody answers this path, whoever asks is told to come again: at the start, and between two attempts to
        listen. "Not found" would be taken for the last word."""
        if self._listening:
            self._expected.add(path)

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
        if handler is None and not self._expected.isdisjoint((folder, request.path)):
            return web.json_response({"error": COMING}, status=503, headers={"Retry-After": "1"})
        if handler is None:
            raise web.HTTPNotFound
        return await handler(request)
