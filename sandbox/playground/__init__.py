"""The playground: the three platforms, the upstreams, and the real program between them, in one page of a browser.

Nothing here needs an account, a token or a network. What one sees is the program itself, started as a child process
with a real configuration, talking to the stand-ins of this package over sockets.

```
server       the page and its requests: 127.0.0.1 only
playground   what the page can see and ask for
  stand_ins  the four stand-ins, at the ports and with the worlds they had
  people     who lives in their worlds, and is let in or a stranger
  program    the child process: started, watched, restarted, ended
  mirror     what people see, as differences
  panel      what is said about each turn: record (what the program wrote down), lag (how far behind the platform is)
  chats      what a person may do in the page: speak, press buttons, send files (uploads)
  operator   who waits to be let in, and the command that does it
  faults     what can be made to go wrong
folder       the data folder: one playground at a time, files that are whole
config       the program's configuration
```
"""

from __future__ import annotations

import asyncio
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.playground.errors import PlaygroundError
from sandbox.playground.folder import Folder
from sandbox.playground.playground import COMMAND, Playground
from sandbox.playground.server import serving

__all__ = ["PlaygroundError", "Standing", "running", "serve"]


async def serve(port: int, data: Path, *, fresh: bool, open_browser: bool) -> None:
    """Runs a playground until cancelled, interrupted or terminated. `fresh` forgets what `data` holds from before.

    Raises `PlaygroundError` if the port or the folder is in use, or what the folder holds cannot be read."""
    with _told_to_stop() as stop:
        async with running(port, data, fresh=fresh) as standing:
            sys.stdout.write(f"Playground: {standing.address}  (Ctrl-C ends it)\n")
            sys.stdout.flush()
            if open_browser:
                await asyncio.to_thread(webbrowser.open, standing.address)
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((stopped, standing.run), return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()


@dataclass(frozen=True, slots=True)
class Standing:
    address: str
    run: asyncio.Task[None]
    """Ends only if the playground fails; leaving the block then raises why."""


@asynccontextmanager
async def running(
    port: int, data: Path, *, fresh: bool = False, command: Sequence[str] = COMMAND
) -> AsyncIterator[Standing]:
    """A playground, for as long as the block runs. `command`: what to start in place of the real program; the name of
    its configuration is added. Raises `PlaygroundError`."""
    folder = Folder(data)
    with folder.held():
        if fresh:
            folder.clear()
        playground = Playground(folder, command)
        runner, port = await serving(playground, port)
        run = asyncio.create_task(playground.run())
        ready = asyncio.create_task(playground.ready.wait())
        try:
            await asyncio.wait((run, ready), return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                yield Standing(f"http://127.0.0.1:{port}/", run)
        finally:
            ready.cancel()
            run.cancel()
            playground.hub.close()
            try:
                with suppress(asyncio.CancelledError):
                    await run
            finally:
                await runner.cleanup()


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    """An event that is set when this process is interrupted or terminated."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for one in signals:
        loop.add_signal_handler(one, stop.set)
    try:
        yield stop
    finally:
        for one in signals:
            loop.remove_signal_handler(one)
