"""What the readers of each platform see of a message, by the stand-ins' own renderers, which know nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html.parser import HTMLParser

from bridges.discord import format as discord
from bridges.slack import format as slack
from bridges.telegram import format as telegram
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
    page = _Page()
    page.feed(render.markdown_html(World(), block))
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


READERS = {
    "telegram": Reader(telegram.fits, _on_telegram),
    "discord": Reader(discord.fits, _on_discord),
    "slack": Reader(slack.fits, _on_slack),
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
