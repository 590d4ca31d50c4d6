"""Markdown on its way out: a `markdown` block that Slack renders itself, and a `text` for notifications.

Slack renders standard Markdown in `markdown` blocks, tables included
(https://docs.slack.dev/reference/block-kit/blocks/markdown-block), so nothing but formulas is converted. What could
notify somebody is broken by an invisible character, since it is not documented whether such blocks honour mentions.
"""

from __future__ import annotations

import re

from bridges.slack.formulas import as_code

LIMIT = 3_900
"""Of the escaped text. `chat.update` has been seen to refuse more than 4,000 characters, whatever the blocks hold."""
CUT = 1_000
"""What is left of the text if Slack finds it too long all the same: readers see the block."""

_JOINER = "\u2060"
_SURROGATE = re.compile(r"[\x00\ud800-\udfff]")
_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
                        r"\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]+")  # fmt: skip
_LIVE = re.compile(
    r"((?:<|&lt;?|&#0*60;?|&#[xX]0*3[cC];?)\\?)"
    r"(?=[@#][A-Z][A-Z0-9]+|!(?i:channel|everyone|group|here|subteam|date)\b)"
)
"""`<@U0123>`, `<#C0123>`, `<!here>`, `<!subteam^S0123>`: also spelled so that Markdown makes a `<` of it."""


def clean(text: str) -> str:
    """The text with everything that no JSON or database takes replaced by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def blank(text: str) -> bool:
    """Would Slack find no text in it?"""
    return not _INVISIBLE.sub("", text)


def block(text: str) -> dict[str, str]:
    return {"type": "markdown", "text": _LIVE.sub(rf"\1{_JOINER}", as_code(clean(text)))}


def fallback(text: str) -> str:
    """The whole text, escaped: nothing in it is a mention, a link or a date to Slack."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(escaped: str) -> str:
    """The beginning of an escaped text, no entity broken."""
    return re.sub(r"&[a-z]*$", "", escaped[:CUT]) + "…"


def fits(text: str) -> bool:
    """Counts UTF-16 units, the most that Slack could count, of the escaped text; a block may hold thrice that."""
    if len(text) > LIMIT:
        return False
    return len(fallback(text).encode("utf-16-le")) // 2 <= LIMIT
