"""The chat page in a real browser, with the real program behind it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.bridges.web.test_format import ATTACKS
from tests.end_to_end.test_web import Site, ended, site
from tests.web import ANN, BOB

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
PATIENCE = 40_000
"""Milliseconds."""

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium in PATH"),
    pytest.mark.timeout(180),
]


@asynccontextmanager
async def tab(address: str, width: int = 1100) -> AsyncIterator[Page]:
    """The page. No script may fail, and nothing may be asked of another server."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": width, "height": 720})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda asked: None if asked.url.startswith(address) else complaints.append(asked.url))
        await page.goto(f"{address}/web/")
        yield page
        assert complaints == []
        await browser.close()


async def enter(page: Page, token: str = ANN) -> None:
    await page.get_by_label("Your token").fill(token)
    await page.get_by_role("button", name="Enter").click()


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.get_by_role("button", name="Send").click()


@asynccontextmanager
async def running(folder: Path, speed: float = 0) -> AsyncIterator[tuple[Site, str]]:
    async with site(folder, speed=speed) as standing:
        program = await standing.program()
        yield standing, (await standing.client(program)).address
        await ended(program)


async def test_a_person_talks(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, address), tab(address) as page:
        await enter(page, "wrong")
        await expect(page.get_by_role("alert")).to_have_text("This token is not known here.")
        await enter(page)
        await say(page, "My name is Rosalind.")
        answers = page.locator("#messages .assistant.final")
        await expect(answers).to_have_count(1)
        await say(page, "What is my name?")
        await expect(answers.nth(1)).to_contain_text("Rosalind")
        await expect(page.locator("#threads li")).to_have_count(1)
        await page.reload()
        await expect(answers.nth(1)).to_contain_text("Rosalind")
        await page.get_by_role("button", name="New conversation").click()
        await expect(page.locator("#messages li")).to_have_count(0)
        await say(page, "table")
        await expect(page.locator("#messages table")).to_be_visible()
        await page.get_by_role("link", name="My name is Rosalind.").click()
        await expect(answers.nth(1)).to_contain_text("Rosalind")
        await page.get_by_role("button", name="Leave").click()
        await enter(page, BOB)
        await expect(page.locator("#side")).to_be_visible()
        await expect(page.locator("#threads li")).to_have_count(0)


async def test_an_answer_grows_and_is_stopped_on_a_phone(tmp_path: Path) -> None:
    async with running(tmp_path, speed=20) as (_, address), tab(address, width=375) as page:
        await enter(page)
        await say(page, "long 5000")
        await expect(page.locator("#messages .assistant.growing p").first).to_be_visible()
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator("#messages .assistant.final").first).to_contain_text("Stopped.")
        await expect(page.get_by_role("button", name="Stop")).to_be_hidden()
        await page.get_by_role("button", name="Conversations").click()
        await expect(page.get_by_role("link", name="long 5000")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_another_assistant_is_chosen_from_a_list(tmp_path: Path) -> None:
    async with site(tmp_path) as standing:
        others = f'[upstreams.second]\nkind = "openai"\nbase_url = "{standing.upstream.base_url("openai")}"\n'
        text = standing.config.read_text().replace(
            "[upstreams.main]", '[bridges.web]\nupstreams = ["second"]\n[upstreams.main]'
        )
        standing.config.write_text(f'{text}{others}model = "other"\n')
        program = await standing.program()
        address = (await standing.client(program)).address
        async with tab(address) as page:
            await enter(page)
            assistants = page.get_by_label("Another assistant")
            await expect(assistants.locator("option")).to_have_text(["Another assistant …", "main", "second"])
            await assistants.select_option("second")
            answers = page.locator("#messages .assistant.final")
            await expect(answers.first).to_contain_text("From now on second answers here.")
            await expect(assistants).to_have_value("")
            await say(page, "/status")
            await expect(answers.nth(1)).to_contain_text("You are talking to second")
            await page.set_viewport_size({"width": 375, "height": 720})
            await expect(assistants).to_be_visible()
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await ended(program)


async def test_where_there_is_one_there_is_nothing_to_choose(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, address), tab(address) as page:
        await enter(page)
        await expect(page.locator("#title")).to_be_visible()
        await expect(page.locator("#assistants")).to_be_hidden()


async def test_the_page_comes_back_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as (standing, address):
        fixed = standing.config.read_text().replace("port = 0", f"port = {address.rpartition(':')[2]}")
        await standing.programs[0].stop()
        standing.config.write_text(fixed)
        first = await standing.program()
        await standing.client(first)
        async with tab(address) as page:
            await enter(page)
            await say(page, "echo: before")
            await expect(page.locator("#messages .assistant.final")).to_have_text(["before"])
            await ended(first)
            await expect(page.locator("#note")).to_contain_text("connection is lost")
            await say(page, "echo: after")
            await expect(page.locator("#note")).to_contain_text("cannot be reached")
            again = await standing.program()
            await standing.client(again)
            await expect(page.locator("#note")).to_have_text("")
            await page.get_by_role("button", name="Send").click()
            await expect(page.locator("#messages .assistant.final")).to_have_text(["before", "after"])
        await ended(again)


async def test_nothing_that_is_said_does_anything(tmp_path: Path) -> None:
    """In a message, an answer, the list and the title."""
    attacks = [attack for attack in ATTACKS if "alert" in attack and attack.isprintable()]
    async with running(tmp_path) as (_, address), tab(address) as page:
        await enter(page)
        for number, attack in enumerate(attacks, 1):
            await say(page, f"echo: {attack} [a]({attack}) <b>{attack}</b>")
            await expect(page.locator("#messages .assistant.final")).to_have_count(number)
        for element in ("img", "script", "svg", "b", "[onerror]", "[onload]", "a[href^=java]", "a[href^=data]"):
            assert await page.locator(f"#chat {element}").count() == 0, element
