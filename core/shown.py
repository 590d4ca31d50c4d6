"""One part of a reply: what is on record of it, and what its platform has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from core.bridge import Growing, Offering, Surface, Wanted
from core.model import MessageId
from core.pace import Call
from core.tables import Part


class Ledger(Protocol):
    """Where parts are recorded. Raises `LeaseLost` when the turn is somebody else's by now."""

    def check(self) -> None:
        """Asked before each call of the platform, and answered without the database."""

    async def intend(self, position: int) -> Part: ...

    async def posted(self, part: Part, message: MessageId) -> None: ...

    async def renew(self, part: Part) -> None:
        """The part's message is gone: it gets a new key, and no message until the next `posted`."""


@dataclass(slots=True)
class ShownPart:
    """One part of the reply, as far as the platform has it."""

    part: Part
    surface: Surface
    final: bool = False
    """Its last text was shown as final."""
    unsure: bool = False
    """It may have been created without our knowing its message."""
    replaced: bool = False
    """Its message went missing once and was written anew."""
    _growing: Growing | None = field(init=False)
    _offering: Offering | None = field(init=False)

    def __post_init__(self) -> None:
        self.turn_to(self.surface)

    def turn_to(self, surface: Surface) -> None:
        """It is shown by this one from now on. What that offers is asked here, once: it takes as long as painting."""
        self.surface = surface
        self._growing = surface if isinstance(surface, Growing) else None
        self._offering = surface if isinstance(surface, Offering) else None

    def shows(self, wanted: Wanted) -> bool:
        if self.unsure or (wanted.final and not self.final):
            return False
        if not wanted.final and self._growing is not None and self._growing.faded:
            return False
        if wanted.text:
            return self.surface.shown == wanted.text and not (wanted.final and self._offers_other(wanted))
        # At the end no message may be left; until then what an earlier run wrote stays there.
        return self.surface.message is None or (not wanted.final and not self.surface.shown)

    def call(self, wanted: Wanted) -> Call | None:
        """What the next step draws on; None if the text stands there already and only has to be told that it is
        final."""
        if self._growing is not None:
            return self._growing.call(wanted)
        if self.surface.shown == wanted.text and not self._offers_other(wanted):
            return None
        return "edit" if self.surface.message else "create"

    def _offers_other(self, wanted: Wanted) -> bool:
        return self._offering is not None and self._offering.offered != wanted.controls

    async def show(self, wanted: Wanted) -> None:
        if self._offering is not None:
            self._offering.offer(wanted.controls)
        if self._growing is not None and not wanted.final:
            await self._growing.grow(wanted)
        else:
            await self.surface.show(wanted.text, final=wanted.final)
