"""Fields that discord.py insists on and that no decision here depends on: a server that leaves them out is understood
all the same. Pure; the server's own values always win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

THREADS = (10, 11, 12)
"""The types of channels that are threads: https://discord.com/developers/docs/resources/channel#channel-object"""


def whole_user(user: Mapping[str, Any]) -> dict[str, Any]:
    return {"username": str(user.get("id", "")), "discriminator": "0", "avatar": None, **user}


def whole_message(data: Any, channel: Any = None) -> Any:
    """A message with all that discord.py reads without looking whether it is there."""
    if not isinstance(data, Mapping):
        return data
    whole = {"type": 19 if data.get("referenced_message") else 0, "content": "", "channel_id": channel, **data}
    whole["author"] = whole_user(data.get("author") or {"id": 0})
    whole["mentions"] = [whole_user(user) for user in data.get("mentions") or ()]
    whole.setdefault("mention_roles", [])
    if isinstance(data.get("referenced_message"), Mapping):
        whole["referenced_message"] = whole_message(data["referenced_message"], whole["channel_id"])
    return whole


def whole_thread(data: Any) -> Any:
    """The same for a thread; other channels as they are."""
    if not isinstance(data, Mapping) or data.get("type") not in THREADS:
        return data
    metadata = {"archived": False, "auto_archive_duration": 1440, "archive_timestamp": "2015-01-01T00:00:00+00:00"}
    return {
        "name": "",
        "owner_id": 0,
        "message_count": 0,
        "member_count": 0,
        **data,
        "thread_metadata": {**metadata, **(data.get("thread_metadata") or {})},
    }


def whole_guild(data: Any) -> Any:
    return {**data, "threads": [whole_thread(thread) for thread in data.get("threads") or ()]}


def whole_application(data: Any) -> dict[str, Any]:
    known = data if isinstance(data, Mapping) else {}
    return {
        "id": 0,
        "name": "",
        "description": "",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "",
        **known,
        "owner": whole_user(known.get("owner") or {"id": 0}),
    }
