"""What a reader sees: Slack's mrkdwn and markdown blocks as safe HTML, and as plain text."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

from sandbox.slack.events import unescaped
from sandbox.slack.world import SlackError, World

_BLOCK = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"]).disable("image")
"""Slack shows an image of Markdown as a link, and so nothing is loaded from elsewhere."""
_LIVE = re.compile(r"&lt;([@#!][^&<>\s|]+)(?:\|([^&<>]*))?&gt;")
"""A mention, after HTML escaping. Slack does not say whether markdown blocks honour them: here they do."""
_TOKEN = re.compile(r"<([^<>\n]*)>")
_CODE = re.compile(r"```(?P<fence>.+?)```|`(?P<span>[^`\n]+)`", re.DOTALL)
_STYLES = (("*", "strong"), ("_", "em"), ("~", "s"))


def mrkdwn_html(world: World, text: str, *, formatted: bool = True) -> str:
    """Slack's own markup. Without `formatted` only links and mentions are live."""
    shown: list[str] = []
    end = 0
    for code in _CODE.finditer(text) if formatted else ():
        shown.append(_prose(world, text[end : code.start()]))
        tag = "pre" if code["fence"] is not None else "code"
        inner = code["fence"] if code["fence"] is not None else code["span"]
        shown.append(f"<{tag}>{html.escape(unescaped(_TOKEN.sub(_bare, inner)).strip(chr(10)))}</{tag}>")
        end = code.end()
    shown.append(_prose(world, text[end:]) if formatted else _tokens(world, text))
    return "".join(shown).replace("\n", "<br>")


def block_html(world: World, block: dict[str, Any]) -> str:
    """A block; nothing of the kinds that the sandbox does not show."""
    match block.get("type"):
        case "markdown":
            return markdown_html(world, str(block["text"]))
        case "task_card":
            return f'<p class="task {block["status"]}">{html.escape(str(block["title"]))}</p>'
        case _:
            return ""


def markdown_html(world: World, text: str) -> str:
    """The Markdown of a markdown block."""
    return _LIVE.sub(lambda live: _mention(world, live[1], live[2] or ""), str(_BLOCK.render(text)))


def _bare(token: re.Match[str]) -> str:
    target, _, label = token[1].partition("|")
    return label or target


def _prose(world: World, text: str) -> str:
    shown = _tokens(world, text)
    for mark, tag in _STYLES:
        sign = re.escape(mark)
        shown = re.sub(
            rf"(?<![\w{sign}]){sign}(?=\S)([^{sign}\n]*?\S){sign}(?![\w{sign}])", rf"<{tag}>\1</{tag}>", shown
        )
    return re.sub(r"(?m)^&gt; ?(.*)$", r"<blockquote>\1</blockquote>", shown)


def _tokens(world: World, text: str) -> str:
    shown: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        shown.append(html.escape(unescaped(text[end : token.start()]), quote=False))
        target, _, label = token[1].partition("|")
        if target[:1] in ("@", "#", "!"):
            shown.append(_mention(world, target, unescaped(label)))
        elif target.startswith(("http://", "https://", "mailto:")):
            address = html.escape(unescaped(target))
            shown.append(f'<a href="{address}" rel="noopener">{html.escape(unescaped(label)) or address}</a>')
        else:
            shown.append(html.escape(unescaped(token[0])))
        end = token.end()
    return "".join(shown) + html.escape(unescaped(text[end:]), quote=False)


def _mention(world: World, target: str, label: str) -> str:
    name = label or target[1:]
    try:
        match target[0]:
            case "@":
                name = "@" + world.user(target[1:]).name
            case "#":
                name = "#" + world.channel(target[1:]).name
            case _:
                name = label or "@" + target[1:]
    except SlackError:
        pass
    return f'<span class="mention">{html.escape(name)}</span>'


class _Plain(HTMLParser):
    _BREAKS = frozenset({"br", "p", "div", "li", "tr", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.pieces.append("\n")
        if tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")
        if tag in ("td", "th"):
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BREAKS and tag != "br":
            self.pieces.append("\n")


def plain(shown: str) -> str:
    """The text of HTML."""
    parser = _Plain()
    parser.feed(shown)
    parser.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(parser.pieces)).strip("\n")
