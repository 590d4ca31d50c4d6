"""Showing people that their message waits: a sign on it, as long as an earlier one of its thread is being answered.

Whoever records a message puts the sign on it, and whoever takes its turn takes the sign away: two processes, maybe, and
either may die. So what stands on the platform is on record, in `Turn.waiting_sign`, and wrong only for a while:

```
 None ──before the call──▶ False ──the platform has it, the turn waits still──▶ True
```

While it is False, the call that puts the sign may be on its way, and come after one that takes it away. Then the record
stays as it is, for whoever put the sign looks at the turn afterwards, and takes it away too; and for the next sweep, if
that one died.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Delete, Update, and_, bindparam, delete, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.aside import Aside
from core.bridge import Bridge, Signing
from core.database import transaction
from core.errors import DatabaseError, MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown
from core.model import Message, MessageId, ThreadId
from core.observing import Accepted, Began, Gathered, Happening
from core.pace import Call, Pacer
from core.signless import Signless
from core.statements import LEFT_SIGN, TURN, is_open, now

log = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds that a message waits without a sign, for most are answered by then."""
LATE = 10.0
"""Seconds after which a sign that got no leave is left out."""
MOST_OF_A_THREAD = 5
"""Signs that are on their way in one thread; of a flood, the others get none."""
IN_FLIGHT = timedelta(seconds=60)
"""Since it was accepted: no sign is put on a message any more, nor on its way to it."""
GIVEN_UP = timedelta(hours=1)
"""Since the turn's end: a platform that has not taken the sign away by then is not asked for it any more."""
EVERY = 30.0
"""Seconds between two looks for signs that were left."""
SOME = 100
"""Of them, in one look."""
SOON = 1.0
"""Seconds that signs may take to go when the program ends."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A message that has the sign, or may have it."""

    row: int
    """Of its turn, or if that is forgotten, of what is left of it."""
    bridge: str
    thread: ThreadId
    message: MessageId


class WaitingSigns:
    """Everything is done beside the turns: nobody waits for it, and what fails is said once. `wanted`: on which of the
    bridges signs are put; they are taken away on all that can."""

    def __init__(
        self, engine: AsyncEngine, bridges: Mapping[str, Bridge], pacers: Mapping[str, Pacer], wanted: Collection[str]
    ) -> None:
        self._engine = engine
        self._bridges = {name: bridge for name, bridge in bridges.items() if isinstance(bridge, Signing)}
        self._pacers = pacers
        self._wanted = wanted
        self._aside = Aside()
        self._going: set[Signed] = set()
        """Those that are being taken away here."""
        self._putting: Counter[ThreadId] = Counter()
        self._signless = Signless()
        self._said: set[tuple[str, type[PlatformError]]] = set()

    def observe(self, happening: Happening) -> None:
        """Needs to be told of what happens within `showing`."""
        match happening:
            case Accepted(bridge, message, waiting=int(turn)) if bridge in self._wanted and not message.command:
                if bridge in self._bridges and self._putting[message.thread] < MOST_OF_A_THREAD:
                    self._putting[message.thread] += 1
                    self._beside(self._put_counted(bridge, turn, message))
            case Began(turn) if turn.waiting_sign is not None:
                self._beside(self._sweep(TURN.c.thread == turn.thread))
            case Gathered(turn):
                self._beside(self._sweep(TURN.c.thread == turn.thread))
            case _:
                pass

    @asynccontextmanager
    async def showing(self) -> AsyncIterator[None]:
        """As long as the block runs, in every process."""
        stop = asyncio.Event()
        self._aside.begin(self._keep_sweeping(stop))
        try:
            yield
        finally:
            stop.set()
            await self._aside.end(SOON)

    def _beside(self, work: Coroutine[None, None, None]) -> None:
        self._aside.begin(_quietly(work))

    async def _keep_sweeping(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            worthwhile = or_(TURN.c.ended_at.is_(None), TURN.c.ended_at > now() - GIVEN_UP)
            await _quietly(self._sweep(and_(TURN.c.accepted_at < now() - IN_FLIGHT, worthwhile)))
            await _quietly(self._sweep_forgotten())
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await stop.wait()

    async def _put_counted(self, bridge: str, turn: int, message: Message) -> None:
        try:
            await self._put(bridge, turn, message)
        finally:
            self._putting[message.thread] -= 1
            if not self._putting[message.thread]:
                del self._putting[message.thread]

    async def _put(self, bridge: str, turn: int, message: Message) -> None:
        clock = asyncio.get_running_loop().time
        if self._signless.holds(bridge, message.channel, clock()):
            return
        one = Signed(turn, bridge, message.thread, message.id)
        try:
            async with asyncio.timeout(PATIENCE + LATE):
                await asyncio.sleep(PATIENCE)
                await self._pacers[bridge].leave(one.thread, "sign", urgent=False)
        except TimeoutError:
            return
        # many may have waited for the leave together
        if self._signless.holds(bridge, message.channel, clock()) or not await self._write(_INTEND, one):
            return
        try:
            await self._call(one, waits=True)
        except PlatformUnavailable:
            return  # it may stand there
        except PlatformError as error:
            if isinstance(error, PlatformRefused):
                self._signless.refused(bridge, message.channel, clock())
            await self._write(_CLEAR, one)
            return
        if not await self._write(_CONFIRM, one):
            await self._take_away(one, _CLEAR)

    async def _sweep(self, where: ColumnElement[bool]) -> None:
        """Takes away all signs of turns that do not wait any more."""
        left = _LEFT.where(where, TURN.c.bridge.in_(self._bridges))
        async with transaction(self._engine) as connection:
            found = [Signed(*row) for row in await connection.execute(left)]
        for one in found:
            if one not in self._going:
                self._beside(self._take_away(one, _CLEAR_SETTLED))

    async def _sweep_forgotten(self) -> None:
        """Takes away the signs of turns that are not on record any more."""
        async with transaction(self._engine) as connection:
            left = (await connection.execute(_LEFT_BEHIND)).all()
            if any(row.at < now() - GIVEN_UP for row in left):
                await connection.execute(delete(LEFT_SIGN).where(LEFT_SIGN.c.at < now() - GIVEN_UP))
        for row in left:
            one = Signed(row.id, row.bridge, row.thread, row.message)
            if row.bridge in self._bridges and one not in self._going:
                self._beside(self._take_away(one, _FORGET))

    async def _take_away(self, one: Signed, clear: Update | Delete) -> None:
        self._going.add(one)
        try:
            await self._pacers[one.bridge].leave(one.thread, "unsign", urgent=False)
            with suppress(MessageMissing, PlatformRefused):  # it is gone, or was never there
                await self._call(one, waits=False)
            await self._write(clear, one)
        except PlatformError:
            pass  # it is found again by the next sweep
        finally:
            self._going.discard(one)

    async def _call(self, one: Signed, *, waits: bool) -> None:
        try:
            await self._bridges[one.bridge].sign(one.thread, one.message, waits=waits)
        except PlatformError as error:
            if isinstance(error, SlowDown):
                call: Call = "sign" if waits else "unsign"
                self._pacers[one.bridge].refused(one.thread, call, error.retry_after, error.budget)
            said = (one.bridge, type(error))
            log.log(
                logging.DEBUG if said in self._said else logging.INFO,
                "%s: the sign that a message waits could not be %s (%s)",
                one.bridge,
                "put on it" if waits else "taken away",
                error.detail or type(error).__name__,
            )
            self._said.add(said)
            raise

    async def _write(self, change: Update | Delete, one: Signed) -> bool:
        async with transaction(self._engine) as connection:
            written = await connection.execute(change, {"row": one.row, "settled": now() - IN_FLIGHT})
            return written.rowcount == 1


async def _quietly(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except DatabaseError as error:
        log.info("signs that messages wait are left as they are for now (%s)", error.detail)


# --- statements -------------------------------------------------------------------------------------------------------

_EARLIER = TURN.alias()
_SAME_ALBUM = (
    select(_EARLIER.c.id)
    .where(
        _EARLIER.c.thread == TURN.c.thread,
        _EARLIER.c.id < TURN.c.id,
        _EARLIER.c.album == TURN.c.album,
        is_open(_EARLIER.c.state),
    )
    .exists()
)
_WAITS = and_(TURN.c.state == literal_column("'waiting'"), TURN.c.merged_into.is_(None))
_THIS = update(TURN).where(TURN.c.id == bindparam("row"))
_INTEND = _THIS.where(_WAITS, ~_SAME_ALBUM).values(waiting_sign=False)
"""Of what a person sent as one, the first alone gets the sign."""
_CONFIRM = _THIS.where(_WAITS).values(waiting_sign=True)
_CLEAR = _THIS.values(waiting_sign=None)
_CLEAR_SETTLED = _THIS.where(or_(TURN.c.waiting_sign.is_(True), TURN.c.accepted_at < bindparam("settled"))).values(
    waiting_sign=None
)
"""Unless the sign may still be on its way."""
_LEFT = (
    select(TURN.c.id, TURN.c.bridge, TURN.c.thread, TURN.c.message)
    .where(TURN.c.waiting_sign.is_not(None), ~_WAITS)
    .order_by(TURN.c.thread, TURN.c.id)  # as their index has them
    .limit(SOME)
)
_LEFT_BEHIND = select(LEFT_SIGN).order_by(LEFT_SIGN.c.id).limit(SOME)
_FORGET = delete(LEFT_SIGN).where(LEFT_SIGN.c.id == bindparam("row"))
