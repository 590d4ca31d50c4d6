"""What an operator does beside the running program: looks who waits to be let in, and lets them in by the command."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from sandbox.playground import record
from sandbox.playground.errors import Refused
from sandbox.playground.folder import Folder, environment

COMMAND = (sys.executable, "-m", "bridges.cli", "pair", "--config")
"""`threadbridge pair`; the name of the configuration follows, and the code."""
PATIENCE = 60.0
"""Seconds that the command may take on a busy machine."""


class Operator:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._access = record.Access()

    def state(self) -> dict[str, Any]:
        return asdict(self._access)

    async def look(self) -> bool:
        """Reads the program's database. True: something is new."""
        found = await asyncio.to_thread(record.access, self._folder.database)
        if found is None or found == self._access:
            return False
        self._access = found
        return True

    async def pair(self, code: str) -> str:
        """Lets in who was given this code; returns what the program says to that. Raises `Refused`."""
        if not any(one.code == code for one in self._access.waiting):
            raise Refused("Nobody waits with this code any more.")
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            str(self._folder.config),
            code,
            cwd=self._folder.path,
            env=environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                said, complaint = await process.communicate()
        except TimeoutError:
            raise Refused("threadbridge pair did not come to an end: try again.") from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.returncode:
            raise Refused(_last(complaint).removeprefix("threadbridge: ") or "threadbridge pair failed.")
        return _last(said)


def _last(written: bytes) -> str:
    return written.decode("utf-8", "replace").strip().rpartition("\n")[2]
