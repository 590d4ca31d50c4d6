"""Fields that the library insists on and that no decision here depends on: a server that leaves them out is understood
all the same. Pure; the server's own values always win."""

from __future__ import annotations

import time
from typing import Any


def update(raw: dict[str, Any]) -> dict[str, Any]:
    said = raw.get("message")
    return {**raw, "message": message(said)} if isinstance(said, dict) else raw


def message(raw: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(raw.get("chat"), dict):
        return raw  # of no place: no message
    whole = {"date": int(time.time()), **raw, "chat": chat(raw["chat"])}
    if isinstance(raw.get("from"), dict):
        whole["from"] = user(raw["from"])
    if isinstance(raw.get("reply_to_message"), dict):
        whole["reply_to_message"] = message({"chat": whole["chat"], **raw["reply_to_message"]})
    return whole


def user(raw: dict[str, Any]) -> dict[str, Any]:
    return {"is_bot": False, "first_name": str(raw.get("username") or raw.get("id") or ""), **raw}


def chat(raw: dict[str, Any]) -> dict[str, Any]:
    return {"type": "group" if str(raw.get("id", "")).startswith("-") else "private", **raw}


def answer(method: str, result: Any) -> Any:
    """What a method gave."""
    if not isinstance(result, dict):
        return result
    match method:
        case "getMe":
            return user({"is_bot": True, **result})
        case "sendMessage" | "editMessageText":
            return message({"chat": {"id": 0}, **result})
        case _:
            return result
