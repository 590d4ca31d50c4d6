"""The gateway's protocol, over a raw WebSocket."""

from __future__ import annotations

import pytest

from sandbox.discord import TOKEN, DiscordServer
from tests.sandbox.discord.conftest import EVERYTHING, Api, Dial


@pytest.mark.parametrize("query", ["?v=10&encoding=json", "?v=10&encoding=json&compress=zlib-stream"])
async def test_a_client_learns_where_it_is(dial: Dial, server: DiscordServer, query: str) -> None:
    client = await dial(query)
    ready = await client.identify()
    assert ready["s"] == 1
    assert ready["d"]["user"]["id"] == server.world.bot
    assert ready["d"]["resume_gateway_url"] == server.gateway_url
    assert ready["d"]["guilds"] == [{"id": server.world.guild, "unavailable": True}]
    guild = (await client.event("GUILD_CREATE"))["d"]
    assert {c["name"] for c in guild["channels"]} == {"lounge", "help"}
    assert server.world.bot in [m["user"]["id"] for m in guild["members"]]


async def test_heartbeats_are_acknowledged_even_before_identify(dial: Dial) -> None:
    client = await dial()
    hello = await client.receive()
    assert hello["d"]["heartbeat_interval"] > 0
    await client.send(1, None)
    assert (await client.receive())["op"] == 11


async def test_a_wrong_token_is_closed(dial: Dial) -> None:
    client = await dial()
    await client.receive()
    await client.send(2, {"token": "wrong", "intents": EVERYTHING})
    assert await client.close_code() == 4004


async def test_an_intent_that_is_not_allowed_is_closed(dial: Dial, server: DiscordServer) -> None:
    server.message_content_allowed = False
    client = await dial()
    await client.receive()
    await client.send(2, {"token": TOKEN, "intents": EVERYTHING})
    assert await client.close_code() == 4014
    assert (await (await dial()).identify(EVERYTHING & ~(1 << 15)))["t"] == "READY"


@pytest.mark.parametrize(("frame", "code"), [("{", 4002), ('{"op": 3, "d": {}}', 4003), ('{"op": 99}', 4003)])
async def test_breaches_of_the_protocol_are_closed(dial: Dial, frame: str, code: int) -> None:
    client = await dial()
    await client.receive()
    await client.socket.send_str(frame)
    assert await client.close_code() == code


async def test_identifying_twice_is_closed(dial: Dial) -> None:
    client = await dial()
    await client.identify()
    await client.send(2, {"token": TOKEN, "intents": EVERYTHING})
    assert await client.close_code() == 4005


async def test_messages_of_people_are_told(dial: Dial, server: DiscordServer) -> None:
    client = await dial()
    await client.identify()
    sent = await server.say(server.lounge, "hi @bot", author="bob")
    told = (await client.event("MESSAGE_CREATE"))["d"]
    assert (told["id"], told["guild_id"], told["content"]) == (sent, server.world.guild, f"hi <@{server.world.bot}>")
    assert [user["id"] for user in told["mentions"]] == [server.world.bot]
    assert told["author"]["global_name"] == "Bob Moss"
    assert told["member"]["roles"] == [server.world.crew]
    await server.say(server.direct, "psst")
    assert "guild_id" not in (await client.event("MESSAGE_CREATE"))["d"]


async def test_the_bots_own_messages_are_told_with_their_nonce(dial: Dial, api: Api, server: DiscordServer) -> None:
    client = await dial()
    await client.identify()
    made = await api.send(server.lounge, "hello", nonce="n1")
    assert (await client.event("MESSAGE_CREATE"))["d"]["nonce"] == "n1"
    await api("PATCH", f"/channels/{server.lounge}/messages/{made.data['id']}", {"content": "bye"})
    assert (await client.event("MESSAGE_UPDATE"))["d"]["content"] == "bye"
    await api("POST", f"/channels/{server.lounge}/typing")
    assert (await client.event("TYPING_START"))["d"]["user_id"] == server.world.bot


async def test_threads_and_posts_are_told(dial: Dial, server: DiscordServer) -> None:
    client = await dial()
    await client.identify()
    post = await server.post("Anchors", "Which?")
    thread = (await client.event("THREAD_CREATE"))["d"]
    assert (thread["id"], thread["parent_id"], thread["newly_created"]) == (post, server.help, True)
    first = (await client.event("MESSAGE_CREATE"))["d"]
    assert first["id"] == first["channel_id"] == post


async def test_content_is_withheld_without_the_intent(dial: Dial, api: Api, server: DiscordServer) -> None:
    """Except in direct messages, in what mentions the bot, and in its own."""
    client = await dial()
    await client.identify(EVERYTHING & ~(1 << 15))

    async def told() -> str:
        return str((await client.event("MESSAGE_CREATE"))["d"]["content"])

    await server.say(server.lounge, "secret")
    assert await told() == ""
    await server.say(server.lounge, "@bot open")
    assert await told() == f"<@{server.world.bot}> open"
    await server.say(server.direct, "direct")
    assert await told() == "direct"
    own = await api.send(server.lounge, "own")
    assert await told() == "own"
    await server.reply(own.data["id"], "reply that mentions")
    assert await told() == "reply that mentions"
    await server.reply(own.data["id"], "reply that does not", ping=False)
    assert await told() == ""


async def test_only_what_was_asked_for_is_told(dial: Dial, server: DiscordServer) -> None:
    client = await dial()
    await client.identify(1 << 12)
    await server.say(server.lounge, "@bot not for this client")
    await server.say(server.direct, "this is")
    assert (await client.receive())["d"]["content"] == "this is"


async def test_a_session_is_resumed_where_it_was_left(dial: Dial, server: DiscordServer) -> None:
    """What was sent after the number that the client names comes again, then RESUMED, then what is new."""
    client = await dial()
    session = (await client.identify())["d"]["session_id"]
    await client.event("GUILD_CREATE")
    await server.say(server.lounge, "@bot one")
    last = (await client.event("MESSAGE_CREATE"))["s"]
    await server.say(server.lounge, "@bot two")
    server.drop_connections()
    await server.feed.until(lambda: not server.gateway.connected)
    await server.say(server.lounge, "@bot three")
    again = await dial()
    await again.receive()
    await again.send(6, {"token": TOKEN, "session_id": session, "seq": last})
    frames = [await again.receive() for _ in range(3)]
    assert [f["t"] for f in frames] == ["MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"]
    assert [f["s"] for f in frames] == [last + 1, last + 2, last + 3]
    assert [f["d"]["content"][-3:] for f in frames[:2]] == ["two", "ree"]


async def test_a_forgotten_session_is_invalid(dial: Dial, server: DiscordServer) -> None:
    client = await dial()
    session = (await client.identify())["d"]["session_id"]
    server.expire_sessions()
    again = await dial()
    await again.receive()
    await again.send(6, {"token": TOKEN, "session_id": session, "seq": 1})
    assert await again.receive() == {"op": 9, "d": False, "s": None, "t": None}
    await again.send(2, {"token": TOKEN, "intents": EVERYTHING})
    assert (await again.event("READY"))["d"]["session_id"] != session


async def test_a_client_that_says_goodbye_ends_its_session(dial: Dial, server: DiscordServer) -> None:
    client = await dial()
    session = (await client.identify())["d"]["session_id"]
    await client.socket.close(code=1000)
    await server.feed.until(lambda: not server.gateway.connected)
    again = await dial()
    await again.receive()
    await again.send(6, {"token": TOKEN, "session_id": session, "seq": 1})
    assert (await again.receive())["op"] == 9


async def test_a_number_that_was_never_given_is_closed(dial: Dial) -> None:
    client = await dial()
    session = (await client.identify())["d"]["session_id"]
    again = await dial()
    await again.receive()
    await again.send(6, {"token": TOKEN, "session_id": session, "seq": 1000})
    assert await again.close_code() == 4007


async def test_requests_to_come_back(dial: Dial, server: DiscordServer) -> None:
    client = await dial()
    await client.identify()
    await client.event("GUILD_CREATE")
    server.gateway.ask_to_reconnect()
    assert (await client.receive())["op"] == 7
    server.gateway.invalidate(resumable=True)
    assert (await client.receive())["d"] is True


async def test_an_event_can_come_twice(dial: Dial, server: DiscordServer) -> None:
    client = await dial()
    await client.identify()
    sent = await server.say(server.lounge, "@bot hi")
    server.redeliver(sent)
    assert (await client.event("MESSAGE_CREATE"))["d"] == (await client.event("MESSAGE_CREATE"))["d"]
