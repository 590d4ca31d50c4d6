"""An unfinished text made presentable: what is open is closed, and what is not decided yet is not shown."""

from __future__ import annotations

import re
from itertools import count

from core.markdown.blocks import Kind, Leaf, closing_fence
from core.markdown.inline import Bond, Inline, dollar, flanking, resolve, round_brackets, scan
from core.markdown.marks import Start
from core.markdown.part import Part
from core.markdown.written import Written

_PASSES = 8
_ATTEMPTS = 32
"""After so many last tokens that cannot be shown, the text is left out back to where nothing is open."""
_UNDECIDED = re.compile(r"#{1,6}|[-+*]|={1,2}|--|\*\*|_{1,2}|~{1,2}|`{1,2}|\d{1,9}[.)]|\[[ xX]?")
_HALF_DELIMITER = re.compile(r"[|:\- \t]+")
_HALF_TAG = re.compile(r"<[A-Za-z/!][^<>]*$")
_HALF_ENTITY = re.compile(r"&(#(?:[xX]?[0-9a-fA-F]{0,7})|[a-z]{0,6})$")
_ENTITIES = ("amp", "lt", "gt", "quot", "apos", "nbsp", "copy", "reg", "hellip", "mdash", "ndash", "rarr", "larr")
_NO_LABEL = re.compile(r"\^?\d{0,3}|[ xX]|\^[\w-]*")
_PROSE = re.compile(r"(?<![\\A-Za-z{_^])[A-Za-z]{3,}")
"""What follows a dollar is no formula if it has a word in it."""
_LONGEST_FORMULA = 200
_WORDS_END = re.compile(r"[^\W_]|[.,;?]")
_OPEN_ON_ITS_LINE = re.compile(r"[$<]|\\\(")
"""What is open up to the end of its line, and no longer."""
_LAST_PIPE = re.compile(r"(?<!\\)\|$")


def close(text: str) -> str:
    """An unfinished Markdown text as it may be shown: what is open is closed, what is not decided yet is left out.

    A finished, well-formed text stays as it is but for white space at its end, and so does what was closed before."""
    return Closing().close(text)


class Closing:
    """Closes one text after another. The lines that a text has in common with the one before are not read again."""

    def __init__(self) -> None:
        self._part = Part(Start())
        self._text = ""

    def close(self, text: str) -> str:
        """See `close`."""
        for _ in range(_PASSES):
            self._part.extend(text, self._text)
            self._text = text
            closed = finish(self._part, text)
            if closed == text:
                break
            text = closed
        return text


def finish(part: Part, text: str) -> str:
    """What `close` makes of a part that has read a text, in one pass, and as a rule without reading it again."""
    closed = _finish(part)
    if closed is None and part.forgotten:
        part.anew(text)
        closed = _finish(part)
    return closed or ""


def is_closed(part: Part, text: str) -> bool:
    """Is a text that `finish` made of this part certain to stay as it is under `close`?

    It is if it shows all of the part, up to a word of a paragraph that goes on, and what closes it behind that word
    does so when it is read. All before is read just as it was in the part, so that it need not be read again. Most
    paints of most answers are such."""
    shown = part.shown.rstrip()
    if not (part.plain and _WORDS_END.search(shown, max(0, len(shown) - 1)) and text.startswith(shown)):
        return False
    last = part.lines[-1]
    if last.line.kind is not Kind.TEXT or (part.complete and _OPEN_ON_ITS_LINE.search(shown, last.content)):
        return False
    end = len(text)
    kept, state = _tail(text, *scan(text, len(shown), end, part.inline, ends=False), end)
    return kept == end and not state.lasting(end).closers and not any(bond.kind[-1] == "[" for bond in state.bonds)


def _finish(part: Part) -> str | None:
    """None if nothing can be shown of the lines that the part keeps."""
    shown, end = part.shown, len(part.shown)
    for index in range(len(part.lines) - 1, -1 if part.forgotten == 0 else 0, -1):
        written = part.lines[index]
        end = written.start + len(shown[written.start : end].rstrip())
        if (end <= written.content and written.line.kind is not Kind.RULE) or _undecided(part, index, end):
            end = written.start
            continue
        match written.line.kind:
            case Kind.TEXT | Kind.HEADING | Kind.ROW:
                if (text := _inline(part, written, end)) is None:
                    end = written.start
                    continue
                return text
            case Kind.CODE if written.line.after.leaf is Leaf.HTML and (
                tag := _HALF_TAG.search(shown, written.content, end)
            ):
                end = written.content + len(shown[written.content : tag.start()].rstrip())
                if end == written.content:
                    end = written.start
                    continue
                return shown[:end]
            case _:
                return shown[:end] + closing_fence(written.line.after, part.base)
    return None


def _undecided(part: Part, index: int, end: int) -> bool:
    """Is the last line one that the next characters may turn into something else?"""
    written = part.lines[index]
    content = part.shown[written.content : end]
    above = part.lines[index - 1] if index else None
    header = above is not None and above.line.kind is Kind.TEXT and "|" in part.shown[above.content : written.start]
    match written.line.kind:
        case Kind.FENCE_OPEN | Kind.BLANK:
            return True
        case Kind.CODE if written.before.leaf is Leaf.FENCE:
            marker = written.before.marker
            half = content.strip(" ")
            return index == len(part.lines) - 1 and not part.complete and half != "" and marker.startswith(half)
        case Kind.UNDERLINE:
            return len(content) < 3 or header
        case Kind.TEXT:
            if _UNDECIDED.fullmatch(content) or content.startswith("|"):
                return True
            return header and _HALF_DELIMITER.fullmatch(content) is not None
        case Kind.ROW:
            return content == "|"
        case _:
            return False


def _inline(part: Part, written: Written, end: int) -> str | None:
    """The part up to `end`, the end of a line, with all closed; None if nothing of the line can be shown."""
    shown = part.shown
    known = [(written.content, written.inline)]
    """Places on the line, in their order, and what is open there."""
    if written is part.lines[-1]:
        known += part.places[1:]
        part.places = []  # wanted once, and not small

    def learn(at: int, stop: int, state: Inline, plain: bool) -> None:
        if at > known[-1][0]:
            known.append((at, state))

    for attempt in count():
        while len(known) > 1 and (known[-1][0] >= end or (attempt > _ATTEMPTS and known[-1][1].within)):
            end = min(end, known.pop()[0])
        begin, state = known[-1]
        state, stop = scan(shown, begin, end, state, ends=False, token=learn)
        kept, state = _tail(shown, state, stop, end)
        kept = written.content + len(shown[written.content : kept].rstrip())
        if kept <= written.content:
            return None
        if kept == end:
            break
        end = kept
    return _closed(part, written, shown[:end], state)


def _closed(part: Part, written: Written, text: str, state: Inline) -> str:
    end = len(text)
    for bond in reversed(state.bonds):
        if bond.kind[-1] == "[":
            text = text[: bond.at] + text[bond.at + len(bond.kind) :]
    text += state.lasting(end).closers
    content = part.shown[written.content : end]
    if written.line.kind is Kind.ROW and written.piped(part.shown) and not _LAST_PIPE.search(content):
        text += " |"
    return text


def _tail(shown: str, state: Inline, stop: int, end: int) -> tuple[int, Inline]:
    """How much may be shown, where `shown[stop:end]` is a last token that more text could change."""
    if stop < end:
        match shown[stop]:
            case "`" if not state.ticks or end - stop != state.ticks:
                return stop, state
            case "`":
                state = state._replace(ticks=0, ticks_inherited=False)
            case "\\" if not state.ticks and (end - stop == 1 or shown[stop + 1] in "(["):
                return stop, state
            case "$" if not state.ticks and state.target < 0:
                state = dollar(shown, stop, end, end, state)
            case "\\" if not state.ticks and state.target < 0:
                state = round_brackets(shown, stop, end, state)
            case "*" | "_" | "~" if not state.ticks and state.target < 0:
                run = end - stop
                can_close = flanking(shown, stop, end, end)[1]
                top = next((d for d in reversed(state.stack) if d.char == shown[stop]), None)
                if not can_close or top is None or top.length > run:
                    return stop, state
                stack, left = resolve(state.stack, shown[stop], run, False)
                if left:
                    return end - left, state
                state = state._replace(stack=stack)
            case "]" if not state.ticks and state.target < 0 and state.bonds and state.bonds[-1].kind[-1] == "[":
                bond = state.bonds[-1]
                if not _NO_LABEL.fullmatch(shown, bond.at + len(bond.kind), stop):
                    return stop, state
                state = state._replace(bonds=state.bonds[:-1])
            case _:
                pass
    if state.ticks:
        return (state.ticks_at if state.ticks_at + state.ticks >= end else end), state
    if state.target >= 0:
        return state.target, state
    if state.bonds and state.bonds[-1].kind == "<":
        return state.bonds[-1].at, state
    if shown[end - 1 : end] == "<":
        return end - 1, state
    if formula := next((bond for bond in state.bonds if _unfinished(shown, bond, end)), None):
        return formula.at, state
    begun = end
    for bond in reversed(state.bonds):
        if bond.kind[-1] == "[" and _NO_LABEL.fullmatch(shown, bond.at + len(bond.kind), begun):
            begun = bond.at
    if begun < end:
        return begun, state
    if state.stack and state.stack[-1].at + state.stack[-1].length >= end:
        return state.stack[-1].at, state
    entity = _HALF_ENTITY.search(shown, max(0, end - 10), end)
    if entity and (entity[1][:1] in ("", "#") or any(name.startswith(entity[1]) for name in _ENTITIES)):
        return entity.start(), state
    return end, state


def _unfinished(shown: str, bond: Bond, end: int) -> bool:
    """Is it most likely a formula, of which a reader should see all or nothing? One on lines of its own may grow."""
    content = shown[bond.at + len(bond.kind) : end]
    match bond.kind:
        case "$$":
            return not content.startswith("\n") and len(content) < _LONGEST_FORMULA
        case r"\(":
            return len(content) < _LONGEST_FORMULA
        case "$":
            return len(content) < _LONGEST_FORMULA and _PROSE.search(content) is None
        case _:
            return False
