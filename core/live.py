"""The live reply: it is told the text so far, and keeps it shown.

Wanted parts (from the text) are compared with shown parts, and the difference is shown: growth, splitting, status
lines and the final edit are one mechanism. Telling never waits for the platform, and nothing queues up: between two
paints only the newest text counts.

A part is intended, then posted (I4): its row and key are committed before the platform is called, its message id
after. Parts never move (I5): more text changes only the last one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial

from core.bridge import Attaching, Bridge, Offering, Wanted, Working
from core.controls import NONE
from core.enclosing import Enclosed, Sender, linked
from core.errors import MessageMissing, PlatformError, PlatformUnavailable, SlowDown
from core.flag import Flag
from core.markdown import Splitter, close
from core.model import File, MessageId, ThreadId
from core.observing import Watch, unwatched
from core.pace import Call, Leave, Pacer
from core.shown import Ledger, ShownPart
from core.tables import Part

log = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""Seconds between attempts at a platform that does not answer."""
QUIET = 18.0
"""Seconds without a word of the upstream after which the reply says that it is still being worked at."""
STILL_WORKING = "Still working"


class LiveReply:
    """One reply being written. `patience`: seconds after which a platform that does not answer is given up."""

    def __init__(
        self,
        bridge: Bridge,
        pacer: Pacer,
        thread: ThreadId,
        ledger: Ledger,
        *,
        reply_to: MessageId | None,
        adopted: Sequence[Part] = (),
        patience: float = 900.0,
        watch: Watch | None = None,
    ) -> None:
        self._bridge = bridge
        self._pacer = pacer
        self._thread = thread
        self._ledger = ledger
        self.watch = watch or unwatched()
        self._reply_to = reply_to
        self._patience = patience
        self._splitter = Splitter(bridge.fits)
        self._told: list[str] = []
        self._status = ""
        self._footnote = ""
        self.enclosed: list[Enclosed] = []
        """What is to be posted below it once its text is finished."""
        self.takes_files = isinstance(bridge, Attaching)
        self.controls = NONE
        """What may be pressed below the last message. While the reply grows, no call is made for that alone."""
        self._quiet = False
        """The upstream has not said anything for long."""
        self._finished = False
        self._dirty, self._readable, self._over = Flag(), Flag(), Flag()
        self._waits_since: float | None = None
        """When the painting began to wait for something to show; None: it is painting."""
        self._hush: asyncio.TimerHandle | None = None
        self._shown = [self._surface(part, unsure=part.message is None) for part in adopted]
        self._settled = 0
        """So many leading parts are as they will stay."""
        self._leave: Leave | None = None
        """What the painting waits for just now."""
        self._troubled_since: float | None = None
        self._delay = FIRST_DELAY
        self._failure: Exception | None = None

    # --- told by the relay ----------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The whole text so far."""
        self._take_in()
        return self._splitter.text

    def append(self, delta: str) -> None:
        """More text. Like every telling, it raises what the painting failed with, if it did."""
        self._told.append(delta)
        self.watch.told()
        self._tell()

    def replace(self, text: str) -> None:
        """Another text instead of all so far."""
        self._told.clear()
        self._splitter.replace(text)
        self._settled = 0
        self.watch.told()
        self._tell()

    def status(self, label: str) -> None:
        """What is being done just now, shown below the text; empty: nothing any more."""
        self._status = label
        self._tell()

    def footnote(self, text: str) -> None:
        """What is to stand below the text when it is finished, and is none of it."""
        self._footnote = text

    def enclose(self, file: File, sender: Sender | None) -> None:
        """A file of the answer; a link where nobody can fetch it or the platform takes none."""
        if sender is not None and self.takes_files:
            self.enclosed.append(Enclosed(file, sender))
        else:
            self.append(f"\n\n{linked(file)}")

    @property
    def offered(self) -> str | None:
        """What the last message shows, if there are buttons below it; of a finished reply."""
        last = len(self._splitter.parts) - 1
        surface = self._shown[last].surface if last < len(self._shown) else None
        if isinstance(surface, Offering) and surface.offered:
            return self._splitter.parts[last]
        return None

    async def finish(self) -> None:
        """Waits until the platform has confirmed the final text of every part (I6). May be called again if more was
        told since. Raises `PlatformError`."""
        if self._footnote:
            self.replace(f"{close(self.text).rstrip()}\n\n{self._footnote}")
            self._footnote = ""
        self._status = ""
        self._finished = True
        self._settled = 0
        self._over.clear()
        self._tell()
        if self._leave is not None:
            self._leave.hurry()
        await self._over.wait()
        if self._failure is not None:
            raise self._failure

    def _tell(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._quiet = False
        self._dirty.set()

    def _take_in(self) -> None:
        """Between two paints nothing is done for each piece of text: they are joined here."""
        if self._told:
            self._splitter.append("".join(self._told))
            self._told.clear()

    # --- painting -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def painting(self) -> AsyncIterator[LiveReply]:
        """Paints as long as the block runs. Leaving it early abandons the reply as it is shown by then."""
        self._dirty.set()
        tasks = [asyncio.create_task(self._paint()), asyncio.create_task(self._type())]
        working = self._bridge.working(self._thread) if isinstance(self._bridge, Working) else nullcontext()
        try:
            async with working:
                yield self
        finally:
            if self._hush is not None:
                self._hush.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _type(self) -> None:
        """The typing indicator, until there is something to read."""
        try:
            async with self._bridge.typing(
                self._thread, partial(self._pacer.leave, self._thread, "type", urgent=False)
            ):
                await self._readable.wait()
        except PlatformError:
            log.debug("typing could not be shown", exc_info=True)

    async def _paint(self) -> None:
        try:
            if self._bridge.pace.placeholder and not self._shown:
                await self._step(0, self._wanted(0))
            while True:
                await self._news()
                while (step := self._next()) is not None:
                    await self._step(*step)
                if self._finished:
                    self._over.set()
        except Exception as error:
            # Whoever tells next, or waits for the end, hears of it.
            self._failure = error
            self._over.set()

    async def _news(self) -> None:
        """Waits until there may be something to show: what is told, or that nothing was for long."""
        loop = asyncio.get_running_loop()
        self._waits_since = loop.time()
        if self._hush is None:
            self._hush = loop.call_at(self._waits_since + QUIET, self._hushed)
        await self._dirty.wait()
        self._waits_since = None
        self._dirty.clear()

    def _hushed(self) -> None:
        """One timer stands for all waits, and is set anew only when it goes off: a thousand replies wait a thousand
        times a second, and hardly ever for long."""
        loop, since, self._hush = asyncio.get_running_loop(), self._waits_since, None
        if since is None or self._dirty:
            return
        if since + QUIET > loop.time():
            self._hush = loop.call_at(since + QUIET, self._hushed)
        else:
            self._quiet = True
            self._dirty.set()

    def _next(self) -> tuple[int, Wanted] | None:
        """The first part that is not shown as it is wanted, and how it is."""
        self._take_in()
        parts = self._splitter.parts
        # Messages beyond the text may still be needed, and are only taken away when it is certain that they are not.
        end = max(len(parts), len(self._shown)) if self._finished else len(parts)
        for index in range(self._settled, end):
            wanted = self._wanted(index)
            if index < len(self._shown):
                if not self._shown[index].shows(wanted):
                    return index, wanted
            elif wanted.text:
                return index, wanted
            if wanted.final and index == self._settled:
                self._settled += 1
        return None

    def _wanted(self, index: int) -> Wanted:
        parts = self._splitter.parts
        if index >= len(parts):
            return Wanted("", final=True)
        written = parts[index]
        if index < len(parts) - 1:
            return Wanted(written, final=True)
        if self._finished:
            return Wanted(written, final=True, controls=self.controls)
        text = self._splitter.presentable
        # A message is not begun for that: until there is one, the typing indicator says it.
        label = self._status or (STILL_WORKING if self._quiet and index < len(self._shown) else "")
        if label:
            with_label = f"{text}\n\n*{label} …*" if text else f"*{label} …*"
            if self._bridge.fits(with_label):
                text = with_label
        return Wanted(text, final=False, written=written, status=self._status, controls=self.controls)

    async def _step(self, index: int, wanted: Wanted) -> None:
        """Brings one part one call nearer to what is wanted when the call may go."""
        call = self._shown[index].call(wanted) if index < len(self._shown) else "create"
        if call is not None:
            with self.watch.pacing():
                await self._may(call, urgent=call == "create" or self._finished or not self._readable)
        if self._dirty:  # more was told meanwhile
            self._take_in()
            wanted = self._wanted(index)
        said = any(self._splitter.parts)
        if index == len(self._shown):
            self._shown.append(self._surface(await self._ledger.intend(index)))
        shown = self._shown[index]
        try:
            if shown.unsure:
                await self._find(shown)
            self._ledger.check()
            with self.watch.calling(call):
                await shown.show(wanted)
        except SlowDown as refusal:
            log.info("%s asks to slow down for %.1f s", self._bridge.name, refusal.retry_after)
            self._pacer.refused(self._thread, call or "edit", refusal.retry_after, refusal.budget)
        except MessageMissing:
            await self._write_anew(shown)
        except PlatformUnavailable as error:
            shown.unsure = shown.surface.message is None
            await self._pause(error)
        else:
            shown.final = wanted.final
            self._troubled_since, self._delay = None, FIRST_DELAY
            if shown.surface.shown and (wanted.written or wanted.status or wanted.final):
                self._readable.set()
            if shown.surface.message is not None:
                self.watch.seen(text=said)
        message = shown.surface.message
        if message is not None and message != shown.part.message:
            await self._ledger.posted(shown.part, message)

    async def _may(self, call: Call, *, urgent: bool) -> None:
        """Waits until a call may go. If the reply is finished meanwhile, the call is urgent from then on."""
        self._leave = self._pacer.ask(self._thread, call, urgent=urgent)
        try:
            await self._leave.granted()
        finally:
            self._leave = None

    def _surface(self, part: Part, *, unsure: bool = False) -> ShownPart:
        message = MessageId(part.message) if part.message is not None else None
        reply_to = self._reply_to if part.position == 0 else None
        surface = self._bridge.open(self._thread, part.key, message, reply_to=reply_to)
        return ShownPart(part, surface, unsure=unsure)

    async def _find(self, shown: ShownPart) -> None:
        """A part that may have been created is looked for, so that it is not created twice."""
        message = await self._bridge.find(self._thread, shown.part.key)
        if message is not None:
            shown.turn_to(self._bridge.open(self._thread, shown.part.key, message))
        shown.unsure = False

    async def _write_anew(self, shown: ShownPart) -> None:
        """A message that somebody took away is written once more; taken away again, it is not wanted."""
        if shown.replaced:
            raise MessageMissing
        await self._ledger.renew(shown.part)
        shown.turn_to(self._surface(shown.part).surface)
        shown.final, shown.replaced = False, True

    async def _pause(self, error: PlatformUnavailable) -> None:
        now = asyncio.get_running_loop().time()
        self._troubled_since = now if self._troubled_since is None else self._troubled_since
        if now - self._troubled_since > self._patience:
            raise error
        log.warning("%s does not answer (%s); trying again in %.1f s", self._bridge.name, error.detail, self._delay)
        await asyncio.sleep(self._delay)
        self._delay = min(self._delay * 2, LONGEST_DELAY)
