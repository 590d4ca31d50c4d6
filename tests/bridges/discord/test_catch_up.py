"""What is said while no session is alive is handed over when one begins: once, in order, while it is recent, calmly."""

from __future__ import annotations

import json
import logging
import time

import pytest

from bridges.discord import catch_up, gateway
from sandbox.discord import DiscordServer, payloads
from sandbox.discord.limits import Window
from sandbox.discord.records import TEXT
from sandbox.discord.world import EPOCH
from sandbox.faults import Fault
from tests.bridges.discord.conftest import Connect, Ear

SPACING = catch_up.SPACING


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(catch_up, "SPACING", 0.0)
    monkeypatch.setattr(catch_up, "FIRST_DELAY", 0.01)


def reads(server: DiscordServer) -> list[str]:
    """The channels whose history was asked for, once for each call."""
    return [h.data["channel"] for h in server.feed.past if h.kind == "call" and h.data["name"] == "messages.list"]


def said_before(server: DiscordServer, place: str, text: str, minutes: float) -> str:
    """A message of some time ago."""
    key = (int((time.time() - 60 * minutes) * 1000) - EPOCH) << 22
    return server.write(place, text, key=str(key)).id


async def test_a_mention_while_it_was_down_is_handed_over_as_if_it_had_been_delivered(
    connect: Connect, server: DiscordServer
) -> None:
    """Also the first one in a channel, with files, and exactly as the gateway would have told it."""
    async with connect() as first:
        sent = await server.attach(server.lounge, "@bot see", ("a.txt", "text/plain", b"a"), author="bob")
        delivered = await first.hears(sent)
    async with connect() as second:
        assert await second.hears(sent) == delivered
        marker = await server.say(server.lounge, "@bot marker")
        await second.hears(marker)
        assert second.ids == [sent, marker]


async def test_it_is_found_wherever_it_was_said(connect: Connect, server: DiscordServer) -> None:
    """In direct messages, threads, forum posts and as replies; other people's talk stays theirs."""
    async with connect() as first:
        direct = await first.hears(await server.say(server.direct, "hello"))
        thread = await server.start_thread(await server.say(server.lounge, "shall we sail?"), "sailing")
        asked = await first.hears(await server.say(thread, "@bot shall we?"))
    answer = server.write(server.lounge, "The tide is out.", author="threadbridge")
    missed = {
        await server.say(server.direct, "still there?"),
        await server.say(thread, "a follow-up without a mention"),
        await server.post("Anchors", "@bot which one?"),
        await server.reply(answer.id, "and tomorrow?", ping=False),
    }
    await server.say(server.lounge, "nice weather")
    await server.say(server.lounge, "@bot I am a bot too", author="weather")
    async with connect(first.record) as second:
        for one in missed:
            await second.hears(one)
        places = {one.thread for one in second.heard}
        assert {direct.thread, asked.thread} < places
        marker = await server.say(server.lounge, "@bot marker")
        await second.hears(marker)
        assert sorted(second.ids) == sorted([*missed, marker])
        assert second.came == second.heard


async def test_it_is_found_in_threads_and_posts_that_were_archived_since(
    connect: Connect, server: DiscordServer
) -> None:
    """Which no server lists. What is said there next belongs to the same conversation."""
    async with connect() as first:
        thread = await server.start_thread(await server.say(server.lounge, "shall we sail?"), "sailing")
        post = await server.post("Anchors", "@bot which one?")
        known = [await first.hears(await server.say(thread, "@bot shall we?")), await first.hears(post)]
    missed = [await server.say(place, "and a word more") for place in (thread, post)]
    for place in (thread, post):
        await server.archive(place)
    async with connect(known) as second:
        assert [(await second.hears(one)).thread for one in missed] == [one.thread for one in known]
        new = await server.say(thread, "a follow-up")
        assert (await second.hears(new)).thread == known[0].thread
        assert second.came == second.heard


async def test_a_server_that_does_not_say_what_is_newest_is_read_where_the_bot_was_spoken_to(
    connect: Connect, server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = payloads.channel
    monkeypatch.setattr(payloads, "channel", lambda *of: {**whole(*of), "last_message_id": None})
    async with connect() as first:
        thread = await server.start_thread(await server.say(server.lounge, "shall we sail?"), "sailing")
        known = await first.hears(await server.say(thread, "@bot shall we?"))
    before = len(reads(server))
    missed = [await server.say(thread, "well?"), await server.say(server.lounge, "@bot hello")]
    server.new_channel("elsewhere")
    async with connect([known]) as second:
        for one in missed:
            await second.hears(one)
        assert sorted(reads(server)[before:]) == sorted([thread, server.lounge])


async def test_what_was_missed_comes_in_order_and_before_what_is_new(connect: Connect, server: DiscordServer) -> None:
    """However long the reading takes, and however many pages it takes."""
    async with connect() as first:
        known = await first.hears(await server.say(server.direct, "hello"))
    server.faults.add(Fault("messages.list", "slow", times=2, seconds=0.2))
    places = (server.direct, server.lounge)
    missed = {place: [await server.say(place, f"@bot {i}") for i in range(120)] for place in places}
    async with connect([known]) as second:
        for place in places:
            missed[place].append(await server.say(place, "@bot and now?"))
        for place in places:
            await second.hears(missed[place][-1])
            assert [one.id for one in second.heard if one.channel == place] == missed[place]


async def test_what_is_both_delivered_and_read_has_one_name(connect: Connect, server: DiscordServer) -> None:
    """It may be handed over twice, which its taker tells by the name."""
    missed = await server.say(server.lounge, "@bot missed")
    server.faults.add(Fault("messages.list", "slow", seconds=0.2))
    async with connect() as ear:
        both = await server.say(server.lounge, "@bot just now")
        marker = await server.say(server.lounge, "@bot marker")
        await ear.hears(marker)
        assert ear.ids == [missed, both, marker]
        assert all(one in ear.heard for one in ear.came)


async def test_what_is_said_while_a_session_is_lost_is_handed_over(ear: Ear, server: DiscordServer) -> None:
    before = await server.say(server.direct, "before")
    await ear.hears(before)
    server.expire_sessions()
    during = [await server.say(server.direct, f"during {i}") for i in range(3)]
    await ear.hears(during[-1])
    after = await server.say(server.direct, "after")
    await ear.hears(after)
    assert ear.ids == [before, *during, after]


async def test_a_server_that_arrives_late_is_looked_into_then(ear: Ear, server: DiscordServer) -> None:
    """Discord tells of servers one by one, after the session has begun."""
    await ear.hears(await server.say(server.lounge, "@bot marker"))
    world = server.world
    channel = world.channel(TEXT, "far away")
    missed, _ = world.write(channel, world.ann, f"<@{world.bot}> missed")
    late = world.snowflake()
    guild = {**payloads.guild(world, world.guild), "channels": [payloads.channel(world, channel)]}
    server.gateway.nonsense("GUILD_CREATE", json.loads(json.dumps(guild).replace(world.guild, late)))
    assert (await ear.hears(missed.id)).thread == f"discord:{late}:{channel.id}"


async def test_nothing_is_read_where_a_session_goes_on(ear: Ear, server: DiscordServer) -> None:
    await ear.hears(await server.say(server.direct, "before"))
    marker = await server.say(server.lounge, "@bot marker")
    await ear.hears(marker)
    done = len(reads(server))
    server.drop_connections()
    await server.feed.until(lambda: not server.gateway.connected)
    await ear.hears(await server.say(server.direct, "after"))
    await ear.hears(await server.say(server.lounge, "@bot after"))
    assert len(reads(server)) == done


async def test_what_is_no_longer_recent_is_left_alone(connect: Connect, server: DiscordServer) -> None:
    old = said_before(server, server.lounge, "@bot too late", minutes=20)
    young = said_before(server, server.lounge, "@bot in time", minutes=10)
    async with connect() as ear:
        await ear.hears(young)
        marker = await server.say(server.lounge, "@bot marker")
        await ear.hears(marker)
        assert old not in ear.ids
        assert ear.ids == [young, marker]


async def test_what_was_recorded_in_another_thread_is_not_handed_over_again(
    connect: Connect, server: DiscordServer
) -> None:
    """As after a change of `answer_in`, which names conversations in another way."""
    async with connect(answer_in="channel") as first:
        sent = await server.say(server.lounge, "@bot hello")
        await first.hears(sent)
    async with connect(first.record, answer_in="thread") as second:
        marker = await server.say(server.lounge, "@bot marker")
        await second.hears(marker)
        assert [one.id for one in second.came if one.id != marker] == []


async def test_without_message_content_only_what_names_the_bot_is_read(connect: Connect, server: DiscordServer) -> None:
    thread = await server.start_thread(await server.say(server.lounge, "x"), "x")
    server.gateway.strip_content = True
    await server.say(thread, "unreadable")
    sent = await server.say(thread, "@bot readable")
    async with connect() as ear:
        assert (await ear.hears(sent)).text == "readable"
        assert ear.ids == [sent]


# --- what fails -----------------------------------------------------------------------------------------------------


async def test_what_could_not_be_recorded_is_found_again(ear: Ear, server: DiscordServer) -> None:
    ear.failing = 3
    lost = await server.say(server.direct, "one")
    kept = await server.say(server.direct, "two")
    await ear.hears(kept)
    assert ear.ids == [kept]
    server.expire_sessions()
    await ear.hears(lost)
    assert ear.ids == [kept, lost]


async def test_a_record_that_cannot_be_read_is_waited_for(connect: Connect, server: DiscordServer) -> None:
    missed = await server.say(server.lounge, "@bot missed")
    async with connect(forgetful=2) as ear:
        await ear.hears(missed)
        assert ear.forgetful == 0


async def test_a_record_that_stays_away_does_not_keep_it_from_listening(
    connect: Connect, server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    await server.say(server.lounge, "@bot missed")
    async with connect(forgetful=3) as ear:
        marker = await server.say(server.lounge, "@bot marker")
        await ear.hears(marker)
        assert ear.ids == [marker]
        assert "what was missed is not looked for" in caplog.text


@pytest.mark.parametrize(
    "fault",
    [
        Fault("messages.list", "status", times=2, status=502),
        Fault("messages.list", "status", times=2, status=429, retry_after=0.01),
        Fault("messages.list", "drop", times=2),
        Fault("messages.list", "lost", times=2),
    ],
    ids=["502", "429", "drop", "lost"],
)
async def test_a_refusal_that_passes_is_asked_again(connect: Connect, server: DiscordServer, fault: Fault) -> None:
    missed = await server.say(server.lounge, "@bot missed")
    server.faults.add(fault)
    async with connect() as ear:
        await ear.hears(missed)
        assert reads(server) == [server.lounge] * 3


async def test_a_channel_that_cannot_be_read_is_passed_over(
    connect: Connect, server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked once, not again; the others are read, and what is new there is heard."""
    async with connect() as first:
        known = await first.hears(await server.say(server.direct, "hello"))
    gone = server.world.channels.pop(server.direct)
    missed = await server.say(server.lounge, "@bot missed")
    async with connect([known]) as second:
        await second.hears(missed)
        await server.feed.until(lambda: gone.id in reads(server))
        server.world.channels[gone.id] = gone
        new = await server.say(server.direct, "new")
        await second.hears(new)
        assert second.ids == [missed, new]
        assert f"what was missed in channel {gone.id} could not be read" in caplog.text
        assert reads(server).count(gone.id) == 1


async def test_places_that_it_may_no_longer_read_are_passed_over_and_named_once(
    connect: Connect, server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A channel, a thread whose channel is closed to it, and a thread that is gone; the rest is read."""
    caplog.set_level(logging.INFO)
    closed, hidden = server.new_channel("closed"), server.new_channel("hidden")
    async with connect() as first:
        inside = await server.start_thread(await server.say(hidden, "x"), "x")
        gone = await server.start_thread(await server.say(server.lounge, "y"), "y")
        for place in (server.direct, closed, inside, gone):
            await first.hears(await server.say(place, "@bot hello"))
    await server.deny(closed, "READ_MESSAGE_HISTORY")
    await server.deny(hidden, "VIEW_CHANNEL")
    server.close_channel(gone)
    for place in (closed, inside):
        await server.say(place, "@bot unreachable")
    before = len(reads(server))
    async with connect(first.record) as second:
        missed = await server.say(server.direct, "missed")
        await second.hears(missed)
        await server.feed.until(lambda: {inside, gone} <= set(reads(server)[before:]))
        server.expire_sessions()
        again = await server.say(server.direct, "missed again")
        await second.hears(again)
        await server.feed.until(lambda: [reads(server)[before:].count(place) for place in (inside, gone)] == [2, 2])
        assert second.ids == [missed, again]
    assert closed not in reads(server)[before:]
    for place in (closed, inside, gone):
        assert caplog.text.count(f"what was missed in channel {place} could not be read") == 1


async def test_only_so_many_archived_threads_are_looked_into_those_of_the_newest_conversations(
    connect: Connect, server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "MOST_UNLISTED", 2)
    posts = []
    async with connect() as first:
        for number in range(4):
            posts.append(await server.post(f"post {number}", "@bot hello"))
            await first.hears(posts[-1])
    for post in posts:
        await server.archive(post)
    missed = await server.say(server.lounge, "@bot missed")
    before = len(reads(server))
    async with connect(first.record) as second:
        await second.hears(missed)
        await server.feed.until(lambda: len(reads(server)) == before + 3)
        assert set(reads(server)[before:]) == {server.lounge, *posts[-2:]}


async def test_a_reading_that_never_ends_is_given_up(
    connect: Connect, server: DiscordServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is new is not kept waiting for ever."""
    monkeypatch.setattr(catch_up, "PATIENCE", 0.1)
    await server.say(server.lounge, "@bot missed")
    server.faults.add(Fault("messages.list", "status", times=99, status=429, retry_after=60))
    async with connect() as ear:
        new = await server.say(server.lounge, "@bot new")
        await ear.hears(new)
        assert ear.ids == [new]
        assert "could not be read" in caplog.text


# --- how much is asked ----------------------------------------------------------------------------------------------


async def test_a_quiet_start_asks_only_for_known_direct_messages(connect: Connect, server: DiscordServer) -> None:
    """Where nothing was said of late, nothing is asked."""
    async with connect() as first:
        known = await first.hears(await server.say(server.direct, "hello"))
    said_before(server, server.lounge, "@bot long ago", minutes=30)
    server.new_channel("empty")
    last = server.new_channel("last")
    missed = await server.say(last, "@bot missed")
    async with connect([known]) as second:
        await second.hears(missed)
        await second.hears(await server.say(server.direct, "marker"))
        assert sorted(reads(server)) == sorted([server.direct, last])


async def test_where_it_may_not_read_it_does_not_ask(connect: Connect, server: DiscordServer) -> None:
    closed = server.new_channel("closed")
    await server.say(closed, "@bot missed")
    await server.deny(closed, "READ_MESSAGE_HISTORY")
    missed = await server.say(server.lounge, "@bot missed")
    async with connect() as ear:
        await ear.hears(missed)
        new = await server.say(closed, "@bot new")
        await ear.hears(new)
        assert ear.ids == [missed, new]
        assert reads(server) == [server.lounge]


async def test_the_newest_of_many_channels_are_looked_into_and_the_known_ones_first(
    connect: Connect, server: DiscordServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catch_up, "MOST_OTHERS", 3)
    async with connect() as first:
        known = await first.hears(await server.say(server.lounge, "@bot hello"))
    missed = await server.say(server.lounge, "@bot missed")
    channels = [server.new_channel(f"channel-{i}") for i in range(8)]
    sent = [await server.say(channel, "@bot missed") for channel in channels]
    before = len(reads(server))
    async with connect([known]) as second:
        for one in (missed, *sent[-3:]):
            await second.hears(one)
        assert set(second.ids) == {missed, *sent[-3:]}
        assert sorted(reads(server)[before:]) == sorted([server.lounge, *channels[-3:]])
        assert "5 channels of the server" in caplog.text


async def test_one_channel_takes_a_bounded_number_of_calls(
    connect: Connect, server: DiscordServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catch_up, "PAGE", 5)
    monkeypatch.setattr(catch_up, "MOST_PAGES", 3)
    sent = [await server.say(server.lounge, f"@bot {i}") for i in range(20)]
    async with connect() as ear:
        marker = await server.say(server.lounge, "@bot marker")
        await ear.hears(marker)
        assert ear.ids == [*sent[:15], marker]
        assert reads(server) == [server.lounge] * 3
        assert "has too much news" in caplog.text


async def test_many_channels_are_read_calmly(
    connect: Connect, server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for the replies: a bot that may make 30 calls in a second is not refused any."""
    monkeypatch.setattr(catch_up, "SPACING", SPACING)
    assert server.limits is not None
    server.limits.overall = Window(30, 1)
    sent = [await server.say(server.new_channel(f"channel-{i}"), "@bot missed") for i in range(40)]
    async with connect() as ear:
        for one in sent:
            await ear.hears(one)
    assert len(reads(server)) == 40
    assert not [h for h in server.feed.past if h.kind == "slow_down"]
