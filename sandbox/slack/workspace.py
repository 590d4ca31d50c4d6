"""The workspace as people live in it: what they do, what they see, and what apps are told of it."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from dataclasses import asdict
from typing import Any

from sandbox.slack import events, interaction, render
from sandbox.slack.delivery import Courier
from sandbox.slack.uploads import Uploads
from sandbox.slack.world import (
    APP_ID,
    BOT_USER,
    FOREIGN_TEAM,
    TEAM,
    Channel,
    File,
    Kind,
    Post,
    SlackError,
    User,
    World,
    default_world,
)
from sandbox.stand_in import Place, StandIn, View

SIGNING_SECRET = "sandbox-signing-secret"
SCOPES = (
    "app_mentions:read,assistant:write,channels:history,channels:read,chat:write,commands,files:read,files:write,"
    "groups:history,groups:read,im:history,mpim:history,reactions:write,users:read"
)
"""Those that the app was installed with."""

Json = dict[str, Any]

_PING = re.compile(r"<(!(?:here|channel|everyone|subteam\^\w+)|@[UW]\w+)(?:\|[^>]*)?>")


class Workspace(StandIn):
    """All of the stand-in but its protocol."""

    name = "slack"

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.world: World = default_world()
        self.stream_lifetime = 300.0
        self.scopes = SCOPES
        self.agent = True
        """Is the app declared as an agent?"""
        self.uploads = Uploads()
        self.subscriptions = {"app_mention", "message.channels", "message.groups", "message.im", "message.mpim"}
        self.courier = Courier(self.feed, SIGNING_SECRET)
        self._sent: dict[str, list[Json]] = {}
        """The events of each message, by channel and ts, for sending them again."""

    def need(self, scope: str) -> None:
        """Raises `SlackError` if the app lacks it."""
        if scope not in self.scopes.split(","):
            raise SlackError("missing_scope")

    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/link/?ticket={self.courier.new_ticket()}&app_id={APP_ID}"

    # --- what happens in the world ------------------------------------------------------------------------------

    def posted(self, channel: Channel, post: Post) -> None:
        self.feed.publish("message", place=channel.id, id=post.ts, view=asdict(self._view(post)))
        self._pings(post)
        told = [events.message_event(self.world, channel, post, self.url)]
        mentioned = f"<@{BOT_USER}" in post.text and post.user != BOT_USER
        if mentioned and channel.kind != "im":
            told.insert(0, events.mention_event(self.world, channel, post, self.url))
        bodies = [self._tell(channel, event) for event in told]
        self._sent[channel.id + post.ts] = [body for body in bodies if body is not None]

    def changed(self, channel: Channel, post: Post, before: Json | None) -> None:
        self.feed.publish("edit", place=channel.id, id=post.ts, view=asdict(self._view(post)))
        self._pings(post)
        if before is not None:
            self._tell(channel, events.changed_event(self.world, channel, post, before, self.url))

    def deleted(self, channel: Channel, post: Post, before: Json) -> None:
        self.feed.publish("delete", place=channel.id, id=post.ts, view=asdict(self._view(post)))
        self._tell(channel, events.deleted_event(self.world, channel, before))

    def reacted(self, channel: Channel, post: Post) -> None:
        self.feed.publish("reaction", place=channel.id, id=post.ts, view=asdict(self._view(post)))

    def whispered(self, channel: Channel, person: str, text: str) -> None:
        self.feed.publish("whisper", place=channel.id, who=person, text=text)

    def status(self, channel: Channel, root: Post, status: str) -> None:
        root.status = status
        self.feed.publish("typing", place=channel.id, id=root.ts, status=status, view=asdict(self._view(root)))

    def session(self, channel: Channel, root: Post, status: str) -> None:
        root.session = status
        self.feed.publish("session", place=channel.id, id=root.ts, status=status)

    def _tell(self, channel: Channel, event: Json) -> Json | None:
        """Sends an event if the app subscribed to it and is there to see it."""
        kinds = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
        needed = event["type"] if event["type"] == "app_mention" else f"message.{kinds[channel.kind]}"
        if needed not in self.subscriptions or BOT_USER not in channel.members:
            return None
        body = events.envelope(self.world, channel, event)
        self.courier.send(body)
        return body

    def _pings(self, post: Post) -> None:
        """A message of the bot that would notify somebody is worth knowing."""
        texts = [post.text, *(str(block.get("text", "")) for block in post.blocks)]
        found = [match[1] for text in texts for match in _PING.finditer(text)]
        if found and post.user == BOT_USER:
            self.feed.publish("ping", place=post.channel, id=post.ts, who=found)

    # --- people -------------------------------------------------------------------------------------------------

    def places(self) -> list[Place]:
        kinds = {"channel": "channel", "group": "channel", "im": "direct", "mpim": "group"}
        return [
            Place(channel.id, channel.name if channel.kind != "channel" else f"#{channel.name}", kinds[channel.kind])
            for channel in self.world.channels.values()
        ]

    def view(self, place: str) -> list[View]:
        return [self._view(post) for post in self.world.posts[self.world.channel(place).id].values()]

    async def say(
        self,
        place: str,
        text: str,
        *,
        author: str = "ann",
        parent: str | None = None,
        files: tuple[File, ...] = (),
        subtype: str | None = None,
        raw: bool = False,
    ) -> str:
        """`raw`: the text is Slack's own form already, not what somebody types. `subtype`: `thread_broadcast`,
        `me_message`, or one of Slack's own."""
        channel, user = self.world.channel(place), self.world.user(author)
        for file in files:
            self.world.files[file.id] = file
        post = self.world.write(
            channel,
            user.id,
            parent,
            text=text if raw else events.typed(self.world, text),
            files=[file.id for file in files],
            subtype=subtype or ("file_share" if files else "bot_message" if user.bot_id else None),
        )
        self.posted(channel, post)
        return post.ts

    async def use(self, place: str, text: str, *, command: str = "/assistant", author: str = "ann") -> Json:
        """Somebody uses a slash command at the top of a place; returns what the app responds. Raises `NotTaken`."""
        channel, user = self.world.channel(place), self.world.user(author)
        return await self.courier.command(
            {
                "token": "verification-token-of-old",
                "team_id": user.team,
                "team_domain": "harbour",
                "channel_id": channel.id,
                "channel_name": "directmessage" if channel.kind == "im" else channel.name,
                "user_id": user.id,
                "user_name": user.handle,
                "command": command,
                "text": events.typed(self.world, text),
                "api_app_id": APP_ID,
                "is_enterprise_install": "false",
                "response_url": f"{self.url}/commands/{TEAM}/{uuid.uuid4().hex}",
                "trigger_id": f"{time.time_ns()}.{uuid.uuid4().int % 10**9}.{uuid.uuid4().hex}",
            }
        )

    async def press(self, place: str, message: str, button: str, *, author: str = "ann") -> str:
        """As in the base class. Raises `NotTaken`."""
        channel, user = self.world.channel(place), self.world.user(author)
        post = self.world.post(channel.id, message)
        action = next(one for label, one in interaction.buttons(post.blocks) if label == button)
        body = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "harbour"},
            "user": {"id": user.id, "username": user.handle, "name": user.handle, "team_id": user.team},
            "api_app_id": APP_ID,
            "token": "verification-token-of-old",
            "container": {
                "type": "message",
                "message_ts": post.ts,
                "channel_id": channel.id,
                "is_ephemeral": False,
                **({"thread_ts": post.thread_ts} if post.thread_ts else {}),
            },
            "trigger_id": f"{time.time_ns()}.{uuid.uuid4().int % 10**9}.{uuid.uuid4().hex}",
            "channel": {"id": channel.id, "name": "directmessage" if channel.kind == "im" else channel.name},
            "message": events.message_json(self.world, post, self.url),
            "state": {"values": {}},
            "response_url": f"{self.url}/actions/{TEAM}/{uuid.uuid4().hex}",
            "actions": [action | {"action_ts": self.world.next_ts()}],
        }
        await self.courier.interaction(body)
        return str(body["trigger_id"])

    def press_stop(self, place: str, root: str, *, author: str = "ann") -> None:
        """The stop button beside an answer that is being written: Slack ends its streams and tells the app."""
        channel = self.world.channel(place)
        growing = [post for post in self.world.replies(channel.id, root) if post.stream and post.stream.open]
        for post in growing:
            assert post.stream is not None
            post.stream.open = False
        event = {
            "type": "agent_session_stopped",
            "channel": channel.id,
            "thread_ts": root,
            "user": self.world.user(author).id,
            "streaming_message_ts": [post.ts for post in growing],
            "event_ts": self.world.next_ts(),
        }
        self.courier.send(events.envelope(self.world, channel, event))

    def file(
        self,
        name: str,
        content: bytes,
        media_type: str,
        *,
        author: str = "ann",
        withheld: bool = False,
        external: str = "",
    ) -> File:
        """A file to be said with a message."""
        user = self.world.user(author)
        encoded = base64.b64encode(content).decode()
        return File(self.world.next_id("F"), name, media_type, user.id, encoded, len(content), withheld, external)

    async def edit(self, place: str, id: str, text: str) -> None:
        """A person changes their message."""
        channel = self.world.channel(place)
        post = self.world.post(channel.id, id)
        before = events.message_json(self.world, post, self.url)
        post.text = events.typed(self.world, text)
        post.edits += 1
        post.edited = self.world.next_ts()
        self.changed(channel, post, before)

    async def delete(self, place: str, id: str) -> None:
        """A person deletes a message."""
        channel = self.world.channel(place)
        post = self.world.post(channel.id, id)
        before = events.message_json(self.world, post, self.url)
        self.world.remove(post)
        self.deleted(channel, post, before)

    async def join(self, place: str, author: str) -> None:
        """Slack itself writes that somebody came."""
        channel, user = self.world.channel(place), self.world.user(author)
        if user.id not in channel.members:
            channel.members.append(user.id)
        await self.say(place, f"<@{user.id}> has joined the channel", author=author, subtype="channel_join", raw=True)

    def add_channel(self, name: str, kind: Kind = "channel", *, people: tuple[str, ...] = ("ann", "bob")) -> str:
        """A further place, with the bot in it."""
        members = [self.world.user(one).id for one in people]
        return self.world.add_channel(name, kind, [*members, BOT_USER]).id

    def invite_foreigner(self, place: str, handle: str = "eve", name: str = "Eve Elsewhere") -> User:
        """Shares a channel with another organisation (Slack Connect), one person of which comes in."""
        channel = self.world.channel(place)
        channel.shared = True
        user = self.world.add_user(handle, name, team=FOREIGN_TEAM)
        channel.members.append(user.id)
        return user

    def add_bot(self, handle: str = "otherbot", name: str = "Other Bot") -> User:
        """Another app's bot, which can `say` things."""
        return self.world.add_user(handle, name, bot_id=self.world.next_id("B"))

    def redeliver(self, place: str, id: str) -> None:
        """Sends the events of a message once more, with the ids they had."""
        for body in self._sent[self.world.channel(place).id + id]:
            self.courier.resend(body)

    # --- being looked at ----------------------------------------------------------------------------------------

    def _view(self, post: Post) -> View:
        author = self.world.users[post.user]
        shown = self._html(post)
        return View(
            id=post.ts,
            place=post.channel,
            parent=post.thread_ts if post.in_thread else None,
            author=author.name,
            bot=bool(author.bot_id),
            text=render.plain(shown),
            html=shown,
            edits=post.edits,
            at=float(post.ts),
            reactions=tuple(post.reactions),
            buttons=tuple(label for label, _ in interaction.buttons(post.blocks)),
            draft=post.stream is not None and post.stream.open,
            files=tuple(self.world.files[id].name for id in post.files),
        )

    def _html(self, post: Post) -> str:
        shown = "".join(render.block_html(self.world, block) for block in post.blocks)
        return shown or f"<div>{render.mrkdwn_html(self.world, post.text, formatted=post.mrkdwn)}</div>"

    # --- lasting ------------------------------------------------------------------------------------------------

    def dump(self) -> Json:
        state = {"world": self.world.dump(), "pending": self.courier.dump()}
        copy: Json = json.loads(json.dumps(state))
        return copy

    def load(self, state: Json) -> None:
        copy = json.loads(json.dumps(state))
        self.world = World.restored(copy["world"])
        self.courier.load(copy["pending"])
