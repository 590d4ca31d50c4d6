"""The HTTP API: who may ask, what may be said, and what is told."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from core.model import MessageId
from tests.bridges.web.conftest import SITE, Web, standing
from tests.web import ANN, BOB


async def test_what_is_said_is_handed_over_and_kept(web: Web) -> None:
    status, told = await web.say("tides", id="q1", text=" When is low water? ", user="Rosalind")
    assert status == 202
    assert told["message"]["text"] == "When is low water?"
    [message] = web.heard
    assert (message.id, message.thread, message.text) == ("q1", "web:ann:tides", "When is low water?")
    assert (message.author, message.author_name, message.channel) == ("ann/Rosalind", "Rosalind", "ann")
    assert message.addressed
    _, found = await web.get("threads/tides/messages")
    assert [(one["id"], one["role"], one["user"], one["state"]) for one in found["messages"]] == [
        ("q1", "user", "Rosalind", "final")
    ]
    assert found["cursor"] == told["cursor"]


async def test_the_assistants_that_may_be_chosen_are_told(engine: AsyncEngine) -> None:
    for names in ((), ("main", "second")):
        async with standing(engine, choices=names) as web:
            assert await web.get("assistants") == (200, {"assistants": list(names)})
            assert (await web.get("assistants", "nobody's token"))[0] == 401


async def test_without_a_name_the_person_is_the_client_and_an_id_is_made(web: Web) -> None:
    _, told = await web.say("tides", text="Hello")
    assert (web.heard[0].author, web.heard[0].author_name) == ("ann", "ann")
    assert web.heard[0].id == told["message"]["id"] != ""


async def test_the_same_again_is_one_message(web: Web) -> None:
    """It is handed over again, which does no harm: the first time it may not have been recorded."""
    answers = [await web.say("tides", id="q1", text="Hello") for _ in range(2)]
    assert answers[0] == answers[1]
    assert web.heard[0] == web.heard[1]
    many = await asyncio.gather(*(web.say("tides", id="q2", text="at once") for _ in range(5)))
    assert all(answer == many[0] for answer in many)
    _, found = await web.get("threads/tides/messages")
    assert [one["id"] for one in found["messages"]] == ["q1", "q2"]


async def test_something_else_under_the_same_id_is_refused(web: Web) -> None:
    await web.say("tides", id="q1", text="Hello")
    status, told = await web.say("tides", id="q1", text="Something else")
    assert status == 409
    assert "needs its own" in told["error"]
    assert [message.text for message in web.heard] == ["Hello"]


async def test_what_could_not_be_recorded_may_be_sent_again(web: Web) -> None:
    web.refuses = True
    status, told = await web.say("tides", id="q1", text="Hello")
    assert (status, "Send the same again" in told["error"]) == (503, True)
    web.refuses = False
    status, _ = await web.say("tides", id="q1", text="Hello")
    assert status == 202
    assert [message.text for message in web.heard] == ["Hello"]


async def test_what_was_said_and_not_handed_over_is_handed_over_by_the_next_start(engine: AsyncEngine) -> None:
    async with standing(engine) as web:
        await web.say("tides", id="q1", text="first")
        web.refuses = True
        await web.say("tides", id="q2", text="second", user="Rosalind")
        await web.say("reefs", id="q3", text="third")
        web.refuses = False
    async with standing(engine, recorded=frozenset({MessageId("q1")})) as web:
        assert [(one.id, one.author, one.text) for one in web.heard] == [
            ("q2", "ann/Rosalind", "second"),
            ("q3", "ann", "third"),
        ]


async def test_commands(web: Web) -> None:
    await web.say("tides", command="stop")
    await web.say("tides", text="/new")
    assert [(one.command, one.text) for one in web.heard] == [("stop", ""), ("new", "")]


# --- who may ask ------------------------------------------------------------------------------------------------------


async def test_nobody_without_a_token_is_told_anything(web: Web) -> None:
    for token in (None, "none", f"{ANN}x"):
        for method, path in (
            ("GET", "threads"),
            ("POST", "threads/a/messages"),
            ("GET", "threads/a/events"),
            ("GET", ""),
        ):
            async with web.asked(method, f"api/{path}", token) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert "Authorization: Bearer" in (await answer.json())["error"]
    assert web.heard == []


async def test_what_one_client_says_is_not_there_for_another(web: Web) -> None:
    await web.say("tides", id="q1", text="of Ann")
    for path in ("messages", "events"):
        assert (await web.get(f"threads/tides/{path}", BOB))[0] == 404
    assert (await web.get("threads", BOB))[1]["threads"] == []
    assert (await web.say("tides", BOB, id="q1", text="of Bob", user="ann"))[0] == 202
    assert [(one.thread, one.author) for one in web.heard] == [("web:ann:tides", "ann"), ("web:bob:tides", "bob/ann")]
    for token, text in ((ANN, "of Ann"), (BOB, "of Bob")):
        _, found = await web.get("threads/tides/messages", token)
        assert [one["text"] for one in found["messages"]] == [text]


async def test_pages_of_other_sites_may_ask_only_if_they_are_named(web: Web) -> None:
    for origin, allowed in ((SITE, SITE), ("https://evil.example", None), ("null", None)):
        for method, token in (("OPTIONS", None), ("GET", ANN), ("GET", None)):
            async with web.asked(method, "api/threads", token, headers={"Origin": origin}) as answer:
                assert answer.headers.get("Access-Control-Allow-Origin") == allowed
                allows = "Authorization" in answer.headers.get("Access-Control-Allow-Headers", "")
                assert allows == (method == "OPTIONS" and allowed is not None)


# --- what may be said -------------------------------------------------------------------------------------------------


async def test_what_cannot_be_understood_is_said(web: Web) -> None:
    for body in (b"", b"[]", b'{"text": ""}', b"\xff"):
        async with web.asked("POST", "api/threads/tides/messages", data=body) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"].endswith(".")
    assert web.heard == []


async def test_a_message_that_is_too_long_is_refused_unread(web: Web) -> None:
    status, told = await web.say("tides", text="x" * 300_000)
    assert (status, "too long" in told["error"]) == (413, True)


async def test_names_of_conversations_mean_themselves(web: Web) -> None:
    for name in ("a b", "x" * 65, "a:b", "ä", "a%2Fb%20"):
        status, _ = await web.say(name, text="Hello")
        assert status in (400, 404)
    assert web.heard == []


async def test_text_of_every_kind_comes_back_as_it_was(web: Web) -> None:
    text = "日本語 👩‍👩‍👧 \"quotes\" 'and' <b>tags</b> &amp; \\ \u2028 `code`\n\nlast"
    await web.say("tides", text=text)
    await web.say("tides", text="a\0b\ud800c")
    _, found = await web.get("threads/tides/messages")
    assert [one["text"] for one in found["messages"]] == [text, "ab\ufffdc"]


# --- what is told -----------------------------------------------------------------------------------------------------


async def test_lists_come_in_pages(web: Web) -> None:
    for number in range(5):
        await web.say(f"t{number}", text=f"first of {number}")
    await web.say("t1", text="second of 1")
    _, found = await web.get("threads?limit=2&page=1")
    assert [(one["id"], one["preview"], one["messageCount"]) for one in found["threads"]] == [
        ("t1", "first of 1", 2),
        ("t4", "first of 4", 1),
    ]
    assert found["pagination"] == {"page": 1, "limit": 2, "total": 5, "hasMore": True}
    _, last = await web.get("threads?limit=2&page=3")
    assert ([one["id"] for one in last["threads"]], last["pagination"]["hasMore"]) == (["t0"], False)
    _, newest = await web.get("threads", params={"since": found["threads"][0]["updatedAt"]})
    assert [one["id"] for one in newest["threads"]] == ["t1"]


async def test_history_comes_in_pages_and_in_order(web: Web) -> None:
    for number in range(5):
        await web.say("tides", text=f"{number}")
    seen: list[str] = []
    for page in (1, 2, 3):
        _, found = await web.get(f"threads/tides/messages?limit=2&page={page}")
        seen += [one["text"] for one in found["messages"]]
    assert seen == ["0", "1", "2", "3", "4"]
    moment = found["messages"][-1]["createdAt"]
    _, newest = await web.get("threads/tides/messages", params={"since": moment})
    assert [one["text"] for one in newest["messages"]] == ["4"]


async def test_pages_that_cannot_be_are_refused(web: Web) -> None:
    for query in ("limit=101", "limit=0", "page=0", "page=x", "limit=-1", "since=yesterday", "page=²"):
        assert (await web.get(f"threads?{query}"))[0] == 400, query


async def test_what_is_not_there(web: Web) -> None:
    for path in ("", "threads/none/messages", "threads/none/events", "threads/none", "elsewhere"):
        assert (await web.get(path))[0] == 404, path


async def test_nothing_is_kept_by_caches_or_taken_for_something_else(web: Web) -> None:
    await web.say("tides", text="Hello")
    expected: dict[str, Any] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    for path in ("", "page.js", "api/threads", "api/threads/tides/messages", "api/threads/tides/events", "api/none"):
        async with web.asked("GET", path) as answer:
            assert {name: answer.headers.get(name) for name in expected} == expected, path


async def test_the_page_takes_nothing_from_elsewhere(web: Web) -> None:
    for path, kind in (("", "text/html"), ("page.js", "text/javascript"), ("page.css", "text/css")):
        async with web.asked("GET", path, None) as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "//" not in policy
    for path in ("../bridge.py", "__init__.py", "none.js", "%2e%2e/bridge.py"):
        async with web.asked("GET", path, None) as answer:
            assert answer.status == 404
