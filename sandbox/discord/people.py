"""What people do at this Discord, and what can go wrong around them: for tests and for the page of the playground."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sandbox.discord import components, markup, payloads
from sandbox.discord.gateway import Gateway
from sandbox.discord.interactions import COMPONENT, ON_MESSAGE, SLASH, Interactions
from sandbox.discord.records import DIRECT, FORUM, NEWS, RENAMED, STARTER, TEXT, THREADS, Channel, File, Message
from sandbox.discord.world import World
from sandbox.stand_in import Place, StandIn, View

KINDS = {DIRECT: "direct", FORUM: "forum", TEXT: "channel", NEWS: "channel"}


class People(StandIn):
    """The people's side. An `author` is a username (`ann`, `bob`, `weather`) or an id, a `place` a channel's id."""

    world: World
    gateway: Gateway
    interactions: Interactions

    # --- looking ------------------------------------------------------------------------------------------------

    @property
    def lounge(self) -> str:
        """The text channel #lounge."""
        return self.world.lounge

    @property
    def help(self) -> str:
        """The forum #help."""
        return self.world.help

    @property
    def direct(self) -> str:
        """The direct channel between the bot and Ann."""
        return self.world.direct

    def places(self) -> list[Place]:
        return [
            Place(one.id, one.name, "thread" if one.kind in THREADS else KINDS[one.kind])
            for one in self.world.channels.values()
        ]

    def view(self, place: str) -> list[View]:
        inside = {place} | {one.id for one in self.world.channels.values() if one.parent == place}
        found = [m for m in self.world.messages.values() if m.channel in inside and m.kind != STARTER]
        return [self.look(m) for m in sorted(found, key=lambda m: int(m.id))]

    def look(self, message: Message) -> View:
        """One message as people see it. In a thread, its parent is the message that the thread began with."""
        channel = self.world.channels[message.channel]
        author = self.world.users[message.author]
        place = channel.parent if channel.kind in THREADS and channel.parent else channel.id
        parent = channel.id if channel.kind in THREADS and channel.id != message.id else None
        tree = markup.parse(message.content, self._name)
        return View(
            id=message.id,
            place=place,
            parent=parent,
            author=author.name,
            bot=author.bot,
            text=markup.plain(tree),
            html=markup.html(tree),
            edits=message.edits,
            at=message.at,
            buttons=tuple(components.label(one) for one in components.buttons(message.components)),
            reactions=tuple(message.reactions),
            files=tuple(one.name for one in message.files),
        )

    def _name(self, kind: str, key: str) -> str | None:
        """The name of a user, role or channel."""
        match kind:
            case "@":
                return f"@{self.world.users[key].name}" if key in self.world.users else None
            case "@&":
                return f"@{self.world.roles[key]}" if key in self.world.roles else None
            case _:
                return f"#{self.world.channels[key].name}" if key in self.world.channels else None

    # --- writing ------------------------------------------------------------------------------------------------

    async def say(self, place: str, text: str, *, author: str = "ann", parent: str | None = None) -> str:
        """`@bot`, and `@` with a username, are mentions. With `parent`: in the thread of that message if it has one,
        else as a reply to it."""
        if parent is not None and parent in self.world.channels:
            place, parent = parent, None
        return self.write(place, text, author=author, reply_to=parent).id

    async def reply(self, message: str, text: str, *, author: str = "ann", ping: bool = True) -> str:
        """A reply to a message; without `ping` its author is not mentioned by it."""
        place = self.world.messages[message].channel
        return self.write(place, text, author=author, reply_to=message, ping=ping).id

    async def attach(
        self, place: str, text: str, *files: tuple[str, str, bytes], author: str = "ann", reply_to: str | None = None
    ) -> str:
        """A message with files: name, media type, content. `reply_to` is as `parent` in `say`."""
        if reply_to is not None and reply_to in self.world.channels:
            place, reply_to = reply_to, None
        return self.write(place, text, author=author, files=self._files(files), reply_to=reply_to).id

    async def post(
        self, title: str, text: str, *files: tuple[str, str, bytes], forum: str | None = None, author: str = "ann"
    ) -> str:
        """A forum post; its id is that of its thread and of its first message."""
        thread = self.world.post(self.world.channels[forum or self.help], title, self.world.person(author).id)
        self.thread_appeared(thread)
        return self.write(thread.id, text, author=author, key=thread.id, files=self._files(files)).id

    def _files(self, files: Sequence[tuple[str, str, bytes]]) -> list[File]:
        return [File(self.world.snowflake(), name, media_type, content) for name, media_type, content in files]

    async def start_thread(self, message: str, name: str, *, author: str = "ann") -> str:
        """A thread from a message, which gives it its id."""
        channel = self.world.channels[self.world.messages[message].channel]
        thread = self.world.start_thread(channel, message, name, self.world.person(author).id)
        self.thread_appeared(thread)
        return thread.id

    async def hook(self, place: str, text: str) -> str:
        """A message of a webhook."""
        return self.write(place, text, author="weather", webhook=self.world.snowflake()).id

    async def edit(self, message: str, text: str) -> None:
        """Its author changes a message."""
        found = self.world.messages[message]
        self.world.edit(found, found.author, self._mentioning(text), None)
        self.changed(found)

    async def archive(self, thread: str, *, locked: bool = False) -> None:
        channel = self.world.channels[thread]
        channel.archived, channel.locked = True, locked
        self.gateway.channel("THREAD_UPDATE", channel)

    async def rename(self, thread: str, name: str, *, author: str = "ann") -> str:
        """Gives a thread another name, of which a message in it tells; returns that message's id."""
        channel = self.world.channels[thread]
        channel.name = name
        self.gateway.channel("THREAD_UPDATE", channel)
        message = Message(self.world.snowflake(), thread, self.world.person(author).id, name, time.time(), RENAMED)
        self.world.messages[message.id] = message
        self.appeared(message)
        return message.id

    async def deny(self, place: str, *permissions: str) -> None:
        """Takes permissions away from the bot, by their names in `sandbox.discord.records.PERMISSIONS`."""
        channel = self.world.channels[place]
        channel.denied = [*channel.denied, *permissions]
        self.gateway.channel("CHANNEL_UPDATE", channel)

    def close_channel(self, place: str) -> None:
        """Deletes a channel or thread with all that is in it."""
        channel = self.world.channels.pop(place)
        self.world.messages = {k: m for k, m in self.world.messages.items() if m.channel != place}
        self.gateway.channel("THREAD_DELETE" if channel.kind in THREADS else "CHANNEL_DELETE", channel)

    def new_channel(self, name: str, guild: str | None = None) -> str:
        """`guild`: where; None: in the first one."""
        made = self.world.channel(TEXT, name, guild)
        self.gateway.channel("CHANNEL_CREATE", made)
        return made.id

    def new_direct(self, author: str) -> str:
        """The direct channel of somebody with the bot."""
        return self.world.direct_with(self.world.person(author).id).id

    def write(self, place: str, text: str, *, author: str = "ann", ping: bool = True, **more: Any) -> Message:
        """Any message of a person, a bot or a webhook. `more` is what `World.write` takes."""
        channel = self.world.channels[place]
        was_archived = channel.archived
        allowed = None if ping else {"parse": ["users", "roles", "everyone"], "replied_user": False}
        message, _ = self.world.write(
            channel,
            self.world.person(author).id,
            self._mentioning(text),
            reference=more.pop("reply_to", None),
            allowed=allowed,
            **more,
        )
        if was_archived:
            self.gateway.channel("THREAD_UPDATE", channel)
        self.appeared(message)
        return message

    def _mentioning(self, text: str) -> str:
        names = {user.username: user.id for user in self.world.users.values()} | {"bot": self.world.bot}
        return re.sub(r"(?<![\w<])@(\w+)", lambda m: f"<@{names[m[1]]}>" if m[1] in names else m[0], text)

    # --- using commands -----------------------------------------------------------------------------------------

    async def use(self, place: str, command: str, *, author: str = "ann", **options: str) -> str:
        """Somebody uses a slash command; returns the id of the interaction. Where an option has choices, nothing else
        can be given."""
        given = [{"type": 3, "name": name, "value": value} for name, value in options.items()]
        return self._use(place, author, command, SLASH, {"options": given} if given else {})

    async def use_on(self, message: str, command: str, *, author: str = "ann") -> str:
        """Somebody chooses a command from the menu of a message."""
        found = self.world.messages[message]
        shape = payloads.message(self.world, found, self.url)
        more = {"target_id": message, "resolved": {"messages": {message: shape}}}
        return self._use(found.channel, author, command, ON_MESSAGE, more)

    def _use(self, place: str, author: str, command: str, kind: int, more: dict[str, Any]) -> str:
        known = next((one for one in self.world.commands if (one["name"], one["type"]) == (command, kind)), None)
        if known is None:
            raise KeyError(f"nothing is offered here that is called {command}")
        for option in known.get("options", ()):
            allowed = [choice["value"] for choice in option.get("choices", ())]
            given = [one["value"] for one in more.get("options", ()) if one["name"] == option["name"]]
            if allowed and not set(given) <= set(allowed):
                raise KeyError(f"{given[0]} is not among the choices of {command}")
        data = {"id": known["id"], "name": command, "type": kind, **more}
        made = self.interactions.new(self.world.snowflake(), place, self.world.person(author).id, data)
        self.gateway.interaction(made)
        return made.id

    async def press(self, place: str, message: str, button: str, *, author: str = "ann") -> str:
        """As in the base class."""
        found = self.world.messages[message]
        pressed = next(one for one in components.buttons(found.components) if components.label(one) == button)
        data = {"component_type": components.BUTTON, "custom_id": pressed["custom_id"], "id": 2}
        made = self.interactions.new(
            self.world.snowflake(), found.channel, self.world.person(author).id, data, COMPONENT, message
        )
        self.gateway.interaction(made)
        return made.id

    # --- telling ------------------------------------------------------------------------------------------------

    def appeared(self, message: Message) -> None:
        self.feed.publish("message", place=message.channel, id=message.id, view=asdict(self.look(message)))
        for one in message.pings:
            self.feed.publish("ping", who=one, id=message.id)
        self.gateway.message("MESSAGE_CREATE", message)

    def changed(self, message: Message) -> None:
        self.feed.publish("edit", place=message.channel, id=message.id, view=asdict(self.look(message)))
        self.gateway.message("MESSAGE_UPDATE", message)

    def reacted(self, message: Message) -> None:
        self.feed.publish("reaction", place=message.channel, id=message.id, view=asdict(self.look(message)))

    def remove(self, message: str) -> None:
        """Deletes a message."""
        gone = self.world.messages.pop(message)
        self.feed.publish("delete", place=gone.channel, id=gone.id)
        self.gateway.deleted(gone)

    def thread_appeared(self, thread: Channel) -> None:
        self.feed.publish("thread", place=thread.id, name=thread.name)
        self.gateway.channel("THREAD_CREATE", thread, newly_created=True)
        for message in self.world.history(thread.id):
            if message.kind == STARTER:
                self.gateway.message("MESSAGE_CREATE", message)
        starter = self.world.messages.get(thread.id)
        if starter is not None and starter.channel == thread.parent:
            self.gateway.message("MESSAGE_UPDATE", starter)

    # --- making trouble -----------------------------------------------------------------------------------------

    def redeliver(self, message: str) -> None:
        """The same event once more."""
        self.gateway.message("MESSAGE_CREATE", self.world.messages[message])

    def use_again(self, interaction: str) -> None:
        """The event of a used command once more."""
        self.gateway.interaction(self.interactions[interaction])

    def drop_connections(self) -> None:
        """Every gateway connection breaks; its session can be resumed."""
        self.gateway.cut()

    def expire_sessions(self, shard: int | None = None) -> None:
        """Every connection breaks and no session can be resumed: what happens before the next IDENTIFY is told to
        nobody. `shard`: only that one's."""
        self.gateway.expire(shard)
