"""The library's `Bot`, with its exceptions translated and its logging made safe."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, cast

import httpx
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bridges.telegram import completing
from bridges.telegram.errors import translated, without
from bridges.telegram.pace import chat_budget
from core.errors import ConfigError, PlatformUnavailable

os.environ.setdefault("PTB_TIMEDELTA", "true")  # the library's coming default; otherwise every 429 warns of it

CONNECT_WITHIN = 10.0
ANSWER_WITHIN = 20.0
"""Seconds. After them a call counts as not answered, although it may have been done."""

CONNECTIONS = 64

_TOKEN = re.compile(r"[\w:.~+=-]+", re.ASCII)
"""What can stand in an address; whether it is a token is the server's to say."""
_TALKATIVE = ("httpx", "telegram.request.BaseRequest", "bridges.telegram.library")
"""Loggers whose lines can hold the token (it is a part of every address) or what is derived from it."""


class _Discreet(logging.Filter):
    """Takes secrets out of log lines."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if (safe := without(said, self._secrets)) != said:
            record.msg, record.args = safe, ()
        record.exc_info = None  # the calls' own errors say it in a line; a proxy's error page is no fault of ours
        return True


class _Library(Bot):
    """The library's own bot, and the one thing that it does not offer."""

    __slots__ = ()
    _LOGGER = logging.getLogger("bridges.telegram.library")

    async def _do_post(self, endpoint: str, data: dict[str, Any], **timeouts: Any) -> Any:
        return completing.answer(endpoint, await super()._do_post(endpoint, data, **timeouts))

    async def raw_updates(self, offset: int, seconds: float, kinds: Sequence[str]) -> list[dict[str, Any]]:
        """`getUpdates` as the server answers it: `Bot.get_updates` fails as a whole for one update that it cannot
        read, and would go on doing so forever."""
        data = {"offset": offset, "timeout": int(seconds), "allowed_updates": list(kinds)}
        answer = await self._post("getUpdates", data, read_timeout=seconds + ANSWER_WITHIN)
        return cast("list[dict[str, Any]]", answer)


class Client:
    """One bot's connection, until closed; `bot` is the library's, to be called within `calling()`."""

    def __init__(self, token: str, api_url: str) -> None:
        if not _TOKEN.fullmatch(token):
            raise ConfigError(
                "bridges.telegram.token is not a bot token: those look like 123456789:AAE... and come from @BotFather."
            )
        self.webhook_secret = hmac.new(token.encode(), b"threadbridge telegram webhook", hashlib.sha256).hexdigest()
        """What Telegram has to say to our webhook. Derived, so that all processes with one token agree on it."""
        self._secrets = (token, self.webhook_secret)
        self._discretion = _Discreet(self._secrets)
        self._files = f"{api_url}/file/bot{token}/"
        self._requests = (_request(CONNECTIONS), _request(1))
        self._hush()
        self.bot = _Library(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )
        self._downloads = httpx.AsyncClient(timeout=httpx.Timeout(ANSWER_WITHIN, connect=CONNECT_WITHIN))

    def _hush(self) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).addFilter(self._discretion)

    async def close(self) -> None:
        """May be called more than once."""
        for request in self._requests:
            await request.shutdown()
        await self._downloads.aclose()
        for name in _TALKATIVE:
            logging.getLogger(name).removeFilter(self._discretion)

    @contextmanager
    def calling(self, chat: int | None = None) -> Iterator[None]:
        """Lets out `PlatformError` only. `chat`: where the call speaks."""
        try:
            yield
        except TelegramError as error:
            budget = chat_budget(chat).name if chat is not None else None
            raise translated(error, self._secrets, budget) from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # what the library raises over an answer that is JSON, but not the Bot API's
            raise PlatformUnavailable(detail=f"an answer that is not the Bot API's ({type(error).__name__})") from None

    def safe(self, text: str) -> str:
        """`text` without secrets, for the log."""
        return without(text, self._secrets)

    @asynccontextmanager
    async def download(self, path: str) -> AsyncIterator[httpx.Response]:
        """The answer of the file server, its body not read yet. `path` is what `Bot.get_file` made of it. Raises
        `httpx.HTTPError`, and `ValueError` for a path that is no address on the file server."""
        if not path.startswith(self._files):
            raise ValueError("the Bot API server keeps its files on its own disk (--local)")
        async with self._downloads.stream("GET", path) as response:
            yield response


class _Request(HTTPXRequest):
    """Believes the answer where it and the status do not agree: a refusal that comes with 200 is one."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        status, body = await super().do_request(*args, **kwargs)
        if status == 200 and b'"ok"' in body:
            with suppress(ValueError, AttributeError):
                answer = json.loads(body)
                if answer.get("ok") is False:
                    status = int(answer.get("error_code") or 500)
        return status, body


def _request(connections: int) -> HTTPXRequest:
    return _Request(
        connection_pool_size=connections,
        connect_timeout=CONNECT_WITHIN,
        read_timeout=ANSWER_WITHIN,
        write_timeout=ANSWER_WITHIN,
        pool_timeout=ANSWER_WITHIN,
    )
