"""The pages as HTTP: who gets in, what a form needs, and that what people wrote stays text."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from sqlalchemy import URL

from core.banning import Bans
from core.database import opened
from tests.console.seeding import NASTY, conversation, turn
from tests.console.standing import TOKEN, Standing, standing

PAGES = ("", "live", "live?part=turns", "conversations", "failures", "usage", "usage?days=90", "people")


@pytest.fixture
async def there(url: URL) -> AsyncIterator[Standing]:
    async with standing(url) as found:
        yield found


@pytest.fixture
async def session(there: Standing) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as found:
        yield found


async def sign_in(session: aiohttp.ClientSession, there: Standing) -> str:
    """Gives the token for forms."""
    async with session.post(f"{there.address}/console/login", data={"token": TOKEN}) as answer:
        assert answer.status == 200
        found = re.search(r'name="form_token" value="(\w+)"', await answer.text())
        assert found
        return found[1]


async def test_every_page_wants_the_token_and_has_its_headers(there: Standing, session: aiohttp.ClientSession) -> None:
    one = await conversation(there.engine)
    asked = await turn(there.engine, 1, conversation_id=one)
    pages = (*PAGES, f"conversations/{one}", f"turns/{asked}")
    for page in pages:
        async with session.get(f"{there.address}/console/{page}", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/console/login")
    await sign_in(session, there)
    for page in pages:
        async with session.get(f"{there.address}/console/{page}") as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert " style=" not in await answer.text()
            assert TOKEN not in await answer.text()
    for page in ("conversations/99", "turns/99", "turns/x", "nothing", "static/../site.py"):
        async with session.get(f"{there.address}/console/{page}") as answer:
            assert answer.status == 404
    for page in ("conversations?page=0", "conversations?page=x", "failures?page=99999999999", "usage?days=x"):
        async with session.get(f"{there.address}/console/{page}") as answer:
            assert answer.status == 200


async def test_the_cookie_is_for_this_site_alone(there: Standing, session: aiohttp.ClientSession) -> None:
    for proto, secure in (("http", False), ("https", True)):
        async with session.post(
            f"{there.address}/console/login",
            data={"token": TOKEN},
            headers={"X-Forwarded-Proto": proto},
            allow_redirects=False,
        ) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert "Path=/console" in cookie
            assert ("Secure" in cookie) == secure


async def test_wrong_tokens_are_slowed_down(there: Standing, session: aiohttp.ClientSession) -> None:
    statuses = []
    for token in ("a", "b", "c", "d", "e", TOKEN):
        async with session.post(f"{there.address}/console/login", data={"token": token}) as answer:
            statuses.append(answer.status)
            assert not answer.cookies
    assert statuses == [403, 403, 403, 403, 429, 429]


async def test_a_form_without_its_token_does_nothing(there: Standing, session: aiohttp.ClientSession) -> None:
    token = await sign_in(session, there)
    ban = {"bridge": "slack", "author": "u1"}
    for wrong in ({}, {"form_token": "x"}, {"form_token": token[::-1]}):
        async with session.post(f"{there.address}/console/people/ban", data=ban | wrong) as answer:
            assert answer.status == 403
    assert await Bans(there.engine).banned() == []
    async with session.post(f"{there.address}/console/people/ban", data=ban | {"form_token": token}) as answer:
        assert (answer.status, "not answered any more" in await answer.text()) == (200, True)
    assert len(await Bans(there.engine).banned()) == 1
    async with session.post(f"{there.address}/console/people/ban", data={"form_token": token}) as answer:
        assert (answer.status, "The field bridge is empty" in await answer.text()) == (400, True)


async def test_forms_do_what_they_say(there: Standing, session: aiohttp.ClientSession) -> None:
    one = await conversation(there.engine)
    asked = await turn(there.engine, 1, conversation_id=one, state="running", ended_at=None)
    form = {"form_token": await sign_in(session, there)}

    async def post(path: str, **more: str) -> str:
        async with session.post(f"{there.address}/console/{path}", data=form | more) as answer:
            return await answer.text()

    assert "told to stop" in await post(f"turns/{asked}/stop")
    assert "asked again" in await post(f"conversations/{one}/retry")
    assert "Another conversation begins" in await post(f"conversations/{one}/new")
    assert "goes on in that" in await post(f"conversations/{one}/rebind", upstream="second", upstream_id="up-7")
    assert "no such upstream" in await post(f"conversations/{one}/rebind", upstream="third", upstream_id="up-7")
    assert "no such bridge" in await post("people/ban", bridge="icq", author="u1")
    assert "Nobody was given" in await post("people/pair", code="ABC-DEF")
    assert "answered again" in await post("people/lift", bridge="slack", author="u1")
    assert there.told.stopped == [asked]
    await post("logout")
    async with session.get(f"{there.address}/console/", allow_redirects=False) as answer:
        assert answer.status == 303


async def test_what_people_write_stays_text(there: Standing, session: aiohttp.ClientSession) -> None:
    nasty = {"prompt": NASTY, "reply": NASTY, "author_name": NASTY, "author": NASTY, "channel": NASTY, "error": NASTY}
    one = await conversation(there.engine, f"slack:{NASTY}", NASTY)
    failed = await turn(there.engine, 1, conversation_id=one, state="failed", thread=f"slack:{NASTY}", **nasty)
    live = await turn(there.engine, 2, state="running", ended_at=None, **nasty)
    there.texts[live] = NASTY
    await Bans(there.engine).ban("slack", NASTY)
    await sign_in(session, there)
    for page in (*PAGES, f"conversations/{one}", f"turns/{failed}", f"turns/{live}", "conversations?search=%3Cscript"):
        async with session.get(f"{there.address}/console/{page}") as answer:
            text = await answer.text()
            assert "<script>document" not in text
            assert "<img" not in text


async def test_without_a_token_there_is_no_console_wherever_it_listens(url: URL) -> None:
    async with standing(url, token="") as there, aiohttp.ClientSession() as session:
        for path in ("/console", "/console/", "/console/conversations"):
            async with session.get(f"{there.address}{path}") as answer:
                assert (answer.status, "set http.admin_token" in await answer.text()) == (403, True)
        async with session.get(f"{there.address}/api/v1/conversations") as answer:
            assert answer.status in (404, 405)
        async with session.get(f"{there.address}/healthz") as answer:
            assert answer.status == 200


async def test_a_lost_database_is_one_sentence(url: URL) -> None:
    async with standing(url) as there, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await sign_in(session, there)
        async with opened(url) as engine, engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE turn RENAME TO gone")
        async with session.get(f"{there.address}/console/failures") as answer:
            assert (answer.status, "cannot be used just now" in await answer.text()) == (503, True)
        async with session.get(
            f"{there.address}/api/v1/failures", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (503, "DATABASE_ERROR")
