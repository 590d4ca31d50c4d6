"""Buttons below replies, pressed on each platform: what they do, and that they do not pile up."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.stand_in import StandIn, View
from tests.program import WITHIN, Program, World, place, replied, world

PLATFORMS = ("telegram", "discord", "slack")
on_each = pytest.mark.parametrize("name", PLATFORMS)


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def written(platform: StandIn, where: str, words: str = "") -> list[View]:
    return [view for view in platform.view(where) if view.bot and words in view.text]


def button(view: View, word: str) -> str:
    return next(label for label in view.buttons if word in label)


async def offered(platform: StandIn, where: str, words: str, label: str) -> View:
    """Waits until the bot's last message with these words has a button with this word."""

    def found() -> list[View]:
        return [v for v in written(platform, where, words) if any(label in one for one in v.buttons)][-1:]

    await platform.feed.until(found, within=WITHIN)
    return found()[0]


async def press(platform: StandIn, where: str, view: View, word: str) -> str:
    return await platform.press(where, view.id, button(view, word))


def column(folder: Path, name: str) -> list[object]:
    with closing(sqlite3.connect(folder / "threadbridge.db")) as database:
        return [value for (value,) in database.execute(f"SELECT {name} FROM turn ORDER BY id")]


@on_each
async def test_what_is_pressed_is_done(standing: World, tmp_path: Path, name: str) -> None:
    platform = standing.platforms[name]
    where = place(platform, "direct")
    async with Program(("run", "--config", str(standing.config(tmp_path, "goapi")))) as program:
        await standing.listening(program)
        await platform.say(where, "echo: high tide")
        first = await offered(platform, where, "high tide", "👎")
        await press(platform, where, first, "👎")
        await platform.feed.until(lambda: column(tmp_path, "rating") == [-1], within=WITHIN)
        await platform.press(where, first.id, button(first, "Retry"))
        await replied(platform, where, lambda text: text == "high tide", count=2)
        # the newest reply alone has buttons
        await platform.feed.until(
            lambda: [bool(v.buttons) for v in written(platform, where, "high tide")] == [False, True], within=WITHIN
        )
        again = written(platform, where, "high tide")[-1]
        await press(platform, where, again, "New")
        await replied(platform, where, lambda text: "A new conversation begins" in text)
        assert await program.stop() == 0
    assert column(tmp_path, "command") == ["", "", "new"]


@on_each
async def test_a_press_stops_what_grows_and_nothing_else(standing: World, tmp_path: Path, name: str) -> None:
    platform = standing.platforms[name]
    where = place(platform, "direct")
    standing.upstream.hold_after = 40
    # below one of Slack's own streams there is no button
    edits = {"THREADBRIDGE__BRIDGES__SLACK__STREAMING": "off"}
    async with Program(("run", "--config", str(standing.config(tmp_path, "goapi"))), edits) as program:
        await standing.listening(program)
        await platform.say(where, "long 500")
        growing = await offered(platform, where, "", "Stop")
        await press(platform, where, growing, "Stop")
        stopped = await offered(platform, where, "Stopped.", "Retry")
        assert not any("👍" in label for label in stopped.buttons), "there is no answer to rate"
        assert len(written(platform, where)) == 1, "the reply itself says that it was stopped"
        assert await program.stop() == 0


@on_each
async def test_an_assistant_is_chosen_by_a_button_also_after_a_restart(
    standing: World, tmp_path: Path, name: str
) -> None:
    """The name is longer than a button of Telegram's can say."""
    platform = standing.platforms[name]
    where = place(platform, "direct")
    long = "an-assistant-with-a-name-that-no-button-could-ever-hold-as-it-is"
    url = standing.upstream.base_url("openai")
    other = f'[upstreams.{long}]\nkind = "openai"\nbase_url = "{url}"\nmodel = "other"\n'
    config = str(standing.config(tmp_path, "goapi", extra=other))
    several = {f"THREADBRIDGE__BRIDGES__{name.upper()}__UPSTREAMS": long}
    async with Program(("run", "--config", config), several) as program:
        await standing.listening(program)
        await platform.say(where, "!use" if name == "slack" else "/use")
        menu = await offered(platform, where, "Assistants here", "✓ main")
        assert await program.stop() == 0
    async with Program(("run", "--config", config), several) as program:
        await standing.listening(program)
        await press(platform, where, menu, "an-assistant")
        await replied(platform, where, lambda text: f"{long} answers here" in text)
        await platform.feed.until(lambda: not written(platform, where, "Assistants here")[0].buttons, within=WITHIN)
        assert await program.stop() == 0
    assert column(tmp_path, "upstream")[-1] == long


@on_each
async def test_buttons_work_after_a_restart(standing: World, tmp_path: Path, name: str) -> None:
    platform = standing.platforms[name]
    where = place(platform, "direct")
    config = str(standing.config(tmp_path, "goapi"))
    async with Program(("run", "--config", config)) as program:
        await standing.listening(program)
        await platform.say(where, "echo: low tide")
        shown = await offered(platform, where, "low tide", "Retry")
        assert await program.stop() == 0
    async with Program(("run", "--config", config)) as program:
        await standing.listening(program)
        await press(platform, where, shown, "👍")
        await platform.feed.until(lambda: column(tmp_path, "rating") == [1], within=WITHIN)
        assert await program.stop() == 0
