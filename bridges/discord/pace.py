"""How fast a Discord bot may speak.

Discord publishes one number, 50 requests a second for each bot (https://discord.com/developers/docs/topics/rate-limits);
the limits of single routes are only in the headers of its answers. As long as those say what is left of a route, that
counts (`stated`); until then, and where a server leaves them out, the customary five calls in five seconds for each
channel and route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridges.discord import thread as threads
from core.model import ThreadId
from core.pace import Budget, Call, Pace, Stated

Said = Callable[[int, Call], Stated | None]
"""What Discord's last answers said is left of writing to, or editing in, a channel."""

BOT = Budget("bot", calls=45, seconds=1.0, reserve=5, shared=True)
"""A little less than the published number."""

REACTION = 0.25
"""Seconds from one reaction in a channel to the next, added or taken away: the customary limit."""


def pace(said: Said) -> Pace:
    """Writing and editing are counted apart, for each channel, where a thread is a channel of its own. Half a call
    is kept from growing text: then nine of ten final edits go at once, and the others in about half a second."""

    def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
        target = threads.read(thread).target
        yield BOT
        if call == "type":
            return
        if call in ("sign", "unsign"):
            yield Budget(f"reactions:{target}", calls=1, seconds=REACTION)
            return
        yield Budget(f"{call}:{target}", calls=5, seconds=5.0, reserve=0.5, stated=lambda: said(target, call))

    return Pace(budgets)
