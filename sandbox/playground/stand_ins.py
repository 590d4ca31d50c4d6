"""The four stand-ins together: at the ports they had, with the worlds they had."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from sandbox.discord import DiscordServer
from sandbox.discord.records import Refusal as DiscordRefusal
from sandbox.playground.config import KINDS, Table, upstreams
from sandbox.playground.errors import PlaygroundError
from sandbox.playground.people import settle_in_discord, settle_in_slack, settle_in_telegram
from sandbox.playground.uploads import Upload
from sandbox.slack import SlackServer
from sandbox.slack.delivery import NotTaken
from sandbox.slack.world import SlackError
from sandbox.stand_in import StandIn
from sandbox.telegram import TelegramServer
from sandbox.telegram.refusal import Refusal as TelegramRefusal
from sandbox.upstream import API_KEY, BOT_ID, UpstreamServer

SLACK_RETRIES = (0.5, 1, 2, 3, 5, 10, 30, 60, 300)
"""Seconds after which Slack sends an event again that nobody took. Really it is at once, after a minute and after
five: too long for one who has just restarted the program and looks at the page."""


class StandIns:
    """Use it with `async with`."""

    def __init__(self, state: Mapping[str, Any], ports: Mapping[str, int]) -> None:
        """`state` and `ports` are what `dump` and `ports` gave once. Raises `PlaygroundError` if they are not."""
        self.slack = SlackServer(port=_again(ports, "slack"))
        self.slack.courier.retry_delays = SLACK_RETRIES
        self.discord = DiscordServer(port=_again(ports, "discord"))
        self.telegram = TelegramServer(port=_again(ports, "telegram"))
        self.upstream = UpstreamServer(port=_again(ports, "upstream"))
        self.upstream.goapi.takes_early_files = True  # its page leaves it open; here one wants to see files at once
        self.platforms: dict[str, StandIn] = {one.name: one for one in (self.slack, self.discord, self.telegram)}
        self._stack = AsyncExitStack()
        for one in self:
            if one.name in state:
                try:
                    one.load(state[one.name])
                except (LookupError, TypeError, ValueError, AttributeError):
                    raise PlaygroundError(
                        f"What was kept of the {one.name} stand-in is from another version: start with --fresh."
                    ) from None
        self.let_in = {
            "slack": settle_in_slack(self.slack),
            "discord": settle_in_discord(self.discord),
            "telegram": settle_in_telegram(self.telegram),
        }
        """Those who may talk to the assistant from the start, by the platforms' own ids."""

    def __iter__(self) -> Iterator[StandIn]:
        yield from self.platforms.values()
        yield self.upstream

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for one in self:
                await stack.enter_async_context(one)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def dump(self) -> dict[str, Any]:
        return {one.name: one.dump() for one in self}

    @property
    def ports(self) -> dict[str, int]:
        return {one.name: one.port for one in self}

    async def say(
        self,
        platform: str,
        place: str,
        text: str,
        *,
        author: str,
        parent: str | None,
        post: bool,
        files: Sequence[Upload] = (),
    ) -> str:
        """A person writes, with or without files; `post`: a post of Discord's forum, named for its beginning. Raises
        `ValueError` with the platform's own reason if it does not take it."""
        try:
            if post:
                title = " ".join(text.replace("@bot", "").split())[:60] or (files[0].name[:60] if files else "Untitled")
                return await self.discord.post(title, text, *_parts(files), forum=place, author=author)
            if files:
                return await self._attach(platform, place, text, files, author, parent)
            return await self.platforms[platform].say(place, text, author=author, parent=parent)
        except (DiscordRefusal, TelegramRefusal, SlackError, LookupError) as error:
            raise ValueError(str(error)) from None

    async def _attach(
        self, platform: str, place: str, text: str, files: Sequence[Upload], author: str, parent: str | None
    ) -> str:
        """As each platform's client does it."""
        match platform:
            case "slack":
                kept = [self.slack.file(one.name, one.content, one.media_type, author=author) for one in files]
                return await self.slack.say(place, text, author=author, parent=parent, files=tuple(kept))
            case "discord":
                return await self.discord.attach(place, text, *_parts(files), author=author, reply_to=parent)
            case _:
                return await self._send_albums(place, text, files, author, parent)

    async def _send_albums(
        self, place: str, text: str, files: Sequence[Upload], author: str, parent: str | None
    ) -> str:
        """What Telegram compresses, it takes for photos; other pictures come to it as the files that they are. An album
        is of photos or of files, so both make two. The text stands below the first of all."""
        said: list[str] = []
        for kind in ("photo", "document"):
            together = [one for one in files if (one.media_type == "image/jpeg") == (kind == "photo")]
            album = {"media_group_id": secrets.token_hex(8)} if len(together) > 1 else None
            for file in together:
                said.append(
                    await self.telegram.attach(
                        place,
                        kind,
                        file.content,
                        name=file.name,
                        media_type=file.media_type,
                        caption="" if said else text,
                        author=author,
                        parent=parent,
                        extra=album,
                    )
                )
        return said[0]

    async def press(self, platform: str, place: str, message: str, button: str, *, author: str) -> None:
        """A person presses a button. Raises `ValueError` if the program does not take it."""
        try:
            await self.platforms[platform].press(place, message, button, author=author)
        except (SlackError, NotTaken, LookupError, StopIteration) as error:
            raise ValueError(str(error) or "nobody takes it") from None

    def bridges(self) -> dict[str, Table]:
        """The sections of the configuration that lead the program to the platforms."""
        return {
            "slack": {"bot_token": "xoxb-sandbox", "app_token": "xapp-sandbox", "api_url": self.slack.api_url},
            "discord": {
                "token": "sandbox-discord-token",
                "api_url": self.discord.api_url,
                "gateway_url": self.discord.gateway_url,
            },
            "telegram": {"token": "100001:sandbox-telegram-token", "api_url": self.telegram.api_url},
        }

    def upstreams(self) -> dict[str, Table]:
        return upstreams({kind: self.upstream.base_url(kind) for kind in KINDS}, API_KEY, BOT_ID)


def _parts(files: Sequence[Upload]) -> list[tuple[str, str, bytes]]:
    """As Discord's stand-in takes files."""
    return [(file.name, file.media_type, file.content) for file in files]


def _again(ports: Mapping[str, int], name: str) -> int:
    """The port that it had, if that is free; else 0, for any."""
    wished = ports.get(name, 0)
    return wished if wished and free_port(wished) == wished else 0


def free_port(wished: int) -> int:
    """The port that was wished for, if nothing is there; else another."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PlaygroundError("This machine has no free port.")
