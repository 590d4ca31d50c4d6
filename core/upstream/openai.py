"""Any server that speaks OpenAI's Chat Completions. It remembers nothing: every call carries the history."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from core.errors import PromptRejected, UpstreamError
from core.model import Attachment, Event, Exchange, Prompt
from core.settings import OpenAi
from core.upstream import Limits
from core.upstream.adapter import Adapter
from core.upstream.chat_completions import ChatCompletionsReader
from core.upstream.failures import complaint_in, error_for
from core.upstream.files import MB, Loaded, Luggage, extension, load, media_type
from core.upstream.http import Call, Sleep

_FILES = 10
_IMAGE_SIZE = 10 * MB  # what the smaller of the well-known servers take
_TEXT_SIZE = 256 * 1024  # a longer text hardly fits into any model's window
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# fmt: off
_TEXTS = frozenset({
    "bat", "c", "cfg", "conf", "cpp", "cs", "css", "csv", "diff", "go", "h", "hpp", "htm", "html", "ics", "ini", "java",
    "js", "json", "jsonl", "jsx", "kt", "log", "lua", "md", "patch", "php", "pl", "ps1", "py", "r", "rb", "rs", "rst",
    "scala", "scss", "sh", "sql", "srt", "swift", "tex", "toml", "ts", "tsv", "tsx", "txt", "vtt", "xml", "yaml", "yml",
})
# fmt: on


class OpenAiUpstream(Adapter):
    """See `core.upstream.Upstream`."""

    def __init__(self, name: str, section: OpenAi, *, sleep: Sleep = asyncio.sleep) -> None:
        key = section.api_key.get_secret_value() if section.api_key else ""
        super().__init__(name, section, {"Authorization": f"Bearer {key}"} if key else {}, sleep=sleep)
        self._section = section
        self._refused: set[str] = set()

    @property
    def limits(self) -> Limits:
        return Limits(files=_FILES, file_size=_IMAGE_SIZE)

    @property
    def remembers(self) -> bool:
        return False

    async def _answer(self, prompt: Prompt, until: float | None) -> AsyncGenerator[Event, None]:
        luggage = await load(prompt, _allowed, most=_FILES)
        while True:
            judge = _Judge()
            call = Call("POST", "/chat/completions", json=self._body(prompt, luggage))
            try:
                async with (
                    self._http.exchange(call, judge, until) as answer,
                    aclosing(self._read(answer, ChatCompletionsReader())) as events,
                ):
                    async for event in events:
                        yield event
                    return
            except PromptRejected:
                # a refusing status, so that nothing was done yet: ask again without what this server does not know
                if judge.parameter is None or judge.parameter in self._refused:
                    raise
                self._refused.add(judge.parameter)

    def _body(self, prompt: Prompt, luggage: Luggage) -> dict[str, Any]:
        section = self._section
        body: dict[str, Any] = {
            "model": section.model,
            "messages": messages(section, prompt.history, luggage),
            "stream": True,
        }
        if "stream_options" not in self._refused:
            body["stream_options"] = {"include_usage": True}
        if section.max_tokens is not None:
            newer = "max_tokens" in self._refused
            body["max_completion_tokens" if newer else "max_tokens"] = section.max_tokens
        if section.temperature is not None and "temperature" not in self._refused:
            body["temperature"] = section.temperature
        if section.modalities and "modalities" not in self._refused:
            body["modalities"] = list(section.modalities)
        return body


class _Judge:
    """Takes note of the parameter that a refusal names."""

    def __init__(self) -> None:
        self.parameter: str | None = None

    def __call__(self, status: int, said: bytes) -> UpstreamError:
        complaint = complaint_in(said)
        if status in (400, 422) and (named := _PARAMETER.search(complaint.message)) is not None:
            self.parameter = named[0]
            return PromptRejected(detail=f"HTTP {status} {complaint.detail}")
        return error_for(complaint, status)


_PARAMETER = re.compile(r"stream_options|max_tokens|temperature|modalities")


def messages(section: OpenAi, history: tuple[Exchange, ...], luggage: Luggage) -> list[dict[str, Any]]:
    """The conversation as this API wants it. Of the history, the newest exchanges that fit the configured bounds."""
    made: list[dict[str, Any]] = []
    if section.system:
        made.append({"role": "system", "content": section.system})
    for exchange in bounded(history, section.history_exchanges, section.history_characters):
        made.append({"role": "user", "content": exchange.prompt})
        made.append({"role": "assistant", "content": exchange.reply})
    texts = [_inlined(file) for file in luggage.files if file.media_type not in _IMAGES]
    text = "\n\n".join(part for part in (*texts, luggage.text) if part)
    images = [_image(file) for file in luggage.files if file.media_type in _IMAGES]
    words = [{"type": "text", "text": text}] if text else []
    made.append({"role": "user", "content": [*words, *images] if images else text})
    return made


def bounded(history: tuple[Exchange, ...], exchanges: int, characters: int) -> Iterable[Exchange]:
    """The newest of them, oldest first: at most so many, and only whole ones that fit together."""
    kept: list[Exchange] = []
    for exchange in reversed(history):
        characters -= len(exchange.prompt) + len(exchange.reply)
        if len(kept) == exchanges or characters < 0:
            break
        kept.append(exchange)
    return reversed(kept)


def _allowed(attachment: Attachment) -> int | str:
    kind = media_type(attachment)
    if kind in _IMAGES:
        return _IMAGE_SIZE
    if kind.startswith("text/") or extension(attachment) in _TEXTS:
        return _TEXT_SIZE
    return "the assistant only takes images and files of text"


def _inlined(file: Loaded) -> str:
    return f"The file {file.name}:\n\n{file.data.decode('utf-8', 'replace')}"


def _image(file: Loaded) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{file.media_type};base64,{file.base64}"}}
