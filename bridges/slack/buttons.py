"""Buttons at the foot of a message, and what a press of one says.

https://docs.slack.dev/reference/block-kit/blocks/actions-block and, for the two thumbs,
https://docs.slack.dev/reference/block-kit/blocks/context-actions-block
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridges.slack.inbound import Identity
from bridges.slack.thread import Thread
from core.controls import LABELS, Choice, Control, Controls, pressed
from core.model import Message, MessageId

Json = dict[str, Any]

_RATED = "rated"
LONGEST_LABEL = 75


def blocks(controls: Controls) -> list[Json]:
    found: list[Json] = []
    plain = [_button(one, controls) for one in controls.offered if one not in (Control.GOOD, Control.BAD)]
    plain += [_choice(one, number, controls) for number, one in enumerate(controls.choices)]
    if plain:
        found.append({"type": "actions", "elements": plain})
    if Control.GOOD in controls.offered:
        thumbs = {
            "type": "feedback_buttons",
            "action_id": _RATED,
            "positive_button": _thumb(Control.GOOD, controls),
            "negative_button": _thumb(Control.BAD, controls),
        }
        found.append({"type": "context_actions", "elements": [thumbs]})
    return found


def _button(control: Control, controls: Controls) -> Json:
    text = {"type": "plain_text", "text": LABELS[control]}
    return {"type": "button", "action_id": str(control), "text": text, "value": controls.data(control)}


def _choice(choice: Choice, number: int, controls: Controls) -> Json:
    button = {
        "type": "button",
        "action_id": f"{Control.USE}-{number}",
        "text": {"type": "plain_text", "text": choice.label(LONGEST_LABEL), "emoji": False},
        "value": controls.data(Control.USE, choice.name),
    }
    return button | {"style": "primary"} if choice.present else button


def _thumb(control: Control, controls: Controls) -> Json:
    return {"text": {"type": "plain_text", "text": LABELS[control]}, "value": controls.data(control)}


def read(body: Mapping[str, Any], us: Identity, at: datetime) -> Message | None:
    """What a press says; None where it is no button of ours. Raises `LookupError`, `TypeError` or `AttributeError` for
    what Slack would never send."""
    action = body["actions"][0]
    found = pressed(str(action.get("value") or ""))
    if found is None:
        return None
    user, message = body["user"], body.get("message") or {}
    channel = str((body.get("channel") or {}).get("id") or body["container"]["channel_id"])
    root = message.get("thread_ts") or (body.get("container") or {}).get("thread_ts")
    place = Thread(us.team, channel, str(root) if root else None)
    return Message(
        id=MessageId(f"press-{action.get('action_ts') or at.timestamp()}-{user['id']}"[:100]),
        thread=place.id(),
        author=str(user["id"]),
        author_name=str(user.get("name") or user.get("username") or user["id"]),
        text=found.key,
        sent_at=at,
        channel=channel,
        addressed=True,
        command=str(found.control),
        about=found.turn,
        outsider=us.is_other(user.get("team_id")),
    )
