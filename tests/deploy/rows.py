"""Rows as the program of revision 0001 wrote them: with its columns and no others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

OLD_CONVERSATION = text(
    "INSERT INTO conversation (id, thread, upstream, upstream_id, fresh, started_at) "
    "VALUES (:id, :thread, 'main', 'conv-1', :fresh, '2026-01-01 12:00:00+00:00')"
)
OLD_TURN = text(
    "INSERT INTO turn (id, bridge, thread, message, author, author_name, prompt, attachments, command, state, attempt, "
    "upstream, conversation_id, reply, error, sent_at, accepted_at, started_at, ended_at) "
    "VALUES (:id, 'telegram', :thread, :message, 'ann', 'Ann', 'What is new?', '[]', '', :state, 1, "
    "'main', :conversation_id, :reply, NULL, '2026-01-01 12:00:00+00:00', '2026-01-01 12:00:01+00:00', "
    "'2026-01-01 12:00:02+00:00', NULL)"
)
OLD_PART = text("INSERT INTO part (id, turn_id, position, key, message) VALUES (:id, :turn_id, 0, :key, '4711')")


def old_turn(number: int, **changed: Any) -> dict[str, Any]:
    row = {"id": number, "message": f"message-{number}", "thread": "t", "state": "answered", "reply": "Nothing."}
    return {**row, "conversation_id": None, **changed}
