"""Where no sign is put on messages for a while, because the platform has refused one: it would else be asked again for
each message that waits in a channel in which the bot may not react."""

from __future__ import annotations

from collections import OrderedDict

FOR = 3_600.0
"""Seconds."""
MOST = 10_000
"""Channels that are remembered; of more, those that refused last."""


class Signless:
    """Pure: `now` is seconds of any one clock."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()

    def refused(self, bridge: str, channel: str, now: float) -> None:
        self._until[bridge, channel] = now + FOR
        self._until.move_to_end((bridge, channel))
        if len(self._until) > MOST:
            self._until.popitem(last=False)

    def holds(self, bridge: str, channel: str, now: float) -> bool:
        """Is the platform not to be asked for a sign in this channel?"""
        until = self._until.get((bridge, channel))
        if until is not None and until <= now:
            del self._until[bridge, channel]
        return until is not None and until > now
