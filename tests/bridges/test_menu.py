"""The menu of assistants, as each platform takes it: as many buttons as it has, with names of any length."""

from __future__ import annotations

import pytest

from core.bridge import Offering
from core.controls import LONGEST_DATA, MOST_CHOICES, Control, choosing, pressed
from tests.bridges.test_waiting_sign import SPOTS

TURN = 10**18 - 1
NAMES = [f"{number} {'ä😀' * 60}" for number in range(MOST_CHOICES + 5)]


@pytest.mark.parametrize("platform", SPOTS)
async def test_each_platform_takes_the_largest_menu(platform: str) -> None:
    menu = choosing(TURN, NAMES, NAMES[3])
    async with SPOTS[platform]() as spot:
        surface = spot.bridge.open(spot.thread, "k1")
        assert isinstance(surface, Offering)
        surface.offer(menu)
        for _ in range(3):
            await surface.show("Who?", final=True)
        (shown,) = [view for view in spot.platform.view(spot.where) if view.bot]
        assert surface.offered == menu
    assert len(shown.buttons) == len(set(shown.buttons)) == MOST_CHOICES
    assert [label for label in shown.buttons if "✓" in label] == [shown.buttons[3]]


@pytest.mark.parametrize("name", NAMES[:3])
def test_what_a_button_says_is_short_enough_and_tells_them_apart(name: str) -> None:
    said = choosing(TURN, NAMES, "").data(Control.USE, name)
    assert len(said.encode()) <= LONGEST_DATA
    found = pressed(said)
    assert found is not None
    assert found.turn == TURN
