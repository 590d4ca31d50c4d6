"""Buttons of Block Kit: what Slack takes, and what a press says.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.slack.world import SlackError

Json = dict[str, Any]

LABEL, VALUE, ACTION_ID = 75, 2_000, 255
MOST = {"actions": 25, "context_actions": 5}
KINDS = {
    "actions": frozenset({"button", "static_select", "overflow"}),
    "context_actions": frozenset({"feedback_buttons", "icon_button"}),
}


def checked(block: Json, index: int) -> None:
    """Raises `SlackError`."""
    where = f"[json-pointer:/blocks/{index}/elements]"
    elements = block.get("elements")
    kind = block["type"]
    if not isinstance(elements, list) or not 1 <= len(elements) <= MOST[kind]:
        raise SlackError("invalid_blocks", f"[ERROR] must have between 1 and {MOST[kind]} items {where}")
    for element in elements:
        if not isinstance(element, dict) or element.get("type") not in KINDS[kind]:
            raise SlackError("invalid_blocks", f"[ERROR] unsupported type {where}")
        if not 1 <= len(str(element.get("action_id") or "")) <= ACTION_ID:
            raise SlackError("invalid_blocks", f"[ERROR] missing required field: action_id {where}")
        parts = [element]
        if element["type"] == "feedback_buttons":
            parts = [element.get("positive_button") or {}, element.get("negative_button") or {}]
        for part in parts:
            text = part.get("text")
            if not isinstance(text, dict) or text.get("type") != "plain_text":
                raise SlackError("invalid_blocks", f"[ERROR] must be a button with a label {where}")
            if not 1 <= len(text["text"]) <= LABEL or len(str(part.get("value") or "")) > VALUE:
                raise SlackError("invalid_blocks", f"[ERROR] must be a button with a label {where}")


def buttons(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """Each button by its label, with the `actions` entry of its press."""
    for block in blocks:
        for element in block.get("elements", ()) if block["type"] in KINDS else ():
            said = {"type": element["type"], "action_id": element["action_id"], "block_id": block.get("block_id", "b1")}
            if element["type"] == "feedback_buttons":
                for sign, part in (("👍", element["positive_button"]), ("👎", element["negative_button"])):
                    yield sign, said | {"value": part["value"], "text": part["text"]}
            elif element["type"] == "button":
                yield element["text"]["text"], said | {"value": element.get("value", ""), "text": element["text"]}
