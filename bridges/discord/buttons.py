"""Buttons below a message: https://discord.com/developers/docs/components/reference#button"""

from __future__ import annotations

import discord

from core.controls import LABELS, Control, Controls

_EMOJI = {Control.STOP: "⏹️", Control.RETRY: "🔁", Control.NEW: "✨", Control.GOOD: "👍", Control.BAD: "👎"}
_BARE = (Control.GOOD, Control.BAD)


def view(controls: Controls) -> discord.ui.View | None:
    """In one row. None takes away what there was."""
    if not controls.offered:
        return None
    row = discord.ui.View(timeout=None)
    for one in controls.offered:
        row.add_item(
            discord.ui.Button(
                style=discord.ButtonStyle.secondary,
                label=None if one in _BARE else LABELS[one],
                emoji=_EMOJI[one],
                custom_id=controls.data(one),
            )
        )
    row.stop()  # what is pressed is read from its data: the library is not to remember every message
    return row
