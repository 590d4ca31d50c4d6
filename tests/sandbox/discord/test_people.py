"""What people see and do, and how it outlives a restart."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from sandbox.discord import DiscordServer
from tests.sandbox.discord.conftest import Api, Dial


async def test_the_places_are_there(server: DiscordServer) -> None:
    kinds = {place.name: place.kind for place in server.places()}
    assert kinds == {"lounge": "channel", "help": "forum", "Ann Kern": "direct"}


async def test_a_place_is_seen_with_its_threads(server: DiscordServer) -> None:
    first = await server.say(server.lounge, "shall we sail, @bot?")
    await server.say(server.lounge, "or row", author="bob")
    await server.start_thread(first, "sailing")
    inside = await server.say(server.lounge, "yes", parent=first)
    views = server.view(server.lounge)
    assert [(v.text, v.author, v.parent) for v in views] == [
        ("shall we sail, @Threadbridge?", "Ann Kern", None),
        ("or row", "Bob Moss", None),
        ("yes", "Ann Kern", first),
    ]
    assert server.find(inside).channel == first
    assert [v.id for v in server.view(first)] == [inside]
    json.dumps([asdict(v) for v in views])


async def test_writing_below_a_message_without_a_thread_is_a_reply(server: DiscordServer) -> None:
    first = await server.say(server.lounge, "hm")
    reply = server.find(await server.say(server.lounge, "indeed", parent=first, author="bob"))
    assert (reply.reference, reply.channel) == (first, server.lounge)


async def test_what_happens_is_told(server: DiscordServer, api: Api) -> None:
    """For the page: messages, edits, deletions, with what is to be seen, and no token anywhere."""
    made = await api.send(server.lounge, "**hello**")
    path = f"/channels/{server.lounge}/messages/{made.data['id']}"
    await api("PATCH", path, {"content": "bye"})
    await api("DELETE", path)
    told = [(h.kind, h.data.get("view", {}).get("text")) for h in server.feed.past if h.kind != "call"]
    assert told == [("message", "hello"), ("edit", "bye"), ("delete", None)]
    assert "sandbox-discord-token" not in repr(server.feed.past)


async def test_the_world_outlives_a_restart(dial: Dial, api: Api, server: DiscordServer) -> None:
    """With files, threads, and the nonces of the last minutes; new ids go on after the old ones."""
    await server.attach(server.direct, "look", ("a.bin", "application/octet-stream", b"\x00\xff"))
    post = await server.post("Anchors", "Which?")
    made = await api.send(post, "this", nonce="n", enforce_nonce=True)
    state = json.loads(json.dumps(server.dump()))
    async with DiscordServer() as other:
        other.load(state)
        assert other.places() == server.places()
        assert other.view(other.help) == server.view(server.help)
        assert other.find(server.view(server.direct)[0].id).files[0].content == b"\x00\xff"
        again = await Api(other, api.session).send(post, "this", nonce="n", enforce_nonce=True)
        assert again.data["id"] == made.data["id"]
        assert int(await other.say(other.lounge, "new")) > int(made.data["id"])
        assert other.dump()["names"] == state["names"]


async def test_nobody_can_be_spoken_for_who_is_not_there(server: DiscordServer) -> None:
    with pytest.raises(KeyError):
        await server.say(server.lounge, "boo", author="ghost")
