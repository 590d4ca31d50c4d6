"""What a call of the Web API was given."""

from __future__ import annotations

import json
from typing import Any

from sandbox.slack.world import SlackError

Json = dict[str, Any]


class Arguments:
    """What a call was given, from its query, form or JSON body: strings, or in JSON any value."""

    def __init__(self, given: Json) -> None:
        self._given = given

    def text(self, name: str, default: str | None = "") -> str:
        value = self._given.get(name, default)
        if value is None or value == "":
            if default is None:
                raise SlackError("invalid_arguments", f"[ERROR] missing required field: {name}")
            return default
        if not isinstance(value, str):
            raise SlackError("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]")
        return value

    def maybe(self, name: str) -> str | None:
        return self.text(name) if name in self._given else None

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._given.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        try:
            return int(self._given.get(name, default))
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{name}]") from None

    def structure(self, name: str, refusal: str) -> Any:
        """A list or object; as a string it is JSON."""
        value = self._given.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise SlackError(refusal) from None
