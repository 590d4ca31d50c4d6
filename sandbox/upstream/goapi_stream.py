"""The stream of the GoAPI Conversation API, as its pages print it: the snapshots of ChatGPT's web page. Pure."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.faults import Fault
from sandbox.upstream.conversations import StoredFile

Encoding = Literal["snapshots", "deltas"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that is made before the answer is written."""

    prompt: str
    file: StoredFile
    width: int
    height: int


@dataclass(slots=True)
class Snapshots:
    """Each event repeats the whole message so far; `separator` is what stands on the line between two events.

    The order is that of the vendor's page: an empty system message, the echo of the person's, then the assistant's,
    with a moderation event in between. A drawing comes as a call of a tool, which writes JSON, and the tool's answer,
    which holds the picture."""

    conversation_id: str
    answer_id: str
    question_id: str
    question: dict[str, Any]
    """`content` and `metadata` as the person sent them, for the echo."""
    model: str
    gizmo_id: str | None
    drawing: Drawing | None = None
    blocked: bool = False
    separator: str = " "
    content_type: str = "application/json"
    _text: str = field(default="", init=False)
    _parent: str = field(default="", init=False)
    _began: float = field(default_factory=time.time, init=False)

    def opening(self) -> Iterable[bytes]:
        yield self._event(self._message(self._id("system"), "system", _text(""), end_turn=True, weight=0.0))
        yield self._event(
            self._message(
                self.question_id,
                "user",
                self.question["content"],
                metadata={**self.question["metadata"], "timestamp_": "absolute", "message_type": None},
                created=self._began,
            )
        )
        self._parent = self.question_id
        if self.blocked:
            yield self._moderation(self.question_id, is_completion=False)
            return
        if self.drawing is not None:
            yield from self._drawn(self.drawing)
        yield self._answer(done=False)
        yield self._moderation(self.question_id, is_completion=False)

    def text(self, piece: str) -> bytes:
        self._text += piece
        return self._answer(done=False)

    def closing(self) -> Iterable[bytes]:
        if not self.blocked:
            yield self._answer(done=True)
            yield self._moderation(self.answer_id, is_completion=True)
        yield self._data("[DONE]")

    def error(self, fault: Fault) -> bytes:
        sentence = fault.error or "Something went wrong while the answer was written."
        return self._json({"message": None, "conversation_id": self.conversation_id, "error": sentence})

    def garbage(self) -> bytes:
        return self._data('{"message": {"id": "' + self.answer_id[:8])

    def _drawn(self, drawing: Drawing) -> Iterable[bytes]:
        call_id, result_id = self._id("call"), self._id("picture")
        arguments = json.dumps({"prompt": drawing.prompt, "size": f"{drawing.width}x{drawing.height}"})
        ends = [*range(0, len(arguments), 9), len(arguments)]
        for end in ends:
            yield self._event(self._assistant(call_id, _code(arguments[:end]), recipient="dalle.text2im"))
        yield self._event(
            self._assistant(
                call_id, _code(arguments), recipient="dalle.text2im", status="finished_successfully", end_turn=False
            )
        )
        self._parent = call_id
        pointer = {
            "content_type": "image_asset_pointer",
            "asset_pointer": f"file-service://{drawing.file.id}",
            "size_bytes": len(drawing.file.content),
            "width": drawing.width,
            "height": drawing.height,
            "fovea": None,
            "metadata": {
                "dalle": {"prompt": drawing.prompt, "seed": 1, "serialization_title": "DALL-E generation metadata"}
            },
        }
        picture = {"content_type": "multimodal_text", "parts": [pointer]}
        message = self._message(
            result_id,
            "tool",
            picture,
            name="dalle.text2im",
            metadata={"message_type": "next", "model_slug": self.model, "parent_id": call_id},
            created=time.time(),
        )
        yield self._event(message)
        self._parent = result_id

    def _id(self, what: str) -> str:
        """The id of another message of this turn."""
        return str(uuid.uuid5(uuid.UUID(self.answer_id), what))

    def _answer(self, *, done: bool) -> bytes:
        return self._event(self._answer_message(done=done))

    def _answer_message(self, *, done: bool) -> dict[str, Any]:
        message = self._assistant(
            self.answer_id,
            _text(self._text),
            status="finished_successfully" if done else "in_progress",
            end_turn=True if done else None,
        )
        if done:
            message["metadata"] |= {"finish_details": {"type": "stop", "stop_tokens": [200002]}, "is_complete": True}
        return message

    def _assistant(
        self,
        id: str,
        content: dict[str, Any],
        *,
        recipient: str = "all",
        status: str = "in_progress",
        end_turn: bool | None = None,
    ) -> dict[str, Any]:
        metadata = {
            "inline_gizmo_id": None,
            "gizmo_id": self.gizmo_id,
            "message_type": "next",
            "model_slug": self.model,
            "parent_id": self._parent,
        }
        return self._message(
            id,
            "assistant",
            content,
            recipient=recipient,
            status=status,
            end_turn=end_turn,
            metadata=metadata,
            created=self._began,
        )

    def _message(
        self,
        id: str,
        role: str,
        content: dict[str, Any],
        *,
        name: str | None = None,
        recipient: str = "all",
        status: str = "finished_successfully",
        end_turn: bool | None = None,
        weight: float = 1.0,
        metadata: dict[str, Any] | None = None,
        created: float | None = None,
    ) -> dict[str, Any]:
        return {
            "id": id,
            "author": {"role": role, "name": name, "metadata": {}},
            "create_time": created,
            "update_time": None,
            "content": content,
            "status": status,
            "end_turn": end_turn,
            "weight": weight,
            "metadata": metadata or {},
            "recipient": recipient,
        }

    def _moderation(self, message_id: str, *, is_completion: bool) -> bytes:
        return self._json(
            {
                "conversation_id": self.conversation_id,
                "message_id": message_id,
                "is_completion": is_completion,
                "moderation_response": {
                    "flagged": self.blocked,
                    "blocked": self.blocked,
                    "moderation_id": f"modr-{message_id[:29]}",
                },
            }
        )

    def _event(self, message: dict[str, Any]) -> bytes:
        return self._json({"message": message, "conversation_id": self.conversation_id, "error": None})

    def _json(self, record: Any) -> bytes:
        return self._data(json.dumps(record, ensure_ascii=False))

    def _data(self, data: str) -> bytes:
        return f"data: {data}\n{self.separator}\n".encode("utf-8", "replace")


def _text(text: str) -> dict[str, Any]:
    return {"content_type": "text", "parts": [text]}


def _code(text: str) -> dict[str, Any]:
    return {"content_type": "code", "language": "json", "text": text}
