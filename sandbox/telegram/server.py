"""A stand-in of the Bot API, in front of a small world of people and chats.

Names of calls and faults are in `sandbox.telegram.api`; this is the side of the people.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.stand_in import Place, StandIn, View
from sandbox.telegram.api import Api
from sandbox.telegram.limits import Gate, Limits
from sandbox.telegram.methods import Methods
from sandbox.telegram.people import Media, captioned, media, reaches, written
from sandbox.telegram.polling import Poller
from sandbox.telegram.render import rendered
from sandbox.telegram.updates import Updates
from sandbox.telegram.webhook import Sender
from sandbox.telegram.world import BOT, GENERAL, Chat, Said, User, World, furnish

TOKEN = "100001:sandbox-telegram-token"
"""The token that this stand-in knows. Nothing outside a sandbox takes it."""

_NOTHING = "(a file)"


class TelegramServer(StandIn):
    """Chats are places by their id, topics by `chat:topic`."""

    name = "telegram"

    def __init__(
        self,
        port: int = 0,
        *,
        limits: Limits | None = Limits(),  # noqa: B008 - frozen
        privacy: bool = True,
        private_topics: bool = False,
        webhook_delay: float = 1.0,
    ) -> None:
        super().__init__(port)
        self.world = World(time.time)
        furnish(self.world, private_topics=private_topics)
        self._privacy = privacy
        self._updates = Updates()
        self._poller = Poller(self._updates)
        self._sender = Sender(self._updates, self.feed, webhook_delay)
        self.methods = Methods(
            self.world,
            self._updates,
            self._poller,
            self._sender,
            Gate(limits),
            self.feed,
            lambda said: asdict(self._view(said)),
            _place,
            private_topics,
            privacy,
        )
        self._api = Api(TOKEN, self.methods, self.faults, self.feed)

    @property
    def api_url(self) -> str:
        return self.url

    def app(self) -> web.Application:
        app = self._api.app()
        app.cleanup_ctx.append(self._running)
        app.on_shutdown.append(self._closing)
        return app

    async def _closing(self, app: web.Application) -> None:
        await self._poller.close()

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        await self._sender.start()
        yield
        await self._sender.stop()

    # --- people -------------------------------------------------------------------------------------------------

    def places(self) -> list[Place]:
        places = []
        for chat in self.world.chats.values():
            if chat.moved_to is not None:
                continue
            kind = "direct" if chat.kind == "private" else "forum" if chat.forum else "group"
            places.append(Place(str(chat.id), chat.title, kind if chat.kind != "channel" else "channel"))
            places += [
                Place(_place(chat.id, key), f"{chat.title} / {name}", "topic") for key, name in chat.topics.items()
            ]
        return places

    def view(self, place: str) -> list[View]:
        chat, topic = self._found(place)
        views = [self._view(said) for said in self.world.in_order(chat, topic)]
        draft = self.methods.drafts.get(place)
        if draft is not None and draft.until > time.monotonic():
            said = Said(0, chat.id, BOT, int(time.time()), draft.content, topic=topic)
            views.append(self._view(said, draft=True))
        return views

    async def say(
        self,
        place: str,
        text: str,
        *,
        author: str = "ann",
        parent: str | None = None,
        entities: list[dict[str, Any]] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> str:
        """As in the base class. `entities`: formatting by hand; `extra`: further fields of the message."""
        return self._tell(place, written(text, entities), author, parent, extra)

    async def attach(
        self,
        place: str,
        kind: Media,
        data: bytes,
        *,
        name: str = "notes.txt",
        media_type: str = "text/plain",
        caption: str = "",
        author: str = "ann",
        parent: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> str:
        """A person sends a file; returns the message's id. Albums: one call each, with the same `media_group_id`."""
        content = media(self.world, kind, data, name=name, media_type=media_type) | captioned(caption)
        return self._tell(place, content, author, parent, extra)

    async def serve_notice(self, place: str, content: dict[str, Any], *, author: str = "ann") -> str:
        """A service message: somebody joined, the title changed."""
        return self._tell(place, content, author, None, None)

    async def amend(self, place: str, message: str, text: str) -> None:
        """A person edits what they wrote."""
        chat, _ = self._found(place)
        said = chat.messages[int(message)]
        self.world.edit(said, written(text))
        self._push(chat, {"edited_message": self.world.json(said)})
        self.feed.publish("edit", place=place, id=message, view=asdict(self._view(said)))

    async def press(self, place: str, message: str, button: str, *, author: str = "ann") -> str:
        """As in the base class."""
        chat, _ = self._found(place)
        said = chat.messages[int(message)]
        data = next(one["callback_data"] for one in _buttons(said) if one["text"] == button)
        person = self.world.users[chat.id] if chat.kind == "private" else self.world.user(author)
        press = self.methods.presses.new()
        query = {
            "id": press,
            "from": person.json(),
            "message": self.world.json(said),
            "chat_instance": str(-chat.id * 31),
            "data": data,
        }
        self._push(chat, {"callback_query": query})
        return press

    async def redeliver(self, place: str, message: str) -> None:
        """The same message once more, as a further update."""
        chat, _ = self._found(place)
        self._push(chat, {"message": self.world.json(chat.messages[int(message)])})

    def inject(self, payload: dict[str, Any], *, chat: int = 0) -> int | None:
        """Any update at all; returns its id."""
        return self._updates.push(chat, payload, time.time())

    def poison(self, place: str = "501001") -> int | None:
        """An update that is no update the library could read: its message lacks what every message has."""
        chat, _ = self._found(place)
        return self.inject({"message": {"message_id": "seven", "text": ["not", "a", "text"]}}, chat=chat.id)

    @property
    def webhook_url(self) -> str:
        """The webhook that is set; empty without one."""
        return self._sender.hook.url

    def drop_connections(self) -> None:
        """Ends the poll that waits, as if another program had begun one."""
        self._poller.end("terminated by other getUpdates request; make sure that only one bot instance is running")

    def block(self, person: str, *, blocked: bool = True) -> None:
        self.world.user(person).blocked = blocked

    def kick(self, place: str) -> None:
        self._found(place)[0].kicked = True

    def allow_reactions(self, place: str, *emoji: str) -> None:
        """The administrators of a group let its members react with these only."""
        self._found(place)[0].reactions = list(emoji)

    def add_group(self, title: str) -> str:
        """A small group, which may be upgraded; returns its place."""
        number = -4_000_000_001 - sum(chat.kind == "group" for chat in self.world.chats.values())
        self.world.chats[number] = Chat(number, "group", title)
        return str(number)

    def migrate(self, place: str) -> str:
        """Upgrades a small group to a supergroup; returns the new place."""
        old, _ = self._found(place)
        new = Chat(-1_003_000_000_000 + old.id % 1_000_000, "supergroup", old.title)
        self.world.chats[new.id] = new
        old.moved_to = new.id
        for chat, content in ((old, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": old.id})):
            self._tell(str(chat.id), content, "ann", None, None)
        return str(new.id)

    def add_topic(self, place: str, name: str, *, creator: str = "ann") -> str:
        """A topic of a forum, or of a private chat if those have topics; returns its place."""
        chat, _ = self._found(place)
        if not chat.forum:
            raise ValueError(f"{chat.title} has no topics")
        notice = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        said = self.world.add(chat, self.world.user(creator).id, notice)
        said.topic = said.id
        chat.topics[said.id] = name
        self._push(chat, {"message": self.world.json(said)})
        return _place(chat.id, said.id)

    def pending(self) -> list[int]:
        """The updates that are not confirmed yet."""
        return [update.id for update in self._updates.waiting]

    def _tell(
        self, place: str, content: dict[str, Any], author: str, parent: str | None, extra: dict[str, Any] | None
    ) -> str:
        chat, topic = self._found(place)
        person = self.world.users[chat.id] if chat.kind == "private" else self.world.user(author)
        reply_to = int(parent) if parent else topic
        said = self.world.add(chat, person.id, content, topic=topic, reply_to=reply_to, extra=extra or {})
        replied = chat.messages.get(reply_to) if reply_to is not None else None
        if reaches(chat, said, replied, privacy=self._privacy):
            kind = "channel_post" if chat.kind == "channel" else "message"
            self._push(chat, {kind: self.world.json(said)})
        self.feed.publish("message", place=place, id=str(said.id), view=asdict(self._view(said)))
        return str(said.id)

    def _push(self, chat: Chat, payload: dict[str, Any]) -> None:
        self._updates.push(chat.id, payload, time.time())

    def _found(self, place: str) -> tuple[Chat, int | None]:
        number, _, topic = place.partition(":")
        chat = self.world.chats[int(number)]
        general = not topic or (chat.kind == "supergroup" and int(topic) == GENERAL)
        return chat, None if general else int(topic)

    def _view(self, said: Said, *, draft: bool = False) -> View:
        author: User = self.world.users[said.author]
        text = said.content.get("text") or said.content.get("caption") or ""
        entities = said.content.get("entities") or said.content.get("caption_entities") or []
        carried = self.world.carried(said)
        if not text and "text" not in said.content:
            text = _NOTHING
        return View(
            id=str(said.id),
            place=_place(said.chat, said.topic),
            parent=str(said.reply_to) if said.reply_to is not None and said.reply_to != said.topic else None,
            author=author.name,
            bot=author.is_bot,
            text=text,
            html=rendered(text, entities) if carried is None or text != _NOTHING else "",
            edits=said.edits,
            at=float(said.date),
            reactions=tuple(said.reactions),
            draft=draft,
            buttons=tuple(one["text"] for one in _buttons(said)),
            files=(carried.name,) if carried is not None else (),
        )

    # --- lasting ------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        return {"world": self.world.dump(), "updates": self._updates.dump(), "webhook": self._sender.dump()}

    def load(self, state: dict[str, Any]) -> None:
        self.world.load(state["world"])
        self._updates.load(state["updates"])
        self._sender.load(state["webhook"])


def _buttons(said: Said) -> list[dict[str, Any]]:
    rows: list[list[dict[str, Any]]] = said.content.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def _place(chat: int, topic: int | None) -> str:
    return f"{chat}:{topic}" if topic is not None else str(chat)
