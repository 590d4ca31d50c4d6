"""The web bridge in the whole program, in one process and in several, also when one of them dies."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from sandbox.upstream import UpstreamServer, prose
from tests.postgresql import copied
from tests.program import Program
from tests.web import ANN, BOB, Events, WebClient

WORDS = 900


@dataclass
class Site:
    """Programs on one configuration, and a session that clients ask over."""

    config: Path
    upstream: UpstreamServer
    session: aiohttp.ClientSession
    stack: AsyncExitStack
    programs: list[Program] = field(default_factory=list)

    async def program(self, role: str = "run") -> Program:
        program = await self.stack.enter_async_context(Program((role, "--config", str(self.config))))
        self.programs.append(program)
        return program

    async def client(self, program: Program) -> WebClient:
        """Once the program answers."""
        line = await program.said("HTTP on ")
        await program.said("Web: 2 clients")
        found = re.search(r"http://\S+", line)
        assert found is not None
        return WebClient(found[0], self.session)


@asynccontextmanager
async def site(folder: Path, *, speed: float = 0, database: str | None = None) -> AsyncIterator[Site]:
    """`speed`: words in a second that the upstream writes; 0: all at once."""
    async with UpstreamServer() as upstream, aiohttp.ClientSession() as session, AsyncExitStack() as stack:
        upstream.speed = speed
        config = folder / "threadbridge.toml"
        config.write_text(
            f"""
[database]
url = "{database or f"sqlite:///{folder}/threadbridge.db"}"
[http]
port = 0
[bridges.web.clients.ann]
token = "{ANN}"
[bridges.web.clients.bob]
token = "{BOB}"
[upstreams.main]
kind = "goapi"
base_url = "{upstream.base_url("goapi")}"
api_key = "sandbox-key"
""",
            "utf-8",
        )
        yield Site(config, upstream, session, stack)


def whole(events: Events) -> bool:
    """Is all there that the upstream writes, once, and in its order?"""
    said = " ".join(text for name, text in events.texts.items() if name != "q1")
    return _words(said) == _words(prose.long(WORDS))


def _answered(count: int, events: Events) -> bool:
    return events.answering is False and len(events.texts) == 2 * count


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


async def ended(program: Program) -> None:
    assert await program.stop() == 0
    log = "\n".join(program.log)
    assert "Traceback" not in log
    assert ANN not in log
    assert BOB not in log


async def test_a_conversation_that_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with site(tmp_path) as standing:
        program = await standing.program()
        client = await standing.client(program)
        await client.say("tides", id="q1", text="My name is Rosalind.")
        await client.say("tides", BOB, id="q1", text="My name is Bob.")
        async with client.events("tides") as events:
            await events.until(lambda heard: heard.answering is False and len(heard.texts) == 2)
            last = events.last
            await ended(program)
            await events.ended()
        again = await standing.program()
        client = await standing.client(again)
        await client.say("tides", id="q1", text="My name is Rosalind.")
        _, told = await client.say("tides", id="q2", text="What is my name?")
        async with client.events("tides", last) as events:
            await events.until(lambda heard: heard.answering is False and len(heard.texts) == 2)
            [answer] = [text for name, text in events.texts.items() if name != "q2"]
            assert "Rosalind" in answer
        assert told["cursor"] > int(last)
        _, found = await client.get("threads/tides/messages")
        assert [one["role"] for one in found["messages"]] == ["user", "assistant"] * 2
        _, of_bob = await client.get("threads/tides/messages", BOB)
        assert "Rosalind" not in str(of_bob)
        await ended(again)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_an_answer_that_was_cut_off_is_finished_in_its_message(tmp_path: Path, number: signal.Signals) -> None:
    async with site(tmp_path, speed=WORDS) as standing:
        standing.upstream.finishes_abandoned = True
        standing.config.write_text(standing.config.read_text() + "[relay]\ndrain_within = 0\n")
        program = await standing.program()
        client = await standing.client(program)
        await client.say("tides", id="q1", text=f"long {WORDS}")
        async with client.events("tides") as events:
            await events.until(lambda heard: any(len(text) > 100 for text in heard.texts.values()))
            last, [begun] = events.last, [name for name in events.texts if name != "q1"][:1]
            await program.stop(number)
        again = await standing.program()
        client = await standing.client(again)
        async with client.events("tides", last) as events:
            await events.until(lambda heard: heard.answering is False)
        async with client.events("tides") as events:
            await events.until(lambda heard: heard.answering is not None)
            assert whole(events)
            assert next(name for name in events.texts if name != "q1") == begun
            assert set(events.states.values()) == {"final"}
        await ended(again)


@pytest.mark.timeout(180)
async def test_a_reader_at_a_listener_sees_what_workers_write_also_when_one_dies(
    tmp_path: Path, postgresql: str
) -> None:
    async with site(tmp_path, speed=WORDS / 2, database=copied(postgresql, "web_apart")) as standing:
        listener = await standing.program("listen")
        client = await standing.client(listener)
        worker = await standing.program("work")
        await worker.said("working:")
        await client.say("tides", id="q1", text=f"long {WORDS}")
        async with client.events("tides") as events:
            await events.until(lambda heard: any(len(text) > 100 for text in heard.texts.values()))
            await worker.stop(signal.SIGKILL)
            another = await standing.program("work")
            await events.until(lambda heard: heard.answering is False)
            assert whole(events)
        for program in (another, listener):
            await ended(program)


async def test_stop_ends_an_answer(tmp_path: Path) -> None:
    async with site(tmp_path, speed=20) as standing:
        program = await standing.program()
        client = await standing.client(program)
        await client.say("tides", id="q1", text="long 5000")
        async with client.events("tides") as events:
            await events.until(lambda heard: any(len(text) > 30 for text in heard.texts.values()))
            await client.say("tides", id="q2", command="stop")
            await events.until(lambda heard: heard.answering is False)
            assert any("Stopped." in text for text in events.texts.values())
        await ended(program)


async def test_a_person_who_says_too_much_is_told_so(tmp_path: Path) -> None:
    async with site(tmp_path) as standing:
        standing.config.write_text(standing.config.read_text() + "[access.web]\nturns_per_day = 1\n")
        program = await standing.program()
        client = await standing.client(program)
        for number, user in enumerate(("ann", "ann", "bea")):
            await client.say("tides", id=f"q{number}", text="echo: heard", user=user)
            async with client.events("tides") as events:
                await events.until(partial(_answered, number + 1))
        answers = [text for name, text in events.texts.items() if not name.startswith("q")]
        assert [text == "heard" for text in answers] == [True, False, True]
        await ended(program)
