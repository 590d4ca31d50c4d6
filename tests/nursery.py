"""Programs that are born with everything loaded: a process that has imported the program forks for each of them.

Loading takes seconds of processor time, and the suite starts hundreds of programs. Nothing else differs from a start by
hand: each is a process of its own, with its own arguments, environment, folder and standard streams, which takes
signals and dies of them. `multiprocessing` has the server; this gives it what it is to load and what a child becomes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

LOADED = (
    "bridges.app",
    "bridges.discord",
    "bridges.doctor.command",
    "bridges.pair",
    "bridges.slack",
    "bridges.telegram",
    "bridges.web",
    "alembic.command",
    "core.queue",
    "core.worker",
    "tests.nursery",
)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(LOADED))
_ready = False


class Child:
    """One program. `output` is where what it writes can be read, standard error included."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None, typed: str):
        stdin, typing = _context.Pipe(duplex=False)
        self.output, output = _context.Pipe(duplex=False)
        self._process: ForkServerProcess = _context.Process(
            target=_become,
            args=(list(arguments), dict(environment), str(folder or Path.cwd()), stdin, output),
        )
        self._process.start()
        os.write(typing.fileno(), typed.encode())
        for end in (stdin, typing, output):
            end.close()
        assert self._process.pid is not None
        self.pid: int = self._process.pid
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()

    @property
    def code(self) -> int | None:
        """As it exited; less than zero: the signal that ended it. None: it runs."""
        return self._process.exitcode if self._ended.is_set() else None

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.code is not None
        return self.code


async def born(arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None, typed: str) -> Child:
    """Begins `threadbridge ARGUMENTS`."""
    global _ready
    if not _ready:  # the first waits until everything is loaded, and the stand-ins of this process have to go on
        await asyncio.to_thread(_warm_up)
        _ready = True
    return Child(arguments, environment, folder, typed)


def _warm_up() -> None:
    first = _context.Process(target=_nothing)
    first.start()
    first.join()


def _nothing() -> None:
    for module in LOADED:  # a preload that fails is passed over in silence
        import_module(module)


def _become(
    arguments: list[str], environment: dict[str, str], folder: str, stdin: Connection, output: Connection
) -> None:
    os.dup2(stdin.fileno(), 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    for end in (stdin, output):
        end.close()
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    from bridges import cli

    sys.argv = ["threadbridge", *arguments]
    sys.exit(cli.main())
