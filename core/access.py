"""Who may talk to the assistant. Deciding is pure; the relay asks before a message is recorded."""

from __future__ import annotations

from core.model import Message
from core.settings import Access


def admits(access: Access, message: Message) -> bool:
    """May this person talk to the assistant, here?

    `open`: everyone. `members`: everyone of the bot's own organisation. `list`: those named in `users`. `pairing`:
    those named in `users`, as long as nobody can be paired. In all of them a list of `channels` narrows the places, and
    whoever is in `users` is let in."""
    if access.channels and message.channel not in access.channels:
        return False
    if message.author in access.users:
        return True
    match access.policy:
        case "open":
            return True
        case "members":
            return not message.outsider
        case _:
            return False
