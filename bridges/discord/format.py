"""Standard Markdown as Discord shows it: pure, and nothing of the text is lost.

Discord reads a dialect of its own. What it has (emphasis, code, quotes, lists, three sizes of headings, masked links)
is written its way; what it lacks is put as something it has: tables as aligned code, images as links, small headings
as bold text, formulas as code, rules as a line of dashes. HTML stays visible. What merely looks like markup to Discord
is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from markdown_it.tree import SyntaxTreeNode as Node

from bridges import dialect
from bridges.discord import literal, table
from bridges.discord.spans import ZERO_WIDTH, inline, visible

LIMIT = 2000
"""Of a message's content, https://discord.com/developers/docs/resources/message#create-message. Discord does not say in
which unit; UTF-16 units are the most that any reading of it could count."""
HOPELESS = 3 * LIMIT
"""No text of this length gets short enough by being rendered, unless it is nearly all markup."""
RULE = "─" * 12

_LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.#]{1,30}", re.ASCII)
_TASK = re.compile(r"\[([ xX])\](?=\s|$)")


def length(text: str) -> int:
    """UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fits(text: str) -> bool:
    return length(text) <= HOPELESS and length(render(text)) <= LIMIT


def plain(text: str) -> str:
    """The text itself, as far as it can be sent at all: for a rendering that was refused."""
    return _clean(text).strip()


def _clean(text: str) -> str:
    text = re.sub("[\ud800-\udfff\0]", "\ufffd", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=128)
def render(text: str) -> str:
    """What to send as a message's content; empty when there is nothing to show. Never raises."""
    text = _clean(text)
    tree = dialect.parse(text)
    if tree is None:
        return literal.escaped(text).strip()
    lines = _blocks(tree.children, text.split("\n"))
    return "\n".join(line.text for line in lines).strip()


# --- blocks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    code: bool = False
    """Of a fenced block, whose lines keep their place: in a list Discord would show the indentation as part of it."""
    quoted: bool = False
    """Of a quote, which is one only at the very beginning of a line, and only once."""


def _blocks(nodes: Sequence[Node], source: Sequence[str]) -> list[Line]:
    """Blocks one below the other, apart where they are apart in the source."""
    lines: list[Line] = []
    previous: Node | None = None
    for node in nodes:
        if previous is not None and _apart(previous, node, source):
            lines.append(Line(""))
        lines += _block(node, source)
        previous = node
    return lines


def _apart(one: Node, other: Node, source: Sequence[str]) -> bool:
    if one.type == other.type == "paragraph" or {one.type, other.type} == {"bullet_list", "ordered_list"}:
        return True
    if one.map is None or other.map is None:
        return False
    return any(not line.strip(" \t>") for line in source[max(one.map[0], other.map[0] - 1) : other.map[0]])


def _block(node: Node, source: Sequence[str]) -> list[Line]:
    match node.type:
        case "fence" | "code_block":
            language = node.info.split(maxsplit=1)[0] if node.type == "fence" and node.info.strip() else ""
            return _fenced(node.content.removesuffix("\n"), language)
        case "formula_block":
            return _fenced(node.content, "tex")
        case "table":
            return _table(node)
        case "heading":
            return [Line(_heading(node))]
        case "hr":
            return [Line(RULE)]
        case "blockquote":
            return _quote(node, source)
        case "bullet_list" | "ordered_list":
            return _list(node, source)
        case "paragraph":
            return [Line(line) for line in inline(node.children[0].children).split("\n")]
        case _:
            return [Line(literal.escaped(node.content))] if not node.children else _blocks(node.children, source)


def _fenced(content: str, language: str) -> list[Line]:
    """Three backticks inside would end the block: an invisible space keeps them apart."""
    content = re.sub(r"``(?=`)", "``" + ZERO_WIDTH, content)
    if not content.strip("\n"):
        content = " "
    if not _LANGUAGE.fullmatch(language):
        language = ""
    return [Line(line, True) for line in (f"```{language}", *content.split("\n"), "```")]


def _quote(node: Node, source: Sequence[str]) -> list[Line]:
    """A quote within a quote shows its sign; code in it has no place for one."""
    return [
        Line(line.text, line.code, True) if line.quoted and line.code else Line("> " + line.text, line.code, True)
        for line in _blocks(node.children, source)
    ]


def _heading(node: Node) -> str:
    text = re.sub(r"\s*\n\s*", " ", inline(node.children[0].children, bold=node.tag > "h3"))
    if not text:
        return ""
    return f"{'#' * int(node.tag[1])} {text}" if node.tag <= "h3" else f"**{text}**"


def _list(node: Node, source: Sequence[str]) -> list[Line]:
    lines: list[Line] = []
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    previous: Node | None = None
    for item in node.children:
        marker = "- " if number is None else f"{number}. "
        if previous is not None and _apart(previous, item, source):
            lines.append(Line(""))
        inner = _blocks(item.children, source) or [Line("")]
        if inner[0].code or inner[0].quoted:
            inner = [Line(ZERO_WIDTH), *inner]
        if item.children and item.children[0].type == "paragraph":
            inner[0] = Line(_task(item.children[0], inner[0].text))
        indent = " " * len(marker)
        lines.append(Line(marker + inner[0].text))
        lines += [line if line.code or line.quoted or not line.text else Line(indent + line.text) for line in inner[1:]]
        number = None if number is None else number + 1
        previous = item
    return lines


def _task(paragraph: Node, text: str) -> str:
    """`[ ]` and `[x]` at the beginning of an item are boxes."""
    if not _TASK.match(paragraph.children[0].content):
        return text
    return _TASK.sub(lambda match: "☐" if match[1] == " " else "☑", text, count=1)


def _table(node: Node) -> list[Line]:
    rows = [row.children for part in node.children for row in part.children]
    styles = [str(cell.attrs.get("style", "")) for cell in rows[0]]
    alignment = [cast(table.Align, (re.findall(r"right|center", style) or ["left"])[0]) for style in styles]
    cells = [[re.sub(r"\s+", " ", visible(cell.children[0].children)).strip() for cell in row] for row in rows]
    return _fenced("\n".join(table.aligned(cells, alignment)), "")
