"""How fast Slack lets one app speak: https://docs.slack.dev/apis/web-api/rate-limits"""

from __future__ import annotations

from collections.abc import Iterable

from bridges.slack.thread import Thread
from core.model import ThreadId
from core.pace import Budget, Call, Pace

UPDATES = 45 / 60
"""`chat.update` is in tier 3: 50 calls in a minute for all messages of a workspace together. A bucket of five that
fills up 45 times a minute never makes more than 50 in any minute."""
UPDATES_BURST = 5.0
UPDATES_RESERVE = 2.0
POSTS = 1.0
"""`chat.postMessage`: one a second for each channel; short bursts are tolerated."""
POSTS_BURST = 2.0


def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
    place = Thread.read(thread)
    match call:
        case "create":
            return (Budget(f"slack:{place.team}:{place.channel}:chat.postMessage", POSTS, POSTS_BURST),)
        case "edit":
            return (Budget(f"slack:{place.team}:chat.update", UPDATES, UPDATES_BURST, UPDATES_RESERVE),)


PACE = Pace(budgets)
