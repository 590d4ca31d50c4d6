"""The MyGPTAssistants chat API, after the vendor's page.

What the page leaves open is a switch: the shape of the stream (`framing`), whether it names the conversation
(`id_in`), which of the error envelopes is used (`errors`), and whether errors come with HTTP 200 (`errors_as_200`).
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from aiohttp import web

from sandbox.faults import Fault
from sandbox.upstream.conversations import Conversation, Kind
from sandbox.upstream.dialect import API_KEY, BOT_ID, Dialect, Refused, Route, bearer, json_response
from sandbox.upstream.mygptassistants_stream import Framing, IdIn, Reply
from sandbox.upstream.turns import Call, Turns

ROOT = "/api/v1/chat/{bot_id}"
WINDOW = 60.0
"""Seconds over which requests are counted."""
LARGEST_PAGE = 100

Errors = Literal["envelope", "nested", "message", "text"]
"""`envelope` as on the page; `nested`, `message` and `text` as in the vendor's machine-readable description."""

_CODES = {
    400: ("INVALID_REQUEST", "Invalid request body"),
    401: ("INVALID_API_KEY", "Invalid or missing API key"),
    409: ("CONVERSATION_BUSY", "The previous message of this conversation is still being answered"),
    429: ("RATE_LIMIT_EXCEEDED", "Rate limit exceeded"),
}


class MyGptAssistants(Dialect):
    kind: ClassVar[Kind] = "mygptassistants"

    def __init__(self, turns: Turns) -> None:
        super().__init__(turns)
        self.framing: Framing = "chunk"
        self.id_in: IdIn = "last"
        self.errors: Errors = "envelope"
        self.errors_as_200 = False
        self.flat = False
        """The blocking answer has its fields at the top, as the vendor's quick start reads them."""
        self.per_minute: int | None = 100
        """Requests of one key; None: no limit."""
        self._window = 0.0
        self._spent = 0

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", ROOT + "/message", "mygptassistants.message", self._message),
            Route("POST", ROOT + "/stream", "mygptassistants.stream", self._stream),
            Route("GET", ROOT + "/conversations/{id}", "mygptassistants.history", self._history),
            Route("GET", ROOT + "/conversations", "mygptassistants.list", self._list),
        )

    def authorise(self, request: web.Request) -> None:
        if bearer(request) != API_KEY:
            raise Refused(self._error(401))
        self._count()
        if request.match_info["bot_id"] != BOT_ID:
            raise Refused(self._error(404, "BOT_NOT_FOUND", "Bot not found"))

    def struck(self, fault: Fault) -> web.Response:
        if fault.status == 429:
            wait = WINDOW if fault.retry_after is None else fault.retry_after
            headers = self._limits(remaining=0, reset=time.time() + wait)
            return self._error(429, message=fault.error, headers=headers)
        code, sentence = _CODES.get(fault.status, ("INTERNAL_ERROR", "Server error"))
        return self._error(fault.status, code, fault.error or sentence)

    async def _message(self, call: Call) -> web.StreamResponse:
        conversation, text = self._asked(call)
        answer_id = _id("msg")
        answer = self._turns.ask(conversation, text, id=_id("msg"))
        data = {"response": answer, "conversationId": conversation.id, "messageId": answer_id}
        return await self._turns.block(
            call,
            conversation,
            answer,
            body=lambda: {"success": True, **data} if self.flat else {"success": True, "data": data},
            error=lambda fault: self._error(500, "INTERNAL_ERROR", fault.error or "Server error"),
            answer_id=answer_id,
            headers=self._limits(),
        )

    async def _stream(self, call: Call) -> web.StreamResponse:
        conversation, text = self._asked(call)
        answer_id = _id("msg")
        answer = self._turns.ask(conversation, text, id=_id("msg"))
        types = {"user": "human", "assistant": "ai"}
        history = [{"type": types[said.role], "text": said.text} for said in conversation.messages]
        reply = Reply(self.framing, self.id_in, conversation.id, answer_id, answer, history)
        return await self._turns.stream(call, conversation, answer, reply, answer_id=answer_id, headers=self._limits())

    async def _history(self, call: Call) -> web.StreamResponse:
        conversation = self._known(call.request.match_info["id"])
        messages = [
            {"id": said.id, "role": said.role, "content": said.text, "timestamp": _iso(said.at)}
            for said in conversation.messages
        ]
        metadata = {"createdAt": _iso(conversation.created_at), "messageCount": len(messages)}
        data = {"conversationId": conversation.id, "messages": messages, "metadata": metadata}
        return json_response({"success": True, "data": data}, headers=self._limits())

    async def _list(self, call: Call) -> web.StreamResponse:
        page, limit = self._number(call, "page", 1), self._number(call, "limit", 20)
        if page < 1 or not 1 <= limit <= LARGEST_PAGE:
            raise Refused(self._error(400, message=f"page counts from 1, limit is 1 to {LARGEST_PAGE}"))
        since = self._since(call)
        found = [
            conversation
            for conversation in self._turns.conversations
            if conversation.kind == self.kind and (since is None or conversation.updated_at > since)
        ]
        found.sort(key=lambda conversation: conversation.updated_at, reverse=True)
        data = {
            "conversations": [_listed(conversation) for conversation in found[(page - 1) * limit : page * limit]],
            "pagination": {"page": page, "limit": limit, "total": len(found), "hasMore": page * limit < len(found)},
        }
        return json_response({"success": True, "data": data}, headers=self._limits())

    def _asked(self, call: Call) -> tuple[Conversation, str]:
        match call.body:
            case {"message": str(text), **rest} if text.strip():
                pass
            case _:
                raise Refused(self._error(400, message="message is required"))
        metadata = rest.get("metadata")
        if metadata is not None and not isinstance(metadata, dict):
            raise Refused(self._error(400, message="metadata has to be an object"))
        id = rest.get("conversationId")
        if id is not None and not isinstance(id, str):
            raise Refused(self._error(400, message="conversationId has to be a string"))
        conversation = self._created() if id is None else self._known(id)
        if conversation.busy:
            raise Refused(self._error(409))
        conversation.metadata |= metadata or {}
        return conversation, text

    def _created(self) -> Conversation:
        conversation = self._turns.conversations.create(self.kind, _id("conv"))
        self._turns.feed.publish("opened", system=self.kind, conversation=conversation.id)
        return conversation

    def _known(self, id: str) -> Conversation:
        conversation = self.conversation(id)
        if conversation is None:
            raise Refused(self._error(404, "CONVERSATION_NOT_FOUND", "Conversation not found"))
        return conversation

    def _since(self, call: Call) -> float | None:
        text = call.request.query.get("since")
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise Refused(self._error(400, message="since has to be an ISO date")) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def _number(self, call: Call, name: str, default: int) -> int:
        try:
            return int(call.request.query.get(name, default))
        except ValueError:
            raise Refused(self._error(400, message=f"{name} has to be a number")) from None

    def _count(self) -> None:
        now = time.time()
        if now - self._window >= WINDOW:
            self._window, self._spent = now, 0
        self._spent += 1
        if self.per_minute is not None and self._spent > self.per_minute:
            raise Refused(self._error(429))

    def _limits(self, *, remaining: int | None = None, reset: float | None = None) -> dict[str, str]:
        if remaining is None:
            remaining = max(0, (self.per_minute or 0) - self._spent)
        if self.per_minute is None and reset is None:
            return {}
        return {
            "X-RateLimit-Limit": str(self.per_minute or 100),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(self._window + WINDOW if reset is None else reset) + 1),
        }

    def _error(
        self, status: int, code: str | None = None, message: str | None = None, headers: dict[str, str] | None = None
    ) -> web.Response:
        default_code, default_message = _CODES.get(status, ("INTERNAL_ERROR", "Server error"))
        code, message = code or default_code, message or default_message
        body: dict[str, Any]
        match self.errors:
            case "envelope":
                body = {"success": False, "data": None, "error": {"code": code, "message": message}}
            case "nested":
                stamp = {"requestId": _id("req"), "timestamp": _iso(time.time())}
                body = {"error": {"code": code, "message": message, **stamp}}
            case "message":
                body = {"message": message}
            case "text":
                body = {"error": message}
        return json_response(body, 200 if self.errors_as_200 else status, headers or self._limits())


def _listed(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "preview": conversation.preview,
        "messageCount": len(conversation.messages),
        "createdAt": _iso(conversation.created_at),
        "updatedAt": _iso(conversation.updated_at),
    }


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:16]}"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
