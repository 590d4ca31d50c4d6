"""The stand-in's Web API keeps Slack's rules."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from sandbox.faults import Fault
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SlackServer
from sandbox.slack.limits import Limits, Meter
from sandbox.slack.world import BOT_ID, BOT_USER, TEAM
from tests.sandbox.slack.conftest import Raw

GENERAL, DIRECT = "C0GENERAL1", "D0ANNKERN1"


def markdown(text: str) -> dict[str, str]:
    return {"type": "markdown", "text": text}


async def test_who_am_i(raw: Raw) -> None:
    answer = await raw.json("auth.test")
    assert (answer["ok"], answer["team_id"], answer["user_id"], answer["bot_id"]) == (True, TEAM, BOT_USER, BOT_ID)


@pytest.mark.parametrize(
    ("method", "token", "error"),
    [
        ("auth.test", "", "not_authed"),
        ("auth.test", "xoxb-wrong", "invalid_auth"),
        ("auth.test", APP_TOKEN, "not_allowed_token_type"),
        ("apps.connections.open", BOT_TOKEN, "not_allowed_token_type"),
        ("apps.connections.open", "xapp-wrong", "invalid_auth"),
        ("chat.conquer", BOT_TOKEN, "unknown_method"),
    ],
)
async def test_tokens(raw: Raw, method: str, token: str, error: str) -> None:
    assert await raw.json(method, token=token) == {"ok": False, "error": error}


async def test_the_token_may_stand_in_the_form_but_not_for_a_socket(raw: Raw) -> None:
    async with raw.session.post(f"{raw.slack.api_url}/auth.test", data={"token": BOT_TOKEN}) as response:
        assert (await response.json())["ok"]
    async with raw.session.post(f"{raw.slack.api_url}/apps.connections.open", data={"token": APP_TOKEN}) as response:
        assert (await response.json())["error"] == "not_authed"
    assert BOT_TOKEN not in str([one.data for one in raw.slack.feed.past])


async def test_form_and_json_mean_the_same(raw: Raw) -> None:
    blocks = [markdown("**hello**")]
    by_json = await raw.json("chat.postMessage", channel=GENERAL, text="hello", blocks=blocks)
    by_form = await raw.form("chat.postMessage", channel="#general", text="hello", blocks=json.dumps(blocks))
    assert by_json["message"]["blocks"] == by_form["message"]["blocks"] == blocks
    assert [view.text for view in raw.slack.view(GENERAL)] == ["hello", "hello"]


async def test_methods_that_read_take_no_json(raw: Raw) -> None:
    assert (await raw.json("users.info", user="U0ANNKERN1"))["error"] == "invalid_arguments"
    assert (await raw.form("users.info", user="U0ANNKERN1"))["user"]["real_name"] == "Ann Kern"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
        ({"text": "x"}, "invalid_arguments"),
        ({"channel": GENERAL}, "no_text"),
        ({"channel": GENERAL, "text": " \n"}, "no_text"),
        ({"channel": GENERAL, "text": "x", "thread_ts": "soon"}, "invalid_thread_ts"),
        ({"channel": GENERAL, "text": "x", "thread_ts": "1700000000.000001"}, "thread_not_found"),
        ({"channel": GENERAL, "text": "x", "blocks": "{"}, "invalid_blocks_format"),
        ({"channel": GENERAL, "text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"channel": GENERAL, "text": "x", "blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"channel": GENERAL, "text": "x", "blocks": [markdown("")]}, "invalid_blocks"),
        ({"channel": GENERAL, "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"channel": GENERAL, "text": "x", "blocks": [markdown("y" * 6_001)] * 2}, "msg_blocks_too_long"),
        (
            {
                "channel": GENERAL,
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "y" * 3_001}}],
            },
            "invalid_blocks",
        ),
        ({"channel": GENERAL, "markdown_text": "y" * 12_001}, "msg_too_long"),
        ({"channel": GENERAL, "markdown_text": "y", "text": "x"}, "markdown_text_conflict"),
        ({"channel": GENERAL, "text": "x", "metadata": "nothing"}, "invalid_metadata_format"),
        ({"channel": GENERAL, "text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_schema"),
        ({"channel": GENERAL, "text": 7}, "invalid_arguments"),
    ],
)
async def test_a_post_that_is_refused(raw: Raw, arguments: dict[str, Any], error: str) -> None:
    answer = await raw.json("chat.postMessage", **arguments)
    assert (answer["ok"], answer["error"]) == (False, error)
    assert raw.slack.view(GENERAL) == []


async def test_where_the_bot_may_write(raw: Raw) -> None:
    raw.slack.world.channels[GENERAL].members.remove(BOT_USER)
    assert (await raw.json("chat.postMessage", channel=GENERAL, text="x"))["error"] == "not_in_channel"
    raw.slack.world.channels["C0RANDOM01"].archived = True
    assert (await raw.json("chat.postMessage", channel="C0RANDOM01", text="x"))["error"] == "is_archived"
    assert (await raw.json("chat.postMessage", channel="U0ANNKERN1", text="x"))["channel"] == DIRECT


async def test_the_longest_that_is_taken(raw: Raw) -> None:
    answer = await raw.json("chat.postMessage", channel=GENERAL, text="x", blocks=[markdown("y" * 6_000)] * 2)
    assert answer["ok"]
    assert len((await raw.json("chat.postMessage", channel=GENERAL, text="x" * 41_000))["message"]["text"]) == 40_000
    ts = answer["ts"]
    assert (await raw.json("chat.update", channel=GENERAL, ts=ts, text="x" * 4_000))["ok"]
    assert (await raw.json("chat.update", channel=GENERAL, ts=ts, text="x" * 4_001))["error"] == "msg_too_long"


async def test_blocks_stay_until_they_are_taken_away(raw: Raw) -> None:
    ts = (await raw.json("chat.postMessage", channel=GENERAL, text="old", blocks=[markdown("old")]))["ts"]
    await raw.json("chat.update", channel=GENERAL, ts=ts, text="new")
    assert [view.text for view in raw.slack.view(GENERAL)] == ["old"]
    await raw.json("chat.update", channel=GENERAL, ts=ts, text="new", blocks=[])
    (view,) = raw.slack.view(GENERAL)
    assert (view.text, view.edits) == ("new", 2)


async def test_only_own_messages_can_be_changed(raw: Raw) -> None:
    ts = await raw.slack.say(GENERAL, "mine")
    assert (await raw.json("chat.update", channel=GENERAL, ts=ts, text="x"))["error"] == "cant_update_message"
    assert (await raw.json("chat.delete", channel=GENERAL, ts=ts))["error"] == "cant_delete_message"
    assert (await raw.json("chat.update", channel=GENERAL, ts="1.2", text="x"))["error"] == "message_not_found"
    assert (await raw.json("chat.delete", channel=GENERAL, ts="1.2"))["error"] == "message_not_found"
    own = (await raw.json("chat.postMessage", channel=GENERAL, text="own"))["ts"]
    assert (await raw.json("chat.delete", channel=GENERAL, ts=own))["ok"]
    assert [view.text for view in raw.slack.view(GENERAL)] == ["mine"]


async def test_an_answer_to_an_answer_stands_in_the_same_thread(raw: Raw) -> None:
    root = await raw.slack.say(GENERAL, "root")
    reply = await raw.slack.say(GENERAL, "reply", parent=root)
    await raw.json("chat.postMessage", channel=GENERAL, text="third", thread_ts=reply)
    assert [view.parent for view in raw.slack.view(GENERAL)] == [None, root, root]


async def test_a_thread_is_read_in_pages(raw: Raw) -> None:
    """Oldest first, the root on every page, metadata only if asked for."""
    root = await raw.slack.say(GENERAL, "root")
    metadata = {"event_type": "part", "event_payload": {"key": "k"}}
    await raw.json("chat.postMessage", channel=GENERAL, text="own", thread_ts=root, metadata=metadata)
    for count in range(4):
        await raw.slack.say(GENERAL, str(count), parent=root)
    first = await raw.form("conversations.replies", channel=GENERAL, ts=root, limit="3")
    assert [one["text"] for one in first["messages"]] == ["root", "own", "0", "1"]
    assert "metadata" not in first["messages"][1]
    rest = await raw.form(
        "conversations.replies",
        channel=GENERAL,
        ts=root,
        limit="3",
        cursor=first["response_metadata"]["next_cursor"],
        include_all_metadata="true",
    )
    assert [one["text"] for one in rest["messages"]] == ["root", "2", "3"]
    assert not rest["has_more"]
    whole = await raw.form("conversations.replies", channel=GENERAL, ts=root, include_all_metadata="1")
    assert whole["messages"][1]["metadata"] == metadata
    assert (await raw.form("conversations.replies", channel=GENERAL, ts="1.2"))["error"] == "thread_not_found"
    assert (await raw.form("conversations.replies", channel=GENERAL, ts=root, cursor="?"))["error"] == "invalid_cursor"


async def test_the_history_is_newest_first_without_threads(raw: Raw) -> None:
    root = await raw.slack.say(GENERAL, "one")
    await raw.slack.say(GENERAL, "in the thread", parent=root)
    await raw.slack.say(GENERAL, "for all", parent=root, subtype="thread_broadcast")
    two = await raw.slack.say(GENERAL, "two")
    history = await raw.form("conversations.history", channel=GENERAL)
    assert [one["text"] for one in history["messages"]] == ["two", "for all", "one"]
    older = await raw.form("conversations.history", channel=GENERAL, latest=two)
    assert [one["text"] for one in older["messages"]] == ["for all", "one"]


async def test_a_status_ends_with_the_next_message(raw: Raw) -> None:
    root = await raw.slack.say(GENERAL, "root")
    arguments = {"channel_id": GENERAL, "thread_ts": root}
    assert (await raw.json("assistant.threads.setStatus", **arguments, status="is writing"))["ok"]
    assert raw.slack.world.posts[GENERAL][root].status == "is writing"
    await raw.json("chat.postMessage", channel=GENERAL, text="x", thread_ts=root)
    assert raw.slack.world.posts[GENERAL][root].status == ""


async def test_the_limits_of_a_method_and_of_a_channel(raw: Raw) -> None:
    """Refusals say how long, with status 429; another channel and another method go on."""
    raw.slack.limits = Limits(per_minute={"chat.update": 2}, posting_burst=3)
    posted = [await raw.json("chat.postMessage", channel=GENERAL, text=str(count)) for count in range(4)]
    assert [one["ok"] for one in posted] == [True, True, True, False]
    assert (await raw.json("chat.postMessage", channel="C0RANDOM01", text="x"))["ok"]
    ts = posted[0]["ts"]
    for text in ("a", "b"):
        assert (await raw.json("chat.update", channel=GENERAL, ts=ts, text=text))["ok"]
    async with raw.session.post(
        f"{raw.slack.api_url}/chat.update",
        json={"channel": GENERAL, "ts": ts, "text": "c"},
        headers={"Authorization": f"Bearer {BOT_TOKEN}"},
    ) as response:
        assert response.status == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert await response.json() == {"ok": False, "error": "ratelimited"}
    raw.slack.limits = None
    assert (await raw.json("chat.update", channel=GENERAL, ts=ts, text="d"))["ok"]


def test_a_minute_is_any_sixty_seconds() -> None:
    meter, limits = Meter(), Limits(per_minute={"m": 2})
    assert meter.refused(limits, "m", 0) is None
    assert meter.refused(limits, "m", 30) is None
    assert meter.refused(limits, "m", 40) == 20
    assert meter.refused(limits, "m", 60) is None
    assert meter.refused(limits, "m", 61) == 29


def test_a_channel_takes_one_post_a_second_after_a_burst() -> None:
    meter, limits = Meter(), Limits(posting_burst=2)
    assert [meter.post_refused(limits, "C", at) for at in (0, 0, 0, 1, 1.5, 2)] == [None, None, 1, None, 0.5, None]


async def test_faults(raw: Raw) -> None:
    """A lost call was performed, a dropped one was not."""
    raw.slack.faults.add(Fault("chat.*", "lost"))
    with pytest.raises(aiohttp.ClientError):
        await raw.json("chat.postMessage", channel=GENERAL, text="lost")
    raw.slack.faults.add(Fault("chat.*", "drop"))
    with pytest.raises(aiohttp.ClientError):
        await raw.json("chat.postMessage", channel=GENERAL, text="dropped")
    raw.slack.faults.add(Fault("chat.*", "status", error="restricted_action"))
    assert (await raw.json("chat.postMessage", channel=GENERAL, text="x"))["error"] == "restricted_action"
    assert [view.text for view in raw.slack.view(GENERAL)] == ["lost"]


async def test_a_file_needs_the_token(raw: Raw) -> None:
    """Without it comes a page, with status 200, as from Slack."""
    file = raw.slack.file("a.bin", b"\x00\x01", "application/octet-stream")
    await raw.slack.say(DIRECT, "", files=(file,))
    url = (await raw.form("files.info", file=file.id))["file"]["url_private"]
    async with raw.session.get(url, headers={"Authorization": f"Bearer {BOT_TOKEN}"}) as response:
        assert await response.read() == b"\x00\x01"
    async with raw.session.get(url) as response:
        assert (response.status, response.content_type) == (200, "text/html")


async def test_what_a_reader_sees_is_safe_html(raw: Raw) -> None:
    raw.slack.limits = None
    hostile = "<script>alert(1)</script> <https://e.example|*x*> <javascript:alert(1)|y> ![i](https://e.example/i.png)"
    for arguments in (
        {"text": hostile},
        {"text": hostile, "mrkdwn": False},
        {"text": "x", "blocks": [markdown(hostile + " [z](javascript:alert(1)) <img src=x onerror=y>")]},
    ):
        await raw.json("chat.postMessage", channel=GENERAL, **arguments)
    for view in raw.slack.view(GENERAL):
        for forbidden in ("<script", "<img", 'href="javascript', "onerror=y>"):
            assert forbidden not in view.html.replace("&lt;img src=x onerror=y&gt;", "")
    assert '<a href="https://e.example"' in raw.slack.view(GENERAL)[0].html


async def test_a_message_that_notifies_somebody_is_told(raw: Raw) -> None:
    await raw.json("chat.postMessage", channel=GENERAL, text="&lt;!here&gt;")
    await raw.json("chat.postMessage", channel=GENERAL, text="x", blocks=[markdown("`<!channel>` <@U0ANNKERN1>")])
    assert [one.data["who"] for one in raw.slack.feed.past if one.kind == "ping"] == [["!channel", "@U0ANNKERN1"]]


async def test_the_world_outlives_the_server(raw: Raw) -> None:
    """Messages, ids and their order, and what was not delivered yet."""
    root = await raw.slack.say(GENERAL, "@bot question")
    own = (await raw.json("chat.postMessage", channel=GENERAL, text="answer", thread_ts=root))["ts"]
    state = json.loads(json.dumps(raw.slack.dump()))
    later = SlackServer()
    later.load(state)
    assert later.dump() == state
    assert later.view(GENERAL) == raw.slack.view(GENERAL)
    assert len(later.courier.pending) == 3
    assert await later.say(GENERAL, "more", parent=own) > own
