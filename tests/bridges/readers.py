"""What the readers of each platform see of a message, by the stand-ins' own renderers, which know nothing of ours; on
the web, by a parser of HTML that takes nothing but what can do no harm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import ClassVar

from bridges.discord import format as discord
from bridges.slack import format as slack
from bridges.telegram import format as telegram
from bridges.web import format as web
from sandbox.discord import markup
from sandbox.discord.world import MAX_CONTENT
from sandbox.slack import render
from sandbox.slack.world import World
from sandbox.telegram.text import accepted
from tests.replies import Reply


@dataclass(frozen=True, slots=True)
class Message:
    """What is seen, and where its links lead."""

    text: str
    addresses: frozenset[str]


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reader:
    """`read` fails for a part that the platform would not take."""

    fits: Callable[[str], bool]
    read: Callable[[str], Message]


def _on_telegram(part: str) -> Message:
    shown = telegram.render(part)
    sent = [{"type": e.kind, "offset": e.offset, "length": e.length, "url": e.url} for e in shown.entities]
    text, entities = accepted(shown.text, sent)
    assert text == shown.text
    assert len(entities) == len(sent)
    return Message(text, frozenset(str(entity["url"]) for entity in entities if entity["type"] == "text_link"))


def _on_discord(part: str) -> Message:
    content = discord.render(part)
    assert 0 < len(content.encode("utf-16-le")) // 2 <= MAX_CONTENT
    nodes = markup.parse(content)
    return Message(markup.plain(nodes), frozenset(_targets(nodes)))


def _targets(nodes: Iterable[markup.Node]) -> Iterable[str]:
    for node in nodes:
        if node.tag == "a":
            yield node.to
        yield from _targets(node.inside)


def _on_slack(part: str) -> Message:
    block = slack.block(part)["text"]
    assert 0 < len(block.encode("utf-16-le")) // 2 <= 12_000
    return read_html(render.markdown_html(World(), block))


def read_html(html: str) -> Message:
    """What a browser shows of it."""
    page = _Page()
    page.feed(html)
    page.close()
    return Message("".join(page.pieces), frozenset(page.addresses))


def _on_the_web(part: str) -> Message:
    page = _HarmlessPage()
    page.feed(web.html(part))
    page.close()
    return Message("".join(page.pieces), frozenset(page.addresses))


class _Page(HTMLParser):
    """The text of HTML with the numbers of its lists, as a browser shows it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.addresses: list[str] = []
        self._numbers: list[int | None] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "a":
            self.addresses.append(known.get("href") or "")
        if tag in ("ul", "ol"):
            self._numbers.append(int(known.get("start") or 1) if tag == "ol" else None)
        if tag == "li" and (number := self._numbers[-1]) is not None:
            self.pieces.append(f"\n{number}. ")
            self._numbers[-1] = number + 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            self._numbers.pop()


class _HarmlessPage(_Page):
    """Fails for every element and attribute that is not known to do no harm, and for what is not closed."""

    _KNOWN: ClassVar[dict[str, frozenset[str]]] = {
        **dict.fromkeys(("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "li", "pre", "br", "hr"), _NONE),
        **dict.fromkeys(("em", "strong", "s", "table", "thead", "tbody", "tr"), _NONE),
        **dict.fromkeys(("div", "td", "th", "code"), frozenset({"class"})),
        "ol": frozenset({"start"}),
        "a": frozenset({"href", "target", "rel"}),
    }
    _ALONE = frozenset({"br", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= self._KNOWN[tag], (tag, attrs)
        known = dict(attrs)
        if tag == "a":
            assert re.match(r"(?:https?://|mailto:)", known["href"] or "", re.IGNORECASE)
            assert "noopener" in (known["rel"] or "")
        assert re.fullmatch(r"(?:table|right|center|language-[\w+.#-]+)?", known.get("class") or "", re.ASCII)
        if tag not in self._ALONE:
            self._open.append(tag)
        if tag in ("p", "li", "tr", "td", "th", "br", "pre"):
            self.pieces.append("\n")
        super().handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        super().handle_endtag(tag)

    def close(self) -> None:
        super().close()
        assert self._open == []

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


READERS = {
    "telegram": Reader(telegram.fits, _on_telegram),
    "discord": Reader(discord.fits, _on_discord),
    "slack": Reader(slack.fits, _on_slack),
    "web": Reader(web.fits, _on_the_web),
}

_DRAWN = re.compile("[\\s\u200b\u2060\u2022\u25e6\u25aa\u2610\u2611\u2500\u2014\u258e|$!]+|\\[[x ]?\\]")
"""What renderers draw around a text or leave out of it: spaces, joiners, bullets, boxes, rules, bars, dollars."""
_RULED = re.compile(r"^[-+\s]+$|^(?:[ \u258e]*>)+(?: *- )?", re.MULTILINE)
"""Below the header of a drawn table; before the lines of a quote in a quote."""


def essence(text: str, reply: Reply) -> str:
    """The text without what each platform draws in its own way: that is all that has to be the same."""
    text = re.sub(r"\\[()\[\]]", "", _RULED.sub("", text))
    text = _DRAWN.sub("", text)
    for address in reply.addresses:
        text = text.replace(f"({address})", "")
    for header in reply.headers:
        before, found, after = text.partition(header)
        text = before + found + after.replace(header, "")
    return text
