"""Discord's own dialect of Markdown, as its client shows it: what a reader sees, and safe HTML of it.

Built from what the client does, not from CommonMark: `__` underlines, `||` hides, a quote needs a space after `>`,
headings end at `###`, there are no tables, no images, no HTML, no indented code; emphasis is found by the first
closing run and not by flanking.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

Names = Callable[[str, str], str | None]
"""The name of what is mentioned, from its kind (`@`, `@&`, `#`) and id."""


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of text (`tag` empty), or an element around others."""

    tag: str
    text: str = ""
    inside: tuple[Node, ...] = ()
    to: str = ""
    """Of a link: its address. Of code: its language."""


_FENCE = re.compile(r"```(?:([a-zA-Z0-9_+\-.#]+?)\n)?\n*([^\n].*?)\n*```", re.DOTALL)
_HEADING = re.compile(r"(#{1,3}|-#)[ \t]+([^\n]+?)[ \t]*(?:\n|$)")
_QUOTE = re.compile(r"(?:> [^\n]*(?:\n|$)|>(?:\n|$))+")
_QUOTE_REST = re.compile(r">>> (.*)", re.DOTALL)
_ITEM = re.compile(r"([ \t]*)([-*]|\d{1,9}\.)[ \t]+([^\n]*)(?:\n|$)")

_INLINE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("escape", re.compile(r"\\([^0-9A-Za-z\s])")),
    ("code", re.compile(r"(`+)(.*?[^`])\1(?!`)", re.DOTALL)),
    ("autolink", re.compile(r"<(https?://[^\s>]+)>")),
    ("url", re.compile(r"https?://[^\s<]+[^<.,:;\"'\]\s]")),
    (
        "link",
        re.compile(r"\[((?:\\.|\[[^\]]*\]|[^\[\]\\])+)\]\(\s*<?(https?://(?:[^\s()<>\\]|\\.|\([^\s()]*\))+)>?\s*\)"),
    ),
    ("mention", re.compile(r"<(@!?|@&|#)(\d+)>")),
    ("emoji", re.compile(r"<a?(:\w+:)\d+>")),
    ("time", re.compile(r"<t:(-?\d+)(?::[tTdDfFRsS])?>")),
    ("strong", re.compile(r"\*\*((?:\\.|[^\\])+?)\*\*(?!\*)", re.DOTALL)),
    ("u", re.compile(r"__((?:\\.|[^\\])+?)__(?!_)", re.DOTALL)),
    ("em", re.compile(r"_((?:__|\\.|[^\\_])+?)_\b", re.DOTALL)),
    ("em", re.compile(r"\*(?=\S)((?:\*\*|\\.|\s+(?:\\.|[^*\s\\]|\*\*)|[^\s*\\])+?)\*(?!\*)", re.DOTALL)),
    ("del", re.compile(r"~~(.+?)~~(?!_)", re.DOTALL)),
    ("spoiler", re.compile(r"\|\|(.+?)\|\|", re.DOTALL)),
)
_PLAIN = re.compile(r".[0-9A-Za-z\u00c0-\uffff \t]*?(?=[^0-9A-Za-z\u00c0-\uffff \t]|https?:|$)", re.DOTALL)


def parse(content: str, names: Names = lambda _kind, _key: None) -> tuple[Node, ...]:
    return tuple(_blocks(content, names, quoted=False))


def _blocks(text: str, names: Names, *, quoted: bool) -> list[Node]:
    nodes: list[Node] = []
    at, start = 0, True
    pending = ""

    def flush() -> None:
        nonlocal pending
        if pending:
            nodes.extend(_inline(pending, names))
            pending = ""

    while at < len(text):
        if match := _FENCE.match(text, at):
            flush()
            nodes.append(Node("pre", match[2], to=match[1] or ""))
            at = match.end()
            start = text[at - 1 : at] == "\n"
            if text[at : at + 1] == "\n":
                at, start = at + 1, True
            continue
        if start:
            found = _line(text, at, names, quoted=quoted)
            if found is not None:
                flush()
                node, at = found
                nodes.append(node)
                continue
        span = _CODE_SPAN.match(text, at) or _ESCAPED.match(text, at)
        step = span.end() if span else at + 1
        pending += text[at:step]
        start = text[step - 1] == "\n"
        at = step
    flush()
    return nodes


_CODE_SPAN = re.compile(r"(`+)(.*?[^`])\1(?!`)", re.DOTALL)
_ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")


def _line(text: str, at: int, names: Names, *, quoted: bool) -> tuple[Node, int] | None:
    """What only the beginning of a line can be."""
    if match := _HEADING.match(text, at):
        tag = "small" if match[1] == "-#" else f"h{len(match[1])}"
        return Node(tag, inside=tuple(_inline(match[2], names))), match.end()
    if not quoted and (match := _QUOTE_REST.match(text, at)):
        return Node("blockquote", inside=tuple(_blocks(match[1], names, quoted=True))), match.end()
    if not quoted and (match := _QUOTE.match(text, at)):
        inner = re.sub(r"^> ?", "", match[0], flags=re.MULTILINE).removesuffix("\n")
        return Node("blockquote", inside=tuple(_blocks(inner, names, quoted=True))), match.end()
    if match := _ITEM.match(text, at):
        marker = "•" if match[2] in "-*" else match[2]
        depth = len(match[1].expandtabs(4)) // 2
        inside = (Node("", "  " * depth + marker + " "), *_inline(match[3], names))
        return Node("li", inside=inside), match.end()
    return None


def _inline(text: str, names: Names) -> list[Node]:
    nodes: list[Node] = []
    at = 0
    while at < len(text):
        for tag, pattern in _INLINE:
            match = pattern.match(text, at)
            if match is not None:
                nodes.append(_element(tag, match, names))
                at = match.end()
                break
        else:
            match = _PLAIN.match(text, at)
            end = match.end() if match else at + 1
            nodes.append(Node("", text[at:end]))
            at = end
    return nodes


def _element(tag: str, match: re.Match[str], names: Names) -> Node:
    match tag:
        case "escape":
            return Node("", match[1])
        case "code":
            inner = match[2]
            if inner.startswith((" `", "`")) or inner.endswith(("` ", "`")):
                inner = inner.removeprefix(" ").removesuffix(" ")
            return Node("code", inner)
        case "autolink":
            return Node("a", inside=(Node("", match[1]),), to=match[1])
        case "url":
            return Node("a", inside=(Node("", match[0]),), to=match[0])
        case "link":
            address = re.sub(r"\\(.)", r"\1", match[2])
            return Node("a", inside=tuple(_inline(match[1], names)), to=address)
        case "mention":
            kind = match[1].replace("!", "")
            return Node("mark", names(kind, match[2]) or match[0])
        case "emoji":
            return Node("", match[1])
        case "time":
            return Node("mark", f"⏱{match[1]}")
        case _:
            return Node(tag, inside=tuple(_inline(match[1], names)))


def plain(nodes: tuple[Node, ...]) -> str:
    """What a reader sees, without markup. A quote's lines begin with `▎`, a hidden text is shown."""
    out = ""
    for node in nodes:
        text = node.text + plain(node.inside)
        block = node.tag in ("pre", "blockquote", "li", "small") or re.fullmatch(r"h\d", node.tag)
        if node.tag == "blockquote":
            text = "\n".join(f"▎{line}" for line in text.removesuffix("\n").split("\n"))
        if block and out and not out.endswith("\n"):
            out += "\n"
        out += text
        if block and not out.endswith("\n"):
            out += "\n"
    return out


def html(nodes: tuple[Node, ...]) -> str:
    """Safe: every text is escaped, and links are http(s) only."""
    out = ""
    for node in nodes:
        inner = escape(node.text) + html(node.inside)
        match node.tag:
            case "":
                out += inner.replace("\n", "<br>")
            case "pre":
                language = f' class="language-{escape(node.to)}"' if node.to else ""
                out += f"<pre><code{language}>{inner}</code></pre>"
            case "a":
                out += f'<a href="{escape(node.to)}" rel="noreferrer noopener" target="_blank">{inner}</a>'
            case "spoiler":
                out += f'<span class="spoiler">{inner}</span>'
            case "li":
                out += f'<div class="item">{inner}</div>'
            case tag:
                out += f"<{tag}>{inner}</{tag}>"
    return out
