"""What people write, and which of it is handed over: over the real gateway protocol."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridges.discord.inbound import Names, readable
from core.model import Message, MessageId, ThreadId
from core.text import clean
from sandbox.discord import DiscordServer
from tests.bridges.discord.conftest import Connect, Ear


async def test_a_mention_in_a_channel(ear: Ear, server: DiscordServer) -> None:
    """Every field of it, exactly."""
    sent = await server.say(server.lounge, "hey @bot how deep is it?")
    world = server.world
    assert await ear.hears(sent) == Message(
        id=MessageId(sent),
        thread=ThreadId(f"discord:{world.guild}:{server.lounge}"),
        author=world.ann,
        author_name="Ann Kern",
        text="hey how deep is it?",
        sent_at=datetime.fromtimestamp(((int(sent) >> 22) + 1_420_070_400_000) / 1000, UTC),
        channel=server.lounge,
        addressed=True,
        organisation=world.guild,
    )


async def test_the_roles_of_the_author_are_handed_over_where_they_matter(
    connect: Connect, server: DiscordServer
) -> None:
    """Also with what was missed, and in threads; a direct message belongs to no server."""
    crew = server.world.crew
    async with connect(roles=True) as ear:
        bob = await ear.hears(await server.say(server.lounge, "@bot hello", author="bob"))
        ann = await ear.hears(await server.say(server.lounge, "@bot hello"))
        direct = await ear.hears(await server.say(server.direct, "hello"))
    assert crew in bob.roles
    assert crew not in ann.roles
    assert (direct.roles, direct.organisation) == (frozenset(), None)
    missed = [server.write(server.lounge, "@bot are you there?", author=author).id for author in ("bob", "ann")]
    async with connect(ear.record, roles=True) as ear:
        found = [await ear.hears(one) for one in missed]
    assert [crew in one.roles for one in found] == [True, False]


async def test_a_direct_message_needs_no_mention(ear: Ear, server: DiscordServer) -> None:
    message = await ear.hears(await server.say(server.direct, "hello"))
    assert message.thread == f"discord:@me:{server.direct}"
    assert (message.channel, message.addressed, message.text) == (server.direct, True, "hello")


async def test_direct_messages_of_two_people_are_two_conversations(ear: Ear, server: DiscordServer) -> None:
    one = await ear.hears(await server.say(server.direct, "hello"))
    other = await ear.hears(await server.say(server.new_direct("bob"), "hello", author="bob"))
    assert one.thread != other.thread
    assert (one.author_name, other.author_name) == ("Ann Kern", "Bob Moss")


async def test_a_reply_to_the_bot_is_for_the_bot(ear: Ear, server: DiscordServer) -> None:
    """Also when its author switched the mention off."""
    answer = server.write(server.lounge, "The tide is out.", author="threadbridge")
    message = await ear.hears(await server.reply(answer.id, "and tomorrow?", author="bob", ping=False))
    assert (message.addressed, message.text, message.author) == (True, "and tomorrow?", server.world.bob)


async def test_messages_in_a_thread_are_handed_over_without_a_mention(ear: Ear, server: DiscordServer) -> None:
    """Whether the bot takes part there is the relay's to know. Threads of one channel are apart."""
    starter = await server.say(server.lounge, "shall we sail?")
    thread = await server.start_thread(starter, "sailing")
    other = await server.start_thread(await server.say(server.lounge, "or row?"), "rowing")
    first = await ear.hears(await server.say(thread, "yes"))
    assert first.thread == f"discord:{server.world.guild}:{server.lounge}:{thread}"
    assert (first.addressed, first.channel) == (False, server.lounge)
    assert (await ear.hears(await server.say(thread, "@bot you too?"))).addressed
    assert (await ear.hears(await server.say(other, "no"))).thread != first.thread


async def test_a_forum_post_and_what_follows_are_one_conversation(ear: Ear, server: DiscordServer) -> None:
    post = await server.post("Anchors", "Which one?")
    first = await ear.hears(post)
    second = await ear.hears(await server.say(post, "for sand", author="bob"))
    assert first.thread == second.thread == f"discord:{server.world.guild}:{server.help}:{post}"
    assert (first.channel, first.text, first.addressed) == (server.help, "Which one?", False)


async def test_what_is_not_for_the_bot_is_not_handed_over(ear: Ear, server: DiscordServer) -> None:
    """Chatter, mentions of everyone and of roles, what bots and webhooks write, edits, and news of threads."""
    lounge = server.lounge
    chatter = await server.say(lounge, "nice weather")
    await server.say(lounge, "@everyone look")
    await server.say(lounge, f"<@&{server.world.crew}> on deck")
    await server.say(lounge, "@bob are you there?")
    await server.reply(chatter, "it is", author="bob")
    await server.say(lounge, "@bot I am a bot too", author="weather")
    await server.hook(lounge, "@bot deployed")
    await server.say(server.direct, "from myself", author="threadbridge")
    await server.say(lounge, "`@bot` in code is no mention".replace("@bot", f"<@{server.world.bot}>"))
    await server.edit(chatter, "@bot nice weather")
    thread = await server.start_thread(chatter, "weather")
    await server.say(thread, "@bot from a bot", author="weather")
    await server.rename(thread, "rain")
    last = await server.say(thread, "the end")
    await ear.hears(last)
    assert ear.ids == [last]


async def test_without_message_content_only_what_names_the_bot_can_be_read(server: DiscordServer, ear: Ear) -> None:
    """Discord empties the rest, and empty messages that nobody addressed to the bot are not handed over."""
    server.gateway.strip_content = True
    thread = await server.start_thread(await server.say(server.lounge, "x"), "x")
    await server.say(thread, "unreadable")
    last = await server.say(thread, "@bot readable")
    assert (await ear.hears(last)).text == "readable"
    assert ear.ids == [last]


async def test_other_mentions_become_names(ear: Ear, server: DiscordServer) -> None:
    world = server.world
    text = f"@bot ask <@{world.bob}> and <@&{world.crew}> in <#{server.lounge}> <:wave:123> <t:0:R> `<@{world.bob}>`"
    message = await ear.hears(await server.say(server.lounge, text))
    assert message.text == f"ask @Bob Moss and @crew in #lounge :wave: 1970-01-01 00:00 UTC `<@{world.bob}>`"


async def test_files_are_named_and_not_fetched(ear: Ear, server: DiscordServer) -> None:
    sent = await server.attach(
        server.direct, "", ("chart.png", "image/png", b"\x89PNG"), ("log.txt", "text/plain", b"x")
    )
    message = await ear.hears(sent)
    assert [(a.name, a.media_type, a.size) for a in message.attachments] == [
        ("chart.png", "image/png", 4),
        ("log.txt", "text/plain", 1),
    ]
    assert message.text == ""
    assert "http" not in message.attachments[0].reference
    assert not [h for h in server.feed.past if h.data.get("name") == "cdn"]


async def test_a_bare_mention_is_handed_over_empty(ear: Ear, server: DiscordServer) -> None:
    message = await ear.hears(await server.say(server.lounge, "@bot"))
    assert (message.text, message.command, message.addressed) == ("", "", True)


async def test_in_thread_mode_a_mention_begins_its_own_thread(connect: Connect, server: DiscordServer) -> None:
    """The conversation is named by the message; what is written in the thread later has the same name."""
    async with connect(answer_in="thread") as ear:
        sent = await server.say(server.lounge, "@bot hello")
        first = await ear.hears(sent)
        assert first.thread == f"discord:{server.world.guild}:{server.lounge}:{sent}"
        assert first.channel == server.lounge
        thread = await server.start_thread(sent, "hello")
        assert (await ear.hears(await server.say(thread, "more"))).thread == first.thread
        assert (await ear.hears(await server.say(server.direct, "hi"))).thread == f"discord:@me:{server.direct}"


async def test_where_it_may_not_start_threads_the_channel_is_the_conversation(
    connect: Connect, server: DiscordServer
) -> None:
    await server.deny(server.lounge, "CREATE_PUBLIC_THREADS")
    async with connect(answer_in="thread") as ear:
        message = await ear.hears(await server.say(server.lounge, "@bot hello"))
        assert message.thread == f"discord:{server.world.guild}:{server.lounge}"


async def test_a_thread_that_the_gateway_never_told_of_is_asked_for(connect: Connect, server: DiscordServer) -> None:
    """An archived thread is in no list until somebody writes in it."""
    thread = await server.start_thread(await server.say(server.lounge, "x"), "old")
    server.world.channels[thread].archived = True
    async with connect() as ear:
        server.world.channels[thread].archived = False
        message = await ear.hears(await server.say(thread, "anybody here?"))
        assert message.thread == f"discord:{server.world.guild}:{server.lounge}:{thread}"
        assert [h for h in server.feed.past if h.data.get("name") == "channels.get"]


# --- text, without sockets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<@7> hi", "hi"),
        ("<@!7>hi", "hi"),
        ("hi <@7>", "hi"),
        ("hi <@7>, you", "hi, you"),
        ("one\n<@7> two", "one\ntwo"),
        ("<@7> <@7>", ""),
        ("<@8> <@9>", "@Bob @unknown person"),
        ("<@&1> <#2> <#3>", "@unknown role #den #unknown channel"),
        ("`<@7>` ```\n<@7>\n```", "`<@7>` ```\n<@7>\n```"),
        ("</ask now:123>", "/ask now"),
        ("<a:dance:1>", ":dance:"),
        ("<t:999999999999:F>", "<t:999999999999:F>"),
        ("a\ud83d\0b", "a\ufffdb"),
        ("\u202e\u200b👍", "\u202e\u200b👍"),
    ],
)
def test_the_dialect_becomes_words(content: str, text: str) -> None:
    assert readable(content, 7, Names(users={8: "Bob"}, channels={2: "den"})) == text


def test_clean_leaves_every_whole_character() -> None:
    assert clean("日👍é") == "日👍é"
