"""The whole of it: the stand-ins, the program between them, and what the page may ask for."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from typing import Any

from sandbox.faults import Fault
from sandbox.playground import config
from sandbox.playground.chats import Chats
from sandbox.playground.errors import Refused
from sandbox.playground.faults import OFFERS, fault_for
from sandbox.playground.folder import Folder, environment
from sandbox.playground.hub import Hub
from sandbox.playground.mirror import Mirror
from sandbox.playground.operator import Operator
from sandbox.playground.panel import Panel
from sandbox.playground.people import PEOPLE
from sandbox.playground.program import Program
from sandbox.playground.stand_ins import StandIns, free_port
from sandbox.playground.uploads import LARGEST, MOST
from sandbox.stand_in import StandIn

COMMAND = (sys.executable, "-m", "bridges.cli", "run", "--config")
"""The real program, as anyone would start it; the name of its configuration follows."""
SPEEDS = (4, 400)
"""Words a second that the upstream may write, the slowest and the fastest."""
SAVE_AFTER = 0.5
"""Seconds from a change to its being kept, so that a burst of changes is kept once."""
SAVING_SHARE = 0.05
"""Of the time that may go into keeping: with large files in the chats, it is done less often."""
LOOK_EVERY = 0.25
"""Seconds between two looks into the program's database, while something happens."""


class Playground:
    """Lives in ages: each begins with what the last one left, or, when the page asks for it, with nothing."""

    def __init__(self, folder: Folder, command: Sequence[str] = COMMAND) -> None:
        """Raises `PlaygroundError` if what the folder holds cannot be taken up."""
        self._folder = folder
        self._command = command
        self.hub = Hub()
        self.ready = asyncio.Event()
        """Set while everything stands."""
        self._fresh = asyncio.Event()
        self._begin()

    def _begin(self) -> None:
        """Takes up what was kept."""
        kept = self._folder.read()
        self._stand_ins = StandIns(kept.get("worlds", {}), kept.get("ports", {}))
        self._kind = kept["kind"] if kept.get("kind") in config.KINDS else config.KINDS[0]
        self._http_port = free_port(kept.get("ports", {}).get("http", 0))
        self._stand_ins.upstream.speed = float(kept.get("speed", 40))
        self._mirrors = {name: Mirror(one, self.hub.tell) for name, one in self._stand_ins.platforms.items()}
        self.chats = Chats(self._stand_ins, self._mirrors)
        self._panel = Panel(self._folder.database, self._mirrors)
        self._operator = Operator(self._folder)
        self._asked: list[tuple[str, Fault]] = []
        self._faults: list[str] = []
        self._happened, self._unsaved = asyncio.Event(), asyncio.Event()
        self._program = Program(
            [*self._command, str(self._folder.config)],
            cwd=self._folder.path,
            env=environment(),
            log=self._folder.log,
            changed=self._program_changed,
        )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            async with self._stand_ins:
                self._configure()
                await self._age()
            self._folder.clear()
            self._fresh.clear()
            self._begin()

    async def _age(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                works: list[Coroutine[Any, Any, None]] = [self._program.run(), self._save(), self._look()]
                tasks = [group.create_task(work) for work in [*works, *map(self._watch, self._stand_ins)]]
                self.ready.set()
                self.hub.tell("state", self.state())
                await self._fresh.wait()
                self.ready.clear()
                for task in tasks:
                    task.cancel()
        finally:
            self.ready.clear()
            self._write()

    # --- what the page shows ------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "people": [asdict(person) for person in PEOPLE],
            "files": {"largest": LARGEST, "most": MOST},
            "platforms": {name: mirror.state() for name, mirror in self._mirrors.items()},
            "kinds": config.KINDS,
            "kind": self._kind,
            "speeds": SPEEDS,
            "speed": round(self._stand_ins.upstream.speed),
            "offers": [{"id": id, "label": offer.label, "where": offer.where} for id, offer in OFFERS.items()],
            "faults": self._faults,
            "program": self._program_state(),
            "turns": self._panel.turns,
            "access": self._operator.state(),
        }

    def log(self) -> list[str]:
        return list(self._program.tail)

    def _program_state(self) -> dict[str, Any]:
        return {**asdict(self._program.status), "now": time.time()}

    # --- what the page may ask for ------------------------------------------------------------------------------

    async def set_kind(self, kind: str) -> None:
        if kind not in config.KINDS:
            raise Refused(f"The upstream has to be one of {', '.join(config.KINDS)}.")
        if kind != self._kind:
            self._kind = kind
            self.hub.tell("kind", {"kind": kind})
            self._configure()
            self._unsaved.set()
            await self.restart(kill=False)

    def set_speed(self, words: float) -> None:
        if not SPEEDS[0] <= words <= SPEEDS[1]:
            raise Refused(f"The speed has to be between {SPEEDS[0]} and {SPEEDS[1]} words a second.")
        self._stand_ins.upstream.speed = float(words)
        self.hub.tell("speed", {"speed": round(words)})
        self._unsaved.set()

    def add_fault(self, where: str, offer: str) -> None:
        target = {one.name: one for one in self._stand_ins}.get(where)
        fault = fault_for(where, self._kind, offer)
        if target is None or fault is None:
            raise Refused("There is no such fault.")
        target.faults.add(fault)
        self._asked.append((f"{where.capitalize()}: {OFFERS[offer].label}", fault))
        self._tell_faults()

    def clear_faults(self) -> None:
        for one in self._stand_ins:
            one.faults.clear()
        self._tell_faults()

    async def restart(self, *, kill: bool) -> None:
        await self._program.restart(kill=kill)

    async def pair(self, code: str) -> str:
        """The operator lets in who was given this code; returns what the program says to that."""
        said = await self._operator.pair(code)
        self._happened.set()
        return said

    async def begin_anew(self) -> None:
        """Ends this age, and returns when the next one stands."""
        self._fresh.set()
        self.ready.clear()
        await self.ready.wait()

    # --- what goes on -------------------------------------------------------------------------------------------

    def _configure(self) -> None:
        tables = config.tables(
            database=self._folder.database,
            http_port=self._http_port,
            bridges=self._stand_ins.bridges(),
            upstreams=self._stand_ins.upstreams(),
            kind=self._kind,
            let_in=self._stand_ins.let_in,
        )
        self._folder.config.write_text(config.render(tables), "utf-8")

    def _program_changed(self) -> None:
        self.hub.tell("program", self._program_state())
        if self._program.status.state != "running":
            for mirror in self._mirrors.values():
                mirror.connect(False)
        if self._program.status.state == "waiting":  # it may have ended because its port was taken meanwhile
            self._http_port = free_port(self._http_port)
            self._configure()
        self._happened.set()

    async def _watch(self, stand_in: StandIn) -> None:
        async for happening in stand_in.feed.watch():
            if stand_in.name in self._mirrors:
                self._mirrors[stand_in.name].see(happening)
            self._panel.see(happening)
            self._happened.set()
            self._unsaved.set()
            self._tell_faults()

    def _tell_faults(self) -> None:
        left = {id(fault) for one in self._stand_ins for fault in one.faults.waiting}
        self._asked = [asked for asked in self._asked if id(asked[1]) in left]
        waiting = [sentence for sentence, _ in self._asked]
        if waiting != self._faults:
            self._faults = waiting
            self.hub.tell("faults", waiting)

    async def _save(self) -> None:
        took = 0.0
        while True:
            await self._unsaved.wait()
            await asyncio.sleep(max(SAVE_AFTER, took / SAVING_SHARE))
            self._unsaved.clear()
            began = time.monotonic()
            self._write()
            took = time.monotonic() - began

    def _write(self) -> None:
        ports = {**self._stand_ins.ports, "http": self._http_port}
        speed = self._stand_ins.upstream.speed
        self._folder.write({"kind": self._kind, "speed": speed, "ports": ports, "worlds": self._stand_ins.dump()})

    async def _look(self) -> None:
        """Into the program's database, as long as something goes on there."""
        while True:
            await self._happened.wait()
            self._happened.clear()
            await asyncio.sleep(LOOK_EVERY)
            if await self._panel.look():
                self.hub.tell("turns", self._panel.turns)
            if await self._operator.look():
                self.hub.tell("access", self._operator.state())
            if self._panel.busy:
                self._happened.set()
