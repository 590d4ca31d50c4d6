"""The files of an answer: fetched where they are not at hand, and posted below its text. What cannot be is a link.

What the upstream itself hands over is fetched from wherever that is, as long as it is everybody's or the upstream's
own. Images in the text of an answer are another matter: whoever can put words into an answer could have this program
tell things to a server of theirs by asking it for a picture. So they are fetched from trusted hosts only.
"""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import basename
from typing import Protocol
from urllib.parse import unquote, urlsplit

from core.bridge import Attaching
from core.errors import PlatformError, PlatformUnavailable, SlowDown
from core.fetching import Fetched, Fetcher, FetchError, held, safe_name
from core.markdown.images import images
from core.model import File, MessageId, ThreadId
from core.pace import Pacer
from core.tables import Enclosure

log = logging.getLogger(__name__)

MOST = 10
"""Files of one answer; as many as a platform's own clients send at once."""
LARGEST = 50 * 2**20
"""Bytes of a file, whatever its platform takes: it lies on this machine's disk for a while."""
ATTEMPTS, FIRST_DELAY = 5, 0.5
"""At a platform that does not answer, and the seconds after the first of them; each time twice as many."""


@dataclass(frozen=True, slots=True)
class Sender:
    """An upstream, as far as its files are concerned."""

    fetcher: Fetcher
    own: str
    """The upstream's address."""
    image_hosts: tuple[str, ...] = ()
    """Trusted besides the upstream's own, with all below them; `*`: every host."""

    def images(self, text: str) -> list[File]:
        """Those of an answer's text that may be fetched."""
        return [_named(one.words, one.address) for one in images(text) if self._trusts(one.address)]

    def _trusts(self, address: str) -> bool:
        try:
            at, own = urlsplit(address), urlsplit(self.own)
            if at.scheme not in ("http", "https") or not at.hostname:
                return False
            if (at.scheme, at.hostname, at.port) == (own.scheme, own.hostname, own.port):
                return True
        except ValueError:
            return False
        host = f".{at.hostname}"
        return any(one == "*" or host.endswith(f".{one.lower().strip('.')}") for one in self.image_hosts)


def _named(words: str, address: str) -> File:
    """Named as its address says, if that has an ending; else by the words that stand for it."""
    name = basename(unquote(urlsplit(address).path))
    return File(name if "." in name.strip(".") else words or "image", "", address)


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that is to be posted below a reply."""

    file: File
    sender: Sender

    async def content(self, limit: int) -> Fetched:
        """Raises `FetchError`."""
        if isinstance(self.file.source, str):
            return await self.sender.fetcher.fetch(self.file.source, limit)
        if len(self.file.source) > limit:
            raise FetchError(detail="it is too large")
        return held(self.file.source, self.file.media_type)


class Ledger(Protocol):
    """Where files are recorded. Raises `LeaseLost` when the turn is somebody else's by now."""

    def check(self) -> None:
        """Asked before each call of the platform, and answered without the database."""

    async def enclose(self, position: int) -> Enclosure: ...

    async def enclosed(self, enclosure: Enclosure, message: MessageId) -> None: ...


@dataclass(frozen=True, slots=True)
class Enclosing:
    """Posts the files of one reply."""

    bridge: Attaching
    pacer: Pacer
    thread: ThreadId
    ledger: Ledger
    reply_to: MessageId | None

    async def post(self, files: Sequence[Enclosed]) -> list[File]:
        """One after another, those that an earlier runner has posted left out. Returns those that could not be, which
        is said in the log. Raises `LeaseLost`, or `DatabaseError`."""
        left = [one.file for one in files[MOST:]]
        for position, one in enumerate(files[:MOST]):
            enclosure = await self.ledger.enclose(position)
            if enclosure.message is not None:
                continue
            try:
                found = await one.content(min(LARGEST, self.bridge.largest_file))
                with found.content:
                    message = await self._posted(enclosure.key, safe_name(one.file.name, found.media_type), found)
            except (FetchError, PlatformError) as error:
                log.warning("a file of the answer stays a link: %s (%s)", error.sentence, error.detail)
                left.append(one.file)
            else:
                await self.ledger.enclosed(enclosure, message)
        return left

    async def _posted(self, key: str, name: str, file: Fetched) -> MessageId:
        """When the pace allows it. Raises `PlatformError`."""
        failed = 0
        while True:
            await self.pacer.ask(self.thread, "create", urgent=True).granted()
            self.ledger.check()
            file.content.seek(0)
            try:
                return await self.bridge.attach(self.thread, key, name, file, reply_to=self.reply_to)
            except SlowDown as refusal:
                self.pacer.refused(self.thread, "create", refusal.retry_after, refusal.budget)
            except PlatformUnavailable:
                failed += 1
                if failed == ATTEMPTS:
                    raise
                await asyncio.sleep(FIRST_DELAY * 2 ** (failed - 1))


def linked(file: File) -> str:
    """Markdown that stands for a file."""
    if isinstance(file.source, bytes):
        return f"*{file.name} cannot be shown here.*"
    guessed = file.media_type or mimetypes.guess_type(file.name)[0] or ""
    mark = "!" if guessed.startswith("image/") else ""
    return f"{mark}[{file.name}](<{file.source}>)"
