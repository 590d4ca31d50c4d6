"""Reads MyGPTAssistants' answers. The vendor documents that its stream is one of events, and not what they hold; so
every usual shape is read, and which one it is gets decided once, from the first bytes of the answer.

| begins with | read as |
|---|---|
| a field of an event stream | events: JSON deltas by name or type, or plain words |
| `{` | JSON objects, one after another, or the one document of the blocking call |
| `<!doctype`, `<html` | a page of some proxy: a failure |
| anything else | the text itself |

Records and events that tell of what kind they are have one for the end, and what ends without it broke off. Others, and
text without any record around it, have no terminal marker: the end of the body is their end.
"""

from __future__ import annotations

import codecs
from typing import Any, Literal

from core.errors import ConversationUnknown, UpstreamError, UpstreamRefused
from core.upstream.event_stream import is_event_stream
from core.upstream.failures import NO_ADDRESS, Complaint, complaint_in, complaint_of, complaint_within
from core.upstream.failures import error_for as error_by_words
from core.upstream.fields import Unreadable, first, parsed, rows, table
from core.upstream.reader import AnswerReader
from core.upstream.records import JsonRecords
from core.upstream.sse import ServerSentEvent, SseDecoder

Framing = Literal["events", "objects", "page", "text"]

_PAGES = (b"<!doctype", b"<html")
_TEXTS = ("message", "content", "token", "text", "delta", "response", "answer", "chunk")
_IDS = ("conversationId", "conversation_id", "history_id", "sessionId")
_ENDINGS = frozenset({"result", "done", "end", "complete", "final", "finish"})
_SILENT = frozenset({"start", "metadata", "ping", "heartbeat"})
_PAGE_LIMIT = 64 * 1024

_STATUSES = {
    "RATE_LIMIT_EXCEEDED": 429,
    "INVALID_API_KEY": 401,
    "BOT_NOT_FOUND": 404,
    "INVALID_REQUEST": 400,
    "INTERNAL_ERROR": 500,
}


def error_for(complaint: Complaint, status: int | None = None) -> UpstreamError:
    """The error of one of the vendor's codes, whatever the HTTP status that came with it."""
    if complaint.code == "BOT_NOT_FOUND":
        return UpstreamRefused(NO_ADDRESS, detail=complaint.detail)
    return error_by_words(complaint, status or _STATUSES.get(complaint.code))


def judge(status: int, said: bytes) -> UpstreamError:
    """The `Judge` of a call that names no conversation."""
    return error_for(complaint_in(said), status)


def judge_known(status: int, said: bytes) -> UpstreamError:
    """As `judge`, where a conversation is named: only a code can tell that it was not that which was not found."""
    complaint = complaint_in(said)
    if status == 404 and complaint.code != "BOT_NOT_FOUND" and "bot not found" not in complaint.message.lower():
        return ConversationUnknown(detail=complaint.detail)
    return error_for(complaint, status)


def unwrapped(document: object) -> dict[str, Any]:
    """What the envelope holds, or the document itself where there is none. Raises the error that it holds."""
    fields = table(document)
    if (complaint := complaint_within(fields)) is not None:
        raise error_for(complaint)
    return table(fields.get("data")) or fields


def framing_of(start: bytes) -> Framing | None:
    """How a body that begins with these bytes is framed; None: they do not tell yet."""
    begun = start.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    if begun.startswith(b"{"):
        return "objects"
    if begun.startswith(b"<"):
        lower = begun[:9].lower()
        if any(lower.startswith(page) for page in _PAGES):
            return "page"
        return None if any(page.startswith(lower) for page in _PAGES) else "text"
    match is_event_stream(start):
        case None:
            return None
        case True:
            return "events"
        case False:
            return "text"


def text_in(fields: dict[str, Any]) -> str:
    """The text of a record, under any of the usual names."""
    for key in _TEXTS:
        value = fields.get(key)
        if isinstance(value, str):
            if value:
                return value
        elif isinstance(value, dict) and (found := text_in(value)):
            return found
    if found := first([table(fields.get("bot")).get("text")]):
        return found
    for choice in rows(fields.get("choices"))[:1]:
        if found := first([table(table(choice).get("delta")).get("content")]):
            return found
    data = fields.get("data")
    return data if isinstance(data, str) else text_in(data) if isinstance(data, dict) else ""


def id_in(fields: dict[str, Any]) -> str:
    """The conversation that a record names."""
    return first(fields.get(key) for key in _IDS) or first(table(fields.get("data")).get(key) for key in _IDS)


class MyGptAssistantsReader(AnswerReader):
    """See `core.upstream.reader.AnswerReader`."""

    def __init__(self) -> None:
        super().__init__()
        self._framing: Framing | None = None
        self._start = b""
        self._events = SseDecoder(bare_events=True)
        self._objects = JsonRecords()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._page = bytearray()
        self._told: list[str] = []
        self._typed = False  # events or records tell of what kind they are: then there is one for the end

    def _take(self, data: bytes) -> None:
        if self._framing is None:
            data = self._start = self._start + data
            self._framing = framing_of(data)
            if self._framing is None:
                if not data.strip():
                    self._start = b""
                return
            if self._framing == "text":
                data = data.removeprefix(codecs.BOM_UTF8)
        match self._framing:
            case "events":
                for event in self._events.feed(data):
                    self._event(event)
                    if self._ended:
                        return
            case "objects":
                for record in self._objects.feed(data):
                    self._object(record)
                    if self._ended:
                        return
            case "page":
                self._page += data[: _PAGE_LIMIT - len(self._page)]
            case "text":
                self._append(self._decoder.decode(data))

    def _finish(self) -> None:
        match self._framing:
            case None if self._start.strip():
                self._append(self._start.decode("utf-8", "replace"))
                self._whole = True
            case "events":
                if (last := self._events.close()) is not None:
                    self._event(last)
                self._whole = self._whole or (self._out.spoke and not self._typed)
            case "objects":
                for record in self._objects.close():
                    if not self._ended:
                        self._object(record)
                self._whole = self._whole or (self._out.spoke and not self._typed)
            case "page":
                raise error_for(complaint_in(bytes(self._page)), 502)
            case "text":
                self._append(self._decoder.decode(b"", final=True))
                self._whole = True
            case _:
                pass  # not a byte of it

    def _event(self, event: ServerSentEvent) -> None:
        name = event.event
        data = event.data.strip()
        if data in (b"[DONE]", b'"[DONE]"'):
            self._end()
            return
        if data.startswith(b"{"):
            try:
                fields = table(parsed(data))
            except Unreadable as error:
                self._gap = f"unreadable event: {error}"
                return
            self._record(name, fields)
        elif name == "error":
            raise error_for(Complaint("", data.decode("utf-8", "replace")))
        elif name in _ENDINGS:
            self._end()
        elif name not in _SILENT and event.data:
            self._typed = self._typed or name != "message"
            self._append(event.data.decode("utf-8", "replace"))

    def _object(self, record: bytes) -> None:
        try:
            fields = table(parsed(record))
        except Unreadable as error:
            self._gap = f"unreadable record: {error}"
            return
        if "success" in fields:
            self.answer(fields)
        else:
            self._record("message", fields)

    def answer(self, document: object) -> None:
        """Tells the whole answer of the blocking call."""
        fields = unwrapped(document)
        self._open(id_in(fields) or id_in(table(document)))
        self._complete(text_in(fields))
        self._end()

    def _record(self, name: str, fields: dict[str, Any]) -> None:
        if name == "error":
            raise error_for(complaint_of(fields) or Complaint("", "an error without a word"))
        if (complaint := complaint_within(fields)) is not None:
            raise error_for(complaint)
        self._open(id_in(fields))
        kind = fields.get("type") if isinstance(fields.get("type"), str) else fields.get("event")
        self._typed = self._typed or name != "message" or kind is not None
        if name in _ENDINGS or kind in _ENDINGS or fields.get("done") is True:
            self._complete(text_in(fields))
            self._end()
        elif name not in _SILENT and kind not in _SILENT:
            text, told = text_in(fields), "".join(self._told)
            if "success" in fields and told and text.startswith(told):
                self._complete(text)  # the envelope of the blocking call, with the answer as far as it is
            else:
                self._append(text)

    def _append(self, text: str) -> None:
        if text:
            self._told.append(text)
            self._out.append(text)

    def _complete(self, text: str) -> None:
        """The whole text once more: nothing to tell, what is missing, or something else altogether."""
        told = "".join(self._told)
        if not text or text == told:
            return
        self._gap = ""  # whatever was lost is in it
        if text.startswith(told):
            self._append(text[len(told) :])
        else:
            self._told = [text]
            self._out.replace(text)
