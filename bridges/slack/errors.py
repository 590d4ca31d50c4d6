"""What Slack and the libraries under us say went wrong, as errors of ours.

The words are those of https://docs.slack.dev/reference/methods/chat.postMessage and `chat.update`; a `detail` holds
one of them and never what the libraries print, which may repeat the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from core.errors import ConfigError, MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown

RETRY_AFTER = 5.0
"""Seconds, where a refusal does not say how long."""

RATE = frozenset({"ratelimited", "rate_limited"})
PASSING = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
MISSING = frozenset({"message_not_found"})
FORMAT = frozenset({"invalid_arguments", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
REVOKED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "team_disabled", "token_expired", "token_revoked"}
    | {"user_removed_from_team"}
)
"""No call with this token will ever work again."""


class FormatRefused(PlatformRefused):
    """The blocks of a message are not taken."""


class TextTooLong(PlatformRefused):
    """The `text` of a message is not taken; its blocks may be."""


class NotStreaming(PlatformRefused):
    """The message is no stream, or none any more."""


class StillStreaming(PlatformUnavailable):
    """The message is a stream that has not ended, and cannot be edited until it has."""


class TokenRefused(PlatformRefused):
    """Slack does not take the token any longer."""


def translated(error: Exception) -> PlatformError:
    """The error of ours for whatever the Slack SDK or aiohttp raised on a call."""
    match error:
        case PlatformError():
            return error
        case SlackApiError():
            return _of_answer(*_answer(error.response))
        case aiohttp.ClientError() | TimeoutError() | OSError():
            return PlatformUnavailable(detail=type(error).__name__)
        case _:
            # the SDK trips over bodies that are not JSON objects in several ways
            return PlatformUnavailable(detail=f"not an answer of Slack's: {type(error).__name__}")


def _answer(response: Any) -> tuple[int, str, Mapping[str, str]]:
    """Status, error word and headers; the SDK hands over its own response or, when it could not read it, aiohttp's."""
    status = int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    word = data.get("error") if isinstance(data, Mapping) else None
    headers = {str(key).lower(): str(value) for key, value in (getattr(response, "headers", None) or {}).items()}
    return status, word if isinstance(word, str) and re.fullmatch(r"[\w.:-]{1,80}", word) else "", headers


def _of_answer(status: int, word: str, headers: Mapping[str, str]) -> PlatformError:
    detail = word or f"status {status}"
    if status == 429 or word in RATE:
        return SlowDown(_seconds(headers.get("retry-after")), detail=detail)
    # whatever the status, an answer without a word is not Slack's but that of something on the way
    if not word or word in PASSING or status >= 500:
        return PlatformUnavailable(detail=detail)
    if word in MISSING:
        return MessageMissing(detail=detail)
    if word == "message_not_in_streaming_state":
        return NotStreaming(detail=detail)
    if word == "streaming_state_conflict":
        return StillStreaming(detail=detail)
    if word in FORMAT:
        return FormatRefused(detail=detail)
    if word == "msg_too_long":
        return TextTooLong(detail=detail)
    if word in REVOKED:
        return TokenRefused(detail=detail)
    return PlatformRefused(detail=detail)


def _seconds(value: str | None) -> float:
    try:
        seconds = float(value or "")
    except ValueError:
        return RETRY_AFTER
    return seconds if 0 <= seconds < 86_400 else RETRY_AFTER


def at_start(error: PlatformError, key: str, url: str) -> ConfigError:
    """The sentence for the operator when the first call with a token fails. `key`: `bot_token` or `app_token`."""
    match error:
        case TokenRefused():
            return ConfigError(
                f"Slack does not take bridges.slack.{key} ({error.detail}): copy it again from your app's page, "
                "https://api.slack.com/apps, and install the app into the workspace.",
                detail=error.detail,
            )
        case PlatformRefused() if error.detail == "not_allowed_token_type":
            kind = "a bot token, which starts with xoxb-" if key == "bot_token" else "an app-level token (xapp-)"
            return ConfigError(f"bridges.slack.{key} has to be {kind}; this is another kind.", detail=error.detail)
        case PlatformRefused():
            needed = "the scope connections:write and Socket Mode switched on" if key == "app_token" else "its scopes"
            return ConfigError(
                f"Slack refuses the call with bridges.slack.{key} ({error.detail}): the app needs {needed}.",
                detail=error.detail,
            )
        case _:
            return ConfigError(
                f"Slack does not answer at {url}: check bridges.slack.api_url and the network.", detail=error.detail
            )
