"""Server-sent events: an answer grows before its reader's eyes, and a lost connection costs nothing."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from bridges.endpoints import Endpoints
from bridges.web import WebBridge
from core.bridge import Surface
from core.database import is_sqlite, opened
from core.model import MessageId, ThreadId
from core.store import Store
from core.tables import State
from tests.bridges.web.conftest import SETTINGS, Web, standing
from tests.web import Events

THREAD = ThreadId("web:ann:tides")


@pytest.fixture
async def begun(web: Web) -> Web:
    await web.say("tides", id="q1", text="When is low water?")
    return web


def opened_by(bridge: WebBridge, key: str = "k1") -> Surface:
    return bridge.open(THREAD, key, reply_to=MessageId("q1"))


def _reads(text: str, heard: Events) -> bool:
    return heard.texts.get("k1") == text


async def test_an_answer_grows(begun: Web) -> None:
    surface = opened_by(begun.bridge)
    async with begun.events("tides") as events:
        await events.until(lambda heard: heard.texts == {"q1": "When is low water?"})
        for text in ("", "Low", "Low water", "Low water **is**"):
            await surface.show(text, final=False)
            await events.until(partial(_reads, text))
        await surface.show("Low water is at four.", final=True)
        await events.until(lambda heard: heard.states.get("k1") == "final")
        assert events.texts["k1"] == "Low water is at four."
        told = [(kind, data["text"]) for kind, data in events.heard if data.get("id") == "k1"]
        assert told == [
            ("message", ""),
            ("append", "Low"),
            ("append", " water"),
            ("append", " **is**"),
            ("message", "Low water is at four."),
        ]


async def test_who_comes_back_has_lost_nothing_and_sees_nothing_twice(begun: Web) -> None:
    surface = opened_by(begun.bridge)
    async with begun.events("tides") as events:
        await surface.show("Low", final=False)
        await events.until(lambda heard: heard.texts.get("k1") == "Low")
        last = events.last
    await surface.show("Low water", final=False)
    await surface.show("Low water is at four.", final=True)
    await opened_by(begun.bridge, "k2").show("And high water at ten.", final=True)
    async with begun.events("tides", last) as events:
        await events.until(lambda heard: "k2" in heard.texts)
        assert events.texts == {"k1": "Low water is at four.", "k2": "And high water at ten."}
        last = events.last
    async with begun.events("tides", last) as events:
        await events.until(lambda heard: heard.answering is not None)
        assert events.texts == {}


async def test_the_answer_to_what_was_just_said_is_streamed_from_its_cursor(begun: Web) -> None:
    await opened_by(begun.bridge).show("Low water is at four.", final=True)
    _, told = await begun.say("tides", id="q2", text="And high water?")
    await begun.bridge.open(THREAD, "k2", reply_to=MessageId("q2")).show("At ten.", final=True)
    async with begun.events("tides", query=f"?since={told['cursor']}") as events:
        await events.until(lambda heard: heard.texts == {"k2": "At ten."})
        assert events.heard[0][1]["replyTo"] == "q2"


@pytest.mark.parametrize("last", ["999999", ""])
async def test_who_has_seen_what_never_was_begins_anew(begun: Web, last: str) -> None:
    async with begun.events("tides", last) as events:
        await events.until(lambda heard: "q1" in heard.texts)


async def test_a_message_that_is_taken_away_goes(begun: Web) -> None:
    surface = opened_by(begun.bridge)
    async with begun.events("tides") as events:
        await surface.show("Low", final=False)
        await events.until(lambda heard: "k1" in heard.texts)
        await surface.show("", final=True)
        await events.until(lambda heard: "k1" not in heard.texts)


async def test_html_comes_whole_and_for_those_who_ask(begun: Web) -> None:
    surface = opened_by(begun.bridge)
    async with begun.events("tides", query="?html=1") as events:
        await surface.show("**Low**", final=False)
        await events.until(lambda heard: heard.texts.get("k1") == "**Low**")
        await surface.show("**Low** water", final=True)
        await events.until(lambda heard: heard.states.get("k1") == "final")
        told = [data.get("html") for _, data in events.heard if data.get("id") == "k1"]
        assert told[-1] == "<p><strong>Low</strong> water</p>"
        assert "html" not in events.heard[0][1]


async def test_it_says_whether_an_answer_is_open(begun: Web, store: Store) -> None:
    [message] = begun.heard
    async with begun.events("tides") as events:
        await events.until(lambda heard: heard.answering is False)
        await store.record("web", message)
        await begun.say("tides", id="q2", text="Another")  # so that it is looked at once
        await events.until(lambda heard: heard.answering is True)
        turn = await store.claim(THREAD)
        assert turn is not None
        await opened_by(begun.bridge).show("At four.", final=True)
        await store.close(turn, State.ANSWERED, reply="At four.")
        await events.until(lambda heard: heard.answering is False)
        assert events.texts["k1"] == "At four."


async def test_what_another_process_writes_is_seen(url: URL, engine: AsyncEngine) -> None:
    """A worker writes, and readers are connected to a listener; SQLite has but one process."""
    if is_sqlite(url):
        return
    async with standing(engine) as web, opened(url) as another:
        await web.say("tides", id="q1", text="When is low water?")
        worker = WebBridge(SETTINGS, engine=another, endpoints=Endpoints())
        async with web.events("tides") as events:
            await opened_by(worker).show("Low", final=False)
            await events.until(lambda heard: heard.texts.get("k1") == "Low")


async def test_readers_of_one_conversation_hear_nothing_of_another(begun: Web) -> None:
    await begun.say("reefs", id="q9", text="elsewhere")
    async with begun.events("reefs") as events:
        await opened_by(begun.bridge).show("Low", final=True)
        await begun.say("reefs", id="q10", text="here")
        await events.until(lambda heard: "q10" in heard.texts)
        assert set(events.texts) == {"q9", "q10"}


async def test_streams_end_with_the_program(engine: AsyncEngine) -> None:
    async with standing(engine) as web:
        await web.say("tides", id="q1", text="Hello")
        async with web.events("tides") as events:
            await events.until(lambda heard: heard.answering is not None)
            ending = asyncio.create_task(events.ended())
            web.bridge._watching.close()
            await ending
