"""A message of the assistant, as every bridge has to write it (`core.bridge.Surface`)."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.bridge import Surface
from core.errors import MessageMissing, PlatformRefused, PlatformUnavailable
from core.model import MessageId, ThreadId
from tests.bridges.web.conftest import Web

THREAD = ThreadId("web:ann:tides")


@pytest.fixture
async def begun(web: Web) -> Web:
    """With a conversation in which somebody has said something."""
    status, _ = await web.say("tides", id="q1", text="When is low water?")
    assert status == 202
    return web


def opened(web: Web, key: str = "k1", message: MessageId | None = None) -> Surface:
    return web.bridge.open(THREAD, key, message, reply_to=MessageId("q1"))


async def shown(web: Web) -> list[tuple[str, str]]:
    _, found = await web.get("threads/tides/messages")
    return [(one["text"], one["state"]) for one in found["messages"] if one["role"] == "assistant"]


async def test_a_message_grows_and_is_finished(begun: Web) -> None:
    surface = opened(begun)
    assert (surface.message, surface.shown) == (None, None)
    await surface.show("", final=False)
    assert (surface.message, surface.shown) == ("k1", "")
    assert await shown(begun) == [("", "growing")]
    await surface.show("Low **water**", final=False)
    assert surface.shown == "Low **water**"
    assert await shown(begun) == [("Low **water**", "growing")]
    await surface.show("Low **water** is at four.", final=True)
    assert await shown(begun) == [("Low **water** is at four.", "final")]


async def test_the_same_text_becomes_final(begun: Web) -> None:
    surface = opened(begun)
    await surface.show("a", final=False)
    await surface.show("a", final=True)
    assert await shown(begun) == [("a", "final")]


async def test_showing_the_same_again_changes_nothing(begun: Web) -> None:
    surface = opened(begun)
    await surface.show("a", final=True)
    _, before = await begun.get("threads/tides/messages")
    await surface.show("a", final=True)
    assert await begun.get("threads/tides/messages") == (200, before)


async def test_made_again_under_its_key_it_is_the_same_message(begun: Web) -> None:
    await opened(begun).show("Low", final=False)
    again = opened(begun)
    await again.show("Low water", final=False)
    assert again.message == "k1"
    assert await shown(begun) == [("Low water", "growing")]


async def test_all_messages_of_an_answer_name_the_question(begun: Web) -> None:
    await opened(begun).show("Low", final=True)
    await begun.bridge.open(THREAD, "k2").show("water", final=True)
    _, found = await begun.get("threads/tides/messages")
    assert [one.get("replyTo") for one in found["messages"]] == [None, "q1", "q1"]


async def test_a_message_taken_up_again_is_edited(begun: Web) -> None:
    first = opened(begun)
    await first.show("Low", final=False)
    second = opened(begun, message=first.message)
    assert (second.message, second.shown) == (first.message, None)
    await second.show("Low water", final=True)
    assert await shown(begun) == [("Low water", "final")]


async def test_it_is_found_by_its_key(begun: Web) -> None:
    assert await begun.bridge.find(THREAD, "k1") is None
    await opened(begun).show("Low", final=False)
    assert await begun.bridge.find(THREAD, "k1") == "k1"


async def test_nothing_to_show_at_the_end_leaves_nothing(begun: Web) -> None:
    untouched = opened(begun)
    await untouched.show("", final=True)
    assert (untouched.message, untouched.shown) == (None, "")
    surface = opened(begun)
    await surface.show("", final=False)
    await surface.show("", final=True)
    assert (surface.message, surface.shown) == (None, "")
    assert await shown(begun) == []


async def test_a_message_that_is_gone_is_missed_and_one_that_is_to_go_is_not(begun: Web) -> None:
    with pytest.raises(MessageMissing):
        await opened(begun, message=MessageId("none")).show("a", final=False)
    with pytest.raises(MessageMissing):
        await opened(begun, message=MessageId("q1")).show("not what a person said", final=False)
    await opened(begun, message=MessageId("none")).show("", final=True)


async def test_a_conversation_that_is_not_there_cannot_be_written_to(begun: Web) -> None:
    with pytest.raises(PlatformRefused):
        await begun.bridge.open(ThreadId("web:ann:none"), "k1").show("a", final=False)


async def test_a_database_that_cannot_be_used_is_a_platform_that_does_not_answer(
    begun: Web, engine: AsyncEngine
) -> None:
    surface = opened(begun)
    await surface.show("a", final=False)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE web_message RENAME TO elsewhere"))
    with pytest.raises(PlatformUnavailable):
        await surface.show("a and b", final=False)
    with pytest.raises(PlatformUnavailable):
        await begun.bridge.find(THREAD, "k1")
    assert surface.shown == "a"
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO web_message"))
    await surface.show("a and b", final=False)
    assert await shown(begun) == [("a and b", "growing")]
