"""A stand-in of Telegram's Bot API on loopback."""

from __future__ import annotations

from sandbox.telegram.limits import Limits
from sandbox.telegram.server import TOKEN, TelegramServer

__all__ = ["TOKEN", "Limits", "TelegramServer"]
