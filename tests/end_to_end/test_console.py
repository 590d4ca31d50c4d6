"""The operator of the running program: what is on record, what is done about it, and what is forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core import reading
from tests.command import command
from tests.console.standing import TOKEN, bearer
from tests.program import Program, World, place, replied, world


@asynccontextmanager
async def running(them: World, folder: Path, extra: str = "") -> AsyncIterator[tuple[Program, str, str]]:
    """The program, its address and its configuration."""
    config = them.config(folder, "openai", extra=extra)
    config.write_text(config.read_text("utf-8").replace("[http]", f'[http]\nadmin_token = "{TOKEN}"'), "utf-8")
    async with Program(("run", "--config", str(config))) as program:
        await them.listening(program)
        found = re.search(r"http://[\d.]+:\d+", await program.said("HTTP on "))
        assert found
        yield program, found[0], str(config)
        assert await program.stop() == 0
        assert TOKEN not in "\n".join(program.log)


async def asked(method: str, address: str, path: str, body: object = None) -> Any:
    url = f"{address}/api/v1{path}"
    async with aiohttp.request(method, url, json=body, headers=bearer()) as answer:
        assert answer.status == 200, await answer.text()
        return (await answer.json())["data"]


async def test_an_operator_looks_acts_and_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as them, running(them, tmp_path) as (_, address, config):
        chat = place(them.telegram, "direct")
        await them.telegram.say(chat, "echo: the lighthouse")
        await replied(them.telegram, chat, lambda text: "the lighthouse" in text)
        [listed] = (await asked("GET", address, "/conversations?search=lighthouse"))["conversations"]
        await asked("POST", address, f"/conversations/{listed['id']}/retry")
        await replied(them.telegram, chat, lambda text: "the lighthouse" in text, count=2)

        async def conversations(*arguments: str, code: int = 0) -> list[str]:
            ended = await command("conversations", *arguments, "--config", config)
            assert ended.code == code, ended.lines
            return ended.lines

        found = await conversations("list", "--search", "lighthouse")
        assert found[-1] == "1 in all"
        assert (await conversations("list", "--search", "lighthouse", "--until", "2001-01-31")) == ["0 in all"]
        monkeypatch.setattr(reading, "SEARCHED_TURNS", 1)
        assert "to look further back: --until" in (await conversations("list", "--search", "lighthouse"))[-1]
        assert "  > echo: the lighthouse" in await conversations("show", str(listed["id"]))
        assert "There is no conversation 999" in (await conversations("show", "999", code=1))[-1]
        first, *_ = turns = [json.loads(line) for line in await conversations("export")]
        assert [turn["prompt"] for turn in turns] == ["echo: the lighthouse"] * 2
        assert first["parts"][0]["message"]

        person = {"bridge": "telegram", "author": first["author"]}
        await asked("POST", address, "/people/ban", person)
        assert [one["author"] for one in (await asked("GET", address, "/people"))["banned"]] == [first["author"]]
        await asked("POST", address, "/people/lift-ban", person)
        gone = " ".join(await conversations("forget", "--person", first["author"]))
        assert "2 of turn" in gone
        assert "Out of reach" in gone
        assert await conversations("export") == []


async def test_where_nothing_is_kept_only_ids_are_left(tmp_path: Path) -> None:
    async with world() as them:
        async with running(them, tmp_path, '[retention]\ntext = "none"') as (_, _, config):
            chat = place(them.telegram, "direct")
            await them.telegram.say(chat, "echo: a secret")
            await replied(them.telegram, chat, lambda text: "a secret" in text)
        [line] = (await command("conversations", "export", "--config", config)).lines
        turn = json.loads(line)
        assert (turn["prompt"], turn["reply"], turn["erased"], turn["state"]) == ("", None, True, "answered")
