"""Commands to the program as people write them where a platform has none of its own that would reach the bot."""

from __future__ import annotations

import re

from core.text import clean

COMMANDS = frozenset({"new", "help", "stop", "retry", "status", "use"})
LONGEST = 20
"""Characters of a command that a record holds."""


def named(name: str) -> str:
    """A command by the name that a person or a platform gave it, whether there is one of that name or not."""
    return clean(name).lower()[:LONGEST]


def command_in(text: str, *, addressed: bool) -> tuple[str, str]:
    """A command and what follows it; empty where there is none. It begins with `/` or `!`, or it is the only word of a
    message to the bot."""
    match = re.match(r"([/!]?)([A-Za-z]+)(?:\s+|$)", text)
    if match is None or match[2].lower() not in COMMANDS:
        return "", text
    rest = text[match.end() :]
    if match[1] or (addressed and not rest):
        return match[2].lower(), rest
    return "", text
