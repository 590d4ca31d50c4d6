"""The invitation asks for what the bridge makes use of; the command asks Discord whose it is."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from bridges.discord.invite import invite
from bridges.settings import DiscordSettings
from tests.program import Program, world

REACT, VIEW, SEND, ATTACH, HISTORY = 1 << 6, 1 << 10, 1 << 11, 1 << 15, 1 << 16
PUBLIC_THREADS, SEND_IN_THREADS = 1 << 35, 1 << 38
"""https://docs.discord.com/developers/topics/permissions"""
SETTINGS = DiscordSettings(token=SecretStr("t"))


def test_the_permissions_are_few() -> None:
    said = parse_qs(urlsplit(invite("7", SETTINGS)).query)
    assert said["client_id"] == ["7"]
    assert said["scope"] == ["bot applications.commands"]
    assert int(said["permissions"][0]) == REACT | VIEW | SEND | ATTACH | HISTORY | SEND_IN_THREADS


def test_reactions_only_where_there_is_a_sign() -> None:
    said = parse_qs(urlsplit(invite("7", SETTINGS.model_copy(update={"waiting_sign": False}))).query)
    assert int(said["permissions"][0]) == VIEW | SEND | ATTACH | HISTORY | SEND_IN_THREADS


def test_threads_of_its_own_have_to_be_allowed() -> None:
    said = parse_qs(urlsplit(invite("7", SETTINGS.model_copy(update={"answer_in": "thread"}))).query)
    assert int(said["permissions"][0]) & PUBLIC_THREADS


async def test_the_command(tmp_path: Path) -> None:
    async with world() as standing:
        config = str(standing.config(tmp_path, "openai"))
        async with Program(("discord", "invite", "--config", config)) as program:
            assert await program.ended() == 0, program.log
        assert program.log == [invite(standing.discord.world.bot, SETTINGS)]
        wrong = {"THREADBRIDGE__BRIDGES__DISCORD__TOKEN": "wrong-word"}
        async with Program(("discord", "invite", "--config", config), wrong) as program:
            assert await program.ended() == 1
        [said] = program.log
        assert "does not take bridges.discord.token. Press Reset Token" in said
        assert "wrong-word" not in said


async def test_init_gives_the_link_as_soon_as_it_can(tmp_path: Path) -> None:
    command = ("init", "--bridge", "discord", "--upstream", "openai", "--yes")
    async with world() as standing:
        told = {
            "THREADBRIDGE__BRIDGES__DISCORD__API_URL": standing.discord.api_url,
            "DISCORD_TOKEN": "sandbox-discord-token",
            "OPENAI_API_KEY": "k",
        }
        async with Program(command, told, tmp_path) as program:
            assert await program.ended() == 0, program.log
        link = invite(standing.discord.world.bot, SETTINGS)
        assert f"This link brings the bot into a server: {link}" in program.log
    async with Program((*command, "--config", "other.toml"), {}, tmp_path) as program:
        assert await program.ended() == 0, program.log
    assert any("threadbridge discord invite prints the link" in line for line in program.log)
