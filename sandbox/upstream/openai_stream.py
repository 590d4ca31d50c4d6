"""The stream of Chat Completions: chunks as server-sent events. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import Fault


def image_parts(addresses: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"index": index, "type": "image_url", "image_url": {"url": url, "detail": "auto"}}
        for index, url in enumerate(addresses)
    ]


@dataclass(slots=True)
class Chunks:
    """A chunk with the role, one for each piece, one with the reason for the end, the usage if asked for, `[DONE]`."""

    id: str
    model: str
    created: int
    usage: dict[str, int] | None
    """None: not asked for."""
    finish_reason: str = "stop"
    reasoning: str = ""
    """Comes before the answer, in `reasoning_content`."""
    pictures: tuple[str, ...] = ()
    """`data:` addresses; they come behind the answer."""
    keep_alive: str = ""
    """A comment that comes before everything, and after the role."""
    content_type: str = field(default="text/event-stream; charset=utf-8", init=False)

    def opening(self) -> Iterable[bytes]:
        comment = f": {self.keep_alive}\n\n".encode() if self.keep_alive else b""
        if comment:
            yield comment
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        if comment:
            yield comment
        if self.reasoning:
            yield self._chunk({"reasoning_content": self.reasoning, "content": None})

    def text(self, piece: str) -> bytes:
        return self._chunk({"content": piece})

    def closing(self) -> Iterable[bytes]:
        if self.pictures:
            yield self._chunk({"images": image_parts(self.pictures)})
        yield self._chunk({}, finish_reason=self.finish_reason)
        if self.usage is not None:
            yield self._data({**self._head(), "choices": [], "usage": self.usage})
        yield b"data: [DONE]\n\n"

    def error(self, fault: Fault) -> bytes:
        message = fault.error or "The server had an error while processing your request."
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        error = {"message": message, "type": "server_error", "param": None, "code": "server_error"}
        return self._data({**self._head(), "error": error, "choices": [choice]})

    def garbage(self) -> bytes:
        return b'data: {"id": "chatcmpl-\n\n'

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}

    def _chunk(self, delta: dict[str, Any], *, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {} if self.usage is None else {"usage": None}
        return self._data({**self._head(), "choices": [choice], **usage})

    def _data(self, record: dict[str, Any]) -> bytes:
        return f"data: {json.dumps(record, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
