"""What a client says: from the body of a request to what is kept, and from that to a message. Pure."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from bridges.commands import COMMANDS, command_in
from bridges.web.room import Said
from bridges.web.thread import NAME, client_of
from core.model import Message, MessageId
from core.text import clean

LONGEST_NAME = 100
"""Characters of a person's name."""


class Refused(Exception):
    """What is asked cannot be done, and why, in a sentence for whoever wrote the client."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Asked:
    id: MessageId
    author: str
    command: str
    text: str


def asked(body: bytes) -> Asked:
    """Raises `Refused`."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(400, 'Send a JSON object, such as {"text": "Hello"}.')
    if unknown := sorted(found.keys() - {"id", "text", "command", "user"}):
        raise Refused(400, f"{unknown[0]} is not known; there are id, text, command and user.")
    name = _text(found, "id") or secrets.token_hex(10)
    if not NAME.fullmatch(name):
        raise Refused(400, "id has to be 1 to 64 letters, digits or . _ ~ -, another one for each message.")
    author = _text(found, "user").strip()
    if len(author) > LONGEST_NAME or not author.isprintable():
        raise Refused(400, f"user has to be at most {LONGEST_NAME} characters in one line.")
    text, command = _text(found, "text").strip(), _text(found, "command")
    if command and command not in COMMANDS:
        raise Refused(400, f"command has to be one of {', '.join(sorted(COMMANDS))}.")
    if not command:
        command, text = command_in(text, addressed=True)
    if not command and not text:
        raise Refused(400, "text is empty: say something, or give a command.")
    return Asked(MessageId(name), author, command, text)


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(400, f"{key} has to be a text.")
    return clean(value)


def message_of(said: Said) -> Message:
    """The person is the client's own, or the client itself: no client can speak for another's people."""
    client = client_of(said.thread)
    return Message(
        id=said.id,
        thread=said.thread,
        author=f"{client}/{said.author}" if said.author else client,
        author_name=said.author or client,
        text=said.text,
        sent_at=said.created_at,
        channel=client,
        addressed=True,
        command=said.command,
    )
