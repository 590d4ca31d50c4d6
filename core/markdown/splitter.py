"""A text of any length as a sequence of parts, each of which fits one message.

Cuts are greedy. A part is full as soon as it no longer fits with all closed that is open. Then the longest beginning
that fits is sought among its marks, and the part ends at the best of the marks in the last half of that. Both depend
only on text up to there and the next visible character, so that what comes later changes no part but the last.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

from core.markdown.blocks import Block
from core.markdown.closing import Closing, finish, is_closed
from core.markdown.graphemes import next_boundary
from core.markdown.marks import Mark, Start
from core.markdown.part import Part
from core.markdown.rank import Rank

Fits = Callable[[str], bool]

_NEAR = 256
"""Characters before the longest text that was known to fit, in which a sentence is likely to end."""
_MARGIN = 32
"""Characters that a full part may be shorter than that text."""
_CALM = 4
"""After so many texts that needed no `Closing` its memory of the part, a tenth of a live reply, is let go."""
_WINDOW = 1024
"""Characters to read at first; twice as many each time that they fit. What lies behind a full part is not read."""


def split(text: str, fits: Fits) -> list[str]:
    """The Markdown of each part, in order, at least one. See `Splitter`."""
    splitter = Splitter(fits)
    splitter.append(text)
    return splitter.parts


class Splitter:
    """Keeps the parts of a growing text.

    `fits` says whether one message can hold a Markdown text. It should accept any text of up to 40 characters, and the
    beginning of any text that it accepts; else there are still parts, but some may not fit or may change as the text
    grows from the start again. It is asked twice when the parts are read, and about a dozen times for each new part.
    """

    def __init__(self, fits: Fits) -> None:
        self._fits = fits
        self._begin()

    def _begin(self) -> None:
        self._settled: list[str] = []
        self._passed: list[str] = []
        self._rest = ""
        self._new: list[str] = []
        self._part = Part(Start())
        self._fitted = 0
        """So much of the part is known to fit."""
        self._read = 0
        self._last = self._closed = ""
        self._closing: Closing | None = None
        self._unclosed = 0
        """So many times in a row nothing had to be closed but what is certain."""
        # None: not known since the text has grown
        self._parts: list[str] | None = None
        self._presentable: str | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join((*self._passed, self._rest, *self._new))

    def append(self, delta: str) -> None:
        """Adds to the end. Does nothing else until the parts are read."""
        self._new.append(delta)
        self._parts = self._presentable = None

    def replace(self, text: str) -> None:
        """Takes another text instead. If it only goes on from the present one, that is an `append`."""
        present = self.text
        if text.startswith(present):
            self.append(text[len(present) :])
            return
        self._begin()
        self.append(text)

    @property
    def parts(self) -> list[str]:
        """The Markdown of each part, in order, at least one. All but the last are finished and never change again; the
        last is as it was written so far, for `close`, and fits both ways."""
        if self._parts is None:
            self._advance()
            self._parts = [*self._settled, self._last] if self._last or not self._settled else self._settled.copy()
        return self._parts

    @property
    def presentable(self) -> str:
        """The last of the parts as it may be shown while more may come (see `close`). It fits."""
        if self._presentable is None:
            last = self.parts[-1]
            text = self._closed if self._last else last
            if is_closed(self._part, text):
                self._unclosed += 1
                if self._unclosed == _CALM:
                    self._closing = None
                self._presentable = text
            else:
                self._unclosed = 0
                self._closing = self._closing or Closing()
                self._presentable = self._closing.close(text)
        return self._presentable

    @property
    def settled(self) -> int:
        """How many parts will never change again, unless `replace` takes back what is in them."""
        return len(self.parts) - bool(self._last or not self._settled)

    def _advance(self) -> None:
        if self._new:
            self._rest = "".join((self._rest, *self._new))
            self._new.clear()
        while self._read < len(self._rest):
            self._read = min(len(self._rest), max(_WINDOW, 2 * self._read))
            self._part.extend(self._rest[: self._read])
            while not self._last_fits():
                self._cut()

    def _last_fits(self) -> bool:
        last, closed = self._part.last, finish(self._part, self._rest[: self._read])
        self._last, self._closed = last, last if closed == last else closed  # equal texts are kept once
        fits = (not last or self._fits(last)) and (closed == last or self._fits(closed))
        if fits:
            self._fitted = len(self._part.shown)
        return fits

    def _cut(self) -> None:
        sinces = {max(0, since) for since in (self._fitted - _NEAR, self._fitted // 2 - _MARGIN, 0)}
        mark = next(filter(None, map(self._place, sorted(sinces, reverse=True))), None)
        part = self._part
        if mark:
            self._settle(part.ending(mark), mark.at, part.following(mark))
        elif not part.start.bare and part.start.begun:
            self._part = Part(replace(part.start, bare=True))
        else:
            self._force()
            return
        self._part.extend(self._rest[: self._read])

    def _settle(self, shown: str, at: int, start: Start) -> None:
        self._settled.append(shown)
        passed = self._rest[:at]
        if shown and passed.endswith(shown):  # kept once
            self._passed.append(passed[: -len(shown)])
            passed = shown
        self._passed.append(passed)
        self._rest = self._rest[at:]
        self._part = Part(start)
        self._closing = None
        self._fitted = 0
        self._read = min(len(self._rest), _WINDOW)

    def _place(self, since: int) -> Mark | None:
        """Where the part ends; None if no mark will do. Places within lines are only sought from about `since` on, and
        None is the answer too if one before that could be the better."""
        part = self._part
        part.seek(self._rest[: self._read], since)
        marks = part.marks
        full = self._longest(marks)
        if full < 0:
            return None
        best, most = _best(marks, full), marks[full].size
        # within a line there is no better mark than the end of a sentence
        late = 2 * best.size >= most and best.rank <= (Rank.WORD if 2 * since <= most else Rank.SENTENCE)
        if since and not (late and most - since >= part.most_closing):
            return None
        if self._fits(part.ending(best)):
            return best
        if since:
            return None
        return next((m for m in marks[full : max(0, full - 8) : -1] if self._fits(part.ending(m))), None)

    def _longest(self, marks: list[Mark]) -> int:
        """The last mark up to which the part fits, -1 if there is none."""
        low, high = -1, len(marks)
        sizes: dict[int, int] = {}
        while high - low > 1:
            middle = (low + high) // 2
            if self._fits(self._part.ending(self._peak(marks, middle, sizes))):
                low = middle
            else:
                high = middle
        return low

    def _peak(self, marks: list[Mark], index: int, sizes: dict[int, int]) -> Mark:
        """The mark up to this one at which the part is longest. `sizes` is what is known of that already.

        What closes a part may be longer before its end than at the end; so a mark stands for the longest ending up to
        it, lest the outcome depend on where the text happened to stop."""
        part, peak, most = self._part, marks[index], 0
        while index >= 0 and marks[index].size + part.most_closing > most:
            if (size := sizes.get(index, 0)) == 0:
                size = sizes[index] = marks[index].size + len(part.closing(marks[index]))
            if size > most:
                peak, most = marks[index], size
            index -= 1
        return peak

    def _force(self) -> None:
        """Cuts where there is no mark, within markup that is longer than a message, and shows it as it is."""
        rest = self._rest
        begin = len(rest) - len(rest.lstrip())
        stop = rest.find("\n", begin)
        stop = stop if stop >= 0 else len(rest)
        end = next_boundary(rest, begin + 1, stop)
        end = end if end > 0 else stop
        step = 1
        while end < stop:
            further = next_boundary(rest, end + step, stop)
            further = further if further > 0 else stop
            if self._fits(rest[begin:further].rstrip()):
                end, step = further, step * 2
            elif step > 1:
                step = 1
            else:
                break
        line = self._part.lines[0].line if self._part.lines else None
        if end == stop or line is None:
            start = Start(True, line.after if line else Block(), bare=True)
        else:
            start = Start(True, line.after, line=line, bare=True)
        self._settle(rest[begin:end].rstrip(), end, start)
        self._part.extend(self._rest[: self._read])


def _best(marks: list[Mark], full: int) -> Mark:
    """The best mark in the last half; else one before that, but no tiny part if a word can be cut; else the last."""
    most = marks[full].size
    late = bisect_left(marks, most, 0, full, key=lambda mark: 2 * mark.size)
    early = bisect_left(marks, most, 0, late, key=lambda mark: 8 * mark.size)
    choices = (
        (late, full + 1, Rank.WORD),
        (late, full + 1, Rank.POOR),
        (early, late, Rank.POOR),
        (late, full + 1, Rank.HARD),
        (0, full + 1, Rank.POOR),
    )
    for begin, end, worst in choices:
        best = min(range(end - 1, begin - 1, -1), key=lambda index: marks[index].rank, default=full)
        if begin < end and marks[best].rank <= worst:
            return marks[best]
    return marks[full]
