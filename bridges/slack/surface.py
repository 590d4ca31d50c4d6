"""One message of Slack's being written: posted once, then edited."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bridges.slack import buttons, format, streams
from bridges.slack.errors import FormatRefused, StillStreaming, TextTooLong
from bridges.slack.finding import metadata
from bridges.slack.thread import Thread
from bridges.slack.web import Json, Web
from core.controls import NONE, Controls
from core.errors import MessageMissing, PlatformRefused, PlatformUnavailable
from core.model import MessageId

log = logging.getLogger(__name__)

NOTHING_YET = "…"
"""Stands in a message that is empty for now: Slack has no empty ones."""

Write = Callable[[str, list[Json]], Awaitable[AsyncSlackResponse]]


class SlackSurface:
    def __init__(
        self, web: Web, place: Thread, key: str, message: MessageId | None, *, shown: str | None = None
    ) -> None:
        """`shown`: what the message is known to show already."""
        self._web = web
        self._place = place
        self._key = key
        self._message = message
        self._shown = shown
        self.offered = self._controls = NONE
        self._plain = False
        """Blocks with a text like this one's were refused: until the final text they are not tried again."""
        self._footed = True
        """Buttons were not refused."""

    @property
    def message(self) -> MessageId | None:
        return self._message

    @property
    def shown(self) -> str | None:
        return self._shown

    def offer(self, controls: Controls) -> None:
        self._controls = controls

    async def show(self, text: str, *, final: bool) -> None:
        if format.blank(text):
            await self._show_nothing(text, final=final)
        elif text != self._shown or (final and (self._plain or self._controls != self.offered)):
            await self._show(text, final=final)
            self._shown = text

    async def _show_nothing(self, text: str, *, final: bool) -> None:
        if self._message is None:
            self._shown = text or None
        elif final:
            await self._delete(self._message)
            self._message, self._shown = None, text
        elif text != self._shown:
            await self._update(self._message, NOTHING_YET, final=final)
            self._shown = text

    async def _show(self, text: str, *, final: bool) -> None:
        if self._message is not None:
            await self._update(self._message, text, final=final)
            return
        answer = await self._write(self._post, text, final=final)
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise PlatformUnavailable(detail="chat.postMessage answered without a ts")
        self._message = MessageId(ts)

    async def _update(self, message: MessageId, text: str, *, final: bool) -> None:
        def update(fallback: str, blocks: list[Json]) -> Awaitable[AsyncSlackResponse]:
            # a list without blocks takes those away that were there; without parse=none names of people and channels
            # in the text would become mentions
            return self._web.api.chat_update(
                channel=self._place.channel,
                ts=message,
                text=fallback,
                blocks=blocks,
                parse="none",
                link_names=False,
                metadata=metadata(self._key),
            )

        try:
            await self._write(update, text, final=final)
        except StillStreaming:
            # an earlier run of the program left it like that
            with suppress(PlatformRefused):
                await streams.stop(self._web, self._place, message)
            await self._write(update, text, final=final)

    def _post(self, fallback: str, blocks: list[Json]) -> Awaitable[AsyncSlackResponse]:
        return self._web.api.chat_postMessage(
            channel=self._place.channel,
            thread_ts=self._place.root,
            text=fallback,
            blocks=blocks,
            parse="none",
            link_names=False,
            mrkdwn=False,
            unfurl_links=False,
            unfurl_media=False,
            metadata=metadata(self._key),
        )

    async def _delete(self, message: MessageId) -> None:
        try:
            await self._web(self._web.api.chat_delete(channel=self._place.channel, ts=message))
        except MessageMissing:
            return

    async def _write(self, write: Write, text: str, *, final: bool) -> Json:
        """One call; one more where Slack did not perform the first because of the form of the text."""
        fallback = format.fallback(text)
        controls = self._controls
        foot = buttons.blocks(controls) if self._footed else []
        blocks: list[Json] = [] if self._plain and not final else [format.block(text), *foot]
        try:
            answer = await self._web(write(fallback, blocks))
        except TextTooLong:
            if not blocks:
                raise
            return await self._web(write(format.cut(fallback), blocks))
        except FormatRefused:
            if not blocks:
                raise
            if foot:
                # it may be the buttons that this server does not know
                log.info("Slack takes no buttons here: messages go without")
                self._footed, self.offered = False, controls
                return await self._write(write, text, final=final)
            self._plain = True
            return await self._web(write(fallback, []))
        self._plain, self.offered = not blocks, controls
        return answer
