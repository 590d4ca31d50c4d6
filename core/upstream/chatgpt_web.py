"""Reads the stream of ChatGPT's web service, as GoAPI passes it on: whole snapshots of messages, or deltas of them.

A turn has several messages: echoes of the request, the assistant's words, its calls to tools, what the tools return.
Only the assistant's words to everyone are the answer. Each snapshot repeats its message from the beginning, so of one
chunk only the last of each message matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import PromptRejected
from core.upstream.alike import Grown
from core.upstream.citations import WithoutCitations
from core.upstream.delta_encoding import DeltaDocuments
from core.upstream.event_stream import EventStream
from core.upstream.failures import MODERATED, complaint_in, complaint_of, complaint_within, error_for
from core.upstream.fields import Unreadable, parsed, rows, table, words
from core.upstream.reader import CUT_SHORT, AnswerReader
from core.upstream.sse import ServerSentEvent

_TOOLS = {"dalle": "Drawing", "python": "Calculating", "browser": "Searching", "web": "Searching", "bio": "Remembering"}
_POINTERS = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}
_FIRST_PART = "/message/content/parts/0"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the answer that has to be asked for."""

    id: str
    media_type: str
    """Guessed from the kind of the pointer to it."""


class _Words:
    """The text of one message of the assistant: as it came, and what of it is shown."""

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._shown: list[str] = []
        self._filter = WithoutCitations()

    @property
    def shown(self) -> str:
        return "".join(self._shown)

    @property
    def empty(self) -> bool:
        return not self._shown

    @property
    def begins(self) -> bool:
        """Was the first of it shown just now?"""
        return len(self._shown) == 1

    def append(self, delta: str) -> str:
        """What more is to be shown."""
        self._raw.append(delta)
        return self._show(self._filter.feed(delta))

    def update(self, snapshot: str) -> str | None:
        """What more is to be shown after a whole snapshot; None: what was shown has changed."""
        raw = "".join(self._raw)
        if snapshot.startswith(raw):
            self._raw = [snapshot]
            return self._show(self._filter.feed(snapshot[len(raw) :]))
        self._raw, self._shown, self._filter = [], [], WithoutCitations()
        self.append(snapshot)
        return None

    def release(self) -> str:
        return self._show(self._filter.close())

    def _show(self, text: str) -> str:
        if text:
            self._shown.append(text)
        return text


class ChatGptWebReader(AnswerReader):
    """See `core.upstream.reader.AnswerReader`. Files are collected in `assets`."""

    def __init__(self) -> None:
        super().__init__()
        self.assets: dict[str, Asset] = {}
        self._stream = EventStream(spaces_end_event=True)
        self._deltas = DeltaDocuments()
        self._latest: dict[str, dict[str, Any]] = {}
        self._words: dict[str, _Words] = {}
        self._written: _Words | None = None  # the message that the current deltas append to
        self._cut_short = False
        self._grown: tuple[Grown, str] | None = None  # the last snapshot of an answer, and its message's id

    def _take(self, data: bytes) -> None:
        try:
            for event in self._stream.feed(data):
                self._event(event)
                if self._ended:
                    break
        finally:
            self._settle()

    def _finish(self) -> None:
        try:
            for event in self._stream.close():
                self._event(event)
        finally:
            self._settle()
        if foreign := self._stream.foreign.strip():
            raise error_for(complaint_in(foreign))

    def _release(self) -> None:
        for message in self._words.values():
            self._show(message, message.release())
        if self._cut_short and self._whole:
            self._out.append(CUT_SHORT)

    # --- records ------------------------------------------------------------------------------------------------------

    def _event(self, event: ServerSentEvent) -> None:
        data = event.data.strip()
        if self._goes_on(data):
            return
        if data in (b"[DONE]", b'"[DONE]"'):
            self._settle()
            self._end()
            return
        try:
            value = parsed(data)
        except Unreadable as error:
            lines = event.data.split(b"\n")
            if len(lines) > 1:  # events that were not kept apart by a blank line
                for line in lines:
                    if not self._ended and line.strip():
                        self._event(ServerSentEvent(event.event, line))
            else:
                self._gap = f"unreadable event: {error}"
            return
        if not isinstance(value, dict):
            return  # the announcement of the delta encoding is a string
        if event.event == "delta" or ("v" in value and "message" not in value):
            self._delta(value)
            return
        self._record(value)
        if words(table(table(value.get("message")).get("author")).get("role")) == "assistant":
            self._gap = ""  # a snapshot holds its whole message, whatever was lost before it
        self._grown = None if self._whole else _growing(data, table(value.get("message")))

    def _goes_on(self, data: bytes) -> bool:
        """Is this the last snapshot with more text? Then only what was added is read: that takes time linear in the
        text, and parsing all snapshots would be quadratic in it."""
        if self._grown is None:
            return False
        grown, message_id = self._grown
        added = grown.added(data)
        if added is None:
            return False
        self._settle()
        self._gap = ""
        message = self._words[message_id]
        self._show(message, message.append(added))
        return True

    def _delta(self, delta: dict[str, Any]) -> None:
        try:
            added = self._deltas.apply(delta)
        except Unreadable as error:
            self._gap = str(error)
            return
        if added is not None:
            if self._written is not None:
                self._show(self._written, self._written.append(added))
            return
        document = self._deltas.document()
        self._record(document)
        self._settle()
        message_id = words(table(document.get("message")).get("id"))
        self._written = self._words.get(message_id) if self._deltas.path == _FIRST_PART else None

    def _record(self, record: dict[str, Any]) -> None:
        self._open(words(record.get("conversation_id")))
        if (complaint := complaint_within(record)) is not None:
            raise error_for(complaint)
        if table(record.get("moderation_response")).get("blocked") is True:
            raise PromptRejected(MODERATED, detail="moderation: blocked")
        message = table(record.get("message"))
        if message:
            self._latest[words(message.get("id"))] = message
            if words(table(message.get("author")).get("role")) == "assistant":
                finished = message.get("status") == "finished_successfully"
                self._whole = finished and message.get("end_turn") is True and message.get("recipient", "all") == "all"
        elif "detail" in record and (complaint := complaint_of(record)) is not None:
            raise error_for(complaint)

    # --- messages -----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Tells what the latest snapshots say."""
        latest, self._latest = self._latest, {}
        for message_id, message in latest.items():
            self._message(message_id, message)

    def _message(self, message_id: str, message: dict[str, Any]) -> None:
        metadata = table(message.get("metadata"))
        content = table(message.get("content"))
        recipient = words(message.get("recipient")) or "all"
        if metadata.get("is_visually_hidden_from_conversation") is True:
            return
        match words(table(message.get("author")).get("role")), content.get("content_type"):
            case "assistant", _ if recipient != "all":
                self._out.status(_TOOLS.get(recipient.partition(".")[0], "Working"))
            case "assistant", "text" | "multimodal_text":
                self._assistant(message_id, content, metadata)
            case "assistant", "thoughts" | "reasoning_recap":
                self._out.status("Thinking")
            case "tool", _:
                self._collect(content)
            case _:
                pass  # echoes of the request, and kinds of content that may yet come

    def _assistant(self, message_id: str, content: dict[str, Any], metadata: dict[str, Any]) -> None:
        text = "".join(part for part in rows(content.get("parts")) if isinstance(part, str))
        if message_id not in self._words:
            self._words[message_id] = _Words()
        shown = self._words[message_id]
        added = shown.update(text)
        if added is None:
            self._rewrite()
        else:
            self._show(shown, added)
        self._collect(content)
        self._cut_short = table(metadata.get("finish_details")).get("type") == "max_tokens"

    def _show(self, message: _Words, added: str) -> None:
        if not added:
            return
        before, after = self._around(message)
        if after:
            self._rewrite()
        else:
            self._out.append("\n\n" + added if before and message.begins else added)

    def _around(self, message: _Words) -> tuple[bool, bool]:
        """Is there any text of other messages before this one, and after it?"""
        before = after = passed = False
        for other in self._words.values():
            if other is message:
                passed = True
            elif not other.empty:
                before, after = before or not passed, after or passed
        return before, after

    def _rewrite(self) -> None:
        self._out.replace("\n\n".join(message.shown for message in self._words.values() if not message.empty))

    def _collect(self, content: dict[str, Any]) -> None:
        for part in rows(content.get("parts")):
            fields = table(part)
            kind, _, rest = words(fields.get("content_type")).partition("_")
            if rest != "asset_pointer" or kind not in _POINTERS:
                continue
            _, _, asset = words(fields.get("asset_pointer")).partition("://")
            if asset and asset not in self.assets:
                self.assets[asset] = Asset(asset, _POINTERS[kind])
                self._files += 1


def _growing(data: bytes, message: dict[str, Any]) -> tuple[Grown, str] | None:
    """A snapshot that may be followed by others with more text, if it is one of the assistant's words to everyone."""
    match message:
        case {
            "id": str(message_id),
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": [str(text)]},
        } if message.get("recipient", "all") == "all":
            metadata = table(message.get("metadata"))
            if metadata.get("is_visually_hidden_from_conversation") is True or "finish_details" in metadata:
                return None
            grown = Grown.to(data, text)
            return None if grown is None else (grown, message_id)
        case _:
            return None
