"""Whatever people send gets a right answer or a clear sentence: never a traceback, and the next message is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.faults import Fault
from sandbox.faults import Kind as FaultKind
from tests.program import Program, World, place, replied, world

PLATFORMS = ("slack", "discord", "telegram")
MOST = {"slack": 200_000, "discord": 2_000, "telegram": 4_096}
"""What each platform lets a person send, in the smallest unit that it may count in."""

TEXTS = {
    "200 kB": "x" * 200_000,
    "lone surrogate": "a \ud83d b",
    "bidirectional": "\u202eabc\u202c \u2066x\u2069",
    "zero width": "a\u200b\u200db\ufeff",
    "emoji": "😀" * 10_000,
    "control": "a\x07b\x1bc",
    "markup": "<!channel> @everyone **[x](javascript:1) `` ``` | a | <b>&amp;",
}


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def _silent(program: Program) -> None:
    assert "Traceback" not in "\n".join(program.log), "\n".join(program.log)


async def test_text_of_every_kind_is_answered_on_every_platform(standing: World, tmp_path: Path) -> None:
    async with Program(("run", "--config", str(standing.config(tmp_path, "openai")))) as program:
        await standing.listening(program)

        async def converse(name: str) -> None:
            platform = standing.platforms[name]
            where = place(platform, "direct")
            for count, text in enumerate(TEXTS.values(), 1):
                units = text.encode("utf-16-le", "surrogatepass")[: 2 * MOST[name]]
                await platform.say(where, units.decode("utf-16-le", "surrogatepass"))
                await replied(platform, where, bool, count=count)
            await platform.say(where, "echo: still here")
            await replied(platform, where, lambda text: "still here" in text)

        await asyncio.gather(*map(converse, PLATFORMS))
        assert await program.stop() == 0
        _silent(program)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("status", "reached"), ("cut", "broke off"), ("break", "broke off"), ("error", ""), ("drop", "")],
)
async def test_an_upstream_in_trouble_is_said_on_every_platform(
    standing: World, tmp_path: Path, kind: FaultKind, words: str
) -> None:
    extra = "[log]\nlevel = 'info'"
    config = str(standing.config(tmp_path, "openai", extra=extra))
    retries = {"THREADBRIDGE__UPSTREAMS__MAIN__RETRIES": "0"}
    async with Program(("run", "--config", config), retries) as program:
        await standing.listening(program)
        fault = Fault("openai.chat", kind, times=len(PLATFORMS), status=503, words=3)
        standing.upstream.faults.add(fault)

        async def converse(name: str) -> None:
            platform = standing.platforms[name]
            where = place(platform, "direct")
            await platform.say(where, "echo: one two three four five six seven eight nine ten")
            [said] = await replied(platform, where, lambda text: "⚠️" in text and words in text)
            assert ("one two" in said) == (kind in ("cut", "break", "error"))
            await platform.say(where, "echo: well again")
            await replied(platform, where, lambda text: "well again" in text)

        await asyncio.gather(*map(converse, PLATFORMS))
        assert await program.stop() == 0
        _silent(program)


async def test_an_upstream_that_is_not_there_is_said(standing: World, tmp_path: Path) -> None:
    config = str(standing.config(tmp_path, "openai"))
    nowhere = {
        "THREADBRIDGE__UPSTREAMS__MAIN__BASE_URL": "http://127.0.0.1:9/v1",
        "THREADBRIDGE__UPSTREAMS__MAIN__RETRIES": "0",
    }
    async with Program(("run", "--config", config), nowhere) as program:
        await standing.listening(program)

        async def converse(name: str) -> None:
            platform = standing.platforms[name]
            where = place(platform, "direct")
            await platform.say(where, "hello")
            await replied(platform, where, lambda text: "cannot be reached" in text)

        await asyncio.gather(*map(converse, PLATFORMS))
        assert await program.stop() == 0
        _silent(program)


async def test_while_an_upstream_is_not_there_its_backup_answers(standing: World, tmp_path: Path) -> None:
    extra = f"""
[upstreams.second]
kind = "mygptassistants"
base_url = "{standing.upstream.base_url("mygptassistants")}"
api_key = "sandbox-key"
bot_id = "bot_sandbox"
"""
    nowhere = {
        "THREADBRIDGE__UPSTREAMS__MAIN__BASE_URL": "http://127.0.0.1:9",
        "THREADBRIDGE__UPSTREAMS__MAIN__RETRIES": "0",
        "THREADBRIDGE__UPSTREAMS__MAIN__BACKUP": "second",
    }
    config = str(standing.config(tmp_path, "goapi", extra=extra))
    async with Program(("run", "--config", config), nowhere) as program:
        await standing.listening(program)
        where = place(standing.telegram, "direct")
        await standing.telegram.say(where, "My name is Rosalind.")
        await replied(standing.telegram, where, lambda text: "Rosalind" in text)
        await standing.telegram.say(where, "What is my name?")
        await replied(standing.telegram, where, lambda text: "Rosalind" in text, count=2)
        assert await program.stop() == 0
    [conversation] = [one for one in standing.upstream.conversations if one.kind == "mygptassistants"]
    assert conversation.turns == 2


async def test_a_wrong_key_for_the_upstream_is_said_and_not_shown(standing: World, tmp_path: Path) -> None:
    config = str(standing.config(tmp_path, "goapi"))
    async with Program(
        ("run", "--config", config), {"THREADBRIDGE__UPSTREAMS__MAIN__API_KEY": "wrong-word"}
    ) as program:
        await standing.listening(program)
        where = place(standing.telegram, "direct")
        await standing.telegram.say(where, "hello")
        [said] = await replied(standing.telegram, where, lambda text: "⚠️" in text)
        assert "operator" in said
        assert "wrong-word" not in said + "\n".join(program.log)
        _silent(program)
