"""Where no signs are put: for an hour, and in so many channels at most."""

from __future__ import annotations

from core import signless
from core.signless import FOR, Signless


def test_a_refusal_counts_for_its_channel_alone_and_for_an_hour() -> None:
    known = Signless()
    known.refused("discord", "lounge", 100.0)
    assert known.holds("discord", "lounge", 100.0)
    assert known.holds("discord", "lounge", 99.9 + FOR)
    assert not known.holds("discord", "help", 100.0)
    assert not known.holds("slack", "lounge", 100.0)
    assert not known.holds("discord", "lounge", 100.0 + FOR)
    known.refused("discord", "lounge", 200.0 + FOR)
    assert known.holds("discord", "lounge", 200.0 + FOR)


def test_so_many_channels_are_remembered_and_no_more() -> None:
    known = Signless()
    for channel in range(signless.MOST + 10):
        known.refused("discord", str(channel), 1.0)
        known.refused("discord", "lounge", 1.0)
    held = sum(known.holds("discord", str(channel), 2.0) for channel in range(signless.MOST + 10))
    assert held == signless.MOST - 1
    assert known.holds("discord", "lounge", 2.0), "what refuses again is not the oldest"
