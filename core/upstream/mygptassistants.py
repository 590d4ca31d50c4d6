"""MyGPTAssistants' chat API: one bot, its conversations kept by the service, answers whole or as a stream."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from core.errors import UpstreamError
from core.model import Done, Event, Opened, Prompt, Status
from core.settings import MyGptAssistants
from core.upstream import Asked, Limits, Listed, Page, Remembered
from core.upstream.adapter import Adapter, with_history
from core.upstream.failures import Judge
from core.upstream.fields import first, moment, rows, table, whole, words
from core.upstream.files import load
from core.upstream.http import Call, Sleep
from core.upstream.mygptassistants_stream import MyGptAssistantsReader, judge, judge_known, unwrapped

log = logging.getLogger(__name__)

_CLOCKS = timedelta(minutes=2)
"""How far the service's clock may be from ours."""


class MyGptAssistantsUpstream(Adapter):
    """See `core.upstream.Upstream`. Also tells a conversation's history, and lists the bot's conversations.

    The vendor does not say whether its stream names the conversation. The first stream that begins one shows it. If
    it names none, the conversation is looked for in the list, and from then on conversations begin with the call
    that answers in one piece, which does name them."""

    def __init__(self, name: str, section: MyGptAssistants, *, sleep: Sleep = asyncio.sleep) -> None:
        headers = {"Authorization": f"Bearer {section.api_key.get_secret_value()}"}
        super().__init__(name, section, headers, sleep=sleep)
        self._root = f"/chat/{quote(section.bot_id, safe='')}"
        self._streams_name_conversations = True
        self._streams = True  # until the server turns out not to have that call
        self._found: set[str] = set()  # in the list, and therefore taken

    @property
    def limits(self) -> Limits:
        return Limits()

    async def _answer(self, prompt: Prompt, until: float | None) -> AsyncGenerator[Event, None]:
        begins = prompt.conversation_id is None
        text = await _text(prompt)
        body: dict[str, Any] = {"message": text, "metadata": {"userId": prompt.user}}
        if not begins:
            body["conversationId"] = prompt.conversation_id
        verdict = judge if begins else judge_known
        reader = MyGptAssistantsReader()
        if not self._streams or (begins and not self._streams_name_conversations):
            yield Status("Working")
            for event in await self._in_one_piece(body, verdict, reader, until):
                yield event
            return
        since = datetime.now(UTC) - _CLOCKS
        call = Call("POST", f"{self._root}/stream", json=body)
        try:
            async with (
                self._http.exchange(call, _or_no_stream(verdict), until) as answer,
                aclosing(self._read(answer, reader)) as events,
            ):
                async for event in events:
                    if isinstance(event, Done) and begins and not reader.conversation_id:
                        self._streams_name_conversations = False
                        if found := await self._begun_with(text, since, self._found):
                            self._found.add(found)
                            yield Opened(found)
                    yield event
        except _NoStream:
            # the bot or the conversation may be what is unknown: then this call says so
            yield Status("Working")
            answered = await self._in_one_piece(body, verdict, reader, until)
            self._streams = False
            for event in answered:
                yield event

    async def _in_one_piece(
        self, body: dict[str, Any], verdict: Judge, reader: MyGptAssistantsReader, until: float | None
    ) -> list[Event]:
        call = Call("POST", f"{self._root}/message", json=body, patient=True)
        reader.answer(await self._http.document(call, verdict, until))
        return list(reader.close())

    async def _begun_with(self, text: str, since: datetime, taken: Collection[str]) -> str:
        """The conversation that this text began since then; empty if the list does not tell it beyond doubt, for
        mixing up two people's conversations would be worse than beginning another one."""
        try:
            page = await self.conversations(limit=100, since=since)
        except UpstreamError as error:
            log.warning("the list of conversations could not be read: %s", type(error).__name__)
            return ""
        found = [
            one.id
            for one in page.conversations
            if one.id not in taken
            and one.created_at is not None
            and one.created_at >= since
            and _is_preview(one.preview, text)
        ]
        if len(found) != 1:
            log.warning("nothing named the conversation, and %d in the list may be it", len(found))
            return ""
        return found[0]

    # --- what it remembers --------------------------------------------------------------------------------------------

    async def recall(self, asked: Asked) -> str | None:
        """See `core.upstream.CanRecall`. Where the conversation was not named in time, it is looked for in the list.
        What was said in it is an answer to the same text from the same assistant, whoever asked. But nothing else is
        said in it, since others may begin with the same words: the next turn begins another."""
        conversation = asked.prompt.conversation_id
        if conversation is None:
            text = await _text(asked.prompt)
            conversation = await self._begun_with(text, asked.since, asked.taken | self._found)
            if not conversation:
                return None
            self._found.add(conversation)
        return await self._recalled(partial(self.history, conversation), asked)

    async def history(self, conversation_id: str) -> tuple[Remembered, ...]:
        """See `core.upstream.HasHistory`."""
        call = Call("GET", f"{self._root}/conversations/{quote(conversation_id, safe='')}")
        with self._secretly():
            found = unwrapped(await self._http.document(call, judge_known, self._http.deadline()))
        return tuple(_remembered(table(message)) for message in rows(found.get("messages")))

    async def conversations(self, *, page: int = 1, limit: int = 20, since: datetime | None = None) -> Page:
        """See `core.upstream.HasConversations`."""
        params = {"page": str(page), "limit": str(limit)}
        if since is not None:
            params["since"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        call = Call("GET", f"{self._root}/conversations", params=params)
        with self._secretly():
            found = unwrapped(await self._http.document(call, judge, self._http.deadline()))
        listed = tuple(_listed(table(one)) for one in rows(found.get("conversations")))
        pagination = table(found.get("pagination"))
        total = whole(pagination.get("total"))
        return Page(
            listed,
            whole(pagination.get("page")) or page,
            whole(pagination.get("limit")) or limit,
            len(listed) if total is None else total,
            pagination.get("hasMore") is True,
        )


async def _text(prompt: Prompt) -> str:
    luggage = await load(prompt, lambda _: "the assistant takes no files", most=1)
    return with_history(luggage.text, prompt.history)


class _NoStream(UpstreamError):
    """Nothing at the address of the stream."""


def _or_no_stream(verdict: Judge) -> Judge:
    def judge(status: int, said: bytes) -> UpstreamError:
        if status in (404, 405, 501) and not re.search(rb"(?i)\b(bot|conversation)", said):
            return _NoStream()
        return verdict(status, said)

    return judge


def _is_preview(preview: str, text: str) -> bool:
    """Previews are cut, with or without dots at the end, and on one line."""
    shown = " ".join(preview.removesuffix("...").removesuffix("…").split())
    return bool(shown) and " ".join(text.split()).startswith(shown)


def _remembered(message: dict[str, Any]) -> Remembered:
    return Remembered(
        words(message.get("id")),
        "user" if words(message.get("role")) == "user" else "assistant",
        first([message.get("content"), message.get("text")]),
        moment(message.get("timestamp")),
    )


def _listed(one: dict[str, Any]) -> Listed:
    return Listed(
        words(one.get("id")),
        words(one.get("preview")),
        whole(one.get("messageCount")),
        moment(one.get("createdAt")),
        moment(one.get("updatedAt")),
    )
