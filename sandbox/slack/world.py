"""A workspace: people, channels, messages. Rules that need no protocol are kept here."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

TEAM = "T0SANDBOX1"
FOREIGN_TEAM = "T0ELSEWHER"
BOT_USER = "U0THREADBR"
BOT_ID = "B0THREADBR"
APP_ID = "A0THREADBR"

Kind = Literal["channel", "group", "im", "mpim"]


class SlackError(Exception):
    """A refusal in Slack's own words: the `error` of the answer, and the lines of `response_metadata.messages`."""

    def __init__(self, error: str, *messages: str) -> None:
        self.error = error
        self.messages = messages
        super().__init__(error)


@dataclass(slots=True)
class User:
    id: str
    handle: str
    name: str
    team: str = TEAM
    bot_id: str = ""
    """Set for the users of apps."""


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    kind: Kind
    members: list[str]
    archived: bool = False
    shared: bool = False
    """With another organisation, by Slack Connect."""


@dataclass(slots=True)
class File:
    id: str
    name: str
    media_type: str
    user: str
    content: str
    """Base64."""
    size: int
    withheld: bool = False
    """Events tell only its id; `files.info` has to be asked, as for files from another organisation."""
    external: str = ""
    """The address of a file that Slack only links to."""


@dataclass(slots=True)
class Stream:
    """A message that an app is still streaming into."""

    started: float
    mode: str
    """`markdown_text` or `chunks`: a stream takes only what it was begun with."""
    open: bool = True


@dataclass(slots=True)
class Post:
    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str | None = None
    subtype: str | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    files: list[str] = field(default_factory=list)
    mrkdwn: bool = True
    edits: int = 0
    edited: str | None = None
    stream: Stream | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    """Who reacted, by the name of the emoji, without colons."""
    status: str = ""
    """Set on a root while an app shows in its thread what it is doing."""
    session: str = ""
    """Set on a root: the status of the agent's session in its thread."""

    @property
    def in_thread(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(slots=True)
class World:
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    posts: dict[str, dict[str, Post]] = field(default_factory=dict)
    """By channel and ts; a dict keeps the order in which they were written."""
    files: dict[str, File] = field(default_factory=dict)
    counter: int = 0
    last_ts: int = 0
    """Microseconds: a ts is never given twice."""

    # --- finding ------------------------------------------------------------------------------------------------

    def channel(self, name: str) -> Channel:
        """By id, or by name with or without `#`; a person's id means the direct message with them."""
        if name in self.channels:
            return self.channels[name]
        if name in self.users:
            for channel in self.channels.values():
                if channel.kind == "im" and name in channel.members:
                    return channel
        for channel in self.channels.values():
            if channel.kind in ("channel", "group") and channel.name == name.removeprefix("#"):
                return channel
        raise SlackError("channel_not_found")

    def user(self, name: str) -> User:
        """By id or handle."""
        if name in self.users:
            return self.users[name]
        for user in self.users.values():
            if user.handle == name:
                return user
        raise SlackError("user_not_found")

    def post(self, channel: str, ts: str) -> Post:
        try:
            return self.posts[channel][ts]
        except KeyError:
            raise SlackError("message_not_found") from None

    def root(self, post: Post) -> Post | None:
        return self.posts[post.channel].get(post.thread_ts) if post.thread_ts else None

    def replies(self, channel: str, root: str) -> list[Post]:
        return [post for post in self.posts[channel].values() if post.in_thread and post.thread_ts == root]

    # --- changing -----------------------------------------------------------------------------------------------

    def next_id(self, letter: str) -> str:
        self.counter += 1
        return f"{letter}0{self.counter:08d}"

    def next_ts(self) -> str:
        self.last_ts = max(self.last_ts + 1, int(time.time() * 1_000_000))
        return f"{self.last_ts // 1_000_000}.{self.last_ts % 1_000_000:06d}"

    def add_user(self, handle: str, name: str, *, team: str = TEAM, bot_id: str = "", id: str = "") -> User:
        user = User(id or self.next_id("U"), handle, name, team, bot_id)
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, kind: Kind, members: list[str], *, id: str = "", shared: bool = False) -> Channel:
        letter = {"channel": "C", "group": "C", "mpim": "C", "im": "D"}[kind]
        channel = Channel(id or self.next_id(letter), name, kind, members, shared=shared)
        self.channels[channel.id] = channel
        self.posts[channel.id] = {}
        return channel

    def write(self, channel: Channel, user: str, thread_ts: str | None = None, **rest: Any) -> Post:
        """Puts a message down. Raises `SlackError` when it answers a message that is not there."""
        if channel.archived:
            raise SlackError("is_archived")
        if thread_ts is not None:
            if not re.fullmatch(r"\d+\.\d+", thread_ts):
                raise SlackError("invalid_thread_ts", f"[ERROR] {thread_ts} is not a valid thread_ts")
            parent = self.posts[channel.id].get(thread_ts)
            if parent is None:
                raise SlackError("thread_not_found")
            # an answer to an answer stands in the thread of the first message
            thread_ts = parent.thread_ts or parent.ts
        post = Post(channel.id, self.next_ts(), user, thread_ts=thread_ts, **rest)
        self.posts[channel.id][post.ts] = post
        if thread_ts is not None:
            root = self.posts[channel.id].get(thread_ts)
            if root is not None:
                root.thread_ts = thread_ts
                if user == BOT_USER:
                    root.status = ""
        return post

    def remove(self, post: Post) -> None:
        del self.posts[post.channel][post.ts]

    # --- lasting ------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        return {
            "users": [asdict(user) for user in self.users.values()],
            "channels": [asdict(channel) for channel in self.channels.values()],
            "posts": [asdict(post) for posts in self.posts.values() for post in posts.values()],
            "files": [asdict(file) for file in self.files.values()],
            "counter": self.counter,
            "last_ts": self.last_ts,
        }

    @staticmethod
    def restored(state: dict[str, Any]) -> World:
        world = World(counter=state["counter"], last_ts=state["last_ts"])
        world.users = {one["id"]: User(**one) for one in state["users"]}
        world.channels = {one["id"]: Channel(**one) for one in state["channels"]}
        world.files = {one["id"]: File(**one) for one in state["files"]}
        world.posts = {id: {} for id in world.channels}
        for one in state["posts"]:
            stream = one.pop("stream")
            post = Post(**one, stream=Stream(**stream) if stream else None)
            world.posts[post.channel][post.ts] = post
        return world


def default_world() -> World:
    world = World()
    ann = world.add_user("ann", "Ann Kern", id="U0ANNKERN1")
    bob = world.add_user("bob", "Bob Moss", id="U0BOBMOSS1")
    bot = world.add_user("bot", "Threadbridge", bot_id=BOT_ID, id=BOT_USER)
    everyone = [ann.id, bob.id, bot.id]
    world.add_channel("general", "channel", list(everyone), id="C0GENERAL1")
    world.add_channel("random", "channel", list(everyone), id="C0RANDOM01")
    world.add_channel("ann", "im", [ann.id, bot.id], id="D0ANNKERN1")
    return world
