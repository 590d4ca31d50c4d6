"""The HTTP side of the program: health, and where platforms reach it."""

from __future__ import annotations
