"""The block structure of Markdown, one line at a time: which containers a line is in, and what it is there.

`read` is a pure step from one `Block` to the next. It follows CommonMark with tables, as far as a cut needs to know;
what a line is never depends on lines after it, save that a table's header is plain text until its delimiter row comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, auto

QUOTE = 0
"""A block quote among `Block.containers`; any other number is a list item, told by how far its content is indented."""


class Leaf(Enum):
    """The block at the bottom of the containers that the next line may continue."""

    NONE = auto()
    PARAGRAPH = auto()
    FENCE = auto()
    INDENTED = auto()
    HTML = auto()
    TABLE = auto()


class Kind(Enum):
    """What a single line is."""

    BLANK = auto()
    TEXT = auto()
    HEADING = auto()
    UNDERLINE = auto()
    RULE = auto()
    FENCE_OPEN = auto()
    FENCE_CLOSE = auto()
    CODE = auto()
    """Shown as it stands: within a fence, indented code or HTML."""
    DELIMITER = auto()
    ROW = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """All that the lines so far mean for the next one."""

    containers: tuple[int, ...] = ()
    leaf: Leaf = Leaf.NONE
    fence: str = ""
    """The opening line of the fence without its containers, with its own indentation and info string."""
    html_end: str = ""
    """What ends the HTML block; empty: a blank line."""
    header: str = ""
    """The last line of the paragraph or, in a table, its header row."""
    delimiter: str = ""
    """The delimiter row of the table."""

    @property
    def marker(self) -> str:
        """The fence's run of backticks or tildes."""
        opener = self.fence.lstrip(" ")
        return opener[: len(opener) - len(opener.lstrip(opener[:1]))]


@dataclass(frozen=True, slots=True)
class Line:
    """What `read` found out about a line."""

    kind: Kind
    after: Block
    content: int
    """Where its content begins, behind the containers, the marker of a heading and indentation."""
    offsets: tuple[int, ...]
    """`offsets[k]` is where the line goes on behind its first `k` containers, as far as they were open before."""
    lazy: bool = False
    """Paragraph text that leaves out the markers of containers it is still in."""
    fresh: bool = False
    """It opens a container."""
    marker: str = ""
    """What makes it a heading."""


_DEEPEST = 50
"""Containers in each other; what would open further ones is text, as it is to those who show it."""

_QUOTE = re.compile(r" {0,3}>[ \t]?")
_ITEM = re.compile(r"( {0,3})([-+*]|(\d{1,9})[.)])(?=[ \t]|$)")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+|$)")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_DELIMITER = re.compile(r" {0,3}(?=[^|]*\|)\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
PIPE = re.compile(r"(?<!\\)\|")
_HTML_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
_HTML_BLOCK = re.compile(rf" {{0,3}}</?(?:{_HTML_TAGS})(?=[ \t>]|/>|$)", re.IGNORECASE)
_HTML_RAW = re.compile(r" {0,3}<(?:(pre|script|style|textarea)(?=[ \t>]|$)|(!--)|(\?)|(!\[CDATA\[))", re.IGNORECASE)
_HTML_ENDS = (None, "</", "-->", "?>", "]]>")


def cells(row: str) -> int:
    """How many columns a table row has."""
    return len(PIPE.findall(row.strip().removeprefix("|"))) + (not re.search(r"(?<!\\)\|$", row.rstrip()))


def _spaces(line: str, at: int, columns: int) -> int:
    """Where the line goes on after so many columns, -1 where it is indented less. A tab is never parted."""
    seen = 0
    while seen < columns:
        match line[at : at + 1]:
            case " ":
                seen += 1
            case "\t":
                seen += 4
            case _:
                return -1
        at += 1
    return at


def _html_end(rest: str) -> str | None:
    """What ends the HTML block that begins here, None if none begins."""
    if raw := _HTML_RAW.match(rest):
        end = _HTML_ENDS[raw.lastindex or 0] or ""
        return f"</{raw[1].lower()}>" if raw[1] else end
    return "" if _HTML_BLOCK.match(rest) else None


def read(block: Block, line: str) -> Line:
    """What a line (without its newline) is after all that came before. Half a line is read as if it were whole."""
    at = 0
    offsets = [0]
    blank = not line.strip()
    for width in block.containers:
        if width == QUOTE:
            found = _QUOTE.match(line, at)
            at = found.end() if found else -1
        elif line[at:].strip():
            at = _spaces(line, at, width)
        if at < 0:
            at = offsets[-1]
            break
        offsets.append(at)
    whole = len(offsets) > len(block.containers)
    if whole and block.leaf is Leaf.FENCE:
        return _in_fence(block, line, at, tuple(offsets))
    if whole and block.leaf is Leaf.HTML and (block.html_end or line[at:].strip()):
        ends = block.html_end and block.html_end in line[at:].lower()
        after = replace(block, leaf=Leaf.NONE, html_end="") if ends else block
        return Line(Kind.CODE, after, at, tuple(offsets))
    if blank or not line[at:].strip():
        leaf = block.leaf if whole and block.leaf is Leaf.INDENTED else Leaf.NONE
        return Line(Kind.BLANK, Block(block.containers[: len(offsets) - 1], leaf), at, tuple(offsets))
    return _open(block, line, at, tuple(offsets), whole)


def _in_fence(block: Block, line: str, at: int, offsets: tuple[int, ...]) -> Line:
    rest = line[at:].rstrip()
    bare = rest.lstrip(" ")
    marker = block.marker
    if len(rest) - len(bare) < 4 and bare.startswith(marker) and not bare.strip(marker[0]):
        return Line(Kind.FENCE_CLOSE, Block(block.containers), at, offsets)
    return Line(Kind.CODE, block, at, offsets)


def _open(block: Block, line: str, at: int, offsets: tuple[int, ...], whole: bool) -> Line:
    """Opens containers, then finds the leaf. A paragraph may go on as long as no container was opened."""
    containers = block.containers[: len(offsets) - 1]
    going_on = block.leaf is Leaf.PARAGRAPH
    fresh = False

    def found(kind: Kind, leaf: Leaf, content: int, **more: str) -> Line:
        return Line(kind, Block(containers, leaf, **more), content, offsets, fresh=fresh)

    while True:
        rest = line[at:]
        if rest[0].isalpha():
            break  # no block but a paragraph begins with a letter: most lines do, and are to cost little
        if _spaces(rest, 0, 4) >= 0:
            if not going_on and not (whole and not fresh and block.leaf is Leaf.TABLE):
                return found(Kind.CODE, Leaf.INDENTED, at)
            break
        deepest = len(containers) >= _DEEPEST
        if not deepest and (quote := _QUOTE.match(rest)):
            containers, at, fresh, going_on = (*containers, QUOTE), at + quote.end(), True, False
            if not line[at:].strip():
                return found(Kind.BLANK, Leaf.NONE, at)
            continue
        if going_on and whole:
            if block.header and _DELIMITER.match(rest) and cells(rest) == cells(block.header):
                return found(Kind.DELIMITER, Leaf.TABLE, at, header=block.header, delimiter=rest)
            if _UNDERLINE.match(rest):
                return found(Kind.UNDERLINE, Leaf.NONE, at)
        if _RULE.match(rest):
            return found(Kind.RULE, Leaf.NONE, at)
        item = _ITEM.match(rest)
        interrupts = going_on and whole
        if item and not deepest and not (interrupts and (not rest[item.end() :].strip() or item[3] not in (None, "1"))):
            gap = len(rest) - item.end() - len(rest[item.end() :].lstrip(" \t"))
            width = item.end() + (gap if 1 <= gap <= 4 and rest[item.end() :].strip() else 1)
            containers, at, fresh, going_on = (*containers, width), at + min(width, len(rest)), True, False
            if not line[at:].strip():
                return found(Kind.BLANK, Leaf.NONE, at)
            continue
        if heading := _HEADING.match(rest):
            after = Block(containers)
            marker = heading[0].strip()
            return Line(Kind.HEADING, after, at + heading.end(), offsets, fresh=fresh, marker=marker)
        if _FENCE.match(rest):
            return found(Kind.FENCE_OPEN, Leaf.FENCE, at, fence=rest.rstrip())
        if (end := _html_end(rest)) is not None:
            leaf = Leaf.NONE if end and end in rest.lower() else Leaf.HTML
            return found(Kind.CODE, leaf, at, html_end=end if leaf is Leaf.HTML else "")
        break
    content = len(line) - len(line[at:].lstrip(" \t"))
    if going_on:
        after = replace(block, header=line[content:])
        return Line(Kind.TEXT, after, content, offsets, lazy=not whole)
    if block.leaf is Leaf.TABLE and whole and not fresh:
        return Line(Kind.ROW, block, content, offsets)
    return found(Kind.TEXT, Leaf.PARAGRAPH, content, header=line[content:])


def closing_fence(block: Block, base: int) -> str:
    """What ends the fence that is open, on a line of its own; its first `base` containers are from earlier parts."""
    if block.leaf is not Leaf.FENCE:
        return ""
    return "\n" + line_prefix(block, base) + block.marker


def line_prefix(block: Block, base: int) -> str:
    """What stands before a line in all containers that are open."""
    widths = enumerate(block.containers)
    return "".join("> " if width == QUOTE else "" if depth < base else " " * width for depth, width in widths)
