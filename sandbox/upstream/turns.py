"""One turn, whatever the protocol: asks the brain, writes the answer at the set speed, plays the faults, keeps the
record, and notices when the client goes away. The protocols say how it looks on the wire, in a `Framing`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from sandbox.faults import Fault
from sandbox.feed import Feed
from sandbox.stand_in import hang_up
from sandbox.upstream import brain
from sandbox.upstream.conversations import Attached, Conversation, Conversations, Said
from sandbox.upstream.pieces import Piece, pieces, script
from sandbox.upstream.tempo import Tempo

TOLD_EVERY = 0.05
"""Seconds between two `text` happenings of one answer."""
BEFORE_BREAK = 0.05
"""Seconds: what was written has to reach the client before the connection breaks, or it would be lost with it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that came in."""

    name: str
    request: web.Request
    fault: Fault | None
    body: Any
    """The JSON of the request; None if there is none, or it cannot be read."""


class Framing(Protocol):
    """How one answer looks as a stream. Pure: it makes bytes and knows nothing of connections."""

    content_type: str

    def opening(self) -> Iterable[bytes]: ...

    def text(self, piece: str) -> bytes:
        """The next piece of the answer."""

    def closing(self) -> Iterable[bytes]:
        """All that comes after the last piece, the terminal marker included."""

    def error(self, fault: Fault) -> bytes | None:
        """An error in mid-answer; None: the protocol has none, and the connection breaks."""

    def garbage(self) -> bytes:
        """A record that cannot be read."""


class Turns:
    """The part of the stand-in that answers, shared by the four protocols."""

    def __init__(self, feed: Feed, tempo: Tempo) -> None:
        self.feed = feed
        self.tempo = tempo
        self.conversations = Conversations()
        self.split: int | None = None
        """Bytes that are written at once, at most: tears records, lines and characters apart."""
        self.finishes_abandoned = False
        """Is an answer whose reader went away written to its end, at its pace, and recorded? No vendor says."""
        self._finishing: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Ends the answers that are written for nobody."""
        for task in (tasks := tuple(self._finishing)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ask(
        self,
        conversation: Conversation,
        text: str,
        attached: tuple[Attached, ...] = (),
        *,
        history: Sequence[Said] | None = None,
        id: str = "",
        draws: bool = False,
    ) -> str:
        """Records the person's message and thinks of the answer. `history`: in place of the conversation's own."""
        before = tuple(conversation.messages) if history is None else history
        conversation.add("user", text, id=id, attached=attached)
        return brain.reply(before, text, attached, via=conversation.kind, draws=draws)

    async def stream(
        self,
        call: Call,
        conversation: Conversation,
        answer: str,
        framing: Framing,
        *,
        answer_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        """Writes the answer as it comes. The record is complete, and the conversation free, before the client can see
        the end."""
        response = web.StreamResponse(
            headers={**(headers or {}), "Content-Type": framing.content_type, "Cache-Control": "no-cache"}
        )
        writing = _Writing(self, conversation, answer)
        ending: Fault | None = None
        try:
            with conversation.answering():
                if not _lost(call):
                    await response.prepare(call.request)
                    for record in framing.opening():
                        await self._write(response, record)
                for step in script(answer, call.fault):
                    if isinstance(step, Piece):
                        await writing.wait(step)
                        if not _lost(call):
                            await self._write(response, framing.text(step.text))
                        writing.wrote(step)
                    elif step.kind == "garbage":
                        await self._write(response, framing.garbage())
                    else:
                        ending = step
                writing.finished(answer_id, failed=ending is not None and ending.kind == "error")
            if _lost(call):
                hang_up(call.request)
                return response
            return await self._end(call, response, framing, ending)
        except (asyncio.CancelledError, ConnectionError):
            self._abandoned(conversation, writing, answer_id)
            raise

    async def _end(
        self, call: Call, response: web.StreamResponse, framing: Framing, ending: Fault | None
    ) -> web.StreamResponse:
        match ending:
            case None:
                for record in framing.closing():
                    await self._write(response, record)
            case Fault(kind="error") if (last := framing.error(ending)) is not None:
                await self._write(response, last)
            case Fault(kind="cut"):
                pass
            case _:
                await asyncio.sleep(BEFORE_BREAK)
                hang_up(call.request)
                return response
        await response.write_eof()
        return response

    async def block(
        self,
        call: Call,
        conversation: Conversation,
        answer: str,
        *,
        body: Callable[[], Any],
        error: Callable[[Fault], web.Response],
        answer_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        """Answers in one piece, after the time that writing it takes. `body` is the JSON of the whole answer.

        `cut` gives half of it, `garbage` a page of HTML, `break` nothing, and `error` what `error` makes of it."""
        writing = _Writing(self, conversation, answer)
        ending: Fault | None = None
        try:
            with conversation.answering():
                for step in script(answer, call.fault):
                    if isinstance(step, Fault):
                        ending = step
                    else:
                        await writing.wait(step)
                        writing.wrote(step)
                writing.finished(answer_id, failed=ending is not None and ending.kind == "error")
        except asyncio.CancelledError:
            self._abandoned(conversation, writing, answer_id)
            raise
        whole = json.dumps(body(), ensure_ascii=False).encode("utf-8", "replace")
        match ending:
            case Fault(kind="error"):
                return error(ending)
            case Fault(kind="break"):
                hang_up(call.request)
            case Fault(kind="cut"):
                whole = whole[: len(whole) // 2]
            case Fault(kind="garbage"):
                whole = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
            case _:
                pass
        return web.Response(body=whole, content_type="application/json", headers=headers)

    def _abandoned(self, conversation: Conversation, writing: _Writing, answer_id: str) -> None:
        if writing.abandoned() and self.finishes_abandoned:
            conversation.busy = True  # at once, and not only when the task begins
            task = asyncio.create_task(writing.finish(answer_id))
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    async def _write(self, response: web.StreamResponse, record: bytes) -> None:
        size = self.split or len(record) or 1
        for start in range(0, len(record), size):
            await response.write(record[start : start + size])
            if self.split:
                await asyncio.sleep(0)  # each goes out by itself


class _Writing:
    """The progress of one answer: its pace, and what the feed and the record are told."""

    def __init__(self, turns: Turns, conversation: Conversation, answer: str) -> None:
        self._turns = turns
        self._conversation = conversation
        self._answer = answer
        self._words = self._length = 0
        self._due = asyncio.get_running_loop().time()
        self._told = 0.0
        self._over = False

    async def wait(self, piece: Piece) -> None:
        self._due = await self._turns.tempo.wait(piece.words, written=self._words, due=self._due)

    def wrote(self, piece: Piece) -> None:
        self._words += piece.words
        self._length += len(piece.text)
        now = asyncio.get_running_loop().time()
        if now - self._told >= TOLD_EVERY:
            self._told = now
            self._publish("text")

    def finished(self, answer_id: str, *, failed: bool) -> None:
        """Keeps the answer, unless the upstream itself failed; then only the person's message stays."""
        self._over = True
        if not failed:
            self._conversation.add("assistant", self._answer, id=answer_id)
        self._publish("failed" if failed else "answered")

    def abandoned(self) -> bool:
        """The reader went away. True: before the end."""
        if not self._over:
            self._over = True
            self._publish("abandoned")
            return True
        return False

    async def finish(self, answer_id: str) -> None:
        """Writes the rest for nobody, with the conversation held as if there were a reader."""
        with self._conversation.answering():
            for piece in pieces(self._answer[self._length :]):
                await self.wait(piece)
                self.wrote(piece)
            self.finished(answer_id, failed=False)

    def _publish(self, kind: str) -> None:
        self._turns.feed.publish(
            kind, system=self._conversation.kind, conversation=self._conversation.id, length=self._length
        )


def _lost(call: Call) -> bool:
    return call.fault is not None and call.fault.kind == "lost"
