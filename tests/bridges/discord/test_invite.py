"""The invitation asks for what the bridge makes use of; the command asks Discord whose it is."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bridges.discord.invite import invite
from tests.program import Program, world

VIEW, SEND, HISTORY, PUBLIC_THREADS, SEND_IN_THREADS = 1 << 10, 1 << 11, 1 << 16, 1 << 35, 1 << 38
"""https://docs.discord.com/developers/topics/permissions"""


def test_the_permissions_are_few() -> None:
    said = parse_qs(urlsplit(invite("7", "channel")).query)
    assert said["client_id"] == ["7"]
    assert said["scope"] == ["bot applications.commands"]
    assert int(said["permissions"][0]) == VIEW | SEND | HISTORY | SEND_IN_THREADS


def test_threads_of_its_own_have_to_be_allowed() -> None:
    said = parse_qs(urlsplit(invite("7", "thread")).query)
    assert int(said["permissions"][0]) & PUBLIC_THREADS


async def test_the_command(tmp_path: Path) -> None:
    async with world() as standing:
        config = str(standing.config(tmp_path, "openai"))
        async with Program(("discord", "invite", "--config", config)) as program:
            assert await program.ended() == 0, program.log
        assert program.log == [invite(standing.discord.world.bot, "channel")]
        wrong = {"THREADBRIDGE__BRIDGES__DISCORD__TOKEN": "wrong-word"}
        async with Program(("discord", "invite", "--config", config), wrong) as program:
            assert await program.ended() == 1
        [said] = program.log
        assert "does not take bridges.discord.token. Press Reset Token" in said
        assert "wrong-word" not in said
