from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.playground import PlaygroundError, running
from sandbox.playground.config import KINDS
from sandbox.playground.uploads import LARGEST
from tests.sandbox.playground.conftest import IDLE, Page

POSTS = ["say", "press", "pair", "upstream", "speed", "fault", "faults/clear", "program", "fresh"]
PLATFORMS = ["slack", "discord", "telegram"]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


# --- the page itself --------------------------------------------------------------------------------------------


async def test_the_page_and_all_that_it_needs_come_from_here(page: Page) -> None:
    async with page.client.get(page.address) as response:
        html = await response.text()
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert "//" not in html.replace("<!doctype html>", ""), "no address elsewhere"
    for name in ("app.js", "page.css", "icon.svg"):
        async with page.client.get(page.address + f"static/{name}") as response:
            assert response.status == 200
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["static/../server.py", "static/%2e%2e/server.py", "static/", "nowhere"])
async def test_nothing_else_is_served(page: Page, path: str) -> None:
    async with page.client.get(page.address + path) as response:
        assert response.status in (403, 404)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example"])
async def test_a_request_by_another_name_is_refused(page: Page, host: str) -> None:
    async with page.client.get(page.address, headers={"Host": host}) as response:
        assert response.status == 403


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_of_another_page_cannot_write(page: Page, path: str) -> None:
    for body in ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, {"data": {"a": "b"}}):
        async with page.client.post(page.address + "api/" + path, **body) as response:
            assert response.status == 415


@pytest.mark.parametrize("body", ["", "[]", "7", "{", '"text"'])
@pytest.mark.parametrize("path", POSTS)
async def test_what_is_no_object_is_refused(page: Page, path: str, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    async with page.client.post(page.address + "api/" + path, data=body, headers=headers) as response:
        assert response.status == 400
        assert await response.json() == {"error": "Send a JSON object."}


# --- writing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["slack", "discord", "telegram"])
async def test_what_a_person_writes_is_told_to_every_page(page: Page, platform: str) -> None:
    place = page.place(await page.state(), platform, "direct")
    async with page.hearing("messages") as hearing:
        status, said = await page.ask(
            "api/say", platform=platform, place=place, text="Hello <b>there</b>", author="ann"
        )
        assert status == 200
        told = await hearing
    assert told["platform"] == platform
    assert told["place"] == place
    assert told["order"] == [said["id"]]
    (view,) = told["changed"]
    assert (view["author"], view["text"], view["bot"]) == ("Ann Kern", "Hello <b>there</b>", False)
    assert "<b>" not in view["html"]
    assert (await page.state())["platforms"][platform]["views"][place] == [view]


async def test_a_slack_reply_stands_in_its_thread_and_a_telegram_reply_quotes(page: Page) -> None:
    state = await page.state()
    for platform, kind, relation in (("slack", "channel", "thread"), ("telegram", "direct", "quotes")):
        place = page.place(state, platform, kind)
        _, first = await page.ask("api/say", platform=platform, place=place, text="One", author="ann")
        _, second = await page.ask(
            "api/say", platform=platform, place=place, text="Two", author="ann", parent=first["id"]
        )
        view = (await page.state())["platforms"][platform]["views"][place][-1]
        assert (view["id"], view[relation]) == (second["id"], first["id"])


async def test_discord_quotes_what_it_replies_to_and_makes_posts_in_its_forum(page: Page) -> None:
    state = await page.state()
    lounge, forum = (page.place(state, "discord", kind) for kind in ("channel", "forum"))
    _, first = await page.ask("api/say", platform="discord", place=lounge, text="One", author="ann")
    await page.ask("api/say", platform="discord", place=lounge, text="Two", author="bob", parent=first["id"])
    _, post = await page.ask("api/say", platform="discord", place=forum, text="@bot Where is it?", author="bob")
    _, _ = await page.ask("api/say", platform="discord", place=forum, text="Here", author="ann", parent=post["id"])
    platform = (await page.state())["platforms"]["discord"]
    assert platform["views"][lounge][-1]["quotes"] == first["id"]
    assert {"id": post["id"], "name": "Where is it?", "kind": "thread"} in platform["places"]
    assert [view["thread"] for view in platform["views"][forum]] == [None, post["id"]]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"place": "nowhere"}, "There is no such place."),
        ({"platform": "icq"}, "There is no such place."),
        ({"author": "mallory"}, "There is nobody of that name."),
        ({"text": " \n"}, "Write something first."),
        ({"parent": "17"}, "The message that it answers is not there."),
        ({"text": None}, "text is missing, or is not a text."),
        ({"parent": 17}, "parent is missing, or is not a text."),
        ({"files": 17}, "files is not a list of texts."),
        ({"files": [17]}, "files is not a list of texts."),
        ({"files": ["17"]}, "That file is not here any more: choose it again."),
        ({"files": ["17"] * 11}, "A message has 10 files at most."),
    ],
)
async def test_what_cannot_be_said_is_refused_with_a_sentence(page: Page, wrong: dict[str, Any], sentence: str) -> None:
    place = page.place(await page.state(), "slack", "channel")
    said = {"platform": "slack", "place": place, "text": "Hi", "author": "ann", **wrong}
    assert await page.ask("api/say", **said) == (400, {"error": sentence})


@pytest.mark.parametrize("platform", ["slack", "discord", "telegram"])
@pytest.mark.parametrize("text", ["😀" * 10_000, "a" * 200_000, "\ud800", "\u202eabc\u200b\x00"])
async def test_any_text_is_taken_or_refused_and_the_page_goes_on(page: Page, platform: str, text: str) -> None:
    place = page.place(await page.state(), platform, "direct")
    status, answer = await page.ask("api/say", platform=platform, place=place, text=text, author="ann")
    assert status == 200 or (status == 400 and answer["error"])
    assert (await page.hears("state"))["platforms"][platform]["places"]


# --- files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_file_goes_with_a_message_and_is_shown_to_every_page(page: Page, platform: str) -> None:
    place = page.place(await page.state(), platform, "direct")
    status, upload = await page.upload(PNG, name="chart.png", type="image/png")
    assert status == 200
    async with page.hearing("messages") as hearing:
        said = {"platform": platform, "place": place, "text": "", "author": "ann", "files": [upload["id"]]}
        status, _ = await page.ask("api/say", **said)
        assert status == 200
        (view,) = (await hearing)["changed"]
    assert view["files"] == [{"name": "chart.png", "size": len(PNG), "picture": True}]
    wanted = {"platform": platform, "place": place, "message": view["id"], "number": "0"}
    async with page.client.get(page.address + "api/file", params=wanted) as response:
        assert await response.read() == PNG
        assert response.content_type == "image/png"
        assert response.headers["Content-Disposition"] == "inline; filename*=UTF-8''chart.png"


async def test_what_is_no_picture_is_never_opened_at_the_address_of_the_page(page: Page) -> None:
    place = page.place(await page.state(), "slack", "direct")
    html = b"<script>document.title = 'taken'</script>"
    _, upload = await page.upload(html, name='a "page".html', type="text/html")
    _, said = await page.ask("api/say", platform="slack", place=place, text="Look", author="ann", files=[upload["id"]])
    wanted = {"platform": "slack", "place": place, "message": said["id"], "number": "0"}
    async with page.client.get(page.address + "api/file", params=wanted) as response:
        assert await response.read() == html
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20%22page%22.html"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "wrong", [{"number": "1"}, {"number": "-1"}, {"number": "²"}, {"message": "17"}, {"place": "x"}]
)
async def test_a_file_that_is_not_there_is_said(page: Page, wrong: dict[str, str]) -> None:
    place = page.place(await page.state(), "slack", "direct")
    _, upload = await page.upload(PNG, name="chart.png")
    _, said = await page.ask("api/say", platform="slack", place=place, text="", author="ann", files=[upload["id"]])
    wanted = {"platform": "slack", "place": place, "message": said["id"], "number": "0", **wrong}
    async with page.client.get(page.address + "api/file", params=wanted) as response:
        assert (response.status, await response.json()) == (400, {"error": "There is no such file."})


async def test_a_file_that_is_too_large_is_refused_with_a_sentence(page: Page) -> None:
    sentence = {"error": "tides.bin is too large: a file may have 5 MB here."}
    assert await page.upload(bytes(LARGEST + 1), name="tides.bin") == (413, sentence)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST // 100_000 + 2):
            yield bytes(100_000)

    assert await page.upload(endless(), name="tides.bin") == (413, sentence), "whatever length was announced"
    assert (await page.upload(bytes(LARGEST), name="tides.bin"))[0] == 200
    assert await page.upload(b"", name="tides.bin") == (
        400,
        {"error": "tides.bin is empty: choose a file with something in it."},
    )


async def test_a_file_cannot_come_from_a_form_of_another_page(page: Page) -> None:
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
        async with page.client.post(
            page.address + "api/upload?name=a", data=b"1", headers={"Content-Type": kind}
        ) as response:
            assert response.status == 415


# --- controls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS[1:])
async def test_another_upstream_is_written_into_the_configuration_and_the_program_restarted(
    page: Page, tmp_path: Path, kind: str
) -> None:
    async with page.hearing("program", lambda now: now["state"] == "running" and now["restarts"] == 1) as told:
        assert await page.ask("api/upstream", kind=kind) == (200, {})
        assert (tmp_path / "threadbridge.toml").read_text().count(f'upstream = "{kind}"') == 3
        await told
    assert (await page.state())["kind"] == kind


async def test_an_unknown_upstream_is_refused(page: Page) -> None:
    status, answer = await page.ask("api/upstream", kind="magic")
    assert (status, "goapi" in answer["error"]) == (400, True)


@pytest.mark.parametrize("words", [0, -1, 1e9, "fast", None, True])
async def test_a_speed_out_of_range_is_refused(page: Page, words: object) -> None:
    status, _ = await page.ask("api/speed", words=words)
    assert status == 400


async def test_the_speed_is_set_for_every_page(page: Page) -> None:
    async with page.hearing("speed") as told:
        assert await page.ask("api/speed", words=120) == (200, {})
        assert await told == {"speed": 120}


async def test_every_offered_fault_can_be_asked_for_and_taken_back(page: Page) -> None:
    offers = (await page.state())["offers"]
    assert len(offers) >= 7
    for offer in offers:
        for where in ["upstream"] if offer["where"] == "upstream" else ["slack", "discord", "telegram"]:
            assert await page.ask("api/fault", where=where, fault=offer["id"]) == (200, {}), (where, offer)
    assert len((await page.state())["faults"]) == sum(3 if one["where"] == "platform" else 1 for one in offers)
    assert await page.ask("api/faults/clear") == (200, {})
    assert (await page.state())["faults"] == []


@pytest.mark.parametrize(("where", "fault"), [("slack", "answer-slow"), ("upstream", "edit-429"), ("icq", "edit-429")])
async def test_a_fault_where_it_cannot_be_is_refused(page: Page, where: str, fault: str) -> None:
    assert await page.ask("api/fault", where=where, fault=fault) == (400, {"error": "There is no such fault."})


@pytest.mark.parametrize("action", ["restart", "kill"])
async def test_the_program_can_be_restarted_and_killed(page: Page, action: str) -> None:
    first = await page.state()
    async with page.hearing("program", lambda now: now["state"] == "running" and now["restarts"] == 1) as told:
        assert await page.ask("api/program", action=action) == (200, {})
        assert (await told)["pid"] != first["program"]["pid"]


async def test_a_code_that_nobody_was_given_is_refused(page: Page) -> None:
    assert (await page.state())["access"] == {"waiting": [], "let_in": []}
    assert await page.ask("api/pair", code="K7M-2QX") == (400, {"error": "Nobody waits with this code any more."})


async def test_beginning_anew_forgets_everything_and_tells_the_page(page: Page) -> None:
    place = page.place(await page.state(), "slack", "channel")
    await page.ask("api/say", platform="slack", place=place, text="Hi", author="ann")
    async with page.hearing("state") as told:
        assert await page.ask("api/fresh") == (200, {})
        state = await told
    assert not state["platforms"]["slack"]["views"][place]
    assert state["program"]["restarts"] == 0


# --- starting and stopping --------------------------------------------------------------------------------------


async def test_chats_settings_and_ports_outlast_the_playground(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    async with running(0, tmp_path, command=IDLE) as standing:
        page = Page(standing.address, client)
        state = await page.state()
        for platform in ("slack", "discord", "telegram"):
            place = page.place(state, platform, "direct")
            await page.ask("api/say", platform=platform, place=place, text=f"Hello {platform}", author="ann")
        await page.ask("api/upstream", kind="openai")
        await page.ask("api/speed", words=77)
        before = await page.state()
        config = (tmp_path / "threadbridge.toml").read_text()
    async with running(0, tmp_path, command=IDLE) as standing:
        after = await Page(standing.address, client).state()
        assert {name: one["views"] for name, one in after["platforms"].items()} == {
            name: one["views"] for name, one in before["platforms"].items()
        }
        assert (after["kind"], after["speed"]) == ("openai", 77)
        assert (tmp_path / "threadbridge.toml").read_text() == config, "the same ports, and so the same addresses"
    async with running(0, tmp_path, command=IDLE, fresh=True) as standing:
        state = await Page(standing.address, client).state()
        assert not any(any(one["views"].values()) for one in state["platforms"].values())


async def test_a_change_is_kept_while_the_playground_runs(page: Page, tmp_path: Path) -> None:
    place = page.place(await page.state(), "slack", "channel")
    await page.ask("api/say", platform="slack", place=place, text="Keep this", author="ann")
    async with asyncio.timeout(20):
        while not (world := tmp_path / "world.json").exists() or "Keep this" not in world.read_text():  # noqa: ASYNC110 - files tell nothing
            await asyncio.sleep(0.02)


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PlaygroundError, match=r"Port \d+ cannot be used .*--port"):
            async with running(taken.getsockname()[1], tmp_path, command=IDLE):
                pass


async def test_a_folder_in_use_is_said(page: Page, tmp_path: Path) -> None:
    with pytest.raises(PlaygroundError, match="Another playground"):
        async with running(0, tmp_path, command=IDLE):
            pass


async def test_what_another_version_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text('{"version": 1, "worlds": {"slack": {"teams": []}}}')
    with pytest.raises(PlaygroundError, match="--fresh"):
        async with running(0, tmp_path, command=IDLE):
            pass
