"""The real program as a process of its own, and the stand-ins it talks to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, get_args

from sandbox.discord import DiscordServer
from sandbox.feed import Feed
from sandbox.slack import SlackServer
from sandbox.stand_in import StandIn, View
from sandbox.telegram import TelegramServer
from sandbox.upstream import UpstreamServer
from tests.discretion import hear
from tests.nursery import Child, born

Kind = Literal["goapi", "gptbots", "mygptassistants", "openai"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WITHIN = 120.0
"""Seconds that anything may take on a slow machine that many share."""


@dataclass
class Program:
    """`threadbridge ARGUMENTS`; used with `async with`, it is ended at the end."""

    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    typed: str = ""
    """What comes through its standard input, which then ends."""
    log: list[str] = field(default_factory=list)
    _child: Child | None = None
    _reading: asyncio.Task[None] | None = None
    _line: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._child = await born(self.arguments, {**os.environ, **self.environment}, self.folder, self.typed)
        self._reading = asyncio.create_task(self._read(self._child))
        return self

    async def _read(self, child: Child) -> None:
        output = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), child.output
        )
        with contextlib.closing(transport):
            async for line in output:
                self.log.append(line.decode(errors="replace").rstrip())
                hear("output of a program", self.log[-1])
                self._line.set()
        self._line.set()

    async def said(self, words: str, *others: str, within: float = WITHIN) -> str:
        """Waits for a line of the log with these words, or with some of the others."""
        assert self._reading is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    found = next((line for line in self.log if any(one in line for one in (words, *others))), None)
                    if found is not None:
                        return found
                    if self._reading.done():
                        break
                    self._line.clear()
                    await self._line.wait()
        raise AssertionError(f"{words!r} was not said:\n" + "\n".join(self.log[-30:]))

    async def ended(self, within: float = WITHIN) -> int:
        """Waits for the end, and gives the exit code."""
        assert self._child is not None
        assert self._reading is not None
        async with asyncio.timeout(within):
            code = await self._child.wait()
            await self._reading
        return code

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.code is None

    def send(self, number: signal.Signals) -> None:
        """A signal, if it runs still."""
        if self.running:
            os.kill(self.pid, number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.send(number)
        return await self.ended()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.send(signal.SIGKILL)
        await self.ended()


class Talking(Protocol):
    """Where people talk with the program."""

    name: str
    feed: Feed

    def view(self, place: str, /) -> list[View]: ...

    async def say(self, place: str, text: str, /, *, author: str = ..., parent: str | None = None) -> str: ...


@dataclass
class World:
    """The three platforms and the upstream, standing in."""

    slack: SlackServer
    discord: DiscordServer
    telegram: TelegramServer
    upstream: UpstreamServer
    web: Talking | None = None
    """People at clients of the program itself, where there are any (`tests.visitors`)."""

    @property
    def platforms(self) -> dict[str, StandIn]:
        return {"slack": self.slack, "discord": self.discord, "telegram": self.telegram}

    @property
    def talking(self) -> dict[str, Talking]:
        """The platforms, and the web where there are people."""
        return {**self.platforms, **({"web": self.web} if self.web is not None else {})}

    async def listening(self, program: Program) -> None:
        """Waits until a program that has just been started hears what is said on each platform."""
        for words in ("listening to Slack", "connected to Discord", "Telegram: connected"):
            await program.said(words)

    def config(self, folder: Path, kind: Kind, *, database: str | None = None, extra: str = "") -> Path:
        """Writes a configuration with all three bridges and one upstream of this kind."""
        settings = {"mygptassistants": 'bot_id = "bot_sandbox"', "openai": 'model = "sandbox"'}.get(kind, "")
        file = folder / "threadbridge.toml"
        file.write_text(
            f"""
[database]
url = "{database or f"sqlite:///{folder}/threadbridge.db"}"
[http]
port = 0
[bridges.slack]
bot_token = "xoxb-sandbox"
app_token = "xapp-sandbox"
api_url = "{self.slack.api_url}"
[bridges.discord]
token = "sandbox-discord-token"
api_url = "{self.discord.api_url}"
gateway_url = "{self.discord.gateway_url}"
[bridges.telegram]
token = "100001:sandbox-telegram-token"
api_url = "{self.telegram.api_url}"
[upstreams.main]
kind = "{kind}"
base_url = "{self.upstream.base_url(kind)}"
api_key = "sandbox-key"
{settings}
[access.telegram]
policy = "open"
{extra}
""",
            "utf-8",
        )
        return file


@asynccontextmanager
async def world(**changed: Any) -> AsyncIterator[World]:
    """Stand-ins without rate limits, and an upstream that writes at once."""
    async with AsyncExitStack() as stack:
        found = World(SlackServer(), DiscordServer(), TelegramServer(limits=None), UpstreamServer())
        found.slack.limits = found.discord.limits = None
        found.upstream.speed = changed.get("speed", 0)
        for server in (*found.platforms.values(), found.upstream):
            await stack.enter_async_context(server)
        yield found


def place(platform: StandIn, kind: str) -> str:
    """The id of the platform's first place of a kind."""
    return next(one.id for one in platform.places() if one.kind == kind)


async def replied(platform: Talking, where: str, condition: Callable[[str], object], count: int = 1) -> list[str]:
    """Waits until the bot has written so many messages in a place of which the text meets the condition."""

    def texts() -> list[str]:
        return [view.text for view in platform.view(where) if view.bot and condition(view.text)]

    await platform.feed.until(lambda: len(texts()) >= count, within=WITHIN)
    return texts()
