"""The programs that make up one Threadbridge, kept running as a process manager would."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from tests.program import Program, World

Role = Literal["run", "listen", "work"]

ALONE: tuple[Role, ...] = ("run",)
"""One process."""
APART: tuple[Role, ...] = ("listen", "work", "work")
"""As many as it takes, on one PostgreSQL."""


@dataclass
class Site:
    """Used with `async with`: starts one program for each role, and ends all of them at the end."""

    world: World
    config: Path
    roles: tuple[Role, ...]
    programs: list[Program] = field(default_factory=list)
    """Those that are wanted now, in the order of their roles."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        for role in self.roles:
            self.programs.append(await self._begun(role))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _begun(self, role: str) -> Program:
        return await self._stack.enter_async_context(Program((role, "--config", str(self.config))))

    async def add(self, role: Role) -> Program:
        """One more."""
        self.programs.append(await self._begun(role))
        return self.programs[-1]

    async def replace(self, ended: Program) -> Program:
        """Starts one of the same role instead of one that has ended."""
        place = self.programs.index(ended)
        self.programs[place] = await self._begun(ended.arguments[0])
        return self.programs[place]

    async def ready(self) -> None:
        """Waits until all of them have begun, and hear what is said."""
        for program in self.programs:
            match program.arguments[0]:
                case "work":
                    await program.said("working:")
                case _:
                    await self.world.listening(program)

    def log(self) -> str:
        """Of all that run now."""
        return "\n".join(line for program in self.programs for line in program.log)
