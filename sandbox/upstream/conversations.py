"""What the stand-in remembers: conversations, the files in them, and which of them is being answered. No input or
output in here."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["goapi", "gptbots", "mygptassistants", "openai"]
Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a message."""

    name: str
    media_type: str
    size: int | None
    """Bytes; None where the message only names an address."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation."""

    role: Role
    text: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    at: float = field(default_factory=time.time)
    """Unix time."""
    attached: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was uploaded to a conversation, or made in one."""

    id: str
    name: str
    media_type: str
    content: bytes


@dataclass(slots=True)
class Conversation:
    """One conversation of one of the four systems."""

    kind: Kind
    id: str
    owner: str = ""
    """Which agent, bot or account it belongs to; another one may not use it."""
    user: str = ""
    """The user key that the client gave, where the system has one."""
    created_at: float = field(default_factory=time.time)
    messages: list[Said] = field(default_factory=list)
    files: dict[str, StoredFile] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    busy: bool = False
    """An answer is being written; a second request has to be refused."""

    @property
    def turns(self) -> int:
        """How many messages people have sent."""
        return sum(said.role == "user" for said in self.messages)

    @property
    def updated_at(self) -> float:
        return self.messages[-1].at if self.messages else self.created_at

    @property
    def preview(self) -> str:
        """The beginning of the first message."""
        return self.messages[0].text[:100] if self.messages else ""

    def add(self, role: Role, text: str, *, id: str = "", attached: tuple[Attached, ...] = ()) -> Said:
        said = Said(role, text, id=id, attached=attached) if id else Said(role, text, attached=attached)
        self.messages.append(said)
        return said

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Holds the conversation for the one request that may be in flight."""
        self.busy = True
        try:
            yield
        finally:
            self.busy = False


class Conversations:
    """Every conversation of the four systems, in the order of their creation."""

    def __init__(self) -> None:
        self._by_id: dict[tuple[Kind, str], Conversation] = {}

    def __iter__(self) -> Iterator[Conversation]:
        return iter(tuple(self._by_id.values()))

    def create(self, kind: Kind, id: str, *, owner: str = "", user: str = "") -> Conversation:
        conversation = Conversation(kind, id, owner=owner, user=user)
        self._by_id[kind, id] = conversation
        return conversation

    def find(self, kind: Kind, id: str) -> Conversation | None:
        return self._by_id.get((kind, id))

    def forget(self, id: str) -> bool:
        """Drops a conversation, whatever its kind. True: there was one."""
        keys = [key for key in self._by_id if key[1] == id]
        for key in keys:
            del self._by_id[key]
        return bool(keys)

    def dump(self) -> list[dict[str, Any]]:
        return [_dumped(conversation) for conversation in self]

    def load(self, state: list[dict[str, Any]]) -> None:
        for item in state:
            conversation = _loaded(item)
            self._by_id[conversation.kind, conversation.id] = conversation


def _dumped(conversation: Conversation) -> dict[str, Any]:
    state = asdict(conversation)
    del state["busy"]  # whoever waited for that answer is gone with the process
    state["files"] = [
        {**asdict(file), "content": base64.b64encode(file.content).decode()} for file in conversation.files.values()
    ]
    return state


def _loaded(state: dict[str, Any]) -> Conversation:
    messages = [
        Said(**{**said, "attached": tuple(Attached(**attached) for attached in said["attached"])})
        for said in state["messages"]
    ]
    files = {
        file["id"]: StoredFile(**{**file, "content": base64.b64decode(file["content"])}) for file in state["files"]
    }
    return Conversation(**{**state, "messages": messages, "files": files})
