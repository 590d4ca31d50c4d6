"""The Web API through the SDK's client: one session, no retries of its own, errors translated."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bridges.slack.errors import TokenRefused, translated

TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)

library_log = logging.getLogger("bridges.slack.library")
library_log.setLevel(logging.ERROR)
"""For the SDK and Bolt. Below errors they tell whole requests and texts, and build those lines whatever the level of
the root logger, so their own level has to be set."""

Json = dict[str, Any]


def client(api_url: str, session: aiohttp.ClientSession, token: str | None = None) -> AsyncWebClient:
    # without retry_handlers=[] the SDK posts a message again when a connection breaks
    made = AsyncWebClient(
        token=token, base_url=f"{api_url.rstrip('/')}/", session=session, retry_handlers=[], logger=library_log
    )
    # the SDK reads proxies from the environment and does not mind NO_PROXY; the session reads both
    made.proxy = None
    return made


class Web:
    """Calls with one token."""

    def __init__(self, api: AsyncWebClient, revoked: Callable[[], None]) -> None:
        """`revoked` is called when Slack says that the token is no longer any good."""
        self.api = api
        self._revoked = revoked

    async def __call__(self, call: Awaitable[AsyncSlackResponse]) -> Json:
        """The fields of the answer. Raises `PlatformError` only."""
        return (await self.whole(call))[0]

    async def whole(self, call: Awaitable[AsyncSlackResponse]) -> tuple[Json, dict[str, str]]:
        """The answer, and its headers with their names in lower case."""
        try:
            response = await call
            data = response.data
            if not isinstance(data, dict):
                raise TypeError("not a JSON object")
        except Exception as error:
            refusal = translated(error)
            if isinstance(refusal, TokenRefused):
                self._revoked()
            raise refusal from None
        return data, {str(key).lower(): str(value) for key, value in response.headers.items()}
