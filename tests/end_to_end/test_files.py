"""The whole program: what the assistant draws arrives as a picture in the thread, on every platform."""

from __future__ import annotations

from pathlib import Path

from sandbox.files import files
from tests.program import WITHIN, Program, place, world

PLACES = {"slack": "channel", "discord": "channel", "telegram": "group"}


async def test_a_picture_arrives_as_a_picture_below_the_answer(tmp_path: Path) -> None:
    async with world() as standing:
        config = standing.config(tmp_path, "goapi")
        async with Program(("run", "--config", str(config))) as program:
            await standing.listening(program)
            for name, platform in standing.platforms.items():
                where = place(platform, PLACES[name])
                asked = await platform.say(where, "@bot draw a lighthouse")
                await platform.feed.until(lambda: any(one.files for one in platform.view(where)), within=WITHIN)  # noqa: B023
                text, picture = [view for view in platform.view(where) if view.bot]
                assert text.text == "Here is a lighthouse. I hope you like it!"
                [file] = files(platform, picture)
                assert file.picture
                assert file.content.startswith(b"\x89PNG")
                assert picture.parent == text.parent
                if name != "discord":
                    assert picture.parent == asked
            assert await program.stop() == 0
