"""The HTTP side of the program: health, where platforms reach it, and the operator's pages."""

from __future__ import annotations
