"""From what a server says to the error that a person understands. Pure.

An error arrives as an HTTP status with JSON, text, HTML or nothing, or inside a stream of status 200 in one of many
shapes. `Complaint` is what they have in common; `error_for` picks our error and its sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import (
    AnswerMalformed,
    ConversationUnknown,
    PromptRejected,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.upstream.fields import Unreadable, first, parsed, table

TOO_LONG = (
    "This message, or the conversation with it, is too long for the assistant. Please shorten it or begin a new one."
)
NO_CREDIT = (
    "The account behind this assistant has no credit left, or its quota is used up. Its operator has to look at it."
)
NO_ACCESS = "The assistant refuses this bot's key. Its operator has to look at the key and its rights."
NO_ADDRESS = (
    "There is no assistant at the configured address. This bot's operator has to look at its address and model."
)
MODERATED = "The assistant's service blocked this because of its content. Please put it another way."

_DETAIL = 500  # characters of a server's words that are kept for the log

_MARKUP = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<[^>]{0,2000}>")
_TOO_LONG = re.compile(
    r"(?i)context[_ -]?(length|window)|string_above_max_length|too[_ ]long|too many tokens"
    r"|maximum (context|length|tokens)"
)
_NO_CREDIT = re.compile(r"(?i)insufficient[_ ](quota|credit|balance|fund)|credit (is )?not enough|billing|payment")
_UNKNOWN = re.compile(
    r"(?i)\bconversation(_id)?\b.{0,30}(not[_ ]found|not exist|unknown|expired|deleted)|conversation_not_found"
    r"|(not[_ ]found|no such|unknown|find).{0,20}\bconversation"
)
_OCCUPIED = re.compile(
    r"(?i)one message at a time|conversation_locked|\bbusy\b|already (running|being|has an active)"
    r"|still (being|running|answering|generating|processing)|in progress"
)
_MODERATED = re.compile(r"(?i)content[_ ](policy|filter)|moderation|flagged")

Judge = Callable[[int, bytes], UpstreamError]
"""The error for a status that refuses (anything but 2xx) and the beginning of its body."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A server's own words about what went wrong; either may be empty."""

    code: str
    message: str

    @property
    def detail(self) -> str:
        return ": ".join(part for part in (self.code, self.message) if part)[:_DETAIL]


def is_occupied(complaint: Complaint) -> bool:
    """Does it say that the conversation is still busy with another message? That passes."""
    return _OCCUPIED.search(f"{complaint.code} {complaint.message}") is not None


def complaint_in(body: bytes) -> Complaint:
    """What the body of a refusal says, whatever its format."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = parsed(text)
    except Unreadable:
        if text.startswith("<"):
            text = " ".join(_MARKUP.sub(" ", text).split())
        return Complaint("", text[:_DETAIL])
    return complaint_of(value) or Complaint("", text[:_DETAIL])


def complaint_of(value: object) -> Complaint | None:
    """What a JSON value says if it is taken for an error, in any of the usual shapes; None if it says nothing."""
    if isinstance(value, str):
        return Complaint("", value)
    fields = table(value)
    inner = fields.get("error")
    if isinstance(detail := fields.get("detail"), dict) and not inner:
        inner = detail
    if isinstance(inner, dict) and inner:
        return Complaint(_code(inner), _message(inner) or _message(fields))
    if isinstance(inner, str) and inner:
        said = _message(fields)
        return Complaint(_code(fields) or (inner if said else ""), said or inner)
    found = Complaint(_code(fields), _message(fields))
    return found if found.code or found.message else None


def complaint_within(fields: dict[str, Any]) -> Complaint | None:
    """What a record of a stream says, but only if it has one of the shapes that mean an error by themselves."""
    if (
        fields.get("error")
        or fields.get("success") is False
        or fields.get("object") == "error"
        or fields.get("type") == "error"
        or fields.get("event") == "error"
    ):
        return complaint_of(fields) or Complaint("", "an error without a word")
    return None


def _code(fields: dict[str, Any]) -> str:
    for key in ("code", "type", "status"):
        if isinstance(value := fields.get(key), str | int) and not isinstance(value, bool) and value != "error":
            return str(value)
    return ""


def _message(fields: dict[str, Any]) -> str:
    return first(fields.get(key) for key in ("message", "msg", "detail", "error_description", "errorText", "data"))


def error_for(complaint: Complaint, status: int | None = None) -> UpstreamError:
    """The error of a complaint, by its words where they are plain, else by its HTTP status: the real one, or that
    which stands in the complaint's code. None: it came inside an answer of status 200."""
    said = f"{complaint.code} {complaint.message}"
    detail = complaint.detail if status is None else f"HTTP {status} {complaint.detail}".strip()
    if status is None or 400 <= status < 500:
        if _UNKNOWN.search(said):
            return ConversationUnknown(detail=detail)
        if _NO_CREDIT.search(said):
            return UpstreamRefused(NO_CREDIT, detail=detail)
        if status not in (401, 403, 404, 429):
            if is_occupied(complaint):
                return UpstreamBusy(detail=detail)
            if status == 413 or _TOO_LONG.search(said):
                return PromptRejected(TOO_LONG, detail=detail)
            if _MODERATED.search(said):
                return PromptRejected(MODERATED, detail=detail)
    if status is None:
        status = int(complaint.code) if re.fullmatch(r"[45]\d\d", complaint.code) else _status_of(complaint.code)
    match status:
        case 401 | 403:
            return UpstreamRefused(NO_ACCESS, detail=detail)
        case 402:
            return UpstreamRefused(NO_CREDIT, detail=detail)
        case 404 | 405 | 410:
            return UpstreamRefused(NO_ADDRESS, detail=detail)
        case 409 | 429 | 529:
            return UpstreamBusy(detail=detail)
        case 408 | 425:
            return UpstreamUnavailable(detail=detail)
        case _ if 300 <= status < 400:
            return UpstreamRefused(NO_ADDRESS, detail=f"{detail} (a redirect, which is not followed)")
        case _ if 400 <= status < 500:
            return PromptRejected(detail=detail)
        case _ if status >= 500:
            return UpstreamUnavailable(detail=detail)
        case _:
            return AnswerMalformed(detail=detail)


def _status_of(code: str) -> int:
    """The HTTP status that says the same as a code in words. A complaint without a known one is a failing server."""
    code = code.lower()
    if "rate_limit" in code or "too_many" in code or "overloaded" in code:
        return 429
    if "api_key" in code or "authentication" in code or "permission" in code or "unauthorized" in code:
        return 401
    if "not_found" in code:
        return 404
    if "invalid_request" in code:
        return 400
    return 503
