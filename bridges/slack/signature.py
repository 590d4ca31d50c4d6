"""Does this request come from Slack? https://docs.slack.dev/authentication/verifying-requests-from-slack"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

WINDOW = 5 * 60
"""Seconds that a request may be old: an older one may have been recorded and sent again."""


def genuine(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """False for whatever is malformed, too. Works on the bytes: nothing unverified is decoded."""
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > WINDOW:
        return False
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    given = headers.get("X-Slack-Signature", "").encode("utf-8", "replace")
    return hmac.compare_digest(b"v0=" + digest.encode(), given)
