"""What the panels say about each turn: what the program wrote down, where it is seen, and how far behind it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sandbox.feed import Happening
from sandbox.playground import record
from sandbox.playground.faults import STRIKES
from sandbox.playground.lag import Meter
from sandbox.playground.mirror import Mirror


class Panel:
    def __init__(self, database: Path, mirrors: Mapping[str, Mirror]) -> None:
        self._database = database
        self._mirrors = mirrors
        self._meter = Meter()
        self._called: dict[str, float] = {}
        """When the last call that writes came in, at each platform."""
        self.turns: list[dict[str, Any]] = []
        """Newest first, as of the last look."""
        self.busy = False
        """A turn was open at the last look, so that another look is worth while."""

    def see(self, happening: Happening) -> None:
        """To be told after the platform's mirror."""
        data = happening.data
        if happening.source not in self._mirrors:
            if happening.kind in ("text", "answered", "failed", "abandoned"):
                over = happening.kind != "text"
                self._meter.wrote(data["system"], data["conversation"], data["length"], happening.at, over=over)
        elif happening.kind == "call":
            strikes = (STRIKES[happening.source, "post"], STRIKES[happening.source, "edit"])
            if any(fnmatchcase(str(data["name"]), pattern) for pattern in strikes):
                self._called[happening.source] = happening.at
        elif happening.kind in ("message", "edit"):
            place, message = str(data["place"]), str(data["id"])
            view = self._mirrors[happening.source].view(place, message)
            if view is not None and view.bot:
                called = self._called.get(happening.source, happening.at)
                self._meter.showed((happening.source, view.place, message), len(view.text), happening.at, called)

    async def look(self) -> bool:
        """Reads the program's database. True: something is new."""
        found = await asyncio.to_thread(record.latest, self._database, tuple(self._mirrors))
        if found is None:
            return False
        self.busy = any(turn.open for turn in found)
        self._meter.assign(found)
        before, self.turns = self.turns, [self._described(turn) for turn in found]
        return self.turns != before

    def _described(self, turn: record.Turn) -> dict[str, Any]:
        mirror = self._mirrors[turn.bridge]
        parts = [mirror.find(turn, stored) for stored in turn.parts]
        asked = mirror.find(turn, turn.message)
        shown = [part for part in parts if part is not None]
        measure = self._meter.measure(turn, [(turn.bridge, part.place, part.id) for part in shown], time.monotonic())
        return {
            **asdict(turn),
            "prompt": turn.prompt[:200],
            "reply": None,
            "length": len(turn.reply or ""),
            "shown": sum(len(part.text) for part in shown),
            "edits": sum(part.edits for part in shown),
            "asked": asked and {"place": asked.place, "id": asked.id},
            "parts": [part and {"place": part.place, "id": part.id} for part in parts],
            "lag": measure.lag and asdict(measure.lag),
            "growth": measure.growth,
        }
