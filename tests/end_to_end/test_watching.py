"""What an operator sees of the real program, in each of its roles."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.program import Program, World, place, replied, world


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def address(program: Program) -> str:
    found = re.search(r"http://[\d.:]+", await program.said("HTTP on "))
    assert found is not None
    return found[0]


async def metrics(program: Program) -> dict[str, float]:
    async with aiohttp.ClientSession() as session, session.get(f"{await address(program)}/metrics") as answer:
        assert answer.status == 200
        lines = (await answer.text()).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_listeners_and_workers_have_metrics_of_their_own(
    standing: World, database_url: str, tmp_path: Path
) -> None:
    config = str(standing.config(tmp_path, "goapi", database=database_url))
    async with Program(("listen", "--config", config)) as listener, Program(("work", "--config", config)) as worker:
        for words in ("listening to Slack", "connected to Discord", "listening:"):
            await listener.said(words)
        await worker.said("working:")
        where = place(standing.slack, "channel")
        await standing.slack.say(where, "@bot My name is Rosalind.")
        assert len(await replied(standing.slack, where, lambda text: "Rosalind" in text)) == 1
        await worker.said("turn answered")
        heard, worked = await metrics(listener), await metrics(worker)
    assert heard['threadbridge_accepted_total{platform="slack"}'] == 1
    assert heard['threadbridge_listening{platform="slack"}'] == 1
    assert 'threadbridge_listening{platform="slack"}' not in worked
    answered = 'threadbridge_turns_total{outcome="answered",platform="slack",upstream="main"}'
    assert answered not in heard
    assert worked[answered] == 1
    for of in ("first_sign", "first_text", "final"):
        assert worked[f'threadbridge_{of}_seconds_count{{platform="slack"}}'] == 1
    for one in (heard, worked):
        assert one['threadbridge_waiting_turns{platform="slack"}'] == 0
        assert (one["threadbridge_ready"], one["threadbridge_database_up"]) == (1, 1)


@pytest.mark.parametrize("asked", [False, True])
async def test_logs_tell_of_turns_and_of_words_only_if_asked(standing: World, tmp_path: Path, asked: bool) -> None:
    environment = {"THREADBRIDGE__LOG__FORMAT": "json", "THREADBRIDGE__LOG__MESSAGES": str(asked).lower()}
    async with Program(("run", "--config", str(standing.config(tmp_path, "goapi"))), environment) as program:
        await standing.listening(program)
        where = place(standing.slack, "channel")
        await standing.slack.say(where, "@bot My name is Rosalind.")
        assert len(await replied(standing.slack, where, lambda text: "Rosalind" in text)) == 1
        await program.said("turn answered")
        assert await program.stop() == 0
    lines = [json.loads(line) for line in program.log]
    [ended] = [line for line in lines if line["message"] == "turn answered"]
    [accepted] = [line for line in lines if line["message"] == "turn accepted"]
    assert ended["turn_id"] == 1
    assert ended["thread_id"] == accepted["thread_id"]
    words = [line for line in lines if "Rosalind" in json.dumps(line)]
    assert [line["message"] for line in words] == (["asked", "answered"] if asked else [])
    assert all("Rosalind" in line["text"] and line["thread_id"] == ended["thread_id"] for line in words)
