"""An event of Slack's as what somebody said: pure, and None for all that is not for the bot.

A mention in a channel comes twice, as `message` and as `app_mention`, under different event ids. Both are read here
into equal values, so that whoever records them by thread and message id keeps one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bridges.commands import command_in
from bridges.slack import mrkdwn
from bridges.slack.format import clean
from bridges.slack.mrkdwn import Names
from bridges.slack.thread import Thread
from core.model import Attachment, Message, MessageId

SUBTYPES = frozenset({None, "file_share", "me_message", "thread_broadcast"})
UNKNOWN_TEAM = "T0"
"""Where the server does not tell whose workspace it is: then there is only the one."""
DIRECT = frozenset({"im", "app_home"})

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is, by `auth.test`."""

    team: str
    user: str
    bot: str
    name: str
    enterprise: str | None = None

    def is_other(self, team: str | None) -> bool:
        """Is that the workspace of another organisation? False where one of the two is not told."""
        return bool(team) and self.team != UNKNOWN_TEAM and team not in (self.team, self.enterprise)


@dataclass(frozen=True, slots=True)
class Said:
    """A message whose mentions are still ids."""

    channel: str
    ts: str
    thread: Thread
    author: str
    text: str
    addressed: bool
    outsider: bool
    attachments: tuple[Attachment, ...]

    @property
    def mentions(self) -> tuple[frozenset[str], frozenset[str]]:
        """The people and channels whose names `message` would like to have: the author is one of them."""
        users, channels = mrkdwn.mentions(self.text)
        return users | {self.author}, channels

    def message(self, names: Names) -> Message:
        command, text = command_in(mrkdwn.markdown(self.text, names), addressed=self.addressed)
        return Message(
            id=MessageId(self.ts),
            thread=self.thread.id(),
            author=self.author,
            author_name=names.users.get(self.author, self.author),
            text=text,
            sent_at=_moment(self.ts),
            channel=self.channel,
            addressed=self.addressed,
            attachments=self.attachments,
            command=command,
            outsider=self.outsider,
        )


def read(body: Json, us: Identity, direct_messages: Literal["threads", "one"]) -> Said | None:
    """`body`: the outer event. Raises `LookupError`, `TypeError` or `ValueError` for what Slack would never send."""
    event = body["event"]
    if not _from_a_person(event, us):
        return None
    ts, channel, text = str(event["ts"]), str(event["channel"]), clean(str(event.get("text") or ""))
    _moment(ts)
    root = event.get("thread_ts") or None
    direct = event.get("channel_type") in DIRECT or (event.get("channel_type") is None and channel.startswith("D"))
    mentioned = event["type"] == "app_mention" or mrkdwn.mentioned(text, us.user)
    attachments = tuple(_attachments(event.get("files") or ()))
    text = "\n\n".join(filter(None, [mrkdwn.without_mention(text, us.user), *_forwarded(event)]))
    addressed = direct or mentioned
    if not addressed and (root is None or not (text or attachments)):
        return None
    if root is None and not (direct and direct_messages == "one"):
        root = ts
    return Said(
        channel,
        ts,
        Thread(us.team, channel, root),
        str(event["user"]),
        text,
        addressed,
        is_outsider(body, event, us),
        attachments,
    )


def _from_a_person(event: Json, us: Identity) -> bool:
    return (
        event["type"] in ("message", "app_mention")
        and event.get("subtype") in SUBTYPES
        and not event.get("bot_id")
        # an edit that adds a mention comes as another app_mention
        and not event.get("edited")
        and event.get("user") not in (None, "", us.user, "USLACKBOT")
    )


def is_outsider(body: Json, event: Json, us: Identity) -> bool:
    """Is the author of another organisation? In a shared channel one who does not say is."""
    team = event.get("user_team") or event.get("source_team") or event.get("team")
    if team and us.team != UNKNOWN_TEAM:
        return us.is_other(team)
    return bool(body.get("is_ext_shared_channel"))


def _forwarded(event: Json) -> list[str]:
    """Messages that the person passed on, as quotes in Slack's markup."""
    shared = [one for one in event.get("attachments") or () if one.get("is_share")]
    said = [(clean(str(one.get("author_name") or "")), clean(str(one.get("text") or ""))) for one in shared]
    return [
        "\n".join(f"&gt; {line}" for line in (f"{author}: {text}" if author else text).split("\n"))
        for author, text in said
        if text
    ]


def _attachments(files: Any) -> list[Attachment]:
    """Files that are gone, or hidden by the plan's limit, are left out."""
    return [
        Attachment(
            name=clean(str(file.get("name") or file.get("title") or file["id"])),
            media_type=str(file.get("mimetype") or "application/octet-stream"),
            size=file["size"] if isinstance(file.get("size"), int) else None,
            reference=json.dumps(
                {"id": file["id"], "url": file.get("url_private_download") or file.get("url_private") or ""}
            ),
        )
        for file in files
        if file.get("mode") not in ("tombstone", "hidden_by_limit")
    ]


def _moment(ts: str) -> datetime:
    match = re.fullmatch(r"(\d{1,11})(?:\.(\d{1,6}))?", ts)
    if match is None:
        raise ValueError(f"not a ts: {ts[:40]!r}")
    return datetime.fromtimestamp(int(match[1]), UTC) + timedelta(microseconds=int((match[2] or "").ljust(6, "0")))
