"""The bridge to Telegram."""

from __future__ import annotations

from bridges.telegram.bridge import TelegramBridge

__all__ = ["TelegramBridge"]
