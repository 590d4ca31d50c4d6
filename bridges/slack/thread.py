"""Thread ids of Slack: `slack:{team}:{channel}:{root}`.

The root is the ts of the message that the thread hangs on. It is empty for the top level of a direct message where
that is one conversation, and for that of a channel, where the slash command is used.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.model import ThreadId


@dataclass(frozen=True, slots=True)
class Thread:
    team: str
    channel: str
    root: str | None

    def __post_init__(self) -> None:
        if not self.team or not self.channel or any(":" in part for part in (self.team, self.channel, self.root or "")):
            raise ValueError(f"not ids of Slack: {self.team!r}, {self.channel!r}, {self.root!r}")

    @property
    def direct(self) -> bool:
        """Is it a direct message with one person?"""
        return self.channel.startswith("D")

    def id(self) -> ThreadId:
        return ThreadId(f"slack:{self.team}:{self.channel}:{self.root or ''}")

    @staticmethod
    def read(id: ThreadId) -> Thread:
        """Raises `ValueError` for what no `Thread` made."""
        name, team, channel, root = id.split(":")
        if name != "slack":
            raise ValueError(f"not a thread of Slack: {id}")
        return Thread(team, channel, root or None)
