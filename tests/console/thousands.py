"""How long the operator's pages take where thousands of conversations are on record, on both databases, by hand:

    python -m tests.console.thousands --conversations 20000 --turns 20000

Writes the milliseconds between a request and the end of its answer, the best and the middle one of several, and the
least that this process worked for one; a PostgreSQL works besides.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import aiohttp
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

import migrations
from core.database import parse, transaction
from core.statements import CONVERSATION, PAIRED, TURN, now
from sandbox.upstream import prose
from tests.console.seeding import turn_row
from tests.console.standing import TOKEN, Standing, bearer, standing
from tests.postgresql import copied, postgresql_server

TIMES = 7
MOST = 100.0
"""Milliseconds."""
PAGES = (
    "console/",
    "console/live",
    "console/conversations",
    "console/conversations?page=400",
    "console/conversations?page=99999",
    "console/conversations?bridge=slack",
    "console/conversations?search=lighthouse",
    "console/conversations?search=nowhere+to+be+found",
    "console/conversations?search=u17",
    "console/conversations/1",
    "console/conversations/1?page=1",
    "console/conversations/1?page=400",
    "console/turns/1",
    "console/failures",
    "console/failures?page=20",
    "console/usage?days=7",
    "console/usage?days=90",
    "console/people",
    "api/v1/conversations?limit=100",
    "api/v1/conversations?limit=100&page=200",
    "api/v1/conversations?limit=100&since=2026-01-01T00:00:00Z",
    "api/v1/conversations?search=lighthouse",
    "api/v1/conversations/1/turns?limit=100&page=200",
    "api/v1/conversations/1/turns?since=2026-01-01T00:00:00Z",
    "api/v1/failures?limit=100",
    "api/v1/usage?days=366",
)


def rows(conversations: int, turns: int) -> Sequence[dict[str, Any]]:
    """The first conversation has `turns`, each other one or two."""
    dice = random.Random(1)
    answers = [prose.long(length) for length in (30, 80, 200, 400)]
    of = [1] * turns + [number for number in range(2, conversations + 1) for _ in range(dice.choice((1, 2)))]
    dice.shuffle(of)
    found = []
    for number, conversation in enumerate(of):
        bridge = dice.choice(("slack", "discord", "telegram"))
        at = now() - timedelta(seconds=100 * (len(of) - number))
        failed = dice.random() < 0.02
        found.append(
            turn_row(
                number,
                conversation_id=conversation,
                bridge=bridge,
                thread=f"{bridge}:{conversation}",
                author=f"u{dice.randrange(500)}",
                channel=f"c{dice.randrange(100)}",
                prompt=" ".join(prose.sentence(dice.randrange(10_000)) for _ in range(dice.randint(1, 4))),
                reply=None if failed else dice.choice(answers),
                state="failed" if failed else "answered",
                error="The assistant does not answer just now." if failed else None,
                prompt_tokens=100,
                reply_tokens=200,
                **dict.fromkeys(("sent_at", "accepted_at", "started_at", "ended_at"), at),
            )
        )
    return found


async def fill(engine: AsyncEngine, conversations: int, turns: int) -> None:
    begun = [
        {"thread": f"slack:{number}", "upstream": "main", "upstream_id": f"up-{number}", "fresh": True}
        | {"started_at": now()}
        for number in range(1, conversations + 1)
    ]
    async with transaction(engine) as connection:
        await connection.execute(insert(CONVERSATION), begun)
        await connection.execute(insert(TURN), rows(conversations, turns))
        people = [{"bridge": "telegram", "author": f"u{one}", "author_name": "Ann", "at": now()} for one in range(500)]
        await connection.execute(insert(PAIRED), people)
        await connection.exec_driver_sql("ANALYZE")


async def measure(there: Standing) -> bool:
    """Is every page fast enough?"""
    jar = aiohttp.CookieJar(unsafe=True)
    slow = False
    async with aiohttp.ClientSession(cookie_jar=jar, headers=bearer()) as session:
        await session.post(f"{there.address}/console/login", data={"token": TOKEN})
        for page in PAGES:
            took, worked = [], []
            for _ in range(TIMES):
                began, idle = time.perf_counter(), time.process_time()
                async with session.get(f"{there.address}/{page}") as answer:
                    body = await answer.read()
                    assert answer.status == 200, body
                took.append((time.perf_counter() - began) * 1_000)
                worked.append((time.process_time() - idle) * 1_000)
            slow |= statistics.median(took) > MOST
            times = f"{min(took):8.1f} {statistics.median(took):8.1f} {min(worked):8.1f} ms"
            sys.stdout.write(f"{times} {len(body):8} bytes  {page}\n")
    return not slow


async def measured(address: str, conversations: int, turns: int) -> bool:
    async with standing(parse(address)) as there:
        await fill(there.engine, conversations, turns)
        return await measure(there)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.console.thousands", description=__doc__)
    parser.add_argument("--conversations", type=int, default=20_000)
    parser.add_argument("--turns", type=int, default=20_000, help="of the longest of them")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgresql_server() as server:
        file = f"sqlite:///{folder}/threadbridge.db"
        migrations.upgrade(parse(file))
        fast = True
        for name, address in (("SQLite", file), ("PostgreSQL", copied(server, "thousands"))):
            sys.stdout.write(f"{name}\n")
            fast &= asyncio.run(measured(address, chosen.conversations, chosen.turns))
    return 0 if fast else 1


if __name__ == "__main__":
    sys.exit(main())
