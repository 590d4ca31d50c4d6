"""The real program as a child process: started, watched, restarted, ended.

The program is not ours to call into: it is started as an operator would, told to stop by signal, and killed. When it
ends without being told to, it is started again, each time after a longer wait.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

State = Literal["stopped", "running", "stopping", "waiting"]

STEADY = 20.0
"""Seconds after which a running program is taken for healthy, and the next failure waits only shortly."""
LOG_LIMIT = 4_000_000
"""Bytes, after which the log is begun anew; the old one is kept beside it."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Status:
    state: State = "stopped"
    """`waiting`: it ended by itself and is started again shortly."""
    pid: int | None = None
    since: float | None = None
    """Unix time of the start."""
    restarts: int = 0
    """Starts after the first."""
    ended: str = ""
    """How it ended by itself, with the last line that it wrote; empty while all is well."""


def delay(failures: int) -> float:
    """Seconds before the next start after so many failures in a row."""
    return float(min(30.0, 0.5 * 2 ** min(failures - 1, 10)))


class Program:
    """Keeps one child process running while `run` does."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        changed: Callable[[], None],
        grace: float = 15.0,
    ) -> None:
        self._command, self._cwd, self._env, self._log = command, cwd, env, log
        self._changed = changed
        self._grace = grace
        self._process: asyncio.subprocess.Process | None = None
        self._told = False
        self._failures = 0
        self._started = 0
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.status = Status()
        self.tail: deque[str] = deque(maxlen=300)

    async def run(self) -> None:
        """Keeps it running until cancelled; it has ended when this returns."""
        try:
            while True:
                await self._wanted.wait()
                code = await self._life()
                if self._told:
                    self._failures = 0
                    self._set(state="stopped", pid=None, since=None, ended="")
                else:
                    await self._wait(code)
        finally:
            await self.stop()

    async def stop(self, *, kill: bool = False) -> None:
        """Ends it, the kind way unless `kill`, and returns when it has ended. It is not started again by itself."""
        self._wanted.clear()
        self._hurry.set()
        await self._end(signal.SIGKILL if kill else signal.SIGTERM)
        await self._idle.wait()

    def start(self) -> None:
        self._hurry.set()
        self._wanted.set()

    async def restart(self, *, kill: bool = False) -> None:
        """Ends it and starts it again; one that waits to be started is started now."""
        await self.stop(kill=kill)
        self.start()

    async def _life(self) -> int:
        self._told = False
        self._idle.clear()
        pump: asyncio.Task[None] | None = None
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._cwd,
                env=dict(self._env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=1 << 20,
                preexec_fn=_die_with_parent() if sys.platform == "linux" else None,
            )
            self._process = process
            pump = asyncio.create_task(self._pump(process))
            restarts, self._started = self._started, self._started + 1
            self._set(state="running", pid=process.pid, since=time.time(), restarts=restarts, ended="")
            if not self._wanted.is_set():  # told to stop while it was being started
                await self._end(signal.SIGTERM)
            return await process.wait()
        finally:
            await self._end(signal.SIGTERM)
            if pump is not None:
                await asyncio.wait([pump], timeout=1)  # a process of its own may still hold the pipe
                pump.cancel()
            self._process = None
            self._idle.set()

    async def _pump(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".log.old"))
        with self._log.open("ab", buffering=0) as log:
            while chunk := await _line(process.stdout):
                log.write(chunk)
                self.tail.append(chunk.decode("utf-8", "replace").rstrip())
                self._changed()

    async def _wait(self, code: int) -> None:
        """After an end that nobody asked for."""
        if self.status.since is not None and time.time() - self.status.since > STEADY:
            self._failures = 0
        self._failures += 1
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        last = next((line for line in reversed(self.tail) if line.strip()), "")
        self._set(state="waiting", pid=None, since=None, ended=f"It {how}. {last}".strip())
        self._hurry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), delay(self._failures))

    async def _end(self, with_signal: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._told = True
        self._set(state="stopping")
        with suppress(ProcessLookupError):
            process.send_signal(with_signal)
        try:
            async with asyncio.timeout(self._grace):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _set(self, **values: object) -> None:
        self.status = replace(self.status, **values)  # type: ignore[arg-type]  # names and types are those of Status
        self._changed()


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # a line longer than the limit: what was read of it has been thrown away
        return b"(a line too long to show)\n"


def _die_with_parent() -> Callable[[], None]:
    """On Linux the kernel tells the child when this process is gone, however it went."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it went before the line above
            os.kill(os.getpid(), signal.SIGTERM)

    return arm
