"""How fast Slack lets one app speak: https://docs.slack.dev/apis/web-api/rate-limits"""

from __future__ import annotations

from collections.abc import Iterable

from bridges.slack.thread import Thread
from core.model import ThreadId
from core.pace import Budget, Call, Pace


def posts(place: Thread) -> Budget:
    """`chat.postMessage`: one a second for each channel; short bursts are tolerated."""
    return Budget(f"slack:{place.team}:{place.channel}:chat.postMessage", calls=2, seconds=2.0)


def updates(place: Thread) -> Budget:
    """`chat.update` is in tier 3: 50 calls in a minute, for all messages of a workspace together. One answer of half a
    minute grows nearly twice as fast as it could for ever; many at once get along with 32 edits a minute, and what is
    left is for their last ones."""
    return Budget(f"slack:{place.team}:chat.update", calls=50, seconds=60.0, reserve=6, burst=13, shared=True)


def appends(place: Thread) -> Budget:
    """`chat.appendStream` is in tier 4: 100 calls in a minute, for all streams of a workspace together. Many may come
    in a row, so that an answer of ordinary length is shown as it is written."""
    return Budget(f"slack:{place.team}:chat.appendStream", calls=100, seconds=60.0, reserve=4, burst=40, shared=True)


def stops(place: Thread) -> Budget:
    """`chat.stopStream` is in tier 2: 20 calls in a minute. So is `chat.startStream`, which `streams` paces."""
    return Budget(f"slack:{place.team}:chat.stopStream", calls=20, seconds=60.0, burst=10, shared=True)


def signs(place: Thread) -> Budget:
    """`reactions.add` is in tier 3, but no more are put there than can be taken away again."""
    return Budget(f"slack:{place.team}:reactions.add", calls=20, seconds=60.0, burst=10, shared=True)


def signs_taken(place: Thread) -> Budget:
    """`reactions.remove` is in tier 2."""
    return Budget(f"slack:{place.team}:reactions.remove", calls=20, seconds=60.0, burst=10, shared=True)


def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
    place = Thread.read(thread)
    match call:
        case "create":
            return (posts(place),)
        case "edit":
            return (updates(place),)
        case "append":
            return (appends(place),)
        case "close":
            return (stops(place),)
        case "type":
            return ()
        case "sign":
            return (signs(place),)
        case "unsign":
            return (signs_taken(place),)


PACE = Pace(budgets)
