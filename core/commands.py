"""What the program itself says, in answer to commands and to messages without words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

HELP = """\
I pass what you write on to an assistant, and its answer grows here while it is being written.

- Just write. Each thread is one conversation, and the assistant remembers what was said in it.
- **stop** ends the answer that is being written; **retry** asks your last question again.
- **new** begins another conversation here.
- **status** says which assistant answers; **use** changes to another where there are several.
- **help** shows this."""

NEW = "A new conversation begins here. What was said before stays in the record, but the assistant no longer sees it."

EMPTY = "There was no text in your message. Write what you would like to know, together with the mention."

STOPPED = "⏹ *Stopped.*"

STOP_ANSWERED = "What was being written here is stopped. Messages that were waiting are still answered."

ENDED = "There is nothing to stop any more: this answer has ended."

UNKNOWN_ANSWER = "This was not taken: the answer is not on my record any more."

NOTHING_TO_RETRY = "There is nothing here yet that could be asked again."

EXPIRED = "⚠️ This message was not answered in time: the program was stopped. Please send it again if it still matters."


def status(
    upstream: str,
    conversation_id: str | None,
    since: datetime,
    *,
    answers: int,
    tokens: int | None,
    choices: Sequence[str] = (),
) -> str:
    """`tokens`: the most that a question took, with all that went along, where the upstream tells."""
    kept = f"conversation `{conversation_id}`" if conversation_id else "a conversation that this program keeps itself"
    size = "one answer" if answers == 1 else f"{answers:,} answers"
    full = f"; the fullest question took {tokens:,} tokens" if tokens else ""
    said = f"You are talking to **{upstream}**, in {kept}, begun {since:%d %B %Y at %H:%M} UTC. It holds {size}{full}."
    return f"{said}\n\n{offered(upstream, choices)}" if choices else said


def offered(present: str, choices: Sequence[str]) -> str:
    """Who may be asked here."""
    named = ", ".join(f"**{one}** (now)" if one == present else f"**{one}**" for one in choices)
    return f"Assistants here: {named}. **use** and a name, as in `/use {choices[-1]}`, changes to another."


def not_here(name: str) -> str:
    """What somebody wanted to choose, as they wrote it, or as an old button had it."""
    return f"There is no assistant `{name[:60].replace('`', '')}` here."


def chosen(name: str) -> str:
    return f"From now on **{name}** answers here. It is told what was said before, as far as it has room for it."


ONLY_ONE = "There is one assistant here, and nothing to choose."


def unknown(command: str) -> str:
    return f"**{command}** cannot be done here yet. **help** shows what can."
