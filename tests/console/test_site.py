"""The pages as HTTP: who gets in, what a form needs, and that what people wrote stays text."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from sqlalchemy import URL

import core.reading as records
from console.pages import ON_A_PAGE, span
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


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "120 min"), (7_200, "2 h"), (172_800, "2 days")],
)
def test_about_how_long_that_is(seconds: float, said: str) -> None:
    assert span(seconds) == said


async def test_lists_have_numbered_pages(there: Standing, session: aiohttp.ClientSession) -> None:
    one = await conversation(there.engine)
    for number in range(2 * ON_A_PAGE + 1):
        await turn(there.engine, number, conversation_id=one, state="failed")
    await sign_in(session, there)

    async def page(path: str) -> tuple[str, list[str]]:
        """Which one it is, and where it leads."""
        async with session.get(f"{there.address}/console/{path}") as answer:
            text = await answer.text()
        where = re.search(r"Page \d+ of \d+, \d+ in all", text)
        pager = text[text.rindex("<nav") :] if where else ""
        return where[0] if where else "", re.findall(r'href="/console/[^"]*?page=(\d+)"', pager)

    assert await page("failures") == ("Page 1 of 3, 51 in all", ["2", "3"])
    assert await page("failures?page=2") == ("Page 2 of 3, 51 in all", ["1", "1", "3", "3"])
    assert await page("failures?page=999") == ("Page 3 of 3, 51 in all", ["1", "2"])
    assert await page(f"conversations/{one}") == ("Page 3 of 3, 51 in all", ["1", "2"])
    assert await page(f"conversations/{one}?page=1") == ("Page 1 of 3, 51 in all", ["2", "3"])
    assert await page("conversations") == ("", [])


async def test_a_search_offers_to_look_further_back(
    there: Standing, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SEARCHED_TURNS", 1)
    for number in range(2):
        one = await conversation(there.engine, f"slack:harbour:{number}")
        await turn(there.engine, 5 - number, conversation_id=one, prompt=f"Lighthouse {number}?")
    await sign_in(session, there)
    async with session.get(f"{there.address}/console/conversations?search=lighthouse") as answer:
        text = await answer.text()
    assert ("Lighthouse 1?" in text, "Lighthouse 0?" in text) == (True, False)
    further = re.search(r'href="([^"]+)">Look further back', text)
    assert further
    async with session.get(f"{there.address}{html.unescape(further[1])}") as answer:
        text = await answer.text()
    assert ("Lighthouse 1?" in text, "Lighthouse 0?" in text, "further back" in text) == (False, True, False)


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
