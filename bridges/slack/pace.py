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
APPENDS = 56 / 60
"""`chat.appendStream` is in tier 4: 100 calls in a minute for all streams of a workspace together. Many may come
in a row, so that an answer of ordinary length is shown as it is written."""
APPENDS_BURST = 42.0
APPENDS_RESERVE = 3.0
APPENDS_OF_ONE = 1 / 0.3
"""Of one message: what spreads the burst over the whole of such an answer."""
STOPS = 10 / 60
"""`chat.stopStream` is in tier 2: 20 calls in a minute, as `chat.startStream`, which `streams` keeps within that."""
STOPS_BURST = 9.0


def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
    place = Thread.read(thread)
    match call:
        case "create":
            return (Budget(f"slack:{place.team}:{place.channel}:chat.postMessage", POSTS, POSTS_BURST),)
        case "edit":
            return (Budget(f"slack:{place.team}:chat.update", UPDATES, UPDATES_BURST, UPDATES_RESERVE),)
        case "append":
            return (
                Budget(f"{thread}:chat.appendStream", APPENDS_OF_ONE, burst=2.0, reserve=1.0),
                Budget(f"slack:{place.team}:chat.appendStream", APPENDS, APPENDS_BURST, APPENDS_RESERVE),
            )
        case "close":
            return (stops(place),)


def stops(place: Thread) -> Budget:
    return Budget(f"slack:{place.team}:chat.stopStream", STOPS, STOPS_BURST)


PACE = Pace(budgets)
