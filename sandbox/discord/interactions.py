"""Commands of the application, and what happens when somebody uses one.

https://discord.com/developers/docs/interactions/application-commands and
https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.discord.records import Refusal, invalid_form

Json = dict[str, Any]

SLASH, ON_USER, ON_MESSAGE = 1, 2, 3
RESPOND_WITHIN = 3.0
COMMAND, COMPONENT = 2, 3
"""Kinds of interactions."""
PONG, MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE = 1, 4, 5, 6, 7
EPHEMERAL = 1 << 6
CHOICES = 25
"""Of one option."""
CHAT_INPUT_COMMAND, CONTEXT_MENU_COMMAND = 20, 23
"""Kinds of messages: https://discord.com/developers/docs/resources/message#message-object-message-types"""
_NAME = re.compile(r"[-_\w]{1,32}")


@dataclass(slots=True)
class Interaction:
    id: str
    token: str
    channel: str
    author: str
    data: Json
    kind: int = COMMAND
    message: str | None = None
    """Of a press: the message with the button."""
    at: float = field(default_factory=time.time)
    response: Json | None = None
    """What the application responded: `type` and `data`."""


class Interactions:
    """Those of one run."""

    def __init__(self) -> None:
        self._known: dict[str, Interaction] = {}

    def __getitem__(self, id: str) -> Interaction:
        return self._known[id]

    def new(
        self, id: str, channel: str, author: str, data: Json, kind: int = COMMAND, message: str | None = None
    ) -> Interaction:
        made = self._known[id] = Interaction(id, secrets.token_urlsafe(60), channel, author, data, kind, message)
        return made

    def respond(self, id: str, token: str, response: Json) -> Interaction:
        """The one response. Raises `Refusal`."""
        found = self._known.get(id)
        if found is None or found.token != token or (not found.response and time.time() - found.at > RESPOND_WITHIN):
            raise Refusal(404, 10062, "Unknown interaction")
        if found.response is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        fitting = (MESSAGE, DEFERRED) if found.kind == COMMAND else (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE)
        if response.get("type") not in fitting:
            raise invalid_form("type", "BASE_TYPE_CHOICES", "Value must be one of a set.")
        content = (response.get("data") or {}).get("content") or ""
        if response["type"] == MESSAGE and not content.strip():
            raise Refusal(400, 50006, "Cannot send an empty message")
        if len(content) > 2000:
            raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
        found.response = response
        return found


def checked(command: Any, id: str, application: str) -> Json:
    """A command as Discord keeps it and tells it afterwards. Raises `Refusal`."""
    if not isinstance(command, dict):
        raise invalid_form("0", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    kind = command.get("type", SLASH)
    name = str(command.get("name") or "")
    if kind == SLASH and (not _NAME.fullmatch(name) or name != name.lower()):
        raise invalid_form("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if not 1 <= len(name) <= 32:
        raise invalid_form("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
    description = str(command.get("description") or "")
    if (kind == SLASH) != bool(description) or len(description) > 100:
        raise invalid_form("description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    kept = {
        "id": id,
        "application_id": application,
        "version": id,
        "default_member_permissions": None,
        "type": kind,
        "name": name,
        "name_localizations": None,
        "description": description,
        "description_localizations": None,
        "contexts": command.get("contexts"),
        "integration_types": command.get("integration_types") or [0],
        "nsfw": False,
    }
    options = [_option(one) for one in command.get("options") or ()]
    return {**kept, "options": options} if options else kept


def _option(option: Json) -> Json:
    if not _NAME.fullmatch(str(option.get("name") or "")) or not 1 <= len(str(option.get("description") or "")) <= 100:
        raise invalid_form("options", "BASE_TYPE_REQUIRED", "This field is required")
    kept = {key: option[key] for key in ("type", "name", "description")}
    choices = option.get("choices") or []
    if len(choices) > CHOICES or not all(1 <= len(str(one.get("name") or "")) <= 100 for one in choices):
        raise invalid_form("choices", "BASE_TYPE_BAD_LENGTH", f"Must be {CHOICES} or fewer in length.")
    if choices:
        kept["choices"] = [{"name": one["name"], "name_localizations": None, "value": one["value"]} for one in choices]
    return {**kept, "required": True} if option.get("required") else kept
