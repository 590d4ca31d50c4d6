"""Buttons below a message: https://discord.com/developers/docs/components/reference"""

from __future__ import annotations

from typing import Any

from sandbox.discord.records import invalid_form

Json = dict[str, Any]

ROW, BUTTON = 1, 2
LINK = 5
ROWS = BUTTONS = 5


def checked(components: Any) -> list[Json]:
    """Rows of buttons as Discord keeps them. Raises `Refusal`."""
    rows = components or []
    if not isinstance(rows, list) or len(rows) > ROWS:
        raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", f"Must be {ROWS} or fewer in length.")
    kept = [_row(row) for row in rows]
    ids = [one["custom_id"] for row in kept for one in row["components"] if "custom_id" in one]
    if len(set(ids)) < len(ids):
        raise invalid_form("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    return kept


def _row(row: Any) -> Json:
    if not isinstance(row, dict) or row.get("type") != ROW:
        raise invalid_form("components", "BASE_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')
    buttons = row.get("components") or []
    if not 1 <= len(buttons) <= BUTTONS:
        raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {BUTTONS} in length.")
    return {"type": ROW, "components": [_button(one) for one in buttons]}


def _button(button: Json) -> Json:
    if button.get("type") != BUTTON or button.get("style") not in range(1, 6):
        raise invalid_form("components", "BASE_TYPE_CHOICES", 'Value of field "type" must be one of (2,).')
    label, emoji = str(button.get("label") or ""), button.get("emoji")
    if len(label) > 80 or not (label or emoji):
        raise invalid_form("components", "BUTTON_COMPONENT_INVALID", "A button needs a label or an emoji")
    kept: Json = {"type": BUTTON, "style": button["style"], "label": label}
    if emoji:
        kept["emoji"] = emoji
    if button["style"] == LINK:
        return kept | {"url": str(button["url"])}
    custom_id = str(button.get("custom_id") or "")
    if not 1 <= len(custom_id) <= 100:
        raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return kept | {"custom_id": custom_id}


def buttons(components: list[Json]) -> list[Json]:
    return [one for row in components for one in row["components"]]


def label(button: Json) -> str:
    """What a person sees on it."""
    return " ".join(part for part in ((button.get("emoji") or {}).get("name"), button["label"]) if part)
