"""What somebody asks for without a message: the slash command, and the stop button of Slack's agent view. Pure.

https://docs.slack.dev/interactivity/implementing-slash-commands and https://docs.slack.dev/ai/agent-sessions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridges.commands import command_in
from bridges.slack import mrkdwn
from bridges.slack.format import clean
from bridges.slack.inbound import Identity, is_outsider
from bridges.slack.mrkdwn import Names
from bridges.slack.thread import Thread
from core.model import Message, MessageId

Json = Mapping[str, Any]

RECEIVED = "Received: see below."


@dataclass(frozen=True, slots=True)
class Used:
    """Somebody used the slash command. No message stands for it, so it belongs to the top level of its channel."""

    id: str
    thread: Thread
    author: str
    text: str
    at: datetime
    outsider: bool

    @property
    def mentions(self) -> tuple[frozenset[str], frozenset[str]]:
        """As `Said.mentions`."""
        users, channels = mrkdwn.mentions(self.text)
        return users | {self.author}, channels

    def message(self, names: Names) -> Message:
        command, text = command_in(mrkdwn.markdown(self.text, names), addressed=True)
        return Message(
            id=MessageId(f"command-{self.id}"[:100]),
            thread=self.thread.id(),
            author=self.author,
            author_name=names.users.get(self.author, self.author),
            text=text,
            sent_at=self.at,
            channel=self.thread.channel,
            addressed=True,
            command=command if command or text.strip() else "help",
            outsider=self.outsider,
        )


def used(body: Json, us: Identity, at: datetime) -> Used:
    """Raises `LookupError` or `ValueError` for what Slack would never send."""
    author, channel = str(body["user_id"]), str(body["channel_id"])
    return Used(
        str(body.get("trigger_id") or f"{author}-{at.timestamp()}"),
        Thread(us.team, channel, None),
        author,
        clean(str(body.get("text") or "")).strip(),
        at,
        outsider=us.is_other(body.get("team_id")),
    )


def response(message: Message) -> dict[str, str]:
    """What Slack shows in place of the command: a question is seen by everybody as it was typed, the rest by whoever
    used the command."""
    if message.command:
        return {"response_type": "ephemeral", "text": RECEIVED}
    return {"response_type": "in_channel"}


def not_here(name: str) -> dict[str, str]:
    text = f"I am not in this conversation, so nothing was asked. In a channel, `/invite @{name}` brings me in."
    return {"response_type": "ephemeral", "text": text}


def stopped(body: Json, us: Identity, at: datetime) -> Message:
    """The button that stands beside an answer that is being written. Slack has ended its streams already."""
    event = body["event"]
    author = str(event["user"])
    place = Thread(us.team, str(event["channel"]), str(event["thread_ts"]))
    return Message(
        id=MessageId(f"stop-{body.get('event_id') or event['event_ts']}"[:100]),
        thread=place.id(),
        author=author,
        author_name=author,
        text="",
        sent_at=at,
        channel=place.channel,
        addressed=True,
        command="stop",
        outsider=is_outsider(body, event, us),
    )
