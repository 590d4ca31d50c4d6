"""The rules of the REST API, over raw HTTP."""

from __future__ import annotations

import json

import aiohttp
import pytest

from sandbox.discord import DiscordServer
from sandbox.discord import world as rules
from sandbox.discord.limits import Limits, Window
from sandbox.faults import Fault
from tests.sandbox.discord.conftest import Api


async def test_a_wrong_token_is_refused(api: Api) -> None:
    answer = await api("GET", "/users/@me", token="wrong")
    assert (answer.status, answer.data) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_who_the_bot_is(api: Api, server: DiscordServer) -> None:
    assert (await api("GET", "/users/@me")).data["id"] == server.world.bot
    assert (await api("GET", "/oauth2/applications/@me")).data["flags"] & 1 << 18
    assert (await api("GET", "/gateway")).data == {"url": server.gateway_url}
    start = (await api("GET", "/gateway/bot")).data["session_start_limit"]
    assert start["remaining"] <= start["total"]


async def test_json_is_announced_without_a_charset(api: Api, server: DiscordServer) -> None:
    assert (await api("GET", "/users/@me")).headers["Content-Type"] == "application/json"
    assert (await api.send("1", "x")).headers["Content-Type"] == "application/json"


async def test_a_message_is_written_read_changed_and_deleted(api: Api, server: DiscordServer) -> None:
    made = await api.send(server.lounge, " hello ", flags=4)
    assert (made.status, made.data["content"], made.data["flags"]) == (200, "hello", 4)
    path = f"/channels/{server.lounge}/messages/{made.data['id']}"
    edited = await api("PATCH", path, {"content": "bye"})
    assert (edited.data["content"], edited.data["flags"]) == ("bye", 4)
    assert edited.data["edited_timestamp"] is not None
    assert (await api("PATCH", path, {"content": "bye", "flags": 0})).data["flags"] == 0
    assert (await api("GET", path)).data["content"] == "bye"
    assert (await api("DELETE", path)).status == 204
    gone = await api("GET", path)
    assert (gone.status, gone.data["code"]) == (404, 10008)


async def test_snowflakes_grow(api: Api, server: DiscordServer) -> None:
    server.limits = None
    ids = [int((await api.send(server.lounge, "x")).data["id"]) for _ in range(20)]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    ("content", "code"),
    [("", 50006), (" \n", 50006), ("x" * 2001, 50035), ("👍" * 1001, 50035), ("x" * 2000, None), ("👍" * 1000, None)],
)
async def test_lengths(api: Api, server: DiscordServer, content: str, code: int | None) -> None:
    answer = await api.send(server.lounge, content)
    assert (answer.status, answer.data.get("code")) == (200 if code is None else 400, code)
    if code == 50035:
        (error,) = answer.data["errors"]["content"]["_errors"]
        assert error["code"] == "BASE_TYPE_MAX_LENGTH"


async def test_a_body_that_is_no_json_is_refused(api: Api, server: DiscordServer) -> None:
    """Half a character is none either."""
    for body in (b"{", b'{"content": "\\ud83d"}'):
        url = f"{server.api_url}/channels/{server.lounge}/messages"
        headers = {"Authorization": "Bot sandbox-discord-token", "Content-Type": "application/json"}
        async with api.session.post(url, data=body, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (400, 50109)


async def test_one_nonce_makes_one_message(api: Api, server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only if it is to be enforced, only for some minutes, and the history does not have it."""
    first = await api.send(server.lounge, "one", nonce="n", enforce_nonce=True)
    again = await api.send(server.lounge, "two", nonce="n", enforce_nonce=True)
    assert again.data["id"] == first.data["id"]
    assert (again.data["content"], again.data["nonce"]) == ("one", "n")
    loose = await api.send(server.lounge, "three", nonce="n")
    assert loose.data["id"] != first.data["id"]
    history = (await api("GET", f"/channels/{server.lounge}/messages")).data
    assert [m["content"] for m in history] == ["three", "one"]
    assert all("nonce" not in m for m in history)
    monkeypatch.setattr(rules, "NONCE_SECONDS", -1)
    late = await api.send(server.lounge, "four", nonce="n", enforce_nonce=True)
    assert late.data["content"] == "four"
    assert (await api.send(server.lounge, "x", nonce="n" * 26)).data["code"] == 50035


async def test_the_nonce_of_a_deleted_message_brings_nothing_back(api: Api, server: DiscordServer) -> None:
    first = await api.send(server.lounge, "one", nonce="n", enforce_nonce=True)
    server.remove(first.data["id"])
    assert (await api.send(server.lounge, "one", nonce="n", enforce_nonce=True)).data["code"] == 10008


async def test_history_is_paged(api: Api, server: DiscordServer) -> None:
    """Newest first, whichever way is asked."""
    ids = [await server.say(server.lounge, str(i)) for i in range(10)]
    path = f"/channels/{server.lounge}/messages"

    async def page(**query: str) -> list[str]:
        return [m["content"] for m in (await api("GET", path, **query)).data]

    assert await page(limit="3") == ["9", "8", "7"]
    assert await page(limit="3", after=ids[3]) == ["6", "5", "4"]
    assert await page(limit="3", before=ids[3]) == ["2", "1", "0"]
    assert await page(limit="3", around=ids[5]) == ["6", "5", "4"]
    assert (await api("GET", path, limit="101")).data["code"] == 50035


async def test_replies(api: Api, server: DiscordServer) -> None:
    asked = await server.say(server.lounge, "a question")
    reply = await api.send(server.lounge, "an answer", message_reference={"message_id": asked})
    assert reply.data["type"] == 19
    assert reply.data["referenced_message"]["content"] == "a question"
    lost = {"message_id": "1", "fail_if_not_exists": False}
    assert (await api.send(server.lounge, "x", message_reference=lost)).data["type"] == 0
    assert (await api.send(server.lounge, "x", message_reference={"message_id": "1"})).data["code"] == 50035
    await server.deny(server.lounge, "READ_MESSAGE_HISTORY")
    assert (await api.send(server.lounge, "x", message_reference={"message_id": asked})).data["code"] == 160002


async def test_who_is_notified(api: Api, server: DiscordServer) -> None:
    """Everybody who is named, unless `allowed_mentions` says otherwise."""
    world = server.world
    text = f"@everyone <@{world.ann}> <@&{world.crew}> `<@{world.bob}>`"
    loud = server.find((await api.send(server.lounge, text)).data["id"])
    assert loud.pings == [world.ann, world.crew, "everyone"]
    quiet = server.find((await api.send(server.lounge, text, allowed_mentions={"parse": []})).data["id"])
    assert quiet.pings == []
    one = {"parse": [], "users": [world.ann]}
    assert server.find((await api.send(server.lounge, text, allowed_mentions=one)).data["id"]).pings == [world.ann]
    asked = await server.say(server.lounge, "hm", author="bob")
    reference = {"message_id": asked}
    loud = server.find((await api.send(server.lounge, "x", message_reference=reference)).data["id"])
    assert loud.pings == [world.bob]
    silent = {"parse": ["users"], "replied_user": False}
    answer = await api.send(server.lounge, "x", message_reference=reference, allowed_mentions=silent)
    assert server.find(answer.data["id"]).pings == []


async def test_what_may_not_be_done(api: Api, server: DiscordServer) -> None:
    foreign = await server.say(server.lounge, "mine")
    path = f"/channels/{server.lounge}/messages/{foreign}"
    assert (await api("PATCH", path, {"content": "x"})).data["code"] == 50005
    assert (await api.send("1", "x")).data["code"] == 10003
    assert (await api.send(server.help, "x")).data["code"] == 50008
    await server.deny(server.lounge, "SEND_MESSAGES", "MANAGE_MESSAGES")
    assert (await api.send(server.lounge, "x")).data == {"message": "Missing Permissions", "code": 50013}
    assert (await api("DELETE", path)).status == 403
    await server.deny(server.lounge, "VIEW_CHANNEL")
    assert (await api("GET", f"/channels/{server.lounge}")).data == {"message": "Missing Access", "code": 50001}


async def test_threads_have_the_id_of_their_message(api: Api, server: DiscordServer) -> None:
    starter = await server.say(server.lounge, "shall we sail?")
    path = f"/channels/{server.lounge}/messages/{starter}/threads"
    thread = await api("POST", path, {"name": "sailing"})
    assert (thread.data["id"], thread.data["parent_id"], thread.data["type"]) == (starter, server.lounge, 11)
    assert (await api("POST", path, {"name": "again"})).data["code"] == 160004
    assert (await api("POST", path.replace(starter, "1"), {"name": "x"})).data["code"] == 10008
    other = await server.say(server.lounge, "x")
    long = {"name": "x" * 101}
    assert (await api("POST", path.replace(starter, other), long)).data["code"] == 50035
    direct = await server.say(server.direct, "x")
    assert (await api("POST", f"/channels/{server.direct}/messages/{direct}/threads", {"name": "x"})).data[
        "code"
    ] == 50024


async def test_archived_threads(api: Api, server: DiscordServer) -> None:
    """Writing opens one again, editing does not; a locked one stays closed."""
    post = await server.post("Anchors", "Which?")
    message = (await api.send(post, "this")).data["id"]
    await server.archive(post)
    path = f"/channels/{post}/messages/{message}"
    assert (await api("PATCH", path, {"content": "that"})).data["code"] == 50083
    assert (await api("PATCH", f"/channels/{post}", {"archived": False})).status == 200
    assert (await api("PATCH", path, {"content": "that"})).status == 200
    await server.archive(post)
    assert (await api.send(post, "more")).status == 200
    assert not (await api("GET", f"/channels/{post}")).data["thread_metadata"]["archived"]
    await server.archive(post, locked=True)
    assert (await api.send(post, "more")).data["code"] == 160005
    assert (await api("PATCH", f"/channels/{post}", {"archived": False})).data["code"] == 50013


async def test_a_bot_posts_in_a_forum(api: Api, server: DiscordServer) -> None:
    body = {"name": "News", "message": {"content": "first"}}
    made = await api("POST", f"/channels/{server.help}/threads", body)
    assert made.data["id"] == made.data["message"]["id"]
    assert made.data["message"]["content"] == "first"


async def test_a_direct_channel_is_one_however_often_it_is_opened(api: Api, server: DiscordServer) -> None:
    one = await api("POST", "/users/@me/channels", {"recipient_id": server.world.bob})
    two = await api("POST", "/users/@me/channels", {"recipient_id": server.world.bob})
    assert one.data["id"] == two.data["id"] == server.new_direct("bob")


async def test_files_come_and_go(api: Api, server: DiscordServer) -> None:
    """A bot uploads a form; the file server wants the signature of the address."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps({"content": "look"}))
    form.add_field("files[0]", b"bytes", filename="a b.txt", content_type="text/plain")
    url = f"{server.api_url}/channels/{server.lounge}/messages"
    headers = {"Authorization": "Bot sandbox-discord-token"}
    async with api.session.post(url, data=form, headers=headers) as response:
        (file,) = (await response.json())["attachments"]
    assert (file["filename"], file["size"]) == ("a b.txt", 5)
    async with api.session.get(file["url"]) as response:
        assert (response.status, await response.read()) == (200, b"bytes")
    async with api.session.get(file["url"].partition("?")[0]) as response:
        assert response.status == 404


async def test_limits_are_told_and_enforced(api: Api, server: DiscordServer) -> None:
    server.limits = Limits({"messages.create": Window(2, 60)})
    first = await api.send(server.lounge, "1")
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert first.headers["X-RateLimit-Remaining"] == "1"
    assert 50 < float(first.headers["X-RateLimit-Reset-After"]) <= 60
    await api.send(server.lounge, "2")
    refused = await api.send(server.lounge, "3")
    assert refused.status == 429
    assert refused.data["message"] == "You are being rate limited."
    assert refused.data["global"] is False
    assert 50 < refused.data["retry_after"] <= 60
    assert refused.headers["Via"]
    assert refused.headers["X-RateLimit-Bucket"] == first.headers["X-RateLimit-Bucket"]
    assert (await api.send(server.direct, "another channel")).status == 200
    server.limits = None
    assert (await api.send(server.lounge, "3")).status == 200


async def test_one_limit_is_over_all_calls(api: Api, server: DiscordServer) -> None:
    server.limits = Limits({}, Window(3, 60))
    for _ in range(3):
        assert (await api("GET", "/users/@me")).status == 200
    refused = await api("GET", f"/channels/{server.lounge}")
    assert (refused.status, refused.data["global"]) == (429, True)
    assert refused.headers["X-RateLimit-Global"] == "true"


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 502])
async def test_faults_have_discords_own_shape(api: Api, server: DiscordServer, status: int) -> None:
    server.faults.add(Fault("messages.create", "status", status=status, retry_after=7))
    answer = await api.send(server.lounge, "x")
    assert answer.status == status
    assert "message" in answer.data
    assert answer.data.get("retry_after") == (7 if status == 429 else None)
    assert server.view(server.lounge) == []


async def test_a_lost_answer_was_performed_and_a_dropped_call_was_not(api: Api, server: DiscordServer) -> None:
    server.faults.add(Fault("messages.create", "drop"))
    server.faults.add(Fault("messages.create", "lost"))
    for text in ("dropped", "lost"):
        with pytest.raises(aiohttp.ClientError):
            await api.send(server.lounge, text)
    assert [v.text for v in server.view(server.lounge)] == ["lost"]


async def test_what_does_not_exist_is_not_found(api: Api) -> None:
    assert (await api("GET", "/nonsense")).data == {"message": "404: Not Found", "code": 0}
