"""What the doctor asks Slack."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridges.doctor.asking import Answer, Line, Once, Reply, Silence, address
from bridges.doctor.finding import Check, Finding, failed, ok, skipped, warning
from bridges.settings import SlackSettings
from bridges.slack.errors import RATE, REVOKED
from bridges.slack.manifest import NEEDED, scopes

APPS = "https://api.slack.com/apps"


class Examination:
    """One app in one workspace."""

    def __init__(self, settings: SlackSettings, line: Line) -> None:
        self._settings = settings
        self._line = line
        self._introduced = Once(self._introduce)

    def checks(self) -> Iterator[Check]:
        yield Check("slack", "bot token", self._bot_token)
        yield Check("slack", "scopes", self._scopes)
        if self._settings.mode == "socket":
            yield Check("slack", "Socket Mode", self._socket_mode)
        else:
            yield Check("slack", "signing secret", self._signing_secret)

    async def ahead(self) -> float | None:
        """Seconds that this machine's clock is ahead of Slack's; None if that is not known."""
        reply = await self._introduced()
        return reply.ahead if isinstance(reply, Answer) else None

    async def _introduce(self) -> Reply:
        return await self._call("auth.test", self._settings.bot_token.get_secret_value())

    async def _call(self, method: str, token: str, form: dict[str, str] | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {token}"}
        return await self._line.ask("POST", f"{self._settings.api_url}/{method}", headers, form)

    async def _bot_token(self) -> Finding:
        if self._settings.bot_token.get_secret_value().startswith("xapp-"):
            return failed(
                "bridges.slack.bot_token holds an app-level token",
                "Put the one that starts with xoxb- there, and this one into bridges.slack.app_token.",
            )
        reply = await self._introduced()
        if (wrong := self._wrong(reply, "bot_token")) is not None:
            return wrong
        assert isinstance(reply, Answer)
        name, team = (str(reply.fields.get(key) or "") for key in ("user", "team"))
        return ok(f"{name or 'the bot'} in the workspace {team or reply.fields.get('team_id') or '(without a name)'}")

    async def _scopes(self) -> Finding:
        reply = await self._introduced()
        if self._wrong(reply, "bot_token") is not None:
            return skipped("not known without a bot token that works")
        assert isinstance(reply, Answer)
        granted = {scope.strip() for scope in reply.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
        if not granted:
            return skipped("this server does not say which the app has")
        used = scopes(self._settings)
        missing = [scope for scope in used if scope not in granted]
        if not missing:
            return ok(f"all {len(used)} that it makes use of")
        lost = "; ".join(f"{scope} ({used[scope]})" for scope in missing)
        judge = failed if NEEDED & set(missing) else warning
        return judge(
            f"missing: {lost}",
            f"Add it at {APPS} → your app → OAuth & Permissions → Bot Token Scopes, and press Reinstall to Workspace.",
        )

    async def _socket_mode(self) -> Finding:
        token = self._settings.app_token.get_secret_value() if self._settings.app_token else ""
        if token.startswith("xoxb-"):
            return failed(
                "bridges.slack.app_token holds a bot token", "Put the app-level token there: it starts with xapp-."
            )
        reply = await self._call("apps.connections.open", token)
        if (wrong := self._wrong(reply, "app_token")) is not None:
            return wrong
        if await self._another_app(token):
            return warning(
                "the two tokens are of different apps, so that messages to the bot do not arrive here",
                f"Copy both from the same app at {APPS}.",
            )
        return ok("a connection is offered")

    async def _another_app(self, token: str) -> bool:
        """Does the app-level token, which has its app's id in it, belong to another app than the bot? False also
        where that is not known."""
        named = re.match(r"xapp-\d-(A[0-9A-Z]{8,})-", token)
        introduced = await self._introduced()
        if named is None or isinstance(introduced, Silence) or not introduced.fields.get("bot_id"):
            return False
        bot = {"bot": str(introduced.fields["bot_id"])}
        match await self._call("bots.info", self._settings.bot_token.get_secret_value(), bot):
            case Answer(fields={"bot": {"app_id": str(app)}}):
                return app != named[1]
            case _:
                return False

    async def _signing_secret(self) -> Finding:
        secret = self._settings.signing_secret.get_secret_value() if self._settings.signing_secret else ""
        if re.fullmatch(r"[0-9a-f]{32}", secret):
            return ok("has the form of one; only Slack's first event proves it")
        return warning(
            "does not look like one: those are 32 hexadecimal digits",
            f"Copy it from {APPS} → your app → Basic Information → App Credentials → Signing Secret.",
        )

    def _wrong(self, reply: Reply, key: str) -> Finding | None:
        """The finding if Slack did not do what it was asked with the token under `key`."""
        where = address(self._settings.api_url)
        if isinstance(reply, Silence):
            return failed(
                f"Slack cannot be reached at {where}: {reply.reason}",
                "Check the network, and bridges.slack.api_url if you have set it.",
            )
        if reply.fields.get("ok") is True:
            return None
        word = str(reply.fields.get("error") or "")
        if reply.status == 429 or word in RATE:
            return warning("Slack asks to slow down, so this was not checked", "Try again in a minute.")
        if not re.fullmatch(r"[\w.:-]{1,80}", word):
            return failed(
                f"there is no Slack API at {where} (status {reply.status})",
                "Check bridges.slack.api_url: Slack's own is https://slack.com/api.",
            )
        if key == "bot_token":
            return self._bot_token_refused(word)
        return self._app_token_refused(word)

    def _bot_token_refused(self, word: str) -> Finding:
        copy = f"Copy the Bot User OAuth Token (xoxb-…) from {APPS} → your app → Install App."
        if word == "not_allowed_token_type":
            return failed("bridges.slack.bot_token is another kind of token", copy)
        if word in REVOKED:
            return failed(
                f"Slack does not take bridges.slack.bot_token ({word})",
                f"{copy} If there is none, press Install to Workspace.",
            )
        return failed(f"Slack refuses auth.test ({word})", copy)

    def _app_token_refused(self, word: str) -> Finding:
        tokens = f"{APPS} → your app → Basic Information → App-Level Tokens"
        if word == "missing_scope":
            return failed(
                "bridges.slack.app_token lacks the scope connections:write",
                f"Make a new one with it at {tokens}, and put that in its place.",
            )
        if word in REVOKED or word == "not_allowed_token_type":
            return failed(
                f"Slack does not take bridges.slack.app_token ({word})",
                f"Copy the one that starts with xapp- from {tokens}, or make one there with connections:write.",
            )
        return failed(
            f"Slack offers no connection ({word})",
            f"Switch Socket Mode on at {APPS} → your app → Socket Mode, and see that the token at Basic Information → "
            "App-Level Tokens has connections:write.",
        )
