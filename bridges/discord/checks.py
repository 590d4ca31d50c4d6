"""What the doctor asks Discord."""

from __future__ import annotations

import json
from collections.abc import Iterator

import aiohttp
from yarl import URL

from bridges.doctor.asking import Answer, Line, Once, Reply, Silence, address, reason
from bridges.doctor.finding import Check, Finding, failed, ok, skipped, warning
from bridges.settings import DiscordSettings

PORTAL = "https://discord.com/developers/applications"
# https://docs.discord.com/developers/resources/application#application-object-application-flags: for a bot that is
# verified, and for one that is not
MAY_READ = 1 << 18 | 1 << 19
FEW = 50
"""Of the 1,000 sessions a day; with fewer left something begins them again and again."""


class Examination:
    """One bot."""

    def __init__(self, settings: DiscordSettings, line: Line) -> None:
        self._settings = settings
        self._line = line
        self._introduced = Once(lambda: self._get("/users/@me"))

    def checks(self) -> Iterator[Check]:
        yield Check("discord", "token", self._token)
        yield Check("discord", "message content", self._message_content)
        yield Check("discord", "gateway", self._gateway)
        yield Check("discord", "sessions", self._sessions)

    async def ahead(self) -> float | None:
        """Seconds that this machine's clock is ahead of Discord's; None if that is not known."""
        reply = await self._introduced()
        return reply.ahead if isinstance(reply, Answer) else None

    async def application(self) -> Reply:
        """The bot's own application; asked for where discord.py does it first."""
        reply = await self._get("/oauth2/applications/@me")
        if isinstance(reply, Answer) and reply.status == 404:
            return await self._get("/applications/@me")
        return reply

    async def _get(self, path: str) -> Reply:
        token = self._settings.token.get_secret_value()
        headers = {
            "Authorization": f"Bot {token}",
            # others are turned away: https://docs.discord.com/developers/reference#user-agent
            "User-Agent": "DiscordBot (threadbridge, 1)",
        }
        return await self._line.ask("GET", self._settings.api_url + path, headers)

    async def _token(self) -> Finding:
        reply = await self._introduced()
        if (wrong := self.wrong(reply)) is not None:
            return wrong
        assert isinstance(reply, Answer)
        return ok(f"{reply.fields.get('username') or 'the bot'} (id {reply.fields.get('id')})")

    async def _message_content(self) -> Finding:
        reply = await self.application()
        if isinstance(reply, Silence) or reply.status == 401:
            return skipped("not known without a token that works")
        flags = reply.fields.get("flags")
        if not isinstance(flags, int):
            return skipped("this server does not say whether the bot may read messages")
        if flags & MAY_READ:
            return ok("the bot may read what people write")
        return failed(
            "the bot may not read what people write: Message Content Intent is off, and Discord refuses the connection",
            f"Switch it on at {PORTAL} → your application → Bot → Privileged Gateway Intents, and save.",
        )

    async def _gateway(self) -> Finding:
        """Connects as far as Discord's greeting; no session begins."""
        url = URL(self._settings.gateway_url)
        # the configuration takes the last slash off an address; a server may know the path only with it
        spellings = [url] if url.path == "/" else [url, url.with_path(url.path + "/")]
        said = ""
        for spelling in spellings:
            try:
                async with self._line.session.ws_connect(spelling.with_query(v="10", encoding="json")) as socket:
                    if json.loads(await socket.receive_str()).get("op") == 10:
                        return ok("greets")
                    said = "it greets as no gateway does"
            except (ValueError, TypeError, AttributeError):
                said = "it greets as no gateway does"
            except (aiohttp.ClientError, OSError) as error:
                said = reason(error)
        return failed(
            f"the gateway cannot be reached at {address(self._settings.gateway_url)}: {said}",
            "Check the network, and bridges.discord.gateway_url if you have set it: Discord's own is "
            "wss://gateway.discord.gg.",
        )

    async def _sessions(self) -> Finding:
        reply = await self._get("/gateway/bot")
        if isinstance(reply, Silence) or reply.status == 401:
            return skipped("not known without a token that works")
        start = reply.fields.get("session_start_limit")
        if not isinstance(start, dict) or not isinstance(start.get("remaining"), int):
            return skipped("this server does not say how many may begin")
        left, total = start["remaining"], start.get("total")
        found = f"{left:,} of {total:,} left today" if isinstance(total, int) else f"{left:,} left today"
        if left >= FEW:
            return ok(found)
        hours = start.get("reset_after", 0) / 3_600_000
        advice = "Something starts the bot again and again: stop it, and read its log."
        if left > 0:
            return warning(found, advice)
        return failed(f"{found}: none can begin for {hours:.1f} hours", advice)

    def wrong(self, reply: Reply) -> Finding | None:
        """The finding if Discord did not do what it was asked."""
        where = address(self._settings.api_url)
        if isinstance(reply, Silence):
            return failed(
                f"Discord cannot be reached at {where}: {reply.reason}",
                "Check the network, and bridges.discord.api_url if you have set it.",
            )
        if reply.status == 200 and "id" in reply.fields:
            return None
        if reply.status == 401:
            return failed(
                "Discord does not take bridges.discord.token",
                f"Press Reset Token at {PORTAL} → your application → Bot, and put the new one in its place.",
            )
        if reply.status == 429:
            return warning("Discord asks to slow down, so this was not checked", "Try again in some minutes.")
        if reply.status >= 500:
            return failed(f"Discord answers with status {reply.status}", "Try again later: https://discordstatus.com.")
        return failed(
            f"there is no Discord API at {where} (status {reply.status})",
            "Check bridges.discord.api_url: Discord's own is https://discord.com/api/v10.",
        )
