"""What stands inside a line: emphasis, code, links, as Discord's dialect writes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from markdown_it.tree import SyntaxTreeNode as Node

from bridges.discord import literal

ZERO_WIDTH = "\u200b"
_MARKS = ("*", "~", "`")


def inline(nodes: Sequence[Node], *, inside: bool = False, bold: bool = False, slanted: bool = False) -> str:
    """`inside`: some emphasis is open around it; `bold`, `slanted`: it is so already."""
    out = ""
    for index, node in enumerate(nodes):
        following = nodes[index + 1] if index + 1 < len(nodes) else None
        span = _span(node, out, _first(following), inside=inside, bold=bold, slanted=slanted)
        if span[:1] in _MARKS and out[-1:] in _MARKS:
            # two markers side by side would be read as one
            span = ZERO_WIDTH + span
        out += span
    return out


def _first(node: Node | None) -> str:
    """A character that stands for the beginning of what follows."""
    match node:
        case None:
            return ""
        case Node(type="softbreak" | "hardbreak"):
            return "\n"
        case Node(type="text"):
            return node.content[:1]
        case _:
            return "*"


def _span(node: Node, out: str, after: str, *, inside: bool, bold: bool, slanted: bool) -> str:
    match node.type:
        case "text":
            line_start = not out or out.endswith("\n")
            return literal.escaped(node.content, before=out[-1:], after=after, inside=inside, line_start=line_start)
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline" | "formula":
            return _code(node.content)
        case "address":
            return node.content
        case "strong" if bold:
            return inline(node.children, inside=inside, bold=True, slanted=slanted)
        case "strong":
            return _around("**", inline(node.children, inside=True, bold=True, slanted=slanted))
        case "em" if slanted:
            return inline(node.children, inside=inside, bold=bold, slanted=True)
        case "em":
            # never with an underscore, which Discord also reads where a word goes on
            return _around("*", inline(node.children, inside=True, bold=bold, slanted=True))
        case "s":
            return _around("~~", inline(node.children, inside=True, bold=bold, slanted=slanted))
        case "link":
            return _link(node, inside=inside, bold=bold)
        case "image":
            return _image(node)
        case _:
            return literal.escaped(node.content, inside=inside)


def _around(mark: str, text: str) -> str:
    return f"{mark}{text}{mark}" if text else ""


def _code(content: str) -> str:
    """With as many backticks around as are nowhere inside; three would begin a block, so one or two have to do."""
    content = content.replace("\n", " ")
    runs = {len(run) for run in re.findall(r"`+", content)}
    fence = "`" if 1 not in runs else "``"
    if fence == "``" and 2 in runs:
        content = re.sub(r"(?<!`)``(?!`)", f"`{ZERO_WIDTH}`", content)
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def _link(node: Node, *, inside: bool, bold: bool) -> str:
    address = str(node.attrs.get("href", ""))
    words = re.sub(r"\s+", " ", visible(node.children)).strip()
    if node.markup == "autolink":
        return f"<{address}>" if _is_web(address) else literal.escaped(words, inside=inside)
    if not words:
        return _shown(address)
    if words == address and _is_web(address):
        return f"<{address}>"
    label = re.sub(r"\s*\n\s*", " ", inline(node.children, inside=inside, bold=bold))
    host = literal.seems_address(words)
    misleading = host is not None and host != (urlsplit(address).hostname or "").removeprefix("www.")
    if not _is_web(address) or misleading or "://" in words or "[" in words or "]" in words:
        return f"{label} ({_shown(address)})"
    return f"[{label}]({_target(address)})"


def _image(node: Node) -> str:
    address = str(node.attrs.get("src", ""))
    words = re.sub(r"\s+", " ", visible(node.children)).strip()
    if not words:
        return _shown(address)
    if not _is_web(address) or literal.seems_address(words) or "[" in words or "]" in words:
        return f"{literal.escaped(words, line_start=False)} ({_shown(address)})"
    return f"[{literal.escaped(words, line_start=False)}]({_target(address)})"


def _is_web(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _shown(address: str) -> str:
    """An address to be read; of the web, it can be followed too."""
    return f"<{address}>" if _is_web(address) else literal.escaped(address, line_start=False)


def _target(address: str) -> str:
    return address.replace("(", "%28").replace(")", "%29")


def visible(nodes: Iterable[Node]) -> str:
    """What a reader sees of a text, without markup."""
    out = ""
    for node in nodes:
        match node.type:
            case "softbreak" | "hardbreak":
                out += "\n"
            case "image":
                out += visible(node.children)
            case _:
                out += visible(node.children) if node.children else node.content
    return out
