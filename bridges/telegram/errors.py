"""The library's exceptions in our words. What the bridge itself acts on are kinds of its own, all of them ours."""

from __future__ import annotations

from datetime import timedelta

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from core.errors import MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown


class Unchanged(PlatformError):
    """The message looks like this already."""


class Misformatted(PlatformRefused):
    """The formatting was not taken; the text might be."""


class Moved(PlatformRefused):
    """The group has become a supergroup with another id."""

    def __init__(self, chat: int) -> None:
        self.chat = chat
        super().__init__(detail="the group was upgraded to a supergroup")


class Elsewhere(PlatformRefused):
    """Another program receives this bot's updates."""

    @property
    def by_webhook(self) -> bool:
        """Or has just begun to; else by polling."""
        return "webhook" in self.detail.lower()


class TokenRefused(PlatformRefused):
    """The token is not, or no longer, valid."""


class AddressUnknown(PlatformUnavailable):
    """There is no such thing at this address: no Bot API, or a token that is none."""


_GONE = (
    "message to edit not found",
    "message to delete not found",
    "message to react not found",
    "message_id_invalid",
    "message can't be edited",
)
_FORMATTING = ("entit", "can't parse", "url", "unsupported parse_mode")


def translated(error: TelegramError, secrets: tuple[str, ...], budget: str | None = None) -> PlatformError:
    """`secrets` are taken out of what the server said. `budget`: the one that a refusal to go on so fast closes."""
    detail = without(str(error), secrets)
    match error:
        case RetryAfter():
            return SlowDown(_seconds(error), budget=budget, detail=detail)
        case ChatMigrated():
            return Moved(error.new_chat_id)
        case Conflict():
            return Elsewhere(detail=detail)
        case InvalidToken():
            # the message is the server's description of a 401, or of a 404
            return TokenRefused(detail=detail) if "unauthorized" in detail.lower() else AddressUnknown(detail=detail)
        case Forbidden():
            return PlatformRefused(detail=detail)
        case BadRequest():
            return _bad_request(detail)
        case _:  # NetworkError with its timeouts, and answers that are no JSON
            return PlatformUnavailable(detail=detail)


def _bad_request(detail: str) -> PlatformError:
    """The library gives the description only, with other capitals than the server's."""
    words = detail.lower()
    if "message is not modified" in words:
        return Unchanged(detail=detail)
    if any(sign in words for sign in _GONE):
        return MessageMissing(detail=detail)
    if any(sign in words for sign in _FORMATTING):
        return Misformatted(detail=detail)
    return PlatformRefused(detail=detail)


def without(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with every secret replaced."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text


def _seconds(error: RetryAfter) -> float:
    """A timedelta or a number, as the library is set to say it."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
