"""What the program itself says, in answer to commands and to messages without words."""

from __future__ import annotations

from datetime import datetime

HELP = """\
I pass what you write on to an assistant, and its answer grows here while it is being written.

- Just write. Each thread is one conversation, and the assistant remembers what was said in it.
- **stop** ends the answer that is being written; **retry** asks your last question again.
- **new** begins another conversation here.
- **status** says which assistant answers.
- **help** shows this."""

NEW = "A new conversation begins here. What was said before stays in the record, but the assistant no longer sees it."

EMPTY = "There was no text in your message. Write what you would like to know, together with the mention."

STOPPED = "⏹ *Stopped.*"

STOP_ANSWERED = "What was being written here is stopped. Messages that were waiting are still answered."

NOTHING_TO_RETRY = "There is nothing here yet that could be asked again."

EXPIRED = "⚠️ This message was not answered in time: the program was stopped. Please send it again if it still matters."


def status(upstream: str, conversation_id: str | None, since: datetime) -> str:
    kept = f"conversation `{conversation_id}`" if conversation_id else "a conversation that this program keeps itself"
    return f"You are talking to **{upstream}**, in {kept}, begun {since:%d %B %Y at %H:%M} UTC."


def unknown(command: str) -> str:
    return f"**{command}** cannot be done here yet. **help** shows what can."
