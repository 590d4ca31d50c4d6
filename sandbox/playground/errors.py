"""What can keep a playground from starting."""

from __future__ import annotations


class PlaygroundError(Exception):
    """One sentence for the person who started it: what is in the way, and what to do."""
