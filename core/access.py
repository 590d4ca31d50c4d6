"""Who may talk to the assistant. Pure: whether somebody was paired is the caller's to look up."""

from __future__ import annotations

from enum import StrEnum

from core.model import Message
from core.settings import Access


class Entry(StrEnum):
    """What the rules say to a person in a place."""

    OPERATOR = "operator"
    LET_IN = "let in"
    PLACE = "place"
    """Not here, whoever it is."""
    STRANGER = "stranger"
    """Not this person, as far as the rules know: somebody may have been paired."""


def entry(access: Access, message: Message) -> Entry:
    """Operators are let in everywhere. A list of `channels` narrows the places for all others, one of `guilds` for
    those who are not in `users`. Who is in `users` or has one of the `roles` is let in; with any `roles`, `open` lets
    nobody else in."""
    if message.author in access.operators:
        return Entry.OPERATOR
    if access.channels and message.channel not in access.channels:
        return Entry.PLACE
    if message.author in access.users:
        return Entry.LET_IN
    if access.guilds and message.organisation not in access.guilds:
        return Entry.PLACE
    if message.roles.intersection(access.roles):
        return Entry.LET_IN
    match access.policy:
        case "open":
            let_in = not access.roles
        case "members":
            let_in = not message.outsider
        case _:
            let_in = False
    return Entry.LET_IN if let_in else Entry.STRANGER
