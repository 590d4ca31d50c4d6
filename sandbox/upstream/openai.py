"""An OpenAI-compatible server: Chat Completions and the list of models. It keeps no conversation."""

from __future__ import annotations

import base64
import binascii
import re
import time
import uuid
from typing import Any, ClassVar

from aiohttp import web

from sandbox.faults import Fault
from sandbox.upstream import brain, picture
from sandbox.upstream.conversations import Attached, Conversation, Kind, Role, Said
from sandbox.upstream.dialect import API_KEY, Dialect, Refused, Route, bearer, json_response, retry_after
from sandbox.upstream.openai_stream import Chunks, image_parts
from sandbox.upstream.pieces import tokens
from sandbox.upstream.turns import Call, Turns

MODELS = ("sandbox", "sandbox-mini", "gpt-4o", "gpt-4o-mini", "llama3.2")
ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_DATA_URL = re.compile(r"\Adata:([\w.+-]+/[\w.+-]+);base64,(.*)\Z", re.S)
_TYPES = {401: "invalid_request_error", 429: "requests", 400: "invalid_request_error", 404: "invalid_request_error"}


class OpenAi(Dialect):
    kind: ClassVar[Kind] = "openai"

    def __init__(self, turns: Turns) -> None:
        super().__init__(turns)
        self.models = MODELS
        self.context = 128_000
        """Characters of all messages together."""
        self.reasoning = ""
        """What the model thinks before each answer, in `reasoning_content`."""
        self.keep_alive = ""
        """A comment in each stream, as routers send it."""

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/v1/chat/completions", "openai.chat", self._chat),
            Route("GET", "/v1/models", "openai.models", self._list),
        )

    def authorise(self, request: web.Request) -> None:
        if bearer(request) != API_KEY:
            raise _refused(401, "Incorrect API key provided.", code="invalid_api_key")

    def struck(self, fault: Fault) -> web.Response:
        code = {429: "rate_limit_exceeded", 401: "invalid_api_key"}.get(fault.status)
        message = fault.error or {429: "Rate limit reached."}.get(fault.status, "The server had an error.")
        return _error(fault.status, message, code=code, headers=retry_after(fault))

    async def _list(self, call: Call) -> web.StreamResponse:
        models = [{"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"} for id in self.models]
        return json_response({"object": "list", "data": models})

    async def _chat(self, call: Call) -> web.StreamResponse:
        body = call.body
        if not isinstance(body, dict):
            raise _refused(400, "We could not parse the JSON body of your request.")
        model = body.get("model")
        if not isinstance(model, str):
            raise _refused(400, "you must provide a model parameter")
        if model not in self.models:
            raise _refused(
                404, f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found"
            )
        history, text, attached = self._read(body.get("messages"))
        conversation = Conversation(self.kind, f"chatcmpl-{uuid.uuid4().hex}", messages=history)
        draws = "image" in (body.get("modalities") or ())
        subject = brain.picture_wanted(text) if draws else None
        pictures = (_drawn(subject),) if subject else ()
        answer, finish_reason = _bounded(self._turns.ask(conversation, text, attached, draws=draws), body)
        usage = tokens(" ".join(said.text for said in (*history, Said("user", text))), answer)
        created = int(time.time())
        if body.get("stream"):
            options = body.get("stream_options") or {}
            counted = usage if isinstance(options, dict) and options.get("include_usage") else None
            chunks = Chunks(
                conversation.id, model, created, counted, finish_reason, self.reasoning, pictures, self.keep_alive
            )
            return await self._turns.stream(call, conversation, answer, chunks)
        message: dict[str, Any] = {"role": "assistant", "content": answer, "refusal": None}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if pictures:
            message["images"] = image_parts(pictures)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
        whole = {
            "id": conversation.id,
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [choice],
            "usage": usage,
        }
        return await self._turns.block(
            call,
            conversation,
            answer,
            body=lambda: whole,
            error=lambda fault: _error(500, fault.error or "The server had an error."),
        )

    def _read(self, messages: Any) -> tuple[list[Said], str, tuple[Attached, ...]]:
        """The history, and the text and files of the last message of the user."""
        if not isinstance(messages, list) or not messages:
            raise _refused(400, "[] is too short - 'messages'", param="messages")
        said: list[tuple[str, str, tuple[Attached, ...]]] = []
        for position, message in enumerate(messages):
            role = message.get("role") if isinstance(message, dict) else None
            if role not in ROLES:
                raise _refused(400, f"Invalid value: {role!r}.", param=f"messages[{position}].role")
            said.append((role, *_content(message.get("content"), role, position)))
        if sum(len(text) for _, text, _ in said) > self.context:
            raise _refused(
                400,
                "This model's maximum context length is exceeded.",
                param="messages",
                code="context_length_exceeded",
            )
        talk: list[tuple[Role, str, tuple[Attached, ...]]] = []
        for role, text, attached in said:
            match role:
                case "user" | "assistant":
                    talk.append((role, text, attached))
                case _:
                    pass  # instructions, and results of tools: nothing to answer
        _, text, attached = talk.pop() if talk and talk[-1][0] == "user" else ("user", "", ())
        return [Said(role, earlier, attached=files) for role, earlier, files in talk], text, attached


def _drawn(subject: str) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.png(seed=subject)).decode()}"


def _bounded(answer: str, body: dict[str, Any]) -> tuple[str, str]:
    """The answer within the tokens that the client allows, each word counting as one, and the reason for its end."""
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is None:
        return answer, "stop"
    if not isinstance(limit, int) or limit < 1:
        raise _refused(400, "max_tokens is too low", param="max_tokens")
    words = list(re.finditer(r"\S+", answer))
    return (answer, "stop") if len(words) <= limit else (answer[: words[limit - 1].end()], "length")


def _content(content: Any, role: str, position: int) -> tuple[str, tuple[Attached, ...]]:
    param = f"messages[{position}].content"
    if isinstance(content, str):
        return content, ()
    if content is None and role == "assistant":
        return "", ()
    if not isinstance(content, list):
        raise _refused(400, "Invalid value for 'content': expected a string or a list.", param=param)
    texts: list[str] = []
    attached: list[Attached] = []
    for part in content:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image_url", "image_url": {"url": str(url)}} if role == "user":
                attached.append(_image(url, param))
            case _:
                raise _refused(400, "Invalid part of 'content'.", param=param)
    return "\n".join(texts), tuple(attached)


def _image(url: str, param: str) -> Attached:
    if match := _DATA_URL.match(url):
        try:
            size = len(base64.b64decode(match[2], validate=True))
        except (binascii.Error, ValueError):
            raise _refused(400, "Invalid base64 image_url.", param=param, code="invalid_base64") from None
        return Attached(f"image.{match[1].partition('/')[2]}", match[1], size)
    if url.startswith(("http://", "https://")):
        return Attached(url.rpartition("/")[2] or "image", "image", None)
    raise _refused(400, "Invalid image_url.", param=param, code="invalid_image_url")


def _error(
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    error = {"message": message, "type": _TYPES.get(status, "server_error"), "param": param, "code": code}
    return json_response({"error": error}, status, headers)


def _refused(status: int, message: str, *, param: str | None = None, code: str | None = None) -> Refused:
    return Refused(_error(status, message, param=param, code=code))
