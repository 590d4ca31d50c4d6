"""The pages in a real browser: a person signs in, looks at each, watches an answer grow, and acts; on a desk and on a
phone, light and dark."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, get_args

import pytest
import pytest_asyncio
from aiohttp.web import UrlDispatcher
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect
from sqlalchemy import URL, insert

import migrations
from console.pages import Pages
from core.banning import Bans
from core.database import parse, transaction
from core.statements import PAIRED, PAIRING, now
from tests.console.seeding import NASTY, conversation, turn, turns
from tests.console.standing import TOKEN, Standing, standing

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DESK = ViewportSize(width=1200, height=850)
PHONE = ViewportSize(width=390, height=844)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
PICTURES = os.environ.get("THREADBRIDGE_PICTURES")
"""A folder: there each page is left as it was seen."""

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium in PATH (looked for chromium, chromium-browser, google-chrome)"
    ),
    pytest.mark.timeout(180),
]


@pytest_asyncio.fixture(loop_scope="module")
async def there(tmp_path: Path) -> AsyncIterator[Standing]:
    url: URL = parse(f"sqlite:///{tmp_path}/threadbridge.db")
    migrations.upgrade(url)
    async with standing(url) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        await found.close()


async def sign_in(page: Page, there: Standing) -> None:
    await page.goto(f"{there.address}/console")
    await page.get_by_label("The operator's token").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is not the token")
    await page.get_by_label("The operator's token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()


async def fill(there: Standing) -> tuple[int, int]:
    """A conversation, and a turn of it that is being answered."""
    one = await conversation(there.engine)
    names = ("Ann", "Ben", "Chidi", "Dana")
    rows = []
    for number in range(60):
        who = {"author": f"u{number % 4}", "author_name": names[number % 4], "channel": ("harbour", "quay")[number % 2]}
        failed = {"state": "failed", "error": "The assistant does not answer just now."} if number % 9 == 8 else {}
        used = {"conversation_id": one, "prompt_tokens": 90 * number, "reply_tokens": 7}
        rows.append(who | used | failed | {"number": 42_200 - number * 700})
    await turns(there.engine, rows)
    nasty = await conversation(there.engine, "discord:tower:2", None)
    await turn(
        there.engine, 2, conversation_id=nasty, bridge="discord", prompt=NASTY, reply="x" * 400, author_name=NASTY
    )
    others = [await conversation(there.engine, f"slack:harbour:{number + 10}") for number in range(30)]
    asked = [
        {"number": 3 + number, "thread": f"slack:harbour:{number + 10}", "conversation_id": other}
        | {"prompt": f"How high does the water come at pier {number}?"}
        for number, other in enumerate(others)
    ]
    await turns(there.engine, asked)
    live = await turn(there.engine, 1, conversation_id=one, state="running", reply=None, ended_at=None)
    there.texts[live] = "The tide turns at noon"
    person = {"bridge": "slack", "author_name": "Edda"}
    async with transaction(there.engine) as connection:
        row = person | {"author": "u8", "code": "ABCDEF", "expires_at": now().replace(year=2100)}
        await connection.execute(insert(PAIRING).values(row))
        await connection.execute(insert(PAIRED).values(person | {"author": "u9", "at": now()}))
    await Bans(there.engine).ban("slack", "u3")
    return one, live


async def test_every_page_is_seen(there: Standing, chromium: Browser) -> None:
    one, live = await fill(there)
    numbers = {"/conversations/{id}": one, "/turns/{id}": live}
    pages = UrlDispatcher()
    Pages(there.desk).route(pages)
    paths = {route.resource.canonical for route in pages.routes() if route.method == "GET" and route.resource}
    assert paths > numbers.keys()
    addresses = ["login", "turns/99", *(path[1:].replace("{id}", str(numbers.get(path))) for path in sorted(paths))]
    addresses += ["conversations?page=2", "conversations?search=nowhere", f"conversations/{one}?page=2"]
    for size in (DESK, PHONE):
        page = await chromium.new_page(viewport=size)
        await sign_in(page, there)
        for address in addresses:
            await see(page, f"{there.address}/console/{address}", size)
        await page.close()


async def see(page: Page, address: str, size: ViewportSize) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    answer = await page.goto(address)
    assert answer is not None
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, address
    assert "Threadbridge" in await page.title()
    assert answer.status == (404 if address.endswith("/99") else 200)
    assert answer.status == 404 or not wrong, wrong
    grounds = set()
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        grounds.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
        if PICTURES:
            name = re.sub(r"\W+", "-", address.partition("/console/")[2]) or "overview"
            file = f"{name}-{'phone' if size is PHONE else 'desk'}-{scheme}.png"
            await page.screenshot(path=Path(PICTURES) / file, full_page=True)
    assert len(grounds) == len(SCHEMES)


async def test_an_answer_is_watched_and_stopped(there: Standing, chromium: Browser) -> None:
    _, live = await fill(there)
    page = await chromium.new_page()
    await sign_in(page, there)
    await page.get_by_role("link", name="Live", exact=True).click()
    await expect(page.get_by_text("The tide turns at noon")).to_be_visible()
    there.texts[live] = "The tide turns at noon, and the boats go out."
    await expect(page.get_by_text("and the boats go out.")).to_be_visible()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("status")).to_contain_text("told to stop")
    assert there.told.stopped == [live]


async def test_a_conversation_is_found_read_and_rebound(there: Standing, chromium: Browser) -> None:
    await fill(there)
    page = await chromium.new_page()
    await sign_in(page, there)
    await page.get_by_role("link", name="Conversations").click()
    await page.get_by_role("link", name="Last »").click()
    await expect(page.get_by_text("Page 2 of 2, 32 in all")).to_be_visible()
    await page.get_by_role("link", name="‹ Previous").click()
    await expect(page.get_by_text("Page 1 of 2, 32 in all")).to_be_visible()
    await page.get_by_label("Search").fill("pier 7?")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="How high does the water come at pier 7?").click()
    await page.get_by_text("Go on in another conversation").click()
    await page.get_by_label("Upstream", exact=True).select_option("second")
    await page.get_by_label("The upstream's id of the conversation").fill("up-77")
    await page.get_by_role("button", name="Rebind this thread").click()
    await expect(page.get_by_text("up-77")).to_be_visible()


async def test_people_are_let_in_and_banned(there: Standing, chromium: Browser) -> None:
    await fill(there)
    page = await chromium.new_page()
    await sign_in(page, there)
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Let in", exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text("is let in")
    await page.get_by_label("A person's id").fill("u7")
    await page.get_by_role("button", name="Ban", exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text("not answered any more")
    assert {one.author for one in await Bans(there.engine).banned()} == {"u3", "u7"}
