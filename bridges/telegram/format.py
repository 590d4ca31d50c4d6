"""Markdown as Telegram shows it: plain text with entities, which no character in the text can break.

Telegram knows no headings, lists, tables or rules: they become bold lines, bullets and numbers with their
indentation, aligned lines in a fixed-width font, and a line of dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from markdown_it.tree import SyntaxTreeNode

from bridges.telegram.entities import LONGEST, Formatted, Kind, Span, cleaned, formatted, silenced, utf16, whole
from bridges.telegram.links import linkable
from bridges.telegram.markdown import parse
from bridges.telegram.table import Alignment, drawn

HOPELESS = 3 * LONGEST
"""Characters of Markdown that are not rendered to see whether they fit: they hardly ever would."""
BULLETS = ("•", "◦", "▪")
RULE = "———"
TAB = 4
"""Telegram makes one space of a tab."""

_TASK = re.compile(r"\[([ xX])\](?=\s|$)")
_LANGUAGE = re.compile(r"[\w+#.-]{1,32}")
_STYLE: dict[str, Kind] = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_ON_ITS_OWN = ("fence", "code_block", "table", "blockquote", "hr", "formula")
"""Blocks that do not begin on the line of a list's bullet."""


def fits(markdown: str) -> bool:
    """Can one message hold it? Counted in UTF-16 code units, the smaller of the two bounds that are spoken of."""
    return len(markdown) <= HOPELESS and render(markdown).size <= LONGEST


@lru_cache(maxsize=128)
def render(markdown: str) -> Formatted:
    """Never raises; loses no text. Empty only if nothing of it is visible."""
    source = whole(markdown)
    shown, lost = _rendered(source, spelled=False)
    return _rendered(source, spelled=True)[0] if lost else shown


def plain(markdown: str) -> str:
    """The same without any formatting, addresses spelled out: what remains when the server takes no entities."""
    spelled = _rendered(whole(markdown), spelled=True)[0].text
    return next((text for text in (silenced(spelled), spelled) if utf16(text) <= LONGEST), render(markdown).text)


def _rendered(source: str, *, spelled: bool) -> tuple[Formatted, bool]:
    page = _Page(spelled)
    try:
        tree = parse(source)
        if tree is not None:
            page.blocks(tree.children, "\n\n")
            shown, lost = formatted(page.text, page.spans)
            if shown.text:
                return shown, lost
    except RecursionError:
        pass
    return formatted(cleaned(source), [])  # nested too deep, or nothing but marks: a lone `#`, an empty fence


class _Page:
    """Writes a syntax tree down. Positions are code points of what is written so far."""

    def __init__(self, spelled: bool) -> None:
        self._spelled = spelled
        self._parts: list[str] = []
        self._at = 0
        self._fresh = True
        self._indent = ""
        self._lists = 0
        self._quotes = 0
        self._open: set[str] = set()
        self.spans: list[Span] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._at += len(text)

    def write(self, text: str) -> None:
        """Each line after the first gets the indentation of where we are."""
        for number, line in enumerate(cleaned(text).split("\n")):
            if number:
                self._put("\n")
                self._fresh = True
            if line:
                self._put(self._indent + line if self._fresh else line)
                self._fresh = False

    @contextmanager
    def _span(self, kind: Kind, *, url: str = "", language: str = "") -> Iterator[None]:
        """What is written in this block is formatted. Nothing is formatted in one way twice, or code in a link."""
        again = kind in self._open or (kind == "code" and "text_link" in self._open)
        start = self._at
        self._open |= {kind}
        yield
        if not again:
            self._open -= {kind}
            self.spans.append(Span(start, self._at, kind, url, language))

    @contextmanager
    def _indented(self, by: str) -> Iterator[None]:
        before = self._indent
        self._indent += by
        yield
        self._indent = before

    # --- blocks -------------------------------------------------------------------------------------------------

    def blocks(self, nodes: Sequence[SyntaxTreeNode], gap: str) -> None:
        for number, node in enumerate(nodes):
            if number:
                self.write(gap)
            self._block(node)

    def _block(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "heading":
                with self._span("bold"):
                    self._inline(node)
            case "paragraph":
                self._inline(node)
            case "bullet_list" | "ordered_list":
                self._list(node)
            case "blockquote":
                self._quote(node)
            case "fence":
                self._code(node.content, node.info.split(maxsplit=1)[0] if node.info.strip() else "")
            case "code_block":
                self._code(node.content, "")
            case "table":
                self._table(node)
            case "hr":
                self.write(RULE)
            case "formula":
                self.write(node.content)
            case _:
                self._inline(node)

    def _list(self, node: SyntaxTreeNode) -> None:
        loose = any(block.type == "paragraph" and not block.hidden for item in node.children for block in item.children)
        gap = "\n\n" if loose else "\n"
        number = int(node.attrs.get("start", 1))
        bullet = BULLETS[min(self._lists, len(BULLETS) - 1)]
        self._lists += 1
        for position, item in enumerate(node.children):
            if position:
                self.write(gap)
            marker = f"{number + position}{item.markup} " if node.type == "ordered_list" else f"{bullet} "
            task = _task(item)
            self.write(("☐ " if task == " " else "☑ ") if task else marker)
            with self._indented(" " * len(marker)):
                if item.children and item.children[0].type in _ON_ITS_OWN:
                    self.write("\n")
                self.blocks(item.children, gap)
        self._lists -= 1

    def _quote(self, node: SyntaxTreeNode) -> None:
        self._quotes += 1
        if self._quotes == 1:
            with self._span("blockquote"):
                self.blocks(node.children, "\n\n")
        else:  # Telegram nests no quotes
            if not self._fresh:
                self.write("\n")
            with self._indented("> "):
                self.blocks(node.children, "\n\n")
        self._quotes -= 1

    def _code(self, content: str, language: str) -> None:
        """Without the indentation of a list around it, so that it can be copied."""
        content = cleaned(content.removesuffix("\n").expandtabs(TAB))
        if content.strip():
            with self._span("pre", language=language if _LANGUAGE.fullmatch(language) else ""):
                self._put(content)
            self._fresh = False

    def _table(self, node: SyntaxTreeNode) -> None:
        rows = [row.children for part in node.children for row in part.children]
        alignments = [_alignment(cell) for cell in rows[0]]
        with self._span("pre"):
            self._put(drawn([[_flat(cell) for cell in row] for row in rows], alignments))
        self._fresh = False

    # --- within a line ------------------------------------------------------------------------------------------

    def _inline(self, node: SyntaxTreeNode) -> None:
        for child in node.children:
            self._piece(child)

    def _piece(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "text":
                self.write(_TASK.sub("", node.content, count=1).lstrip() if _is_task(node) else node.content)
            case "softbreak" | "hardbreak":
                self.write("\n")
            case "code_inline":
                with self._span("code"):
                    self.write(node.content)
            case "strong" | "em" | "s":
                with self._span(_STYLE[node.type]):
                    self._inline(node)
            case "link":
                self._link(node, str(node.attrs.get("href", "")))
            case "image":
                self._link(node, str(node.attrs.get("src", "")))
            case _ if node.children:
                self._inline(node)
            case _:
                self.write(node.content)

    def _link(self, node: SyntaxTreeNode, address: str) -> None:
        label = _flat(node)
        if not label.strip():
            self.write(address)
        elif _says(label, address):
            self._inline(node)
        elif linkable(address) and not self._spelled and "text_link" not in self._open:
            with self._span("text_link", url=address):
                self._inline(node)
        else:
            self._inline(node)
            self.write(f" ({address})")


def _says(label: str, address: str) -> bool:
    """Does the text of a link tell its address already?"""
    return address in ("", label, f"mailto:{label}")


def _flat(node: SyntaxTreeNode) -> str:
    """The text of a node in one line, for cells and labels."""
    parts = []
    for child in node.children:
        match child.type:
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case "link" | "image":
                address = str(child.attrs.get("href") or child.attrs.get("src") or "")
                label = _flat(child)
                parts.append(f"{label or address}{'' if _says(label, address) or not label else f' ({address})'}")
            case _:
                parts.append(_flat(child) if child.children else child.content)
    return cleaned("".join(parts)).replace("\n", " ")


def _task(item: SyntaxTreeNode) -> str:
    """Of a task in a list, what stands between its brackets."""
    first = item
    while first.children:
        first = first.children[0]
    match = _TASK.match(first.content) if first.type == "text" and _is_task(first) else None
    return match[1] if match else ""


def _is_task(text: SyntaxTreeNode) -> bool:
    """Is this the text that begins a list item, and does it begin with a box?"""
    inline = text.parent
    paragraph = inline.parent if inline is not None and inline.type == "inline" else None
    item = paragraph.parent if paragraph is not None and paragraph.type == "paragraph" else None
    if inline is None or paragraph is None or item is None or item.type != "list_item":
        return False
    return inline.children[0] is text and item.children[0] is paragraph and _TASK.match(text.content) is not None


def _alignment(cell: SyntaxTreeNode) -> Alignment:
    match str(cell.attrs.get("style", "")).removeprefix("text-align:"):
        case "right":
            return "right"
        case "center":
            return "center"
        case _:
            return "left"
