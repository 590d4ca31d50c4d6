"""A network between programs of this machine that can be cut, held up and mended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Reach = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Connects to the far side."""


class Network:
    """Passes on bytes between whoever connects (`serve`) and the far side."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._flows = asyncio.Event()
        self._flows.set()
        self._refuses = False
        self._connections: set[asyncio.Task[None]] = set()

    def hold(self) -> None:
        """Nothing gets through, and nobody is told: a partition."""
        self._flows.clear()

    def cut(self) -> None:
        """Breaks every connection and refuses new ones: a server that is down."""
        self._refuses = True
        for connection in self._connections:
            connection.cancel()

    def mend(self) -> None:
        self._refuses = False
        self._flows.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if not self._refuses:
                await self._connect(reader, writer)
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await self._reach()
        ways = [
            asyncio.create_task(self._pass(reader, far_writer)),
            asyncio.create_task(self._pass(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)


class PortNetwork(Network):
    """To a port, by one of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(lambda: asyncio.open_connection("127.0.0.1", port))
        self._far = port
        self.port = 0

    def through(self, address: str) -> str:
        """The same address, by way of this network."""
        return address.replace(f":{self._far}", f":{self.port}")


@asynccontextmanager
async def network_to(port: int) -> AsyncIterator[PortNetwork]:
    network = PortNetwork(port)
    server = await asyncio.start_server(network.serve, "127.0.0.1", 0)
    network.port = server.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        server.close()
        await network.close()
