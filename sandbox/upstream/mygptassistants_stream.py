"""The stream of MyGPTAssistants, which no page describes: every shape that it may have. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.faults import Fault

Framing = Literal["chunk", "result", "typed", "done", "words", "ndjson", "raw", "document"]
"""- `chunk`: events `chunk` with `message`, then one `result` with the whole text, as in dialoqbase, which it resembles
- `result`: the whole text in one event `done`
- `typed`: `data:` with JSON that has a `type`
- `done`: `data:` with JSON, then `data: [DONE]`
- `words`: `data:` with plain text, a line for each line, then an event `end` without data
- `ndjson`: a JSON object to a line
- `raw`: the text and nothing else
- `document`: the envelope of the blocking call
"""
IdIn = Literal["first", "last", "nothing"]
"""The record of the stream that carries the conversation's id; `words` and `raw` have no room for one."""

_TYPES: dict[Framing, str] = {"ndjson": "application/x-ndjson", "raw": "text/plain", "document": "application/json"}


@dataclass(slots=True)
class Reply:
    """One streamed answer in one of the shapes."""

    framing: Framing
    id_in: IdIn
    conversation_id: str
    answer_id: str
    answer: str
    history: list[dict[str, str]]
    content_type: str = field(init=False)
    _begun: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.content_type = f"{_TYPES.get(self.framing, 'text/event-stream')}; charset=utf-8"

    def opening(self) -> Iterable[bytes]:
        if self.framing == "typed":
            yield _sse(None, {"type": "start", **self._first()})

    def text(self, piece: str) -> bytes:
        match self.framing:
            case "chunk":
                return _sse("chunk", {"message": piece, **self._first()})
            case "typed":
                return _sse(None, {"type": "token", "content": piece})
            case "done":
                return _sse(None, {"text": piece, **self._first()})
            case "words":
                return "".join(f"data: {line}\n" for line in piece.split("\n")).encode("utf-8", "replace") + b"\n"
            case "ndjson":
                return _line({"type": "content", "content": piece, **self._first()})
            case "raw":
                return piece.encode("utf-8", "replace")
            case "result" | "document":
                return b""

    def closing(self) -> Iterable[bytes]:
        match self.framing:
            case "chunk":
                bot = {"text": self.answer, "sourceDocuments": []}
                ids = {"history_id": self.conversation_id} if self.id_in == "last" else self._first()
                yield _sse("result", {"bot": bot, "history": self.history, **ids})
            case "result":
                yield _sse("done", {"response": self.answer, **self._first(), **self._last()})
            case "typed":
                yield _sse(None, {"type": "done", **self._last()})
            case "done":
                if last := self._last():
                    yield _sse(None, last)
                yield b"data: [DONE]\n\n"
            case "words":
                yield b"event: end\ndata:\n\n"
            case "ndjson":
                yield _line({"type": "done", **self._last()})
            case "raw":
                pass
            case "document":
                data = {"response": self.answer, **self._first(), **self._last()}
                yield _line({"success": True, "data": data})

    def error(self, fault: Fault) -> bytes | None:
        error = {"code": "INTERNAL_ERROR", "message": fault.error or "The assistant could not finish its answer"}
        match self.framing:
            case "chunk" | "result" | "words":
                return _sse("error", {"success": False, "data": None, "error": error})
            case "typed" | "done":
                return _sse(None, {"type": "error", "error": error})
            case "ndjson":
                return _line({"type": "error", "error": error})
            case "document":
                return _line({"success": False, "data": None, "error": error})
            case "raw":
                return None

    def garbage(self) -> bytes:
        match self.framing:
            case "chunk" | "result":
                return b'event: chunk\ndata: {"mess\n\n'
            case "typed" | "done":
                return b'data: {"type": "tok\n\n'
            case "words":
                return b"what: is this\n\n"
            case "ndjson":
                return b'{"type": "cont\n'
            case "raw" | "document":
                return b"\xff\xfe"

    def _first(self) -> dict[str, Any]:
        if self._begun or self.id_in != "first":
            return {}
        self._begun = True
        return {"conversationId": self.conversation_id}

    def _last(self) -> dict[str, Any]:
        return {"conversationId": self.conversation_id, "messageId": self.answer_id} if self.id_in == "last" else {}


def _sse(event: str | None, data: Any) -> bytes:
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


def _line(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
