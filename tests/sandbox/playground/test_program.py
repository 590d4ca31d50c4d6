from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from sandbox.playground.program import Program, delay

STOPS = "import signal; print('ready', flush=True); signal.sigwait([signal.SIGTERM])"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
FAILS_ONCE = """
import pathlib, signal, sys
seen = pathlib.Path("seen")
if not seen.exists():
    seen.touch()
    sys.exit("The database is locked.")
print("ready", flush=True)
signal.sigwait([signal.SIGTERM])
"""


class Watched:
    """A program, and waiting for it to become something."""

    def __init__(self, folder: Path, script: str, grace: float = 15.0) -> None:
        self._changed = asyncio.Event()
        self.seen: list[str] = []
        self.log = folder / "log"
        self.program = Program(
            [sys.executable, "-c", script], cwd=folder, env=os.environ, log=self.log, changed=self._on, grace=grace
        )

    def _on(self) -> None:
        self.seen.append(self.program.status.ended)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def is_ready(self) -> int:
        """Returns its process id."""
        await self.until(lambda: "ready" in self.program.tail and self.program.status.state == "running")
        assert self.program.status.pid is not None
        return self.program.status.pid


@asynccontextmanager
async def running(folder: Path, script: str, grace: float = 15.0) -> AsyncIterator[Watched]:
    watched = Watched(folder, script, grace)
    task = asyncio.create_task(watched.program.run())
    try:
        yield watched
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_restart_gives_a_new_process_and_counts(tmp_path: Path) -> None:
    async with running(tmp_path, STOPS) as watched:
        first = await watched.is_ready()
        watched.program.tail.clear()
        await watched.program.restart()
        second = await watched.is_ready()
        assert first != second
        assert not is_alive(first)
        assert watched.program.status.restarts == 1
        assert not any(watched.seen), "a stop that was asked for is no failure"


async def test_a_kill_is_no_request_and_is_followed_by_a_new_process(tmp_path: Path) -> None:
    async with running(tmp_path, IGNORES) as watched:
        first = await watched.is_ready()
        watched.program.tail.clear()
        await watched.program.restart(kill=True)
        assert await watched.is_ready() != first
        await watched.program.stop(kill=True)


async def test_one_that_ends_by_itself_is_started_again_and_its_last_line_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, FAILS_ONCE) as watched:
        await watched.is_ready()
        assert "It ended with code 1. The database is locked." in watched.seen
        assert watched.program.status.ended == ""
        assert watched.program.status.restarts == 1
    assert b"The database is locked." in watched.log.read_bytes()


async def test_one_that_was_killed_from_outside_is_told_by_its_signal(tmp_path: Path) -> None:
    async with running(tmp_path, STOPS) as watched:
        os.kill(await watched.is_ready(), signal.SIGKILL)
        await watched.until(lambda: watched.program.status.state == "waiting")
        assert watched.program.status.ended.startswith("It was ended by SIGKILL.")
        assert watched.program.status.pid is None


async def test_one_that_does_not_listen_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    async with running(tmp_path, IGNORES, grace=0.1) as watched:
        pid = await watched.is_ready()
        await watched.program.stop()
        assert not is_alive(pid)
        assert watched.program.status.state == "stopped"


async def test_a_stopped_one_starts_when_it_is_told_to(tmp_path: Path) -> None:
    async with running(tmp_path, STOPS) as watched:
        await watched.is_ready()
        await watched.program.stop()
        watched.program.tail.clear()
        watched.program.start()
        await watched.is_ready()


async def test_it_has_ended_when_its_keeper_has(tmp_path: Path) -> None:
    async with running(tmp_path, STOPS) as watched:
        pid = await watched.is_ready()
    assert not is_alive(pid)


async def test_one_that_always_fails_is_tried_again_and_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "raise SystemExit('The port is taken.')")
    task = asyncio.create_task(watched.program.run())
    await watched.until(lambda: watched.program.status.restarts >= 2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert any("The port is taken." in ended for ended in watched.seen)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
async def test_it_does_not_outlive_a_keeper_that_was_killed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = f"import signal; held = open({str(pipe)!r}, 'w'); held.write('x'); held.flush(); signal.pause()"
    keeper = f"""
import asyncio, os, pathlib, sys
from sandbox.playground.program import Program
here = pathlib.Path({str(tmp_path)!r})
program = Program([sys.executable, "-c", {child!r}], cwd=here, env=os.environ, log=here / "log", changed=lambda: None)
asyncio.run(program.run())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", keeper)
    with await asyncio.to_thread(pipe.open, "rb", buffering=0) as held:
        assert await asyncio.to_thread(held.read, 1) == b"x"
        process.kill()
        await process.wait()
        async with asyncio.timeout(20):
            assert await asyncio.to_thread(held.read, 1) == b"", "the pipe ends when nobody holds it any more"


def test_waits_get_longer_and_end_at_half_a_minute() -> None:
    assert [delay(failures) for failures in (1, 2, 3, 6, 7, 100)] == [0.5, 1, 2, 16, 30, 30]
