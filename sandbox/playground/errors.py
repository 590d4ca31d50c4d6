"""What can go wrong, each in one sentence for the person in front of it."""

from __future__ import annotations


class PlaygroundError(Exception):
    """Keeps a playground from starting: what is in the way, and what to do."""


class Refused(Exception):
    """What the page asked for cannot be done; the sentence says why."""
