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
            await self.add(role)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def first(self) -> Program:
        """The one that listens, as it is now."""
        return self.programs[0]

    async def _begun(self, program: Program) -> Program:
        return await self._stack.enter_async_context(program)

    async def add(self, role: Role, config: Path | None = None) -> Program:
        """One more, which may have a configuration of its own."""
        program = await self._begun(Program((role, "--config", str(config or self.config))))
        self.programs.append(program)
        return program

    async def replace(self, ended: Program) -> Program:
        """Starts another one like one that has ended."""
        program = await self._begun(Program(ended.arguments))
        self.programs[self.programs.index(ended)] = program
        return program

    async def ready(self) -> None:
        """Waits until all of them have begun, and hear what is said."""
        for program in self.programs:
            if program.arguments[0] == "work":
                await program.said("working:")
            else:
                await self.world.listening(program)

    def log(self) -> str:
        """Of all that run now."""
        return "\n".join(line for program in self.programs for line in program.log)
