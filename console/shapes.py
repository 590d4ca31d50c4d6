"""What the API takes and gives, as JSON. Lists are paged as those of the conversation APIs are: `page`, `limit`,
`total`, `hasMore`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from console.desk import Desk
from core.operating import by_operator
from core.reading import Detail, Listed, Page
from core.tables import Turn
from core.text import clean


class Shape(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )


def _clean(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


Word = Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=200)]

# --- given ------------------------------------------------------------------------------------------------------------


class Pagination(Shape):
    page: int
    limit: int
    total: int
    has_more: bool


def pagination(page: Page[object]) -> Pagination:
    return Pagination(page=page.paging.page, limit=page.paging.limit, total=page.total, has_more=page.more)


class ConversationShape(Shape):
    id: int
    thread: str
    upstream: str
    upstream_id: str | None
    """The upstream's own id of it."""
    preview: str
    """The beginning of its first question."""
    turns: int
    created_at: datetime
    updated_at: datetime
    """When something was said in it last."""

    @classmethod
    def of(cls, listed: Listed) -> ConversationShape:
        begun = listed.conversation.started_at
        return cls(
            **listed.conversation.model_dump(include={"id", "thread", "upstream", "upstream_id"}),
            preview=listed.opening,
            turns=listed.turns,
            created_at=begun,
            updated_at=listed.last.accepted_at if listed.last is not None else begun,
        )


class TurnShape(Shape):
    id: int
    bridge: str
    thread: str
    message: str
    conversation_id: int | None
    author: str
    author_name: str
    channel: str | None
    command: str
    by_operator: bool
    prompt: str
    reply: str | None
    """While it is being answered: what is there so far, where this process answers it."""
    erased: bool
    """What was said is kept no longer."""
    state: str
    error: str | None
    upstream: str | None
    attempt: int
    prompt_tokens: int | None
    reply_tokens: int | None
    credits: float | None
    sent_at: datetime
    accepted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, turn: Turn, said: str | None = None) -> TurnShape:
        shown = set(cls.model_fields) - {"by_operator", "reply"}
        reply = turn.reply if said is None else said
        return cls(**turn.model_dump(include=shown), reply=reply, by_operator=by_operator(turn))


class PartShape(Shape):
    """One message of a reply on the platform."""

    position: int
    message: str | None
    """None: it is not posted yet."""


class DetailShape(Shape):
    turn: TurnShape
    conversation_upstream_id: str | None
    parts: list[PartShape]

    @classmethod
    def of(cls, detail: Detail, said: str | None = None) -> DetailShape:
        its = detail.conversation
        return cls(
            turn=TurnShape.of(detail.turn, said),
            conversation_upstream_id=its.upstream_id if its is not None else None,
            parts=[PartShape.model_validate(part) for part in detail.parts],
        )


class UsedShape(Shape):
    key: str
    bridge: str
    name: str
    turns: int
    failed: int
    prompt_tokens: int
    reply_tokens: int
    credits: float


class UsageShape(Shape):
    days: list[UsedShape]
    people: list[UsedShape]
    channels: list[UsedShape]
    upstreams: list[UsedShape]


class WaitingShape(Shape):
    """Somebody who was given a code."""

    code: str
    bridge: str
    author: str
    author_name: str
    expires_at: datetime


class PersonShape(Shape):
    bridge: str
    author: str
    author_name: str
    at: datetime


class PeopleShape(Shape):
    waiting: list[WaitingShape]
    paired: list[PersonShape]
    banned: list[PersonShape]

    @classmethod
    async def at(cls, desk: Desk) -> PeopleShape:
        return cls(
            waiting=[WaitingShape.model_validate(one) for one in await desk.register.pending()],
            paired=[PersonShape.model_validate(one) for one in await desk.register.paired()],
            banned=[PersonShape.model_validate(one) for one in await desk.bans.banned()],
        )


class Conversations(Shape):
    conversations: list[ConversationShape]
    pagination: Pagination
    looked_back_to: datetime | None
    """Of a search: what was said before that was not looked through; `until` goes on there. Null: all was."""


class Turns(Shape):
    turns: list[TurnShape]
    pagination: Pagination


class Live(Shape):
    turns: list[TurnShape]


class Overview(Shape):
    ready: bool
    reason: str
    """Empty while all is well."""


class Begun(Shape):
    id: int


class Nothing(Shape):
    pass


# --- taken ------------------------------------------------------------------------------------------------------------


class Rebinding(Shape):
    upstream: Word
    upstream_id: Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=1_000)]


class Person(Shape):
    bridge: Word
    author: Word


class Code(Shape):
    code: Word


class Author(Shape):
    author: Word
