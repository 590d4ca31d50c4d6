"""How fast a Discord bot may speak.

Discord publishes one number, 50 requests a second for each bot (https://discord.com/developers/docs/topics/rate-limits);
the limits of single routes are only in the headers of its answers, which `buckets.Buckets` heeds. The values here keep
to the customary five calls in five seconds for each channel and route (`burst + 5 * per_second` is five), so that those
headers need not speak; a refusal slows a budget down for a while.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridges.discord import thread as threads
from core.model import ThreadId
from core.pace import Budget, Call, Pace

BOT = Budget("bot", per_second=45, burst=45, reserve=5)


def of_channel(target: int, call: Call) -> Budget:
    """Writing and editing are counted apart, for each channel, where a thread is a channel of its own."""
    return Budget(f"{call}:{target}", per_second=0.7, burst=1.5, reserve=0.5)


def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
    return BOT, of_channel(threads.read(thread).target, call)


PACE = Pace(budgets)
