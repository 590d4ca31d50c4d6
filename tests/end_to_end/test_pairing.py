"""A stranger on Telegram, the code, and the operator's command beside the running program."""

from __future__ import annotations

import re
from pathlib import Path

from tests.program import Program, place, replied, world


async def test_a_stranger_is_let_in_while_the_program_runs(tmp_path: Path) -> None:
    async with world() as them:
        config = them.config(tmp_path, "openai")
        config.write_text(config.read_text("utf-8").replace('policy = "open"', 'policy = "pairing"'), "utf-8")
        async with Program(("run", "--config", str(config))) as program:
            await them.listening(program)
            chat = place(them.telegram, "direct")
            await them.telegram.say(chat, "Hello")
            [note] = await replied(them.telegram, chat, lambda text: "code" in text)
            found = re.search(r"[A-Z2-9]{3}-[A-Z2-9]{3}", note)
            assert found, note
            async with Program(("pair", "--config", str(config), "--list")) as pair:
                await pair.said(f"{found[0]}, until ")
                assert await pair.ended() == 0
            async with Program(("pair", "--config", str(config), "WRONG")) as pair:
                await pair.said("threadbridge: Nobody was given the code WRONG")
                assert await pair.ended() == 1
            async with Program(("pair", "--config", str(config), found[0].lower())) as pair:
                said = await pair.said("is let in on telegram from now on")
                assert await pair.ended() == 0
            await them.telegram.say(chat, "And now?")
            await replied(them.telegram, chat, lambda text: "And now?" in text)
            person = re.search(r"id (\S+)\)", said)
            assert person
            async with Program(("pair", "--config", str(config), "--revoke", person[1])) as pair:
                await pair.said("is no longer let in on telegram")
                assert await pair.ended() == 0
            async with Program(("pair", "--config", str(config), "--revoke", person[1])) as pair:
                await pair.said("threadbridge pair --list shows the ids")
                assert await pair.ended() == 1
