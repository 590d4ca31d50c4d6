"""Reading fields of foreign JSON: whatever is there comes out as the wanted type, or as nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any


class Unreadable(ValueError):
    """The bytes are no JSON."""


def parsed(data: bytes | str) -> Any:
    """The JSON value. Bytes are UTF-8 with invalid ones replaced. Raises `Unreadable`, also for JSON that is nested
    too deep to be read."""
    try:
        return json.loads(data.decode("utf-8", "replace") if isinstance(data, bytes) else data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None


def table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def words(value: object) -> str:
    return value if isinstance(value, str) else ""


def first(values: Iterable[object]) -> str:
    """The first that is a text and not empty."""
    return next((value for value in values if isinstance(value, str) and value), "")


def number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    found = number(value)
    return None if found is None else int(found)


def moment(value: object) -> datetime | None:
    """An ISO date, or a Unix time in seconds or milliseconds, as an aware UTC time."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        seconds = number(value)
        if seconds is None:
            return None
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
