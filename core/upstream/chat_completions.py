"""Reads the stream of OpenAI's Chat Completions, as a dozen servers speak it."""

from __future__ import annotations

import mimetypes
from typing import Any

from core.errors import AnswerInterrupted, PromptRejected
from core.model import File, Usage
from core.upstream.alike import Alike
from core.upstream.event_stream import EventStream
from core.upstream.failures import MODERATED, Complaint, complaint_in, complaint_of, complaint_within, error_for
from core.upstream.fields import Unreadable, number, parsed, rows, table, whole, words
from core.upstream.packed import kind_of, unpacked
from core.upstream.reader import CUT_SHORT, FILTERED, AnswerReader
from core.upstream.sse import ServerSentEvent
from core.upstream.thinking import WithoutThinking


class ChatCompletionsReader(AnswerReader):
    """See `core.upstream.reader.AnswerReader`. Thoughts and calls of tools are not told, only that they happen."""

    def __init__(self) -> None:
        super().__init__()
        self._stream = EventStream()
        self._thinking = WithoutThinking()
        self._finished = ""
        self._alike: Alike | None = None  # how a record of nothing but text has looked

    def _take(self, data: bytes) -> None:
        alike = self._alike if self._stream.between_events else None
        if alike is not None and (text := alike.row(data)) is not None:
            self._say(text)
            return
        for event in self._stream.feed(data):
            content = None if self._alike is None else self._alike.content(event.data)
            if content is not None and event.event != "error":
                self._say(content)
                continue
            self._event(event)
            if self._ended:
                return

    def _finish(self) -> None:
        for event in self._stream.close():
            self._event(event)
        foreign = self._stream.foreign.strip()
        if not foreign:
            return
        try:
            document = table(parsed(foreign))
        except Unreadable:
            document = {}
        if not rows(document.get("choices")):
            raise error_for(complaint_in(foreign))
        self._chunk(document)  # a server that does not stream
        self._whole = self._whole or not self._finished

    def _release(self) -> None:
        self._out.append(self._thinking.close())
        if self._failure is not None:
            return
        match self._finished:
            case "length":
                self._out.append(CUT_SHORT)
            case "content_filter" if self._out.spoke:
                self._out.append(FILTERED)
            case "content_filter":
                raise PromptRejected(MODERATED, detail="finish_reason content_filter")
            case "tool_calls" | "function_call" if not self._out.spoke:
                raise AnswerInterrupted(
                    "The assistant wanted to use a tool that it does not have here. Please ask in another way.",
                    detail=f"finish_reason {self._finished}",
                )

    def _event(self, event: ServerSentEvent) -> None:
        data = event.data
        if data.startswith(b"[DONE]") or data.strip() == b'"[DONE]"':
            self._end()
            return
        try:
            value = parsed(data)
        except Unreadable as error:
            if event.event == "error":
                raise error_for(Complaint("", data.decode("utf-8", "replace"))) from None
            self._gap = f"unreadable event: {error}"
            return
        if event.event == "error":
            raise error_for(complaint_of(value) or Complaint("", "an error without a word"))
        self._chunk(table(value))
        if not self._whole and self._usage is None:
            self._alike = Alike.to(data, table(value)) or self._alike

    def _chunk(self, chunk: dict[str, Any]) -> None:
        for choice in rows(chunk.get("choices")):
            fields = table(choice)
            if fields.get("index") in (0, None):
                self._delta(table(fields.get("delta")) or table(fields.get("message")))
                self._reason(words(fields.get("finish_reason")), chunk, fields)
                break
        if (complaint := complaint_within(chunk)) is not None:
            raise error_for(complaint)
        if usage := table(chunk.get("usage")):
            self._usage = Usage(
                whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens")), number(usage.get("cost"))
            )

    def _delta(self, delta: dict[str, Any]) -> None:
        content = delta.get("content")
        if isinstance(content, list):  # some servers split the text into parts here too
            content = "".join(words(table(part).get("text")) for part in content)
        if isinstance(content, str) and content:
            self._say(content)
        elif delta.get("reasoning_content") or delta.get("reasoning") or delta.get("reasoning_details"):
            self._out.status("Thinking")
        elif delta.get("tool_calls") or delta.get("function_call"):
            self._out.status("Working")
        for image in rows(
            delta.get("images")
        ):  # of routers, https://docs.litellm.ai/docs/completion/image_generation_chat
            self._picture(words(table(table(image).get("image_url")).get("url")))
        if refusal := words(delta.get("refusal")):
            self._out.append(refusal)

    def _picture(self, address: str) -> None:
        """A file, by its address or inside of it."""
        media_type = kind_of(address) or "image/png"
        source: str | bytes = address if address.startswith(("https://", "http://")) else unpacked(address)
        if source:
            self._files += 1
            ending = mimetypes.guess_extension(media_type) or ""
            self._out.tell(File(f"image-{self._files}{ending}", media_type, source))

    def _say(self, content: str) -> None:
        self._out.append(self._thinking.feed(content))
        if self._thinking.thinking:
            self._out.status("Thinking")

    def _reason(self, reason: str, chunk: dict[str, Any], choice: dict[str, Any]) -> None:
        if not reason:
            return
        if reason == "error":
            raise error_for(complaint_of(chunk) or complaint_of(choice) or Complaint("", "finish_reason error"))
        self._finished = reason
        self._whole = True  # some servers leave out [DONE]
