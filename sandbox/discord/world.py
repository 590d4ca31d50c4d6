"""What exists at this Discord, and its rules. No protocol and no clock of its own but `time.time`.

Identifiers are snowflakes, as decimal strings: milliseconds since 2015 shifted by 22 bits, so that they sort by time.
A thread that was started from a message, or from a forum post, has the identifier of that message.
"""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from typing import Any

from sandbox.discord.records import (
    DIRECT,
    FORUM,
    HAS_THREAD,
    NEWS,
    NEWS_THREAD,
    REPLY,
    STARTER,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    TEXT,
    THREAD,
    Channel,
    File,
    Message,
    Refusal,
    User,
    invalid_form,
    unknown_channel,
    unknown_message,
)
from sandbox.discord.shards import Shard, concerns

EPOCH = 1_420_070_400_000
MAX_CONTENT = 2000
MAX_NONCE = 25
NONCE_SECONDS = 300
"""How long a nonce is remembered. Discord says "a few minutes"."""

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_CODE = re.compile(r"```.*?```|(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


class World:
    """Guilds, their channels, the direct channels, and everything that was written. `guild` is the first of them."""

    def __init__(self) -> None:
        self._last = 0
        self.guilds: dict[str, str] = {}
        """Their names."""
        self.guild = self.new_guild("Harbour")
        self.users: dict[str, User] = {}
        self.roles: dict[str, str] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.commands: list[dict[str, Any]] = []
        """Those of the application, as it registered them."""
        self._nonces: dict[tuple[str, str], tuple[str, float]] = {}
        self.bot = self._user("threadbridge", "Threadbridge", bot=True)
        self.ann = self._user("ann", "Ann Kern")
        self.bob = self._user("bob", "Bob Moss")
        self.other_bot = self._user("weather", "Weather", bot=True)
        self.crew = self.snowflake()
        self.roles[self.crew] = "crew"
        self.lounge = self.channel(TEXT, "lounge").id
        self.help = self.channel(FORUM, "help").id
        self.direct = self.direct_with(self.ann).id

    def snowflake(self) -> str:
        fresh = (int(time.time() * 1000) - EPOCH) << 22
        self._last = max(fresh, self._last + 1)
        return str(self._last)

    def _user(self, username: str, name: str, *, bot: bool = False) -> str:
        user = User(self.snowflake(), username, name, bot)
        self.users[user.id] = user
        return user.id

    def person(self, name: str) -> User:
        """A user by id, or by username."""
        found = self.users.get(name) or next((u for u in self.users.values() if u.username == name), None)
        if found is None:
            raise KeyError(f"nobody here is called {name}")
        return found

    # --- channels -----------------------------------------------------------------------------------------------

    def new_guild(self, name: str, shard: Shard | None = None) -> str:
        """`shard`: the one that is to be told of it."""
        key = self.snowflake()
        while shard is not None and (not concerns(shard, key) or key in self.guilds):
            key = str(int(key) - (1 << 22))
        self.guilds[key] = name
        return key

    def channel(self, kind: int, name: str, guild: str | None = None) -> Channel:
        made = Channel(self.snowflake(), kind, name, guild or self.guild)
        self.channels[made.id] = made
        return made

    def direct_with(self, user: str) -> Channel:
        """The direct channel between the bot and somebody; there is one, however often it is opened."""
        if user not in self.users:
            raise invalid_form("recipient_id", "USER_NOT_FOUND", "Unknown user.")
        for channel in self.channels.values():
            if channel.recipient == user:
                return channel
        made = Channel(self.snowflake(), DIRECT, self.users[user].name, recipient=user)
        self.channels[made.id] = made
        return made

    def seen(self, channel: str) -> Channel:
        """A channel that the bot may look at. Raises `Refusal`."""
        found = self.channels.get(channel)
        if found is None:
            raise unknown_channel()
        if self.lacks(found, "VIEW_CHANNEL"):
            raise Refusal(403, 50001, "Missing Access")
        return found

    def lacks(self, channel: Channel, permission: str) -> bool:
        parent = self.channels.get(channel.parent or "")
        return permission in channel.denied or (parent is not None and permission in parent.denied)

    def need(self, channel: Channel, permission: str) -> None:
        if self.lacks(channel, permission):
            raise Refusal(403, 50013, "Missing Permissions")

    # --- threads ------------------------------------------------------------------------------------------------

    def start_thread(self, channel: Channel, message: str, name: str, author: str, auto_archive: int = 1440) -> Channel:
        """A thread from a message. Raises `Refusal`."""
        if channel.kind not in (TEXT, NEWS):
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        starter = self.message(channel, message)
        if message in self.channels:
            raise Refusal(400, 160004, "A thread has already been created for this message")
        thread = self._thread(channel, message, name, author, auto_archive)
        starter.flags |= HAS_THREAD
        first = Message(self.snowflake(), thread.id, starter.author, "", time.time(), STARTER)
        first.reference, first.reference_channel = starter.id, channel.id
        self.messages[first.id] = first
        return thread

    def post(self, forum: Channel, name: str, author: str) -> Channel:
        """The thread of a new forum post; its first message, of the same id, is still to be written."""
        if forum.kind != FORUM:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        return self._thread(forum, self.snowflake(), name, author, 1440)

    def _thread(self, parent: Channel, key: str, name: str, author: str, auto_archive: int) -> Channel:
        if not 1 <= len(name) <= 100:
            raise invalid_form("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        if auto_archive not in (60, 1440, 4320, 10080):
            raise invalid_form("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of a set.")
        kind = NEWS_THREAD if parent.kind == NEWS else THREAD
        thread = Channel(key, kind, name, parent.guild, parent.id, author, auto_archive=auto_archive)
        self.channels[key] = thread
        return thread

    # --- messages -----------------------------------------------------------------------------------------------

    def message(self, channel: Channel, message: str) -> Message:
        found = self.messages.get(message)
        if found is None or found.channel != channel.id:
            raise unknown_message()
        return found

    def history(self, channel: str) -> list[Message]:
        """The messages of one channel, oldest first."""
        return sorted((m for m in self.messages.values() if m.channel == channel), key=lambda m: int(m.id))

    def write(
        self,
        channel: Channel,
        author: str,
        content: str,
        *,
        key: str | None = None,
        nonce: str | None = None,
        enforce_nonce: bool = False,
        flags: int = 0,
        reference: str | None = None,
        allowed: dict[str, Any] | None = None,
        files: list[File] | None = None,
        webhook: str | None = None,
    ) -> tuple[Message, bool]:
        """A new message, or the earlier one of the same nonce; and whether it is new. Raises `Refusal`.

        `allowed` is `allowed_mentions`; None: all that the text names is notified."""
        if channel.kind == FORUM:
            raise Refusal(400, 50008, "Cannot send messages in a non-text channel")
        if channel.locked and channel.archived:
            raise Refusal(400, 160005, "Thread is locked")
        content = self._content(content, bool(files))
        if nonce is not None and len(nonce) > MAX_NONCE:
            raise invalid_form("nonce", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_NONCE} or fewer in length.")
        if nonce is not None and enforce_nonce and (earlier := self._nonces.get((author, nonce))):
            message_id, at = earlier
            if time.time() - at < NONCE_SECONDS:
                if message_id not in self.messages:
                    raise unknown_message()
                return self.messages[message_id], False
        message = Message(
            key or self.snowflake(), channel.id, author, content, time.time(), nonce=nonce, webhook=webhook
        )
        message.flags = flags & (SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS)
        message.files = files or []
        if reference is not None:
            message.kind, message.reference, message.reference_channel = REPLY, reference, channel.id
        self._mentions(message, allowed)
        channel.archived = False
        self.messages[message.id] = message
        if nonce is not None:
            self._nonces[author, nonce] = (message.id, message.at)
        return message, True

    def edit(self, message: Message, author: str, content: str | None, flags: int | None) -> None:
        """Raises `Refusal`."""
        if message.author != author:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        if self.channels[message.channel].archived:
            raise Refusal(400, 50083, "Thread is archived")
        if content is not None:
            message.content = self._content(content, bool(message.files))
            message.edits += 1
            message.edited_at = time.time()
        if flags is not None:
            message.flags = message.flags & ~SUPPRESS_EMBEDS | flags & SUPPRESS_EMBEDS

    @staticmethod
    def _content(content: str, has_files: bool) -> str:
        """Counted in UTF-16 units: Discord does not say which unit it is, and this is the strictest reading."""
        if len(content.encode("utf-16-le", "surrogatepass")) // 2 > MAX_CONTENT:
            raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length.")
        content = content.replace("\0", "").strip()
        if not content and not has_files:
            raise Refusal(400, 50006, "Cannot send an empty message")
        return content

    def _mentions(self, message: Message, allowed: dict[str, Any] | None) -> None:
        text = _CODE.sub("", message.content)
        users = [u for u in dict.fromkeys(_USER.findall(text)) if u in self.users]
        roles = [r for r in dict.fromkeys(_ROLE.findall(text)) if r in self.roles]
        everyone = "@everyone" in text or "@here" in text
        parse = ["users", "roles", "everyone"] if allowed is None else allowed.get("parse", [])
        listed = [] if allowed is None else [*allowed.get("users", []), *allowed.get("roles", [])]
        message.pings = [one for one in users if "users" in parse or one in listed]
        message.pings += [one for one in roles if "roles" in parse or one in listed]
        message.mention_roles = [one for one in roles if one in message.pings]
        if everyone and "everyone" in parse:
            message.mention_everyone = True
            message.pings.append("everyone")
        message.mentions = users
        replied = self.messages.get(message.reference or "")
        if replied is not None and (allowed is None or allowed.get("replied_user", False)):
            if replied.author not in message.mentions:
                message.mentions.append(replied.author)
            if replied.author not in message.pings:
                message.pings.append(replied.author)

    # --- lasting ------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        messages = []
        for message in self.messages.values():
            row = asdict(message)
            for file in row["files"]:
                file["content"] = file["content"].hex()
            messages.append(row)
        return {
            "last": self._last,
            "names": {key: getattr(self, key) for key in _NAMES},
            "users": [asdict(user) for user in self.users.values()],
            "guilds": self.guilds,
            "roles": self.roles,
            "channels": [asdict(channel) for channel in self.channels.values()],
            "messages": messages,
            "commands": self.commands,
            "nonces": [[*key, *value] for key, value in self._nonces.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        self._last = state["last"]
        for key in _NAMES:
            setattr(self, key, state["names"][key])
        self.users = {row["id"]: User(**row) for row in state["users"]}
        self.guilds = dict(state["guilds"])
        self.roles = dict(state["roles"])
        self.channels = {row["id"]: Channel(**row) for row in state["channels"]}
        self.messages = {}
        for row in state["messages"]:
            files = [File(**{**file, "content": bytes.fromhex(file["content"])}) for file in row["files"]]
            self.messages[row["id"]] = Message(**{**row, "files": files})
        self.commands = list(state.get("commands") or ())
        self._nonces = {(author, nonce): (message, at) for author, nonce, message, at in state["nonces"]}


_NAMES = ("guild", "bot", "ann", "bob", "other_bot", "crew", "lounge", "help", "direct")
"""The identifiers that the default world is known by."""
