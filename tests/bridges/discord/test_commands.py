"""Slash commands and the menu of a message: registered when they changed, recorded before they get their response."""

from __future__ import annotations

import asyncio
import copy
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.discord import DiscordBridge
from bridges.discord.interactions import MAY_NOT_WRITE, RECEIVED, read
from bridges.discord.registering import ASK_ABOUT, WANTED, choosing, register, same
from core.model import MessageId, ThreadId
from sandbox.discord import DiscordServer
from sandbox.discord.interactions import checked
from sandbox.faults import Fault
from tests.bridges.discord.conftest import Connect, Ear, settings


def calls(server: DiscordServer, name: str) -> int:
    return sum(h.kind == "call" and h.data["name"] == name for h in server.feed.past)


async def registered(server: DiscordServer) -> None:
    await server.feed.until(lambda: server.world.commands)


async def responded(server: DiscordServer, interaction: str) -> dict[str, Any]:
    await server.feed.until(lambda: server.interactions[interaction].response is not None)
    response = server.interactions[interaction].response
    assert response is not None
    data: dict[str, Any] = response["data"]
    return data


async def test_commands_are_registered_once_and_again_only_when_they_changed(
    connect: Connect, server: DiscordServer
) -> None:
    async with connect():
        await registered(server)
    assert {one["name"] for one in server.world.commands} == {
        *("ask", "new", "stop", "retry", "status", "help"),
        ASK_ABOUT,
    }
    async with connect():
        await server.feed.until(lambda: calls(server, "commands.list") == 2)
        await asyncio.wait_for(server.use(server.direct, "help"), 5)
    assert calls(server, "commands.replace") == 1
    server.world.commands.pop()
    async with connect():
        await server.feed.until(lambda: calls(server, "commands.replace") == 2)


async def test_use_offers_the_assistants_and_others_when_they_changed(server: DiscordServer) -> None:
    for names in (("main", "second"), ("main", "third"), ("main", "third")):
        async with DiscordBridge(settings(server)) as bridge:
            await register(bridge.client, names)
        (use,) = [one for one in server.world.commands if one["name"] == "use"]
        assert [one["value"] for one in use["options"][0]["choices"]] == list(names)
    assert calls(server, "commands.replace") == 2


@given(st.lists(st.text(min_size=1, max_size=150), min_size=2, max_size=40))
def test_discord_takes_any_names_of_assistants(names: list[str]) -> None:
    (option,) = checked(choosing(names), "1", "1")["options"]
    offered = [one["value"] for one in option.get("choices", ())]
    assert offered in ([], names)
    assert offered or len(names) > 25 or max(map(len, names)) > 100, "those that Discord takes are offered"


@given(st.permutations(WANTED), st.booleans())
def test_what_discord_tells_of_our_commands_is_the_same(commands: list[dict[str, Any]], tells_contexts: bool) -> None:
    found = [checked(one, str(number), "1") for number, one in enumerate(commands)]
    if not tells_contexts:
        found = [{key: value for key, value in one.items() if key != "contexts"} for one in found]
    assert same(found)


@given(st.sampled_from(WANTED), st.sampled_from(["name", "description", "contexts"]))
def test_any_difference_shows(command: dict[str, Any], field: str) -> None:
    found: list[dict[str, Any]] = copy.deepcopy(list(WANTED))
    changed = next(one for one in found if one["name"] == command["name"])
    changed[field] = [0] if field == "contexts" else "other"
    assert not same(found)
    assert not same(found[1:])
    assert not same(None)


async def test_a_refusal_to_register_is_one_line_and_stops_nothing(
    connect: Connect, server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.add(Fault("commands.list", "status", status=403))
    async with connect() as ear:
        await server.feed.until(lambda: "could not be registered" in caplog.text)
        await ear.hears(await server.say(server.direct, "hello"))
    assert not server.world.commands


@pytest.mark.parametrize("command", ["new", "stop", "retry", "status", "help"])
async def test_a_command_is_one(ear: Ear, server: DiscordServer, command: str) -> None:
    await registered(server)
    used = await server.use(server.lounge, command, author="bob")
    response = await responded(server, used)
    (said,) = ear.heard
    assert (said.command, said.text, said.author_name) == (command, "", "Bob Moss")
    assert (said.thread, said.channel) == (f"discord:{server.world.guild}:{server.lounge}", server.lounge)
    assert said.addressed
    assert (response["content"], response["flags"]) == (RECEIVED, 64)
    assert not server.world.history(server.lounge)


async def test_a_question_is_shown_to_everybody_and_pings_nobody(ear: Ear, server: DiscordServer) -> None:
    await registered(server)
    used = await server.use(server.lounge, "ask", question=f"Who is <@{server.world.bob}>?\nAnd @everyone?")
    await responded(server, used)
    (said,) = ear.heard
    assert said.command == ""
    assert said.text.endswith("And @everyone?")
    (shown,) = server.world.history(server.lounge)
    assert shown.content.startswith(">>> Who is")
    assert shown.pings == []
    assert said.id not in server.world.messages


async def test_the_turn_is_on_record_before_the_response(ear: Ear, server: DiscordServer) -> None:
    await registered(server)
    ear.gate = asyncio.Event()
    used = await server.use(server.direct, "ask", question="hello")
    await ear.until("waiting", f"interaction-{used}")
    assert calls(server, "interactions.respond") == 0
    ear.gate.set()
    await responded(server, used)
    assert ear.ids == [f"interaction-{used}"]


async def test_the_same_command_again_is_recorded_once(ear: Ear, server: DiscordServer) -> None:
    await registered(server)
    used = await server.use(server.direct, "ask", question="hello")
    await responded(server, used)
    server.use_again(used)
    await server.feed.until(lambda: any(h.kind == "refused" and h.data["code"] == 40060 for h in server.feed.past))
    assert ear.ids == [f"interaction-{used}"]
    assert len(server.world.history(server.direct)) == 1


async def test_used_in_a_thread_it_belongs_there(ear: Ear, server: DiscordServer) -> None:
    await registered(server)
    thread = await server.post("Tides", "When is high water?")
    await server.feed.until(lambda: ear.heard or ear.server.gateway.connected)
    used = await server.use(thread, "status")
    await responded(server, used)
    assert ear.heard[-1].thread == f"discord:{server.world.guild}:{server.help}:{thread}"


async def test_a_message_is_asked_about(ear: Ear, server: DiscordServer) -> None:
    await registered(server)
    message = await server.attach(server.lounge, "High water at **six**, @bob", ("a.txt", "text/plain", b"tide"))
    used = await server.use_on(message, ASK_ABOUT)
    await responded(server, used)
    said = ear.heard[-1]
    assert said.text == "High water at **six**, @Bob Moss"
    assert said.author_name == "Ann Kern"
    (file,) = said.attachments
    assert b"".join([piece async for piece in ear.bridge.fetch(file)]) == b"tide"


async def test_where_it_may_not_write_it_says_so_and_asks_nothing(ear: Ear, server: DiscordServer) -> None:
    await registered(server)
    await server.deny(server.lounge, "SEND_MESSAGES")
    response = await responded(server, await server.use(server.lounge, "ask", question="hello"))
    assert response["content"] == MAY_NOT_WRITE
    assert not ear.heard


async def test_a_response_that_comes_too_late_loses_nothing(
    ear: Ear, server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await registered(server)
    ear.gate = asyncio.Event()
    used = await server.use(server.direct, "ask", question="hello")
    await ear.until("waiting", f"interaction-{used}")
    server.interactions[used].at -= 10
    ear.gate.set()
    await server.feed.until(lambda: any(h.kind == "refused" and h.data["code"] == 10062 for h in server.feed.past))
    assert ear.ids == [f"interaction-{used}"]
    assert server.interactions[used].token not in caplog.text


async def test_an_answer_to_a_command_is_no_reply(bridge: DiscordBridge, server: DiscordServer) -> None:
    """There is no message that it could be one to."""
    place = ThreadId(f"discord:{server.world.guild}:{server.lounge}")
    surface = bridge.open(place, "k1", reply_to=MessageId("interaction-5"))
    await surface.show("Here you are.", final=True)
    (shown,) = server.world.history(server.lounge)
    assert shown.reference is None


@pytest.mark.parametrize("data", [{}, {"type": 2}, {"type": 2, "data": {"name": "new"}, "id": "1"}, {"type": 3}])
async def test_nonsense_is_passed_over(ear: Ear, server: DiscordServer, data: dict[str, Any]) -> None:
    server.gateway.nonsense("INTERACTION_CREATE", data)
    await ear.hears(await server.say(server.direct, "still there?"))
    assert len(ear.heard) == 1


def test_fields_that_a_server_leaves_out_are_not_missed() -> None:
    data = {
        "id": "1180000000000000000",
        "token": "t",
        "type": 2,
        "guild_id": "7",
        "channel_id": "8",
        "member": {"user": {"id": "9", "username": "ann"}},
        "data": {"name": "new"},
    }
    used = read(data, 1)
    assert used is not None
    assert (used.command, used.author_name, used.where, used.may_write) == ("new", "ann", None, True)
