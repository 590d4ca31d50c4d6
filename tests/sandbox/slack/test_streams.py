"""The stand-in's streams keep Slack's rules."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack.world import TEAM
from tests.sandbox.slack.conftest import Raw

GENERAL, DIRECT = "C0GENERAL1", "D0ANNKERN1"


def said(text: str) -> dict[str, str]:
    return {"type": "markdown_text", "text": text}


def task(id: str, title: str, status: str) -> dict[str, str]:
    return {"type": "task_update", "id": id, "title": title, "status": status}


async def begun(raw: Raw, **content: Any) -> dict[str, str]:
    root = await raw.slack.say(DIRECT, "question")
    answer = await raw.json("chat.startStream", channel=DIRECT, thread_ts=root, **content)
    return {"channel": DIRECT, "ts": answer["ts"]}


def seen(raw: Raw) -> tuple[str, bool]:
    view = raw.slack.view(DIRECT)[-1]
    return view.text, view.draft


async def test_a_stream(raw: Raw) -> None:
    stream = await begun(raw, markdown_text="One")
    assert (await raw.json("chat.appendStream", **stream, markdown_text=" **two**"))["ok"]
    assert seen(raw) == ("One two", True)
    assert (await raw.json("chat.update", **stream, text="x"))["error"] == "streaming_state_conflict"
    metadata = {"event_type": "part", "event_payload": {"key": "k"}}
    stopped = await raw.json("chat.stopStream", **stream, markdown_text=" three", metadata=metadata)
    assert stopped["message"]["metadata"] == metadata
    assert seen(raw) == ("One two three", False)
    for method in ("chat.appendStream", "chat.stopStream"):
        assert (await raw.json(method, **stream, markdown_text="x"))["error"] == "message_not_in_streaming_state"
    assert (await raw.json("chat.update", **stream, markdown_text="whole"))["ok"]


async def test_tasks_are_shown_where_they_began(raw: Raw) -> None:
    stream = await begun(raw, chunks=[task("1", "Searching", "in_progress")])
    assert seen(raw) == ("Searching", True)
    await raw.json("chat.appendStream", **stream, chunks=[task("1", "Searched", "complete"), said("Found *it*")])
    await raw.json("chat.appendStream", **stream, chunks=[said("."), task("2", "Drawing", "in_progress")])
    assert seen(raw) == ("Searched\nFound it.\n\nDrawing", True)


async def test_a_stream_is_of_one_kind(raw: Raw) -> None:
    stream = await begun(raw, markdown_text="One")
    mixed = await raw.json("chat.appendStream", **stream, chunks=[said("two")])
    assert mixed["error"] == "streaming_mode_mismatch"
    both = await raw.json("chat.appendStream", **stream, markdown_text="a", chunks=[said("two")])
    assert both["error"] == "markdown_text_conflict"
    assert (await raw.json("chat.stopStream", **stream))["ok"]


@pytest.mark.parametrize("chunk", ["text", {"type": "song"}, {"type": "task_update", "id": "1", "title": "t"}])
async def test_chunks_that_are_none(raw: Raw, chunk: Any) -> None:
    stream = await begun(raw, chunks=[said("One")])
    assert (await raw.json("chat.appendStream", **stream, chunks=[chunk]))["error"] == "invalid_chunks"
    assert seen(raw) == ("One", True)


async def test_a_stream_has_room_for_so_much(raw: Raw) -> None:
    stream = await begun(raw, markdown_text="a" * 11_999)
    assert (await raw.json("chat.appendStream", **stream, markdown_text="bc"))["error"] == "msg_too_long"
    assert (await raw.json("chat.appendStream", **stream, markdown_text="b"))["ok"]


async def test_a_stream_ends_by_itself(raw: Raw) -> None:
    """However much is still appended; and in a channel it needs somebody to be for."""
    root = await raw.slack.say(GENERAL, "question")
    started = {"channel": GENERAL, "thread_ts": root, "markdown_text": "One"}
    assert (await raw.json("chat.startStream", **started))["error"] == "missing_recipient_team_id"
    started |= {"recipient_team_id": TEAM}
    assert (await raw.json("chat.startStream", **started))["error"] == "missing_recipient_user_id"
    ts = (await raw.json("chat.startStream", **started, recipient_user_id="U0ANNKERN1"))["ts"]
    raw.slack.stream_lifetime = 0
    late = await raw.json("chat.appendStream", channel=GENERAL, ts=ts, markdown_text="x")
    assert late["error"] == "message_not_in_streaming_state"
    assert (await raw.json("chat.update", channel=GENERAL, ts=ts, text="x"))["ok"]


async def test_a_stream_outlives_the_stand_in(raw: Raw) -> None:
    stream = await begun(raw, chunks=[said("One")])
    raw.slack.load(raw.slack.dump())
    assert (await raw.json("chat.appendStream", **stream, chunks=[said(" two")]))["ok"]
    assert seen(raw) == ("One two", True)


@pytest.mark.parametrize("loading", [[], ["a"] * 11, "a"])
async def test_a_status_has_ten_loading_messages_at_most(raw: Raw, loading: Any) -> None:
    root = await raw.slack.say(DIRECT, "question")
    status = {"channel_id": DIRECT, "thread_ts": root, "status": "is writing"}
    assert not (await raw.json("assistant.threads.setStatus", **status, loading_messages=loading))["ok"]
    assert (await raw.json("assistant.threads.setStatus", **status, loading_messages=["a"] * 10))["ok"]
