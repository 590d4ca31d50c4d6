"""Buttons below a message, and what a press of one says (https://core.telegram.org/bots/api#inlinekeyboardmarkup)."""

from __future__ import annotations

from datetime import UTC, datetime

import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bridges.telegram.thread import Place
from core.controls import RATINGS, Control, Controls, pressed
from core.model import Message, MessageId

_SIGNS = {
    Control.STOP: "⏹ Stop",
    Control.RETRY: "🔁 Retry",
    Control.NEW: "✨ New",
    Control.GOOD: "👍",
    Control.BAD: "👎",
}

THANKS = "Thank you."
STOPPING = "Stopping."


def keyboard(controls: Controls) -> InlineKeyboardMarkup | None:
    """In one row. None takes away what there was."""
    if not controls.offered:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(_SIGNS[one], callback_data=controls.data(one)) for one in controls.offered]]
    )


def read(query: telegram.CallbackQuery) -> Message | None:
    """What the press says; None where it is no button of ours, or its message is gone."""
    found = pressed(query.data or "")
    said = query.message
    if found is None or said is None:
        return None
    control, turn = found
    topic = said.message_thread_id if isinstance(said, telegram.Message) and said.is_topic_message else None
    return Message(
        id=MessageId(f"press-{query.id}"[:100]),
        thread=Place(said.chat.id, topic).thread,
        author=str(query.from_user.id),
        author_name=query.from_user.full_name,
        text="",
        sent_at=datetime.now(UTC),  # Telegram does not say when
        channel=str(said.chat.id),
        addressed=True,
        command=str(control),
        about=turn,
    )


def answer(message: Message) -> str:
    """What the person is told at once; empty: what they see next says it."""
    if message.command in RATINGS:
        return THANKS
    return STOPPING if message.command == Control.STOP else ""
