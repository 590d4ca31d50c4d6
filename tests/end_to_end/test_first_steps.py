"""From an empty folder, as somebody who is new to it: init, doctor, run, and the first answer."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.upstream import API_KEY
from tests.program import Program, place, replied, world


async def test_from_an_empty_folder_to_the_first_answer(tmp_path: Path) -> None:
    async with world() as standing:
        standing.telegram.methods.privacy = False
        where = place(standing.telegram, "direct")
        told = {
            # the one thing that a stand-in needs and a person does not: where it is
            "THREADBRIDGE__BRIDGES__TELEGRAM__API_URL": standing.telegram.api_url,
            "THREADBRIDGE__HTTP__PORT": "0",
        }
        answers = ["telegram", "", where, "openai", f"{standing.upstream.base_url('openai')}", "sandbox"]
        async with Program(("init",), told, tmp_path, typed="\n".join([*answers, ""])) as program:
            assert await program.ended() == 0, program.log
        assert sorted(os.listdir(tmp_path)) == ["threadbridge.toml"]

        async with Program(("doctor",), told, tmp_path) as program:
            assert await program.ended() == 1, program.log
        assert "${TELEGRAM_TOKEN}, which is not set" in program.log[0]

        told["TELEGRAM_TOKEN"] = "100001:sandbox-telegram-token"
        told["THREADBRIDGE__UPSTREAMS__MAIN__API_KEY"] = API_KEY
        async with Program(("doctor",), told, tmp_path) as program:
            assert await program.ended() == 0, program.log
        assert program.log[-1].endswith("all is well."), program.log

        async with Program(("run",), told, tmp_path) as program:
            await program.said("running: telegram")
            await standing.telegram.say(where, "echo: the first answer")
            await replied(standing.telegram, where, lambda text: "the first answer" in text)
            assert await program.stop() == 0
