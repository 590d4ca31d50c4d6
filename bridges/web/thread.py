"""The ids of conversations."""

from __future__ import annotations

import re

from core.model import ThreadId

_FORM = re.compile(r"web:([a-z0-9_-]{1,40}):([A-Za-z0-9._~-]{1,64})")
NAME = re.compile(r"[A-Za-z0-9._~-]{1,64}")
"""What a client may call a conversation, or a message: characters that mean themselves in an address."""


def thread_of(client: str, name: str) -> ThreadId:
    """The conversation that this client calls so. Clients have their names for themselves."""
    return ThreadId(f"web:{client}:{name}")


def name_of(thread: ThreadId) -> str:
    """What its client calls it."""
    return _read(thread)[2]


def client_of(thread: ThreadId) -> str:
    """Whose it is."""
    return _read(thread)[1]


def _read(thread: ThreadId) -> re.Match[str]:
    """Raises `ValueError` for an id that this bridge has not made."""
    match = _FORM.fullmatch(thread)
    if match is None:
        raise ValueError(f"not a conversation of the web: {thread}")
    return match
