"""Buttons below a message, and what a press of one says (https://core.telegram.org/bots/api#inlinekeyboardmarkup)."""

from __future__ import annotations

from datetime import UTC, datetime

import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bridges.telegram.thread import Place
from core.controls import RATINGS, Control, Controls, NotTaken, pressed
from core.model import Message, MessageId

_SIGNS = {
    Control.STOP: "⏹ Stop",
    Control.RETRY: "🔁 Retry",
    Control.NEW: "✨ New",
    Control.GOOD: "👍",
    Control.BAD: "👎",
}

LONGEST_LABEL = 60
"""Characters; Telegram states no limit, and cuts off what does not fit on the screen."""
THANKS = "Thank you."
STOPPING = "Stopping."


def keyboard(controls: Controls) -> InlineKeyboardMarkup | None:
    """In one row; what may be chosen one below the other. None takes away what there was."""
    if not controls:
        return None
    row = [InlineKeyboardButton(_SIGNS[one], callback_data=controls.data(one)) for one in controls.offered]
    rows = [
        [InlineKeyboardButton(one.label(LONGEST_LABEL), callback_data=controls.data(Control.USE, one.name))]
        for one in controls.choices
    ]
    return InlineKeyboardMarkup([row, *rows] if row else rows)


def read(query: telegram.CallbackQuery) -> Message | None:
    """What the press says; None where it is no button of ours, or its message is gone."""
    found = pressed(query.data or "")
    said = query.message
    if found is None or said is None:
        return None
    topic = said.message_thread_id if isinstance(said, telegram.Message) and said.is_topic_message else None
    return Message(
        id=MessageId(f"press-{query.id}"[:100]),
        thread=Place(said.chat.id, topic).thread,
        author=str(query.from_user.id),
        author_name=query.from_user.full_name,
        text=found.key,
        sent_at=datetime.now(UTC),  # Telegram does not say when
        channel=str(said.chat.id),
        addressed=True,
        command=str(found.control),
        about=found.turn,
    )


LONGEST_ANSWER = 200
"""Characters, https://core.telegram.org/bots/api#answercallbackquery."""


def answer(message: Message, not_taken: NotTaken | None) -> str:
    """What the person is told at once; empty: what they see next says it."""
    if not_taken is not None:
        return not_taken.note[:LONGEST_ANSWER]
    if message.command in RATINGS:
        return THANKS
    return STOPPING if message.command == Control.STOP else ""
