"""Markdown as HTML that can do no harm. Pure.

Only what is written here comes out as an element, and every text in it is escaped: HTML in an answer is shown as it is
written. Links lead to web pages and mailboxes only. Images are shown as links, since fetching one would tell its server
who reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape

from markdown_it.tree import SyntaxTreeNode as Node

from bridges import dialect
from core.text import clean

LIMIT = 5_000
"""Characters of one message. An edit writes all of it into the database, so a long answer is better cut."""

_LINKED = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+.#-]{1,30}")
_TASK = re.compile(r"\[([ xX])\](?=\s|$)")
_TAGS = {"em": "em", "strong": "strong", "s": "s"}


def fits(text: str) -> bool:
    return len(text) <= LIMIT


@lru_cache(maxsize=256)
def html(text: str) -> str:
    """Never raises."""
    text = clean(text)
    tree = dialect.parse(text)
    return f"<pre>{escape(text)}</pre>" if tree is None else _blocks(tree.children)


# --- blocks -------------------------------------------------------------------------------------------------------


def _blocks(nodes: Iterable[Node]) -> str:
    return "\n".join(map(_block, nodes))


def _block(node: Node) -> str:
    match node.type:
        case "fence" | "code_block":
            return _code(node.content, node.info if node.type == "fence" else "")
        case "formula_block":
            return _code(node.content, "tex")
        case "table":
            return _table(node)
        case "heading":
            return _in(node.tag, _lines(node))
        case "hr":
            return "<hr>"
        case "blockquote":
            return _in("blockquote", _blocks(node.children))
        case "bullet_list":
            return _in("ul", "".join(map(_item, node.children)))
        case "ordered_list":
            start = int(node.attrs.get("start", 1))
            return f'<ol start="{start}">{"".join(map(_item, node.children))}</ol>'
        case "paragraph":
            return _lines(node) if node.hidden else _in("p", _lines(node))
        case _:
            return _blocks(node.children) if node.children else _in("p", escape(node.content))


def _in(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag}>"


def _lines(node: Node) -> str:
    """What a paragraph, a heading or a cell holds."""
    return "".join(_spans(inline.children) for inline in node.children)


def _code(content: str, info: str) -> str:
    language = info.split(maxsplit=1)[0] if info.strip() else ""
    marked = f' class="language-{escape(language)}"' if _LANGUAGE.fullmatch(language) else ""
    return f"<pre><code{marked}>{escape(content.removesuffix(chr(10)))}</code></pre>"


def _item(node: Node) -> str:
    """`[ ]` and `[x]` at its beginning are boxes."""
    inner = _blocks(node.children)
    if node.children and node.children[0].type == "paragraph" and _TASK.match(node.children[0].children[0].content):
        inner = _TASK.sub(lambda box: "☐" if box[1] == " " else "☑", inner, count=1)
    return _in("li", inner)


def _table(node: Node) -> str:
    parts = "".join(_in(part.type, "".join(_row(row) for row in part.children)) for part in node.children)
    return f'<div class="table"><table>{parts}</table></div>'


def _row(row: Node) -> str:
    return _in("tr", "".join(_cell(cell) for cell in row.children))


def _cell(cell: Node) -> str:
    # As a class: a page that allows no styles within its text takes no other.
    aligned = re.search("right|center", str(cell.attrs.get("style", "")))
    marked = f' class="{aligned[0]}"' if aligned else ""
    return f"<{cell.type}{marked}>{_lines(cell)}</{cell.type}>"


# --- within a line --------------------------------------------------------------------------------------------------


def _spans(nodes: Sequence[Node]) -> str:
    return "".join(map(_span, nodes))


def _span(node: Node) -> str:
    match node.type:
        case "em" | "strong" | "s":
            return _in(_TAGS[node.type], _spans(node.children))
        case "code_inline" | "formula":
            return _in("code", escape(node.content))
        case "softbreak" | "hardbreak":
            return "<br>\n"
        case "link":
            return _link(str(node.attrs.get("href", "")), _spans(node.children))
        case "image":
            address = str(node.attrs.get("src", ""))
            return _link(address, _spans(node.children) or escape(address))
        case "address":
            return _link(node.content, escape(node.content))
        case _:
            return _spans(node.children) if node.children else escape(node.content)


def _link(address: str, label: str) -> str:
    if not _LINKED.match(address):
        return f"{label} ({escape(address)})" if address else label
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{label}</a>'
