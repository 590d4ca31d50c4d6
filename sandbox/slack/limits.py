"""How often what may be called: https://docs.slack.dev/apis/web-api/rate-limits

The published figures are minima; here they are enforced to the call, for each method over any sixty seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TIER_2, TIER_3, TIER_4, SPECIAL = 20, 50, 100, 600

METHODS: Mapping[str, int] = MappingProxyType(
    {
        "agents.sessions.setStatus": TIER_3,
        "apps.connections.open": TIER_3,
        "assistant.threads.setStatus": SPECIAL,
        "chat.appendStream": TIER_4,
        "chat.delete": TIER_3,
        "chat.postEphemeral": TIER_4,
        "chat.startStream": TIER_2,
        "chat.stopStream": TIER_2,
        "chat.update": TIER_3,
        "conversations.history": TIER_3,
        "conversations.info": TIER_3,
        "conversations.list": TIER_2,
        "conversations.open": TIER_3,
        "conversations.replies": TIER_3,
        "files.completeUploadExternal": TIER_4,
        "files.getUploadURLExternal": TIER_4,
        "files.info": TIER_4,
        "reactions.add": TIER_3,
        "reactions.remove": TIER_2,
        "users.info": TIER_4,
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    per_minute: Mapping[str, int] = field(default_factory=lambda: METHODS)
    """A method that is not named has no limit of its own."""
    posts_per_second: float = 1.0
    """Of one channel."""
    posting_burst: float = 5.0
    """Posts that one channel takes at once; Slack tolerates short bursts and does not say how long."""


@dataclass(slots=True)
class Meter:
    """Counts what was called. Times are seconds of any one clock."""

    _calls: dict[str, deque[float]] = field(default_factory=dict)
    _posts: dict[str, tuple[float, float]] = field(default_factory=dict)

    def refused(self, limits: Limits, method: str, now: float) -> float | None:
        """Seconds to wait, or None: then the call counts."""
        most = limits.per_minute.get(method)
        if most is None:
            return None
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= most:
            return calls[0] + 60 - now
        calls.append(now)
        return None

    def post_refused(self, limits: Limits, channel: str, now: float) -> float | None:
        """The same for posting into one channel."""
        tokens, at = self._posts.get(channel, (limits.posting_burst, now))
        tokens = min(limits.posting_burst, tokens + (now - at) * limits.posts_per_second)
        if tokens < 1:
            self._posts[channel] = (tokens, now)
            return (1 - tokens) / limits.posts_per_second
        self._posts[channel] = (tokens - 1, now)
        return None
