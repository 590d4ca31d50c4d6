"""GPTBots' conversation API, versions 1 and 2. A conversation is created first, then messages are sent to it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any, Literal

from core.errors import AnswerMalformed
from core.model import Attachment, Event, Opened, Prompt, Status
from core.settings import GptBots
from core.upstream import Asked, Limits, Listed, Page, Remembered
from core.upstream.adapter import Adapter, with_history
from core.upstream.fields import first, moment, rows, table, whole, words
from core.upstream.files import MB, Loaded, Luggage, extension, load
from core.upstream.gptbots_stream import GptBotsReader, checked, judge
from core.upstream.http import Call, Sleep

# https://www.gptbots.ai/docs/api-reference: "a maximum of 9 files", "Documents <= 20MB, images <= 10MB, audio <= 5MB"
_FILES = 9
_SIZES = {"document": 20 * MB, "image": 10 * MB, "audio": 5 * MB}
_KINDS = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp"), "image"),
    **dict.fromkeys(("mp3", "wav"), "audio"),
    **dict.fromkeys(("pdf", "txt", "docx", "csv", "xlsx", "html", "json", "md"), "document"),
}
_LONGEST_USER = 32  # characters of `user_id`
_PAGE_SIZE = 100
_PAGES = 50  # of one conversation's messages that are read at most


class GptBotsUpstream(Adapter):
    """See `core.upstream.Upstream`. Also tells a conversation's history, and lists those that came over the API."""

    def __init__(self, name: str, section: GptBots, *, sleep: Sleep = asyncio.sleep) -> None:
        headers = {"Authorization": f"Bearer {section.api_key.get_secret_value()}"}
        super().__init__(name, section, headers, sleep=sleep)
        self._section = section

    @property
    def limits(self) -> Limits:
        return Limits(files=_FILES, file_size=max(_SIZES.values()))

    async def _answer(self, prompt: Prompt, until: float | None) -> AsyncGenerator[Event, None]:
        luggage = await load(prompt, _allowed, most=_FILES)
        conversation = prompt.conversation_id
        if conversation is None:
            conversation = await self._create(prompt.user, until)
            yield Opened(conversation)
        blocking = self._section.response_mode == "blocking"
        version = self._section.api_version
        body = {
            "conversation_id": conversation,
            "response_mode": self._section.response_mode,
            **(self._body_v1(prompt, luggage) if version == 1 else self._body_v2(prompt, luggage)),
        }
        call = Call("POST", f"/v{version}/conversation/message", json=body, patient=blocking)
        reader = GptBotsReader()
        if blocking:
            yield Status("Working")
            reader.answer(checked(await self._http.document(call, judge, until)))
            for event in reader.close():
                yield event
            return
        async with (
            self._http.exchange(call, judge, until) as answer,
            aclosing(self._read(answer, reader)) as events,
        ):
            async for event in events:
                yield event

    async def _create(self, user: str, until: float | None) -> str:
        call = Call("POST", "/v1/conversation", json={"user_id": user_id(user)})
        found = checked(await self._http.document(call, judge, until))
        named = (found.get("conversation_id"), table(found.get("data")).get("conversation_id"))
        conversation = first(str(one) if isinstance(one, int) else one for one in named)
        if not conversation:
            raise AnswerMalformed(detail="a conversation was created without an ID")
        return conversation

    # --- what is sent -------------------------------------------------------------------------------------------------

    def _body_v1(self, prompt: Prompt, luggage: Luggage) -> dict[str, Any]:
        body: dict[str, Any] = {"text": with_history(luggage.text, prompt.history)}
        if luggage.files:
            body["files"] = [{"base64_content": file.base64, "name": file.name} for file in luggage.files]
        return body | self._options()

    def _body_v2(self, prompt: Prompt, luggage: Luggage) -> dict[str, Any]:
        text, messages = luggage.text, []
        if prompt.conversation_id is None:  # earlier messages stand in for the memory that a new conversation lacks
            for exchange in prompt.history:
                messages.append({"role": "user", "content": exchange.prompt})
                messages.append({"role": "assistant", "content": exchange.reply})
        else:  # here they would take the place of the memory
            text = with_history(text, prompt.history)
        content: str | list[dict[str, Any]] = text
        if luggage.files:
            words = [{"type": "text", "text": text}] if text else []
            content = [*words, *(_part(file) for file in luggage.files)]
        body: dict[str, Any] = {"messages": [*messages, {"role": "user", "content": content}]}
        if options := self._options():
            body["conversation_config"] = options
        return body

    def _options(self) -> dict[str, Any]:
        """Only what is configured: a list that is given but empty means that no document at all may be used."""
        section = self._section
        knowledge = {
            key: list(ids)
            for key, ids in (("data_ids", section.knowledge_data_ids), ("group_ids", section.knowledge_group_ids))
            if ids is not None
        }
        options = {
            "short_term_memory": section.short_term_memory,
            "long_term_memory": section.long_term_memory,
            "knowledge": knowledge or None,
        }
        return {key: value for key, value in options.items() if value is not None}

    # --- what people think of it --------------------------------------------------------------------------------------

    async def rate(self, answer_id: str, rating: int) -> None:
        """See `core.upstream.TakesRatings`."""
        body = {"answer_id": answer_id, "feedback": "POSITIVE" if rating > 0 else "NEGATIVE"}
        with self._secretly():
            call = Call("POST", "/v1/message/feedback", json=body)
            checked(await self._http.document(call, judge, self._http.deadline()))

    # --- what it remembers --------------------------------------------------------------------------------------------

    async def recall(self, asked: Asked) -> str | None:
        """See `core.upstream.CanRecall`. A conversation is known before anything is asked in it."""
        if (conversation := asked.prompt.conversation_id) is None:
            return None
        return await self._recalled(partial(self.history, conversation), asked)

    async def history(self, conversation_id: str) -> tuple[Remembered, ...]:
        """See `core.upstream.HasHistory`."""
        with self._secretly():
            until = self._http.deadline()
            path = f"/v{self._section.api_version}/messages"
            found: list[Remembered] = []
            for page in range(1, _PAGES + 1):
                params = {"conversation_id": conversation_id, "page": str(page), "page_size": str(_PAGE_SIZE)}
                answer = checked(await self._http.document(Call("GET", path, params=params), judge, until))
                given = rows(answer.get("messages")) or rows(answer.get("conversation_content"))
                found += [_remembered(table(message)) for message in given]
                if len(given) < _PAGE_SIZE:
                    break
        times = [message.at for message in found if message.at is not None]
        # the pages do not say which end they begin at
        return tuple(reversed(found)) if times and times[0] > times[-1] else tuple(found)

    async def conversations(self, *, page: int = 1, limit: int = 20, since: datetime | None = None) -> Page:
        """See `core.upstream.HasConversations`."""
        params = {"conversation_type": "API", "page": str(page), "page_size": str(limit)}
        if since is not None:
            params["start_time"] = str(int(since.timestamp() * 1000))
        with self._secretly():
            call = Call("GET", "/v1/bot/conversation/page", params=params)
            answer = checked(await self._http.document(call, judge, self._http.deadline()))
        inner = table(answer.get("data")) or answer
        given = next((rows(inner.get(key)) for key in ("list", "conversations", "records") if rows(inner.get(key))), [])
        total = whole(inner.get("total")) or len(given)
        return Page(tuple(_listed(table(one)) for one in given), page, limit, total, page * limit < total)


def user_id(user: str) -> str:
    """A stable key of the person that is as short as the service wants it."""
    return user if len(user) <= _LONGEST_USER else hashlib.sha256(user.encode()).hexdigest()[:_LONGEST_USER]


def _allowed(attachment: Attachment) -> int | str:
    kind = _KINDS.get(extension(attachment))
    return "the assistant does not take files of this kind" if kind is None else _SIZES[kind]


def _part(file: Loaded) -> dict[str, Any]:
    """The payload is a list of objects; older pages show one object."""
    ending = extension(file.attachment)
    kind = _KINDS[ending]
    return {"type": kind, kind: [{"base64_content": file.base64, "format": ending, "name": file.name}]}


def _remembered(message: dict[str, Any]) -> Remembered:
    """A message of version 1 or 2."""
    role: Literal["user", "assistant"] = "assistant"
    if words(message.get("role")).lower() == "user" or message.get("message_type") == "QUESTION":
        role = "user"
    texts = [words(message.get("text"))]
    for content in rows(message.get("content")):
        for branch in rows(table(content).get("branch_content")):
            text = table(branch).get("text")
            texts.append(first([text, table(text).get("text"), table(branch).get("content")]))
    text = "\n".join(text for text in texts if text)
    return Remembered(words(message.get("message_id")), role, text, moment(message.get("create_time")))


def _listed(one: dict[str, Any]) -> Listed:
    return Listed(
        words(one.get("conversation_id")),
        first([one.get("subject"), one.get("title"), one.get("preview")]),
        whole(one.get("message_count")),
        moment(one.get("create_time")),
        moment(one.get("recent_chat_time")),
    )
