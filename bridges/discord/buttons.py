"""Buttons below a message: https://discord.com/developers/docs/components/reference#button"""

from __future__ import annotations

import discord

from core.controls import LABELS, Control, Controls

_EMOJI = {Control.STOP: "⏹️", Control.RETRY: "🔁", Control.NEW: "✨", Control.GOOD: "👍", Control.BAD: "👎"}
LONGEST_LABEL = 80
_BARE = (Control.GOOD, Control.BAD)


def view(controls: Controls) -> discord.ui.View | None:
    """In one row, or what may be chosen in rows of five. None takes away what there was."""
    if not controls:
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
    for choice in controls.choices:
        row.add_item(
            discord.ui.Button(
                style=discord.ButtonStyle.primary if choice.present else discord.ButtonStyle.secondary,
                label=choice.label(LONGEST_LABEL),
                custom_id=controls.data(Control.USE, choice.name),
            )
        )
    row.stop()  # what is pressed is read from its data: the library is not to remember every message
    return row
