"""What people say, as it arrives over real sockets."""

from __future__ import annotations

import json

import pytest

from bridges.slack import SlackBridge
from core.model import Attachment, Message
from sandbox.faults import Fault
from sandbox.slack import SlackServer
from sandbox.slack.world import BOT_USER, TEAM
from tests.bridges.slack.conftest import Heard, listening, settings

GENERAL, DIRECT = "C0GENERAL1", "D0ANNKERN1"
ANN, BOB = "U0ANNKERN1", "U0BOBMOSS1"


async def only(heard: Heard, events: int) -> Message:
    """The one message, however often it came."""
    messages = await heard.all(events)
    assert messages
    assert all(message == messages[0] for message in messages)
    return messages[0]


async def test_a_mention_starts_its_own_thread(slack: SlackServer, heard: Heard) -> None:
    """It comes as two events, which are one message."""
    ts = await slack.say(GENERAL, "@bot what is *new*?")
    message = await only(heard, 2)
    assert len(heard.messages) == 2
    assert (message.id, message.thread) == (ts, f"slack:{TEAM}:{GENERAL}:{ts}")
    assert (message.author, message.author_name, message.channel) == (ANN, "Ann Kern", GENERAL)
    assert message.text == "what is **new**?"
    assert message.addressed
    assert not message.outsider
    assert f"{message.sent_at.timestamp():.6f}" == ts


async def test_a_mention_alone_is_enough_to_be_heard(slack: SlackServer, heard: Heard) -> None:
    """An app that is subscribed to mentions only gets one event."""
    slack.subscriptions = {"app_mention"}
    ts = await slack.say(GENERAL, "@bot hello")
    assert (await only(heard, 1)).thread.endswith(ts)


async def test_a_mention_in_a_thread_belongs_to_the_thread(slack: SlackServer, heard: Heard) -> None:
    root = await slack.say("random", "lunch?")
    ts = await slack.say("random", "ask @bot about it", author="bob", parent=root)
    message = await only(heard, 3)
    assert (message.id, message.thread) == (ts, f"slack:{TEAM}:C0RANDOM01:{root}")
    assert message.text == "ask about it"
    assert message.addressed


async def test_a_follow_up_in_a_thread_is_handed_over_as_not_addressed(slack: SlackServer, heard: Heard) -> None:
    root = await slack.say(GENERAL, "@bot hello")
    await slack.say(GENERAL, "and now?", author="bob", parent=root)
    messages = await heard.all(3)
    follow_up = messages[-1]
    assert (follow_up.text, follow_up.addressed) == ("and now?", False)
    assert follow_up.thread == messages[0].thread


async def test_each_direct_message_is_its_own_thread(slack: SlackServer, heard: Heard) -> None:
    """As in the agent view, where they have no `thread_ts`."""
    first = await slack.say(DIRECT, "hello")
    second = await slack.say(DIRECT, "and in here", parent=first)
    third = await slack.say(DIRECT, "something else")
    messages = await heard.all(3)
    threads = {message.id: message.thread.rpartition(":")[2] for message in messages}
    assert threads == {first: first, second: first, third: third}
    assert all(message.addressed for message in messages)


async def test_a_direct_message_can_be_one_conversation(slack: SlackServer) -> None:
    """Then threads in it are still their own."""
    heard = Heard(slack)
    async with SlackBridge(settings(slack, direct_messages="one")) as bridge, listening(bridge, heard):
        first = await slack.say(DIRECT, "hello")
        await slack.say(DIRECT, "again")
        await slack.say(DIRECT, "in here", parent=first)
        messages = await heard.all(3)
    whole = f"slack:{TEAM}:{DIRECT}:"
    assert [message.thread for message in messages] == [whole, whole, whole + first]


async def test_a_group_message_needs_a_mention(slack: SlackServer, heard: Heard) -> None:
    group = slack.add_channel("ann, bob", "mpim")
    await slack.say(group, "just us")
    await slack.say(group, "and @bot")
    assert (await only(heard, 3)).text == "and"


async def test_mentions_and_links_become_readable(slack: SlackServer, heard: Heard) -> None:
    await slack.say(DIRECT, "ask @bob in #random or @here & see https://example.com/a?b=1&c=2 <now>")
    message = await only(heard, 1)
    assert message.text == "ask @Bob Moss in #random or @here & see https://example.com/a?b=1&c=2 <now>"


async def test_names_that_cannot_be_had_never_fail_a_message(slack: SlackServer, heard: Heard) -> None:
    """Without the scope for it, people are called by their ids."""
    slack.world.users.pop(BOB)
    await slack.say(DIRECT, f"who is <@{BOB}>?", raw=True)
    message = await only(heard, 1)
    assert message.text == f"who is @{BOB}?"


async def test_a_name_that_takes_long_is_not_waited_for(slack: SlackServer, heard: Heard) -> None:
    """Slack wants the acknowledgement within three seconds; the name is there the next time it is asked for."""
    slack.faults.add(Fault("users.info", "slow", seconds=30))
    await slack.say(DIRECT, "hello")
    message = await only(heard, 1)
    assert message.author_name == ANN
    assert not [one for one in slack.feed.past if one.kind == "undelivered"]


async def test_names_are_asked_for_once(slack: SlackServer, heard: Heard) -> None:
    for text in ("one", "two", "three"):
        await slack.say(DIRECT, text)
    await heard.all(3)
    calls = [one for one in slack.feed.past if one.kind == "call" and one.data["name"] == "users.info"]
    assert len(calls) == 1


async def test_order_is_kept_while_names_are_looked_up(slack: SlackServer, heard: Heard) -> None:
    """A message by somebody known does not overtake an earlier one by somebody new."""
    await slack.say(GENERAL, "@bot warm up", author="bob")
    await heard.all(2)
    first = await slack.say(GENERAL, "@bot by somebody new", author="ann")
    second = await slack.say(GENERAL, "@bot by somebody known", author="bob")
    messages = (await heard.all(6))[2:]
    assert [message.id for message in messages] == [first, first, second, second]


async def test_files_come_as_references_without_secrets(slack: SlackServer, heard: Heard) -> None:
    file = slack.file("notes.txt", b"remember", "text/plain")
    await slack.say(DIRECT, "", files=(file,))
    message = await only(heard, 1)
    assert message.text == ""
    (attachment,) = message.attachments
    assert (attachment.name, attachment.media_type, attachment.size) == ("notes.txt", "text/plain", 8)
    assert "xoxb" not in attachment.reference
    assert json.loads(attachment.reference)["id"] == file.id


@pytest.mark.parametrize("subtype", ["me_message", "thread_broadcast"])
async def test_kept_subtypes(slack: SlackServer, heard: Heard, subtype: str) -> None:
    root = await slack.say(DIRECT, "first")
    await slack.say(DIRECT, "second", parent=root, subtype=subtype)
    assert [message.text for message in await heard.all(2)] == ["first", "second"]


async def test_what_is_not_for_the_bot_is_acknowledged_and_ignored(slack: SlackServer, heard: Heard) -> None:
    """Chatter, edits, deletions, joins, other bots, and the bot itself."""
    chatter = await slack.say(GENERAL, "good morning")
    await slack.edit(GENERAL, chatter, "good morning @bot")
    await slack.delete(GENERAL, chatter)
    await slack.join(GENERAL, "bob")
    robot = slack.add_bot()
    await slack.say(GENERAL, "@bot do you hear me?", author=robot.id)
    await slack.say(GENERAL, "a note to self: @bot", author=BOT_USER, subtype="me_message")
    # chatter, changed, deleted, join, two of the other bot, one of our own
    assert await heard.all(7) == []


async def test_a_person_of_another_organisation_is_an_outsider(slack: SlackServer, heard: Heard) -> None:
    eve = slack.invite_foreigner(GENERAL)
    await slack.say(GENERAL, "@bot let me in", author="eve")
    await slack.say(GENERAL, "@bot and me", author="ann")
    messages = await heard.all(4)
    assert {(message.author, message.outsider) for message in messages} == {(eve.id, True), (ANN, False)}


async def test_a_redelivered_message_is_the_same_message(slack: SlackServer, heard: Heard) -> None:
    ts = await slack.say(DIRECT, "hello")
    await heard.all(1)
    slack.redeliver(DIRECT, ts)
    await only(heard, 2)
    assert len(heard.messages) == 2


async def test_a_forwarded_message_is_quoted(slack: SlackServer, heard: Heard) -> None:
    """What a link shows of itself is not part of what was said."""
    event = {
        "type": "message",
        "user": ANN,
        "channel": DIRECT,
        "channel_type": "im",
        "ts": "1700000000.000001",
        "text": "what is this?",
        "attachments": [
            {"is_share": True, "author_name": "Bob Moss", "text": "one &amp; *two*\nthree"},
            {"from_url": "https://e.example", "text": "A preview"},
        ],
    }
    slack.courier.send({"type": "event_callback", "event_id": "Ev1", "team_id": TEAM, "event": event})
    assert (await only(heard, 1)).text == "what is this?\n\n> Bob Moss: one & **two**\n> three"


async def test_hostile_text_arrives_in_one_piece(slack: SlackServer, heard: Heard) -> None:
    """Half a surrogate pair and NUL, which no database takes, are replaced."""
    await slack.say(DIRECT, "a\ud800b\x00c ‮d 👩‍👩‍👧", raw=True)
    assert (await only(heard, 1)).text == "a\ufffdb\ufffdc ‮d 👩‍👩‍👧"


async def test_an_unreadable_event_does_not_block_the_next(slack: SlackServer, heard: Heard) -> None:
    for broken in ({"ts": "soon"}, {"ts": None, "channel": None}, {"files": 7, "ts": "1.5"}):
        event = {"type": "message", "user": ANN, "channel": DIRECT, "channel_type": "im", "text": "x"} | broken
        slack.courier.send({"type": "event_callback", "event_id": f"Ev{broken}", "team_id": TEAM, "event": event})
    await slack.say(DIRECT, "still there?")
    messages = await heard.all(4)
    assert [message.text for message in messages] == ["still there?"]


async def test_fetch_streams_the_bytes(slack: SlackServer, heard: Heard, bridge: SlackBridge) -> None:
    content = bytes(range(256)) * 1000
    withheld = slack.file("foreign.bin", b"from afar", "application/octet-stream", withheld=True)
    await slack.say(DIRECT, "look", files=(slack.file("data.bin", content, "application/octet-stream"), withheld))
    near, far = (await only(heard, 1)).attachments
    assert b"".join([chunk async for chunk in bridge.fetch(near)]) == content
    assert far == Attachment(withheld.id, "application/octet-stream", None, far.reference)
    assert b"".join([chunk async for chunk in bridge.fetch(far)]) == b"from afar"


@pytest.mark.parametrize(
    ("text", "command", "left"),
    [("@bot new", "new", ""), ("@bot !retry", "retry", ""), ("@bot new ideas", "", "new ideas")],
)
async def test_the_only_word_of_a_mention_may_be_a_command(
    slack: SlackServer, heard: Heard, text: str, command: str, left: str
) -> None:
    await slack.say(GENERAL, text)
    message = await only(heard, 2)
    assert (message.command, message.text) == (command, left)
