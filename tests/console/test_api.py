"""The API keeps to its own description, whatever it is sent, and does what it says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from sqlalchemy import URL, insert

from console.api import ID
from core.banning import Bans
from core.database import transaction
from core.reading import Reading
from core.statements import PAIRING, now
from tests.console.seeding import conversation, refusal, turn
from tests.console.standing import TOKEN, Standing, bearer, standing


@pytest.fixture
async def there(url: URL) -> AsyncIterator[Standing]:
    async with standing(url) as found:
        yield found


class Client:
    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session, self._address = session, address

    async def get(self, path: str, status: int = 200, **query: str) -> Any:
        return await self._call("GET", path, status, params=query)

    async def post(self, path: str, status: int = 200, body: object = None) -> Any:
        return await self._call("POST", path, status, json=body)

    async def _call(self, method: str, path: str, status: int, **more: Any) -> Any:
        async with self._session.request(method, f"{self._address}/api/v1{path}", headers=bearer(), **more) as answer:
            said = await answer.json()
            assert answer.status == status, said
            assert said["success"] == (status == 200)
            return said["data"] if status == 200 else said["error"]["message"]


@pytest.fixture
async def client(there: Standing) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, there.address)


async def test_lists_and_histories_are_paged(there: Standing, client: Client) -> None:
    one = await conversation(there.engine)
    for number in range(5):
        await turn(there.engine, number, conversation_id=one)
    listed = await client.get("/conversations")
    assert listed["pagination"] == {"page": 1, "limit": 20, "total": 1, "hasMore": False}
    [found] = listed["conversations"]
    assert (found["id"], found["upstreamId"], found["turns"], found["preview"]) == (one, "up-1", 5, "Question 0")
    history = await client.get(f"/conversations/{one}/turns", page="2", limit="2")
    assert history["pagination"] == {"page": 2, "limit": 2, "total": 5, "hasMore": True}
    assert [said["reply"] for said in history["turns"]] == ["Answer 2", "Answer 3"]
    since = history["turns"][0]["acceptedAt"]
    assert (await client.get(f"/conversations/{one}/turns", since=since))["pagination"]["total"] == 2
    assert (await client.get("/conversations", search="Question 3"))["pagination"]["total"] == 1
    assert (await client.get("/conversations", bridge="discord"))["conversations"] == []
    before = await client.get("/conversations", search="Question", until="2001-01-31T00:00:00Z")
    assert (before["pagination"]["total"], before["lookedBackTo"]) == (0, None)
    assert (await client.get("/conversations", search="Question", until="2101-01-31"))["pagination"]["total"] == 1


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"limit": "101"},
        {"limit": "x"},
        {"page": "٣"},
        {"since": "yesterday"},
        {"sort": "up"},
        {"since": ""},
    ],
)
async def test_what_is_not_right_is_said(client: Client, query: dict[str, str]) -> None:
    assert await client.get("/conversations", 400, **query)


async def test_a_turn_that_is_being_answered_tells_what_there_is(there: Standing, client: Client) -> None:
    one = await turn(there.engine, 1, state="running", reply=None, ended_at=None)
    there.texts[one] = "The beginning"
    [live] = (await client.get("/live"))["turns"]
    assert (live["reply"], live["state"]) == ("The beginning", "running")
    assert (await client.get(f"/turns/{one}"))["turn"]["reply"] == "The beginning"


async def test_actions(there: Standing, client: Client) -> None:
    one = await conversation(there.engine)
    asked = await turn(there.engine, 1, conversation_id=one, state="running", ended_at=None)
    await client.post(f"/turns/{asked}/stop")
    assert there.told.stopped == [asked]
    again = (await client.post(f"/conversations/{one}/retry"))["id"]
    assert there.told.woken == ["slack:harbour:1"]
    assert (await client.get(f"/turns/{again}"))["turn"]["byOperator"]
    await client.post(f"/conversations/{one}/new")
    new = (await client.post(f"/conversations/{one}/rebind", body={"upstream": "second", "upstreamId": "up-9"}))["id"]
    assert (await client.get(f"/conversations/{new}"))["upstreamId"] == "up-9"
    assert "main, second" in await client.post(
        f"/conversations/{one}/rebind", 409, {"upstream": "third", "upstreamId": "x"}
    )
    ended = await turn(there.engine, 2)
    assert "nothing to stop" in await client.post(f"/turns/{ended}/stop", 409)
    for path in ("/turns/99/stop", "/conversations/99/retry", "/conversations/99/new"):
        await client.post(path, 404)
    for path in ("/turns/99", "/conversations/99", "/conversations/99/turns", "/nothing"):
        await client.get(path, 404)


async def test_people(there: Standing, client: Client) -> None:
    person = {"bridge": "slack", "author": "u1"}
    async with transaction(there.engine) as connection:
        row = {**person, "author_name": "Ann", "code": "ABCDEF", "expires_at": now().replace(year=2100)}
        await connection.execute(insert(PAIRING).values(row))
    assert [one["code"] for one in (await client.get("/people"))["waiting"]] == ["ABCDEF"]
    await client.post("/people/pair", body={"code": "abc-def"})
    assert [one["author"] for one in (await client.get("/people"))["paired"]] == ["u1"]
    await client.post("/people/revoke", body={"author": "u1"})
    await client.post("/people/revoke", 404, {"author": "u1"})
    await client.post("/people/ban", body=person)
    assert [one.author for one in await Bans(there.engine).banned()] == ["u1"]
    assert [one["author"] for one in (await client.get("/people"))["banned"]] == ["u1"]
    await client.post("/people/lift-ban", body=person)
    await client.post("/people/lift-ban", 404, person)
    await client.post("/people/ban", 409, {**person, "bridge": "icq"})
    wrong: list[object] = [None, [], {"bridge": "slack"}]
    wrong += [{**person, "more": 1}, {**person, "author": ""}, {**person, "author": 1}]
    for body in wrong:
        await client.post("/people/ban", 400, body)


async def test_without_the_token_there_is_nothing(there: Standing) -> None:
    async with aiohttp.ClientSession() as session:
        for headers in ({}, bearer("wrong"), bearer("worse"), {"Authorization": TOKEN}):
            for path in ("conversations", "openapi.json", "nothing"):
                async with session.get(f"{there.address}/api/v1/{path}", headers=headers) as answer:
                    assert answer.status in (401, 429)
                    assert TOKEN not in await answer.text()
        async with session.get(f"{there.address}/api/v1/overview", headers=bearer()) as answer:
            assert (answer.status, answer.headers["Retry-After"].isdecimal()) == (429, True)


async def test_a_cookie_is_no_key_to_the_api(there: Standing) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await session.post(f"{there.address}/console/login", data={"token": TOKEN})
        async with session.post(f"{there.address}/api/v1/people/ban", json={}) as answer:
            assert answer.status == 401


@pytest.mark.timeout(240)
async def test_it_keeps_to_its_description(there: Standing) -> None:
    """Schemathesis makes requests of every operation, right ones and wrong ones, over the socket."""
    one = await conversation(there.engine)
    await turn(there.engine, 1, conversation_id=one)
    await turn(there.engine, 2, conversation_id=one, state="failed", error="Down.")
    await refusal(there.engine, 1)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{there.address}/api/v1/openapi.json", headers=bearer()) as answer,
    ):
        description = await answer.json()
    await asyncio.to_thread(_examine, description, f"{there.address}/api/v1")
    assert (await Reading(there.engine).turn(1)) is not None


def _examine(description: dict[str, Any], address: str) -> None:
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=address, headers=dict(bearer()))
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        _examine_one(result.ok())


def _examine_one(operation: Any) -> None:
    statuses = set[int]()

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    def examine(case: Any) -> None:
        statuses.add(case.call_and_validate().status_code)

    examine()
    assert statuses - {401, 429}, operation.label
    if operation.method == "get" and "{" not in operation.path:
        assert 200 in statuses, operation.label


@given(st.integers())
def test_numbers_in_paths_fit_into_a_database(number: int) -> None:
    fits = re.fullmatch(ID, str(number)) is not None
    assert not fits or 0 <= number < 2**63
