"""Reads GPTBots' answers: the records of a stream, and the one document of the blocking mode, which may also come
where a stream was asked for."""

from __future__ import annotations

from typing import Any

from core.errors import (
    AnswerMalformed,
    ConversationUnknown,
    PromptRejected,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import File, Usage
from core.upstream.failures import NO_ACCESS, NO_CREDIT, TOO_LONG, Complaint, complaint_in, complaint_of, is_occupied
from core.upstream.failures import error_for as error_by_words
from core.upstream.fields import Unreadable, first, number, parsed, rows, table, whole, words
from core.upstream.packed import unpacked
from core.upstream.reader import AnswerReader
from core.upstream.records import JsonRecords

_AUDIO_LIMIT = 16 * 1024 * 1024  # characters of base64 of one spoken answer
_ERRORS_FROM = 1000  # codes of stream records have one or two digits, those of errors five
_GONE = "This assistant has been deleted, or its API switched off. Its operator has to look at it."


def error_for(complaint: Complaint, status: int | None = None) -> UpstreamError:
    """The error of one of the vendor's codes, whatever the HTTP status that came with it."""
    detail = complaint.detail if status is None else f"HTTP {status} {complaint.detail}"
    match complaint.code:
        case "40127":
            return UpstreamRefused(NO_ACCESS, detail=detail)
        case "40356" | "40358":
            return ConversationUnknown(detail=detail)
        case "40364":
            return PromptRejected(
                "This assistant cannot look at images. Please send your message without.", detail=detail
            )
        case "20022":
            return UpstreamRefused(NO_CREDIT, detail=detail)
        case "20040":
            return PromptRejected(TOO_LONG, detail=detail)
        case "40378" | "20059" | "20055":
            return UpstreamRefused(_GONE, detail=detail)
        case "40000" if is_occupied(complaint):
            return UpstreamBusy(detail=detail)
        case "40000":
            return PromptRejected(detail=detail)
        case "50000":
            return UpstreamUnavailable(detail=detail)
        case _:
            return error_by_words(complaint, status)


def judge(status: int, said: bytes) -> UpstreamError:
    """The `Judge` of this vendor."""
    return error_for(complaint_in(said), status)


def checked(document: object) -> dict[str, Any]:
    """The document, unless it is an error in spite of its HTTP status. Raises that."""
    fields = table(document)
    code = whole(fields.get("code"))
    if (code is not None and code >= _ERRORS_FROM) or fields.get("error"):
        raise error_for(complaint_of(fields) or Complaint(str(code), ""))
    if not fields:
        raise AnswerMalformed(detail=f"not an object: {str(document)[:100]}")
    return fields


class GptBotsReader(AnswerReader):
    """See `core.upstream.reader.AnswerReader`."""

    def __init__(self) -> None:
        super().__init__()
        self._records = JsonRecords()
        self._any = False
        self._flow: list[str] = []
        self._audio: list[str] = []
        self._audio_size = 0

    def _take(self, data: bytes) -> None:
        for record in self._records.feed(data):
            self._record(record)
            if self._ended:
                return

    def _finish(self) -> None:
        for record in self._records.close():
            self._record(record)
            if self._ended:
                return
        if not self._any and (noise := self._records.noise.strip()):
            raise error_for(complaint_in(noise))

    def _release(self) -> None:
        # documentation shows both in one stream and leaves open whether one repeats the other
        if self._flow and not self._out.spoke:
            self._out.append("\n".join(self._flow))
        if self._audio and self._whole:
            self._speech("".join(self._audio))

    def _record(self, record: bytes) -> None:
        try:
            fields = table(parsed(record))
        except Unreadable as error:
            self._gap = f"unreadable record: {error}"
            return
        self._any = True
        code = whole(fields.get("code"))
        if code is None and ("output" in fields or "text" in fields):
            self.answer(fields)
            return
        data = fields.get("data")
        match code:
            case 0:
                self._end()
            case 3:
                self._out.append(words(data))
            case 4:
                self._usage = _usage(table(data))
            case 5:
                self._out.status("Working")
            case 10:
                for output in rows(data):
                    self._flow_output(table(output))
            case 39:
                self._out.append(words(table(data).get("transcript")))
                self._hear(words(table(data).get("audioAnswer")))
            case 11:
                self._answer_id = words(table(data).get("message_id"))
            case 41:
                self._out.status("Thinking")
            case _:
                checked(fields)  # citations, and codes that may yet come mean nothing here

    def answer(self, document: dict[str, Any]) -> None:
        """Tells the whole answer of the blocking mode, version 1 or 2."""
        self._answer_id = words(document.get("message_id"))
        texts = [words(document.get("text"))]
        for output in rows(document.get("output")):
            content = table(output).get("content")
            texts.append(first([content, table(content).get("text")]))
            for audio in rows(table(content).get("audio")):
                texts.append(words(table(audio).get("transcript")))
                self._speech(first([table(audio).get("audio"), table(audio).get("url")]))
        for output in rows(document.get("flow_output")):
            self._flow_output(table(output))
        self._out.append("\n".join(text for text in texts if text))
        usage = table(document.get("usage"))
        if usage:
            self._usage = _usage(table(usage.get("tokens")), table(usage.get("credits")))
        self._end()

    def _flow_output(self, output: dict[str, Any]) -> None:
        if text := words(output.get("content")):
            self._flow.append(text)
        for audio in rows(output.get("audioDatas")):
            fields = table(audio)
            if not words(output.get("content")):
                self._flow.extend(text for text in [words(fields.get("transcript"))] if text)
            self._speech(words(fields.get("url")))

    def _hear(self, fragment: str) -> None:
        self._audio_size += len(fragment)
        if self._audio_size > _AUDIO_LIMIT:
            raise AnswerMalformed(detail="the spoken answer is too large")
        if fragment:
            self._audio.append(fragment)

    def _speech(self, source: str) -> None:
        """A spoken answer as a file: an address, or base64."""
        if not source:
            return
        if source.startswith(("https://", "http://")):
            self._out.tell(File("answer.mp3", "audio/mpeg", source))
        elif sound := unpacked(source):
            media_type, ending = _sound_type(sound)
            self._out.tell(File(f"answer.{ending}", media_type, sound))
        else:
            return
        self._files += 1


def _sound_type(sound: bytes) -> tuple[str, str]:
    if sound.startswith(b"RIFF"):
        return "audio/wav", "wav"
    if sound.startswith(b"OggS"):
        return "audio/ogg", "ogg"
    return "audio/mpeg", "mp3"


def _usage(tokens: dict[str, Any], credit: dict[str, Any] | None = None) -> Usage:
    total = table(credit)
    return Usage(
        whole(tokens.get("prompt_tokens")),
        whole(tokens.get("completion_tokens")),
        number(total.get("total_credits", total.get("total"))),
    )
