"""The GPTBots conversation API, versions 1 and 2.

| code | what brings it about |
|---|---|
| 40000 | a parameter that is missing or wrong, a file too large or of a wrong kind, a second request in flight |
| 40127 | a wrong key |
| 40356, 40358 | a conversation that is unknown, or belongs to another agent (`OTHER_KEY`) |
| 40364 | an image, with `sees_images` off |
| 40378, 20059 | creating and sending, with `deleted` |
| 20040 | a question longer than `question_limit` |
| 20055 | sending, with `switched_off` |
| 20022, 50000, any | a fault whose `error` is that code, or its default |

No page says which HTTP status goes with them: `error_status` makes it one for all. Nor does any say that a conversation
takes one question at a time; refusing the second is what its neighbours do.
"""

from __future__ import annotations

import time
import uuid
from typing import Any, ClassVar

from aiohttp import web

from sandbox.faults import Fault
from sandbox.upstream.conversations import Conversation, Kind, Said
from sandbox.upstream.dialect import (
    API_KEY,
    OTHER_KEY,
    Dialect,
    Refused,
    Route,
    bearer,
    json_response,
    retry_after,
)
from sandbox.upstream.gptbots_content import Content, Rejected, read_v1, read_v2
from sandbox.upstream.gptbots_stream import ERRORS, Flow, Layout, Records, error_of, flow_output
from sandbox.upstream.pieces import tokens
from sandbox.upstream.turns import Call, Turns

LONGEST_USER = 32
"""Characters of `user_id`."""
_AGENTS = {API_KEY: "agent", OTHER_KEY: "another agent"}


class GptBots(Dialect):
    kind: ClassVar[Kind] = "gptbots"

    def __init__(self, turns: Turns) -> None:
        super().__init__(turns)
        self.layout: Layout = "lines"
        self.flow: Flow = "step"
        self.error_status: int | None = None
        """The HTTP status of every error; None: one that fits the code."""
        self.nested = False
        """The answer to creating a conversation stands in `data`, as one client expects."""
        self.question_limit = 16_000
        """Characters."""
        self.sees_images = True
        self.deleted = False
        self.switched_off = False
        self.feedback: dict[str, str] = {}
        """What people thought, by the id of the answer."""

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/v1/conversation", "gptbots.create", self._create),
            Route("POST", "/v1/conversation/message", "gptbots.message", self._message_v1),
            Route("POST", "/v2/conversation/message", "gptbots.message", self._message_v2),
            Route("GET", "/v1/messages", "gptbots.history", self._history_v1),
            Route("GET", "/v2/messages", "gptbots.history", self._history_v2),
            Route("GET", "/v1/bot/conversation/page", "gptbots.list", self._list),
            Route("POST", "/v1/message/feedback", "gptbots.feedback", self._feedback),
        )

    def authorise(self, request: web.Request) -> None:
        if bearer(request) not in _AGENTS:
            raise self._refused(40127)

    def struck(self, fault: Fault) -> web.Response:
        code, message = error_of(fault, {429: 40008, 401: 40127, 400: 40000}.get(fault.status, 50000))
        return json_response({"code": code, "message": message}, fault.status, retry_after(fault))

    async def _create(self, call: Call) -> web.StreamResponse:
        if self.deleted:
            raise self._refused(40378)
        user = self._object(call).get("user_id")
        if not isinstance(user, str) or not 0 < len(user) <= LONGEST_USER:
            raise self._refused(40000, f"user_id must have 1 to {LONGEST_USER} characters")
        conversation = self._turns.conversations.create(self.kind, _id(), owner=_agent(call), user=user)
        self._turns.feed.publish("opened", system=self.kind, conversation=conversation.id)
        answer = {"conversation_id": conversation.id}
        return json_response({"code": 0, "message": "OK", "data": answer} if self.nested else answer)

    async def _feedback(self, call: Call) -> web.StreamResponse:
        body = self._object(call)
        answer_id, feedback = body.get("answer_id"), body.get("feedback")
        if feedback not in ("POSITIVE", "NEGATIVE", "CANCELED"):
            raise self._refused(40000, "feedback must be POSITIVE, NEGATIVE or CANCELED")
        answers = (said.id for one in self._turns.conversations for said in one.messages if said.role == "assistant")
        if not isinstance(answer_id, str) or answer_id not in answers:
            raise self._refused(40000, "answer_id is unknown")
        self.feedback[answer_id] = feedback
        return json_response({"code": 0, "message": "OK"})

    async def _message_v1(self, call: Call) -> web.StreamResponse:
        body = self._object(call)
        content, memory = self._read(call, 1), body.get("short_term_memory")
        return await self._answer(call, body, content, version=1, memory=memory)

    async def _message_v2(self, call: Call) -> web.StreamResponse:
        body = self._object(call)
        config = body.get("conversation_config") or {}
        if not isinstance(config, dict):
            raise self._refused(40000, "conversation_config has to be an object")
        content, memory = self._read(call, 2), config.get("short_term_memory")
        return await self._answer(call, body, content, version=2, memory=memory)

    async def _answer(
        self, call: Call, body: dict[str, Any], content: Content, *, version: int, memory: Any
    ) -> web.StreamResponse:
        mode = body.get("response_mode")
        if mode not in {"blocking", "streaming"}:
            raise self._refused(
                40000, "response_mode must be blocking or streaming"
            )  # webhooks need an address of ours
        conversation = self._known(call, body.get("conversation_id"))
        self._check(content)
        if conversation.busy:
            raise self._refused(40000, "The previous message of this conversation is still being answered")
        history: tuple[Said, ...] | None = () if memory is False else content.history
        answer_id = _id()
        answer = self._turns.ask(conversation, content.text, content.attached, history=history, id=_id())
        usage = tokens(content.text, answer)
        if mode == "streaming":
            records = Records(answer_id, answer, usage, self.layout, self.flow, default_error=50000)
            return await self._turns.stream(call, conversation, answer, records, answer_id=answer_id)
        whole = self._whole_v1 if version == 1 else self._whole_v2
        return await self._turns.block(
            call,
            conversation,
            answer,
            body=lambda: whole(conversation, answer_id, answer, usage),
            error=lambda fault: self._error(*error_of(fault, 50000)),
            answer_id=answer_id,
        )

    def _whole_v1(self, conversation: Conversation, id: str, answer: str, usage: dict[str, int]) -> dict[str, Any]:
        return {
            "message_id": id,
            "message_type": "ANSWER",
            "text": "" if self.flow == "only" else answer,
            "flow_output": flow_output(self.flow, answer),
            "create_time": int(time.time()),
            "conversation_id": conversation.id,
        }

    def _whole_v2(self, conversation: Conversation, id: str, answer: str, usage: dict[str, int]) -> dict[str, Any]:
        output = {"from_component_branch": "1", "from_component_name": "LLM", "content": {"text": answer, "audio": []}}
        return {
            "create_time": int(time.time()),
            "conversation_id": conversation.id,
            "message_id": id,
            "output": [output],
            "usage": {"tokens": usage, "credits": {"total_credits": usage["total_tokens"] / 100}},
            "citations": [],
        }

    def _read(self, call: Call, version: int) -> Content:
        body = self._object(call)
        if self.deleted or self.switched_off:
            raise self._refused(20059 if self.deleted else 20055)
        try:
            return read_v1(body) if version == 1 else read_v2(body)
        except Rejected as rejected:
            raise self._refused(40000, str(rejected)) from None

    def _check(self, content: Content) -> None:
        if len(content.text) > self.question_limit:
            raise self._refused(20040)
        if not self.sees_images and any(file.kind == "image" for file in content.files):
            raise self._refused(40364)

    async def _history_v1(self, call: Call) -> web.StreamResponse:
        conversation = self._known(call, call.request.query.get("conversation_id"))
        messages, parent = [], None
        for said in conversation.messages:
            messages.append(
                {
                    "message_id": said.id,
                    "parent_message_id": parent,
                    "message_type": "QUESTION" if said.role == "user" else "ANSWER",
                    "text": said.text,
                    "create_time": int(said.at * 1_000),
                }
            )
            parent = said.id
        return json_response({"total": len(messages), "messages": self._paged(call, messages)})

    async def _history_v2(self, call: Call) -> web.StreamResponse:
        conversation = self._known(call, call.request.query.get("conversation_id"))
        content = [
            {
                "message_id": said.id,
                "role": said.role,
                "content": [{"branch_content": [{"type": "text", "text": said.text}]}],
                "create_time": int(said.at * 1_000),
            }
            for said in conversation.messages
        ]
        return json_response({"total": len(content), "conversation_content": self._paged(call, content)})

    async def _list(self, call: Call) -> web.StreamResponse:
        query = call.request.query
        if query.get("conversation_type") not in {"API", "ALL"}:
            raise self._refused(40000, "conversation_type is required")
        start, end = self._number(call, "start_time", 0), self._number(call, "end_time", 2**53)
        found = [
            {
                "conversation_id": conversation.id,
                "user_id": conversation.user,
                "recent_chat_time": int(conversation.updated_at * 1_000),
                "subject": conversation.preview,
                "conversation_type": "API",
                "message_count": len(conversation.messages),
            }
            for conversation in self._turns.conversations
            if conversation.kind == self.kind
            and conversation.owner == _agent(call)
            and query.get("user_id") in (None, "", conversation.user)
            and start <= conversation.updated_at * 1_000 <= end
        ]
        found.reverse()
        return json_response({"total": len(found), "list": self._paged(call, found)})

    def _paged(self, call: Call, items: list[Any]) -> list[Any]:
        page, size = self._number(call, "page", 1), self._number(call, "page_size", 10)
        if page < 1 or not 1 <= size <= 100:
            raise self._refused(40000, "page counts from 1, page_size is 1 to 100")
        return items[(page - 1) * size : page * size]

    def _number(self, call: Call, name: str, default: int) -> int:
        try:
            return int(call.request.query.get(name, default))
        except ValueError:
            raise self._refused(40000, f"{name} has to be a number") from None

    def _known(self, call: Call, id: Any) -> Conversation:
        if not isinstance(id, str) or not id:
            raise self._refused(40000, "conversation_id is required")
        conversation = self.conversation(id)
        if conversation is None:
            raise self._refused(40356)
        if conversation.owner != _agent(call):
            raise self._refused(40358)
        return conversation

    def _object(self, call: Call) -> dict[str, Any]:
        if not isinstance(call.body, dict):
            raise self._refused(40000, "the body has to be a JSON object")
        return call.body

    def _refused(self, code: int, message: str | None = None) -> Refused:
        return Refused(self._error(code, message or ERRORS[code]))

    def _error(self, code: int, message: str) -> web.Response:
        status = self.error_status or {40127: 401, 40008: 429, 50000: 500}.get(code, 400)
        return json_response({"code": code, "message": message}, status)


def _agent(call: Call) -> str:
    return _AGENTS[bearer(call.request)]


def _id() -> str:
    return uuid.uuid4().hex[:24]
