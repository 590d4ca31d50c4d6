"""One part while it grows: what it shows of the text, and the places where it could end.

A part that begins within a block opens that block again, in its own text: the fence with its info string, the header
of the table, the markers of quotes, emphasis. The indentation of list items that began in an earlier part is taken
away, for without their bullets it would make code of a paragraph.
"""

from __future__ import annotations

import re
from dataclasses import replace

from core.markdown.blocks import PIPE, QUOTE, Block, Kind, Leaf, Line, closing_fence, line_prefix, read
from core.markdown.inline import NOTHING, Inline, Token, scan
from core.markdown.marks import Context, Mark, Places, Start
from core.markdown.rank import between_lines
from core.markdown.written import Written

_GUARD = re.compile(
    r"(?P<slash>(?:[-+*]|#{1,6})(?=[ \t]|$)|>|-{2,}[ \t]*$|(?:[-*_][ \t]*){3,}$|`{3,}(?=[^`]*$)|~{3}|\[(?=[^\]]+\]:))"
    r"|(?P<number>\d{1,9})(?=[.)](?:[ \t]|$))"
)
_SPACE = re.compile(r"\s")
_NO_BLOCK = Block()
_KEPT = 3
"""Marks that are kept of a part that grows. It goes on from the last one, or from one before if the text was closed."""
_NOTHING = "\u2060"
"""To Markdown a word, to a reader nothing."""


class Part:
    """The text from `start` on, as one message would show it, with the places where it could end.

    All texts that it is given, and all offsets in them, begin where the part begins."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self._since: int | None = None
        """From there on, places within lines are marked too."""
        self._begin()

    def _begin(self) -> None:
        start = self.start
        self.shown = ""
        """The part so far: opened again what was open, nothing closed."""
        self.marks: list[Mark] = []
        self.most_closing = 0
        """What closes the part is nowhere longer than this. Known when places were sought."""
        self.plain = not start.begun
        """It begins within nothing, so that what it shows is read as it is by itself. Known from its first line on."""
        self.lines: list[Written] = []
        self.forgotten = 0
        """So many lines before these are not kept, while it only grows."""
        self.places: list[tuple[int, Inline]] = []
        """The tokens of the last line, in their order, and what is open before each; none if the line has its end."""
        self.inline = start.inline
        self._block = start.block
        if start.bare and start.block.leaf is Leaf.TABLE:
            self._block = Block(start.block.containers, Leaf.PARAGRAPH)
        self._at = 0
        self.base = len(start.block.containers)
        self._table = self._block.leaf is not Leaf.TABLE
        self._previous = Kind.BLANK
        self._numbered = -1
        """How deep in the text the last numbered item is that stands in no other here; -1 if there is none."""
        self._unread = 0
        self.complete = True
        """The last line has its newline."""

    def extend(self, text: str, before: str | None = None) -> None:
        """Reads on, from the last line on, now that more of the text has come; or, if what was read last is given, from
        the last line that is the same in both."""
        while before is not None and self.marks and not text.startswith(before[: self.marks[-1].at + 1]):
            self.marks.pop()
        if self.marks:
            self._resume(self.marks[-1])
            self._read(text)
        else:
            self.anew(text)
        if self.shown == text:
            self.shown = text  # kept once
        if len(self.marks) > _KEPT:
            del self.marks[:-_KEPT]
            # the line before a mark is looked at for the one after it
            forgotten = self.marks[0].context.lines - 1 - self.forgotten
            del self.lines[:forgotten]
            self.forgotten += forgotten

    def anew(self, text: str) -> None:
        """Reads all of it again, and keeps all its lines."""
        self._begin()
        if self.start.line is not None and self._at < len(text):
            self._continue_line(text, self.start.line)
        self._read(text)

    def _read(self, text: str) -> None:
        while self._at < len(text):
            self._next_line(text)

    def seek(self, text: str, since: int) -> None:
        """Marks places within lines too, from about `since` in the part on: once more, for the text read last. That
        takes several times as long as reading alone, and is only needed where a part has to end."""
        self._since = since
        self.anew(text)
        blocks = [written.line.after for written in self.lines]
        prefix = max((len(line_prefix(block, 0)) for block in blocks if block.leaf is Leaf.FENCE), default=0)
        self.most_closing = sum(map(self.shown.count, "*_~`")) + prefix + len("\n |")

    @property
    def last(self) -> str:
        """The part as it is if the text ends here. Only what earlier parts had opened is closed."""
        size = len(self.shown)
        inline, _ = scan(self.shown, size - self._unread, size, self.inline, ends=True)
        return (self.shown.rstrip() + inline.inherited.closers) if self.lines else ""

    def ending(self, mark: Mark) -> str:
        """The part as it is if it ends at a mark; like what follows, for a part in which places were sought."""
        context, target = mark.context, mark.inline.target
        shown = self.shown[: mark.size].rstrip()
        if target >= 0 and mark.inline.bonds and not _SPACE.search(shown, target):
            # an address longer than a message is shown behind its words
            bond = mark.inline.bonds[-1]
            words = shown[bond.at + len(bond.kind) : target]
            shown = f"{shown[: bond.at]}{words}{' ' if words else ''}({shown[target + 2 :]}"
        if context.line is None and context.block.leaf is Leaf.PARAGRAPH and not mark.inline.ticks:
            bare = shown.rstrip("\\")
            shown = shown if (len(shown) - len(bare)) % 2 == 0 else shown[:-1]
        return shown + self.closing(mark)

    def following(self, mark: Mark) -> Start:
        """What the next part begins with if this one ends at a mark."""
        if mark.context.line is None or mark.context.line.kind is not Kind.ROW:
            return mark.start
        written = self.lines[mark.context.lines - 1]
        row = self.shown[written.content : mark.size]
        before = self.start.column if written.source < 0 else -row.startswith("|")
        return replace(mark.start, column=before + len(PIPE.findall(row)))

    def closing(self, mark: Mark) -> str:
        """What closes all that is open at a mark."""
        line, inline, block = mark.context.line, mark.inline, mark.context.block
        closers = inline.lasting(mark.size).closers if inline.stack or inline.ticks else ""
        if line and line.kind is Kind.ROW and self.lines[mark.context.lines - 1].piped(self.shown):
            return closers + " |" if closers or self.shown[mark.size - 1] != "|" else ""
        return closers + closing_fence(block, mark.context.base) if block.leaf is Leaf.FENCE else closers

    def _resume(self, mark: Mark) -> None:
        context = mark.context
        self._at, self.inline, self.shown = mark.at, context.inline, self.shown[: mark.size]
        self._block, self.base, self._table = context.block, context.base, context.table
        self._previous, self._numbered = context.previous, context.numbered
        del self.lines[context.lines - self.forgotten :]
        self.places, self._unread, self.complete = [], 0, True

    # --- lines ----------------------------------------------------------------------------------------------------

    def _next_line(self, text: str) -> None:
        """Reads the next visible line, and the blank ones before it, from the end of the last line."""
        first = self._at
        begun = self.start.begun or bool(self.lines)
        at, before, gap = first + begun, self._block, ""
        while True:
            eol = text.find("\n", at)
            stop = eol if eol >= 0 else len(text)
            source = text[at:stop]
            line = read(before, source)
            if source.strip() and (line.kind is not Kind.BLANK or line.fresh):
                break
            if eol < 0:
                self._at = len(text)
                return
            gap += self._head(before, line, source) + source[line.content :] + "\n"
            before, at = line.after, eol + 1
        if self.lines and not (self.marks and self.marks[-1].at == first):
            self._mark_boundary(first, source, blank=bool(gap))
        elif begun and not self.lines and line.kind is Kind.FENCE_CLOSE:
            self._block, self._at = line.after, stop  # all that it would close is in the part before
            return
        goes_on = line.kind is Kind.TEXT and not line.fresh and before.leaf is Leaf.PARAGRAPH
        if not goes_on:
            self._end_paragraph()
        start = len(self.shown)
        if self.lines:
            self.shown += "\n" + gap
            if not goes_on and not gap and self._swallows(before, line, source):
                known = min(self.base, len(line.offsets) - 1)
                own = source[line.offsets[known] : line.offsets[-1]]
                self.shown += (self._quotes(before, known) + own).rstrip() + "\n"
        elif not begun:
            self.shown += gap
        else:
            cut = self.start
            within = cut.block.containers or cut.inline.within or cut.line is not None
            self.plain = not within and before == _NO_BLOCK
            self._reopen_block(before, line, gap)
        self._part_lists(before, line, source)
        self._block = before
        if line.kind is Kind.ROW and not self._table:
            self._repeat_header(before)
        self._table = self._table or before.leaf is not Leaf.TABLE
        self.shown += self._head(before, line, source, opens=begun and not self.lines and goes_on)
        if not line.lazy:
            self.base = min(self.base, len(line.offsets) - 1)
        self._at = at + line.content
        if begun and not self.lines and goes_on:
            self._reopen_inline(text, stop)
        self.lines.append(Written(at, start, len(self.shown), line, before, self.inline))
        self._content(text, self.lines[-1], plain=False)

    def _swallows(self, before: Block, line: Line, source: str) -> bool:
        """Would the paragraph swallow a numbered item, now that the indentation which told them apart is gone?"""
        unindented = before.leaf is Leaf.PARAGRAPH and any(before.containers[: self.base])
        return unindented and source[line.offsets[-1] :].lstrip()[:1].isdigit()

    def _part_lists(self, before: Block, line: Line, source: str) -> None:
        """Two lists, one in the other, would be one now, and count on: a paragraph that nobody sees parts them."""
        depth = len(line.offsets) - 1
        if not line.fresh or depth > self.base or not source[line.offsets[-1] :].lstrip()[:1].isdigit():
            return
        if self.lines and self._numbered > depth:
            quotes = self._quotes(before, depth)
            blank = quotes.rstrip() + "\n"
            self.shown += ("" if self.shown.endswith("\n" + blank) else blank) + f"{quotes}{_NOTHING}\n{blank}"
        self._numbered = depth

    def _head(self, before: Block, line: Line, source: str, *, opens: bool = False) -> str:
        """What stands before the content of a line: the source's own, but for containers from earlier parts."""
        if line.lazy and (self.base or opens):
            return self._quotes(before, self.base)
        known = min(self.base, len(line.offsets) - 1)
        own = "" if opens else source[line.offsets[known] : line.content]
        return self._quotes(before, known) + own if known else source[: line.content] if not opens else ""

    @staticmethod
    def _quotes(block: Block, count: int) -> str:
        return "> " * block.containers[:count].count(QUOTE)

    def _end_paragraph(self) -> None:
        """Closes what an earlier part had opened and nothing has closed; all other openers were none."""
        self.shown += self.inline.inherited.closers
        self.inline = NOTHING

    # --- opening again --------------------------------------------------------------------------------------------

    def _continue_line(self, text: str, line: Line) -> None:
        """Begins the part with the rest of a line that was cut."""
        code = line.kind is Kind.CODE
        while not code and self._at < len(text) and text[self._at] in " \t\r":
            self._at += 1
        eol = text.find("\n", self._at)
        stop = eol if eol >= 0 else len(text)
        self._block = line.after
        self.base = len(line.after.containers)
        if self._at == stop or (line.kind is Kind.ROW and not text[self._at : stop].strip("| \t\r")):
            self._at = stop
            return
        if code:
            self._reopen_block(line.after, line, "")
        row = line.kind is Kind.ROW and not self.start.bare
        if row:
            self._repeat_header(line.after)
        self.shown += self._quotes(line.after, self.base)
        if row:
            self.shown += "| " * (self.start.column + 1)
        if line.after.leaf is Leaf.INDENTED:
            self.shown += "    "
        if line.kind is Kind.HEADING:
            self.shown += line.marker + " "
        if not code:
            self._reopen_inline(text, stop)
        self.lines.append(Written(-1, 0, len(self.shown), line, line.after, self.inline))
        self._content(text, self.lines[-1], plain=True)

    def _reopen_block(self, before: Block, line: Line, gap: str) -> None:
        if before.leaf is Leaf.FENCE and line.kind is Kind.CODE and len(line.offsets) > len(before.containers):
            fence = before.fence
            if self.start.bare:
                fence = fence[: len(fence) - len(fence.lstrip(" "))] + before.marker
            self.shown += self._quotes(before, self.base) + fence + "\n" + gap

    def _reopen_inline(self, text: str, stop: int) -> None:
        """Opens what the cut closed, and sees to it that the rest of a line does not look like another block."""
        self.inline = NOTHING if self.start.bare else self.inline.inherit(len(self.shown))
        if self.inline.openers:
            self.shown += self.inline.openers
        elif guard := _GUARD.match(text, self._at, stop):
            self.shown += (guard["number"] or "") + "\\"
            self._at += len(guard["number"] or "")

    def _repeat_header(self, before: Block) -> None:
        quotes = self._quotes(before, self.base)
        if self.lines:
            self.shown += quotes.rstrip() + "\n"
        self.shown += f"{quotes}{before.header}\n{quotes}{before.delimiter}\n"
        self._table = True

    # --- content --------------------------------------------------------------------------------------------------

    def _content(self, text: str, written: Written, *, plain: bool) -> None:
        """Shows the line from `_at` on and marks the places within it; ends it if its end is known."""
        line, eol = written.line, text.find("\n", self._at)
        complete = eol >= 0
        stop = eol if complete else len(text)
        size = begin = len(self.shown)
        self._unread = 0
        shift = self._at - size
        self.shown += text[self._at : stop]
        self.places = []
        add: Token | None = None
        if self._since is None:
            add = None if complete or line.kind is Kind.ROW else self._learn
        elif self._since < len(self.shown):
            # before white space all tokens are certain
            begin = max(size, self.shown.rfind(" ", size, max(size, self._since)) + 1)
            plain = plain or line.kind is Kind.CODE
            add = Places(self.marks, self._context(line), line, self.shown, size, begin, shift, plain).add
        match line.kind:
            case Kind.TEXT | Kind.HEADING | Kind.ROW:
                inline = NOTHING if line.kind is Kind.ROW else self.inline
                inline, _ = scan(self.shown, size, begin, inline, ends=False)
                self.inline, read_to = scan(self.shown, begin, len(self.shown), inline, ends=complete, token=add)
                self._unread = len(self.shown) - read_to
                if line.kind is not Kind.TEXT and complete:
                    self._end_paragraph()
            case Kind.CODE if add is not None and self._since is not None:
                add(begin, len(self.shown), NOTHING, True)
            case _:
                pass
        self._at = stop
        self.complete = complete
        if complete:
            self._block, self._previous = line.after, line.kind

    def _learn(self, at: int, stop: int, inline: Inline, plain: bool) -> None:
        self.places.append((at, inline))

    def _mark_boundary(self, first: int, source: str, *, blank: bool) -> None:
        """Marks the end of the last visible line, `first`, now that something follows."""
        rank = between_lines(self._block, self._previous, self.inline, len(self.shown), source, blank=blank)
        if rank is None:
            return
        goes_on = self._block.leaf is Leaf.PARAGRAPH and not blank
        inline = self.inline if goes_on else self.inline.inherited
        self.marks.append(Mark(first, len(self.shown), rank, inline, self._context(None)))

    def _context(self, line: Line | None) -> Context:
        block = line.after if line else self._block
        lines = self.forgotten + len(self.lines)
        return Context(block, line, lines, self.base, self._table, self._previous, self.inline, self._numbered)
