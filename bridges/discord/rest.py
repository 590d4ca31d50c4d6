"""Discord's REST API with the pace left to the caller: one request, one answer, no sleep and no retry.

discord.py's own client waits inside a call until a bucket has room again, repeats after 429 and 5xx, and keeps the
address of the API in a global. Here the address belongs to the client, so that one process may talk to several; a
bucket that is known to be empty refuses the call before it is made, because Discord bans addresses for too many 429s;
and every refusal is the caller's to hear. Login, models and the gateway stay discord.py's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route

from bridges.discord.buckets import Buckets
from bridges.discord.completing import whole_application, whole_message, whole_thread, whole_user
from core.pace import Call, Stated

TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
CLOUDFLARE_BAN = 60.0
"""Seconds of silence after a refusal that does not say how long: it comes from Cloudflare, before Discord."""


WRITING: Mapping[Call, Route] = {
    "create": Route("POST", "/channels/{channel_id}/messages"),
    "edit": Route("PATCH", "/channels/{channel_id}/messages/{message_id}"),
}
"""The routes on which the bot speaks. What is theirs for one channel has that channel as its major parameter."""


class Limited(discord.RateLimited):
    """Refused for `retry_after` seconds, by Discord or by what its earlier answers said."""

    def __init__(self, retry_after: float, *, whole_bot: bool = False) -> None:
        super().__init__(retry_after)
        self.whole_bot = whole_bot
        """Every call of this bot is refused, and not only those on one route."""


class Rest(HTTPClient):
    """`api_url` is the root with the version, without a last slash."""

    def __init__(self, loop: asyncio.AbstractEventLoop, api_url: str) -> None:
        super().__init__(loop)
        self._api_url = api_url
        self._limits = Buckets()
        self._session: aiohttp.ClientSession | None = None

    async def static_login(self, token: str) -> Any:
        self.connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            connector=self.connector, connector_owner=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT
        )
        return whole_user(await super().static_login(token))

    # Fields that the library insists on and nothing here depends on: a server that leaves them out is understood too.

    async def send_message(self, channel_id: Any, *, params: Any) -> Any:
        return whole_message(await super().send_message(channel_id, params=params), channel_id)

    async def edit_message(self, channel_id: Any, message_id: Any, *, params: Any) -> Any:
        return whole_message(await super().edit_message(channel_id, message_id, params=params), channel_id)

    async def get_message(self, channel_id: Any, message_id: Any) -> Any:
        return whole_message(await super().get_message(channel_id, message_id), channel_id)

    async def get_channel(self, channel_id: Any) -> Any:
        return whole_thread(await super().get_channel(channel_id))

    async def application_info(self) -> Any:
        """Asked for at the login only, and nothing of it is needed."""
        try:
            found = await super().application_info()
        except discord.NotFound:
            found = None
        return whole_application(found)

    async def respond(self, interaction: int, token: str, response: dict[str, Any]) -> None:
        """The library's own response goes to the one address that it knows."""
        route = Route(
            "POST",
            "/interactions/{interaction_id}/{interaction_token}/callback",
            interaction_id=interaction,
            interaction_token=token,
        )
        await self.request(route, json=response)

    def left(self, channel: int, call: Call) -> Stated | None:
        """What the last answers said is left of writing to, or editing in, a channel."""
        route = WRITING[call]
        left = self._limits.left(route.key, str(channel))
        return None if left is None else Stated(*left)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        await super().close()

    async def request(
        self,
        route: Route,
        *,
        files: Sequence[discord.File] | None = None,
        form: Iterable[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Any:
        """What Discord answered with 2xx. Raises `Limited`, `discord.HTTPException`, and what aiohttp raises."""
        clock = asyncio.get_running_loop().time
        wait, whole_bot = self._limits.take(route.key, route.major_parameters, clock())
        if wait > 0:
            raise Limited(wait, whole_bot=whole_bot)
        headers = {"User-Agent": self.user_agent, "Authorization": f"Bot {self.token}"}
        body: Any = None
        if form is not None:
            body = aiohttp.FormData(quote_fields=False)
            for field in form:
                body.add_field(**field)
        elif "json" in kwargs:
            body = json.dumps(kwargs["json"]).encode()
            headers["Content-Type"] = "application/json"
        async with self.session.request(
            route.method,
            self._api_url + route.url.removeprefix(Route.BASE),
            headers=headers,
            data=body,
            params=kwargs.get("params"),
            allow_redirects=False,
        ) as response:
            data = _data(response, await response.read())
        self._limits.learn(route.key, route.major_parameters, response.headers, clock())
        if 200 <= response.status < 300:
            return data
        if response.status == 429:
            seconds, whole_bot = refusal(data, response.headers)
            self._limits.refuse(route.key, route.major_parameters, seconds, clock(), whole_bot=whole_bot)
            raise Limited(seconds, whole_bot=whole_bot)
        match response.status:
            case 403:
                raise discord.Forbidden(response, data)
            case 404:
                raise discord.NotFound(response, data)
            case status if status >= 500:
                raise discord.DiscordServerError(response, data)
            case _:
                raise discord.HTTPException(response, data)

    @property
    def session(self) -> aiohttp.ClientSession:
        """For downloads too. Raises `aiohttp.ClientConnectionError` before the login and after the end."""
        if self._session is None or self._session.closed:
            raise aiohttp.ClientConnectionError("not connected")
        return self._session


def _data(response: aiohttp.ClientResponse, body: bytes) -> Any:
    """JSON as such, and everything else as text. Raises `aiohttp.ClientPayloadError` for JSON that is none."""
    if response.content_type != "application/json":
        return body.decode("utf-8", "replace")
    try:
        return json.loads(body) if body else None
    except ValueError:
        raise aiohttp.ClientPayloadError("the answer is not JSON") from None


def refusal(data: object, headers: Mapping[str, str]) -> tuple[float, bool]:
    """How long a 429 lasts, in seconds, and whether it is for every call of this bot."""
    with suppress(TypeError, ValueError, KeyError):
        return max(float(data["retry_after"]), 0.0), bool(data.get("global"))  # type: ignore[index,attr-defined]
    try:
        return max(float(headers.get("Retry-After", "")), 0.0), True
    except ValueError:
        return CLOUDFLARE_BAN, True
