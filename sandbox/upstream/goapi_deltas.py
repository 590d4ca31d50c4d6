"""The newer encoding of the same stream, which a proxy of ChatGPT's web page may pass through. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.upstream.goapi_stream import Snapshots


@dataclass(slots=True)
class Deltas(Snapshots):
    """The newer encoding, `delta_encoding` v1: a document for each message, and changes to it that leave out what they
    share with the change before. Side events stay as they are."""

    separator: str = ""
    content_type: str = "text/event-stream; charset=utf-8"
    _channel: int = field(default=-1, init=False)
    _appending: bool = field(default=False, init=False)

    def opening(self) -> Iterable[bytes]:
        yield b'event: delta_encoding\ndata: "v1"\n\n'
        yield from Snapshots.opening(self)

    def text(self, piece: str) -> bytes:
        self._text += piece
        change: dict[str, Any] = {"v": piece}
        if not self._appending:
            self._appending = True
            change = {"p": "/message/content/parts/0", "o": "append", "v": piece}
        return self._delta(change)

    def _answer(self, *, done: bool) -> bytes:
        if not done:
            return Snapshots._answer(self, done=False)
        self._appending = False
        changes = [
            {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
            {"p": "/message/end_turn", "o": "replace", "v": True},
            {"p": "/message/metadata", "o": "append", "v": {"is_complete": True, "finish_details": {"type": "stop"}}},
        ]
        return self._delta({"p": "", "o": "patch", "v": changes})

    def _event(self, message: dict[str, Any]) -> bytes:
        self._channel += 1
        self._appending = False
        document = {"message": message, "conversation_id": self.conversation_id, "error": None}
        return self._delta({"p": "", "o": "add", "v": document, "c": self._channel})

    def _delta(self, change: dict[str, Any]) -> bytes:
        return b"event: delta\n" + self._json(change)
