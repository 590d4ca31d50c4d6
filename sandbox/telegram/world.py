"""The state of the stand-in: people, chats, messages and what the Bot API says of them. No I/O, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sandbox.telegram.refusal import Refusal

BOT = 100001
BOT_USERNAME = "threadbridge_bot"
GENERAL = 1
"""The topic that every forum has; its messages name no topic."""

Kind = Literal["private", "group", "supergroup", "channel"]


@dataclass(slots=True)
class User:
    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    is_bot: bool = False
    blocked: bool = False
    """Has blocked the bot."""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def json(self) -> dict[str, Any]:
        said = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        return said | {
            key: value for key, value in (("last_name", self.last_name), ("username", self.username)) if value
        }


@dataclass(slots=True)
class Said:
    """A message, as the server keeps it. `content` holds the fields that depend on its kind, in Bot API form."""

    id: int
    chat: int
    author: int
    date: int
    content: dict[str, Any]
    topic: int | None = None
    reply_to: int | None = None
    edits: int = 0
    edit_date: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    reactions: list[str] = field(default_factory=list)
    """Those of the bot; nobody else has any."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A file that a message carries."""

    name: str
    media_type: str
    content: bytes


@dataclass(slots=True)
class Chat:
    id: int
    kind: Kind
    title: str
    forum: bool = False
    known: bool = True
    """The bot has met it. A private chat is unknown until the person writes."""
    kicked: bool = False
    moved_to: int | None = None
    reactions: list[str] | None = None
    """The emoji that its administrators allow; None: all."""
    last_id: int = 0
    topics: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Said] = field(default_factory=dict)


class World:
    """Everything that people and the bot have done. `now` gives Unix time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        """By file id: the path on the file server and the content."""
        self.commands: dict[str, list[dict[str, str]]] = {}
        """By scope and language."""
        self._last_private = 0

    # --- looking up ---------------------------------------------------------------------------------------------

    def user(self, name: str) -> User:
        """By the short name that people have in the sandbox (`ann`)."""
        for user in self.users.values():
            if user.first_name.lower() == name.lower():
                return user
        raise KeyError(name)

    def chat(self, chat_id: str, *, writing: bool) -> Chat:
        """The chat that a call names. Raises `Refusal` where the bot may not act."""
        if not chat_id:
            raise Refusal(400, "chat_id is empty")
        try:
            chat = self.chats[int(chat_id)]
        except (KeyError, ValueError):
            raise Refusal(400, "chat not found") from None
        if chat.kind == "private":
            if not chat.known:
                raise Refusal(400, "chat not found")
            if writing and self.users[chat.id].blocked:
                raise Refusal(403, "bot was blocked by the user")
        if chat.moved_to is not None and writing:
            raise Refusal(
                400,
                "group chat was upgraded to a supergroup chat",
                parameters={"migrate_to_chat_id": chat.moved_to},
            )
        if chat.kicked:
            raise Refusal(403, f"bot was kicked from the {chat.kind} chat")
        return chat

    def message(self, chat: Chat, message_id: str, what: str) -> Said:
        try:
            return chat.messages[int(message_id)]
        except (KeyError, ValueError):
            raise Refusal(400, f"{what} not found") from None

    def topic(self, chat: Chat, thread: str) -> int | None:
        """The topic that a call names; None where it names none."""
        if thread in ("", "0"):
            return None
        if not thread.isdigit() or int(thread) not in chat.topics:
            raise Refusal(400, "message thread not found")
        return int(thread)

    # --- doing --------------------------------------------------------------------------------------------------

    def add(self, chat: Chat, author: int, content: dict[str, Any], **more: Any) -> Said:
        """A new message. Ids count up in each supergroup, and through all private chats and small groups together."""
        if chat.kind in ("private", "group"):
            self._last_private += 1
            message_id = self._last_private
        else:
            chat.last_id += 1
            message_id = chat.last_id
        said = Said(message_id, chat.id, author, int(self._now()), content, **more)
        chat.messages[message_id] = said
        if author != BOT:
            chat.known = True
        return said

    def edit(self, said: Said, content: dict[str, Any]) -> None:
        """Raises `Refusal` if nothing would change."""
        if said.content == content:
            raise Refusal(
                400,
                "message is not modified: specified new message content and reply markup are exactly the same as a "
                "current content and reply markup of the message",
            )
        said.content = content
        said.edits += 1
        said.edit_date = int(self._now())

    def put(self, name: str, content: bytes) -> dict[str, Any]:
        """Keeps a file; returns what messages say of it."""
        number = len(self.files) + 1
        ending = name.rpartition(".")[2]
        folder = ending if ending.isascii() and ending.isalnum() else "documents"
        file_id = f"BQACAgIAAxkBAAI{number:06d}"
        self.files[file_id] = (f"{folder}/file_{number}.{folder}", content)
        return {"file_id": file_id, "file_unique_id": f"AgADu{number:06d}", "file_size": len(content)}

    def carried(self, said: Said) -> Carried | None:
        """The file of a message. Of a photo there are several sizes, the largest last."""
        for kind in ("photo", "document", "voice", "audio", "video", "video_note", "sticker"):
            if kind in said.content:
                photo = kind == "photo"
                file = said.content[kind][-1] if photo else said.content[kind]
                path, content = self.files[file["file_id"]]
                media_type = file.get("mime_type", "image/jpeg" if photo else "application/octet-stream")
                return Carried(file.get("file_name") or path.rpartition("/")[2], media_type, content)
        return None

    # --- saying -------------------------------------------------------------------------------------------------

    def json(self, said: Said, *, deep: bool = True) -> dict[str, Any]:
        """The message as the Bot API gives it; `deep`: with the message it replies to."""
        chat = self.chats[said.chat]
        answer: dict[str, Any] = {"message_id": said.id, "date": said.date, "chat": self.chat_json(chat)}
        if chat.kind == "channel":
            answer["sender_chat"] = self.chat_json(chat)
        else:
            answer["from"] = self.users[said.author].json()
        if said.topic is not None:
            answer |= {"message_thread_id": said.topic, "is_topic_message": True}
        if said.edit_date is not None:
            answer["edit_date"] = said.edit_date
        replied = chat.messages.get(said.reply_to) if said.reply_to is not None else None
        if deep and replied is not None:
            answer["reply_to_message"] = self.json(replied, deep=False)
            if said.topic is None and chat.kind == "supergroup":
                answer["message_thread_id"] = replied.id  # an ordinary thread of replies has one too
        return answer | said.content | said.extra

    def chat_json(self, chat: Chat) -> dict[str, Any]:
        if chat.kind == "private":
            owner = self.users[chat.id].json()
            owner.pop("is_bot")
            return owner | {"type": "private"}
        answer: dict[str, Any] = {"id": chat.id, "type": chat.kind, "title": chat.title}
        return answer | {"is_forum": True} if chat.forum else answer

    def in_order(self, chat: Chat, topic: int | None) -> Iterator[Said]:
        for message_id in sorted(chat.messages):
            said = chat.messages[message_id]
            if said.topic == topic:
                yield said

    # --- lasting ------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        return {
            "users": [asdict(user) for user in self.users.values()],
            "chats": [
                asdict(chat)
                | {
                    "topics": [[key, name] for key, name in chat.topics.items()],
                    "messages": [asdict(said) for said in chat.messages.values()],
                }
                for chat in self.chats.values()
            ],
            "files": {key: [path, content.hex()] for key, (path, content) in self.files.items()},
            "commands": self.commands,
            "last_private": self._last_private,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.users = {one["id"]: User(**one) for one in state["users"]}
        self.chats = {}
        for one in state["chats"]:
            topics = {int(key): name for key, name in one["topics"]}
            messages = {said["id"]: Said(**said) for said in one["messages"]}
            self.chats[one["id"]] = Chat(**one | {"topics": topics, "messages": messages})
        self.files = {key: (path, bytes.fromhex(content)) for key, (path, content) in state["files"].items()}
        self.commands = dict(state["commands"])
        self._last_private = state["last_private"]


def furnish(world: World, *, private_topics: bool) -> None:
    """The people and chats that a new sandbox begins with. Ann has started the bot; bob and eve have not."""
    for user in (
        User(BOT, "Threadbridge", username=BOT_USERNAME, is_bot=True),
        User(501001, "Ann", "Kern", "ann_kern"),
        User(501002, "Bob", "Moss", "bob_moss"),
        User(501003, "Eve", "Stray"),
        User(100777, "Tidebot", username="tide_bot", is_bot=True),
    ):
        world.users[user.id] = user
        if not user.is_bot:
            world.chats[user.id] = Chat(
                user.id, "private", user.name, forum=private_topics, known=user.first_name == "Ann"
            )
    world.chats[-1001000000001] = Chat(-1001000000001, "supergroup", "Harbour watch")
    world.chats[-1001000000002] = Chat(
        -1001000000002, "supergroup", "Harbour office", forum=True, topics={2: "Rota", 3: "Repairs"}, last_id=3
    )
