"""What the doctor asks Telegram."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from yarl import URL

from bridges.doctor.asking import Answer, Line, Once, Reply, Silence, address
from bridges.doctor.finding import Check, Finding, failed, ok, skipped, warning
from bridges.settings import TelegramSettings
from bridges.telegram.webhook import PATH

TAKEN_OVER = "threadbridge run takes them over. If another program uses this bot, give this one a bot of its own."
FRESH = 3600.0
"""Seconds: a failed delivery that is older has been mended since."""


class Examination:
    """One bot."""

    def __init__(self, settings: TelegramSettings, line: Line) -> None:
        self._settings = settings
        self._line = line
        self._introduced = Once(lambda: self._call("getMe"))

    def checks(self) -> Iterator[Check]:
        yield Check("telegram", "token", self._token)
        yield Check("telegram", "groups", self._groups)
        yield Check("telegram", "updates", self._updates)

    async def ahead(self) -> float | None:
        """Seconds that this machine's clock is ahead of Telegram's; None if that is not known."""
        reply = await self._introduced()
        return reply.ahead if isinstance(reply, Answer) else None

    async def _call(self, method: str) -> Reply:
        token = quote(self._settings.token.get_secret_value(), safe=":")
        return await self._line.ask("POST", f"{self._settings.api_url}/bot{token}/{method}")

    async def _token(self) -> Finding:
        reply = await self._introduced()
        if (wrong := self._wrong(reply)) is not None:
            return wrong
        return ok(f"@{_result(reply).get('username') or 'without a name'}")

    async def _groups(self) -> Finding:
        reply = await self._introduced()
        if self._wrong(reply) is not None:
            return skipped("not known without a token that works")
        match _result(reply).get("can_read_all_group_messages"):
            case True:
                return ok("hears all that is written in them")
            case False:
                return warning(
                    "privacy mode is on: in groups the bot hears mentions, replies to it and commands only",
                    "That is enough for most. To let it hear all: @BotFather → /setprivacy → your bot → Disable, then "
                    "take it out of each group and add it again.",
                )
            case _:
                return skipped("this server does not say what the bot hears in them")

    async def _updates(self) -> Finding:
        reply = await self._call("getWebhookInfo")
        if isinstance(reply, Silence) or reply.status == 401:
            return skipped("not known without a token that works")
        if reply.fields.get("ok") is not True:
            return skipped("this server does not say how it delivers")
        hook = _result(reply)
        waiting = hook.get("pending_update_count") or 0
        found = f"{waiting:,} wait to be delivered"
        if self._settings.mode == "polling":
            return self._by_polling(hook, found)
        return self._by_webhook(hook, found)

    def _by_polling(self, hook: dict[str, Any], found: str) -> Finding:
        if not hook.get("url"):
            return ok(f"polling; {found}")
        return warning(
            f'bridges.telegram.mode is "polling", but updates go to a webhook at {_host(hook)}; {found}',
            TAKEN_OVER,
        )

    def _by_webhook(self, hook: dict[str, Any], found: str) -> Finding:
        wanted = (self._settings.public_url or "") + PATH
        # a Bot API server of one's own delivers wherever it can connect to
        if URL(self._settings.api_url).host == "api.telegram.org" and not delivers_to(wanted):
            return failed(
                f"Telegram does not deliver to {address(wanted)}",
                "Set bridges.telegram.public_url to an https address on port 443, 80, 88 or 8443, where a proxy leads "
                "to the HTTP server of Threadbridge.",
            )
        if not hook.get("url"):
            return ok(f"threadbridge run sets the webhook; {found}")
        if hook["url"] != wanted:
            return warning(
                f"updates go to another webhook, at {_host(hook)}; {found}",
                TAKEN_OVER,
            )
        if hook.get("last_error_message") and time.time() - (hook.get("last_error_date") or 0) < FRESH:
            return failed(
                f"Telegram could not deliver to {address(wanted)}: {hook['last_error_message']}; {found}",
                "See that threadbridge run is up, and that the proxy at this address leads to its HTTP server "
                "(http.host, http.port).",
            )
        return ok(f"by webhook; {found}")

    def _wrong(self, reply: Reply) -> Finding | None:
        """The finding if Telegram did not do what it was asked."""
        where = address(self._settings.api_url)
        if isinstance(reply, Silence):
            return failed(
                f"Telegram cannot be reached at {where}: {reply.reason}",
                "Check the network, and bridges.telegram.api_url if you have set it.",
            )
        if reply.fields.get("ok") is True:
            return None
        code = reply.fields.get("error_code") or reply.status
        if code == 429:
            return warning("Telegram asks to slow down, so this was not checked", "Try again in a minute.")
        # Telegram answers 404 where the token has not even the form of one
        if code in (401, 404) and "ok" in reply.fields:
            return failed(
                f"{where} does not take bridges.telegram.token",
                "Ask @BotFather for it: /mybots → your bot → API Token.",
            )
        return failed(
            f"there is no Bot API at {where} (status {reply.status})",
            "Check bridges.telegram.api_url: Telegram's own is https://api.telegram.org.",
        )


def delivers_to(url: str) -> bool:
    """Does Telegram's own server deliver to this address? https://core.telegram.org/bots/api#setwebhook"""
    return URL(url).scheme == "https" and URL(url).port in (443, 80, 88, 8443)


def _result(reply: Reply) -> dict[str, Any]:
    result = reply.fields.get("result") if isinstance(reply, Answer) else None
    return result if isinstance(result, dict) else {}


def _host(hook: dict[str, Any]) -> str:
    """Where a webhook is. Its path may be a secret."""
    return URL(str(hook["url"])).host or "an unknown place"
