"""The page in a real browser, with the real program behind it: what a person who tries it sees.

One playground serves all tests but the last, so each writes something that no other does.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Locator, async_playwright, expect
from playwright.async_api import Page as Tab

from sandbox.playground import running

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PLATFORMS = ("slack", "discord", "telegram")
PATIENCE = 40_000
"""Milliseconds: several programs and a browser share the machine."""

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium in PATH (looked for chromium, chromium-browser, google-chrome)"
    ),
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with running(0, tmp_path_factory.mktemp("playground")) as standing:
        yield standing.address


@pytest_asyncio.fixture(loop_scope="module")
async def tab(browser: Browser, address: str) -> AsyncIterator[Tab]:
    """The page, with all three bridges connected. No script may fail, and nothing may be asked of another server."""
    complaints: list[str] = []
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(address) else complaints.append(request.url))
    await page.goto(address)
    await is_connected(page)
    await set_speed(page, 300)
    yield page
    await page.close()
    assert complaints == []


async def is_connected(tab: Tab) -> None:
    await expect(tab.locator("#program")).to_have_attribute("data-state", "running", timeout=PATIENCE)
    await expect(tab.locator(".link-lamp.on")).to_have_count(3, timeout=PATIENCE)


async def set_speed(tab: Tab, words: int) -> None:
    """Words a second, at which the upstream writes."""
    response = await tab.request.post(f"{tab.url}api/speed", data={"words": words})
    assert response.ok


def replies(tab: Tab, platform: str) -> Locator:
    return tab.locator(f".pane.{platform} .message.from-bot")


def inspector(tab: Tab, platform: str) -> Locator:
    return tab.locator(f".column[data-platform={platform}] .inspector")


async def write(tab: Tab, platform: str, text: str) -> None:
    box = tab.locator(f".pane.{platform} textarea")
    await box.fill(text)
    await box.press("Enter")


async def speak_as(tab: Tab, platform: str, name: str) -> None:
    await tab.locator(f".pane.{platform} .who label", has_text=name).click()


async def is_answered(tab: Tab, platform: str, prompt: str) -> None:
    """The newest turn asks this and has been answered, and its reply is not being written any more."""
    await expect(inspector(tab, platform).locator(".what")).to_contain_text(prompt, timeout=PATIENCE)
    await expect(inspector(tab, platform).locator(".state")).to_have_text("answered", timeout=PATIENCE)
    await expect(tab.locator(f".pane.{platform} .message.live")).to_have_count(0, timeout=PATIENCE)


async def in_direct_chats(tab: Tab) -> None:
    for platform in PLATFORMS:
        await tab.locator(f".pane.{platform} .place-direct").first.click()


async def test_buttons_below_a_reply_are_pressed_in_each_pane(tab: Tab) -> None:
    await in_direct_chats(tab)
    for platform in PLATFORMS:
        await write(tab, platform, f"echo: pressed in {platform}")
    for platform in PLATFORMS:
        await is_answered(tab, platform, f"echo: pressed in {platform}")
        shown = replies(tab, platform).last
        await expect(shown.locator(".buttons button")).to_have_count(4, timeout=PATIENCE)
        count = await replies(tab, platform).count()
        await shown.locator(".buttons button", has_text="Retry").click()
        await expect(replies(tab, platform)).to_have_count(count + 1, timeout=PATIENCE)
        await expect(replies(tab, platform).last.locator(".buttons button")).to_have_count(4, timeout=PATIENCE)
        await expect(tab.locator(f".pane.{platform} .buttons button")).to_have_count(4, timeout=PATIENCE)


async def test_a_message_that_waits_has_a_sign_in_each_pane(tab: Tab) -> None:
    await in_direct_chats(tab)
    await set_speed(tab, 5)
    for platform in PLATFORMS:
        await write(
            tab, platform, f"echo: the first in {platform}, and so long" + " that another has to wait for it" * 50
        )
        if platform == "slack":  # where each message at the top is a conversation of its own
            await tab.locator(".pane.slack .message.from-person").last.locator(".act").click(force=True)
        await write(tab, platform, f"echo: waits in {platform}")
    for platform, sign in zip(PLATFORMS, ("⏳", "⏳", "👀"), strict=True):
        mine = tab.locator(f".pane.{platform} .message.from-person", has_text=f"echo: waits in {platform}")
        await expect(mine.locator(".reactions span")).to_have_text(sign, timeout=PATIENCE)
    await set_speed(tab, 300)
    for platform in PLATFORMS:
        await expect(tab.locator(f".pane.{platform} .reactions span")).to_have_count(0, timeout=PATIENCE)
        await is_answered(tab, platform, f"echo: waits in {platform}")


async def test_a_reply_grows_in_each_pane_until_it_is_complete(tab: Tab) -> None:
    for platform in PLATFORMS:
        await tab.locator(f".pane.{platform} .chip", has_text="Show me everything").click()
    for platform in PLATFORMS:
        await is_answered(tab, platform, "Show me everything")
        shown = replies(tab, platform).last
        await expect(shown).to_contain_text("Have a good trip!")
        await expect(shown.locator("pre").first).to_be_visible()
        if platform != "slack":  # where it grows as a stream
            await expect(shown.locator(".edited")).to_contain_text("edited ×")
        facts = inspector(tab, platform).locator(".facts")
        await expect(facts).to_contain_text("goapi")
        await expect(facts).to_contain_text(f"{platform}:")
        await expect(inspector(tab, platform).locator(".figures")).to_contain_text("max")


async def test_a_conversation_goes_on_after_a_restart_and_after_a_kill(tab: Tab) -> None:
    await in_direct_chats(tab)
    for platform in PLATFORMS:
        await write(tab, platform, "My name is Grace")
    for platform in PLATFORMS:
        await is_answered(tab, platform, "My name is Grace")
    # In a direct chat of Slack each message at the top is a conversation of its own: this one goes into the thread.
    await tab.locator(".pane.slack .thread-reply").last.click()
    for button in ("#restart", "#kill"):
        before = await tab.locator("#program-said").text_content()
        pid = (before or "").partition("pid ")[2].split()[0]
        await tab.locator(button).click()
        await expect(tab.locator("#program-said")).not_to_contain_text(f"pid {pid}", timeout=PATIENCE)
        await is_connected(tab)
        question = f"What is my name, after {button}?"
        for platform in PLATFORMS:
            await write(tab, platform, question)
        for platform in PLATFORMS:
            await is_answered(tab, platform, question)
            await expect(replies(tab, platform).last).to_contain_text("Grace")


async def test_a_reply_is_taken_up_in_its_message_when_the_program_is_killed(tab: Tab) -> None:
    await in_direct_chats(tab)
    before = {platform: await replies(tab, platform).count() for platform in PLATFORMS}
    await set_speed(tab, 8)
    for platform in PLATFORMS:
        await write(tab, platform, "long 120")
    for platform in PLATFORMS:
        await expect(tab.locator(f".pane.{platform} .message.live")).to_be_visible(timeout=PATIENCE)
    await tab.locator("#kill").click()
    await set_speed(tab, 300)
    for platform in PLATFORMS:
        await is_answered(tab, platform, "long 120")
        await expect(replies(tab, platform)).to_have_count(before[platform] + 1)
        await expect(inspector(tab, platform).locator(".figures")).to_contain_text("Attempt2")


async def test_a_fault_is_seen_and_said(tab: Tab) -> None:
    await in_direct_chats(tab)
    await is_connected(tab)
    await tab.locator("#faults summary").click()
    await tab.locator("[data-fault='upstream/answer-401']").click()
    await expect(tab.locator("#fault-count")).to_have_text("1")
    await tab.keyboard.press("Escape")
    await write(tab, "discord", "Hello, is anybody there?")
    await expect(inspector(tab, "discord").locator(".state")).to_have_text("failed", timeout=PATIENCE)
    said = await inspector(tab, "discord").locator(".said").text_content()
    assert said
    await expect(replies(tab, "discord").last).to_contain_text(said[:40])
    await expect(tab.locator("#fault-count")).to_be_hidden()


async def test_what_people_write_is_never_taken_for_html(tab: Tab) -> None:
    nasty = "echo: <img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    for platform in PLATFORMS:
        await write(tab, platform, nasty)
    for platform in PLATFORMS:
        await is_answered(tab, platform, "echo: <img")
        await expect(replies(tab, platform).last.locator(".text")).to_contain_text("<img src=x")
    assert await tab.locator(".text img, .text script").count() == 0
    assert await tab.title() == "Threadbridge playground"


async def test_a_stranger_is_answered_after_the_operator_has_confirmed_the_code(tab: Tab) -> None:
    await in_direct_chats(tab)
    pane, operator = tab.locator(".pane.telegram"), tab.get_by_label("The operator in Telegram")
    await expect(operator).to_be_hidden()
    await speak_as(tab, "telegram", "Eve")
    await expect(pane.locator(".place-direct")).to_have_text("Eve’s direct chat")
    await write(tab, "telegram", "echo: may I come in?")
    await expect(replies(tab, "telegram").last).to_contain_text(
        "I only answer people whom my operator has let in", timeout=PATIENCE
    )
    code = await replies(tab, "telegram").last.locator("code").first.text_content()
    await expect(operator).to_contain_text(f"Eve Stray waits to be let in. threadbridge pair {code}", timeout=PATIENCE)
    await operator.get_by_role("button", name="Let in").click()
    await expect(operator.get_by_role("status")).to_contain_text(
        "Eve Stray (id 501003) is let in on telegram", timeout=PATIENCE
    )
    await expect(pane.get_by_role("radio", name="Eve", exact=True)).to_be_checked(timeout=PATIENCE)
    await write(tab, "telegram", "echo: and now?")
    await is_answered(tab, "telegram", "echo: and now?")
    await expect(replies(tab, "telegram").last.locator(".text")).to_have_text("and now?", timeout=PATIENCE)
    await operator.get_by_role("button", name="Close").click()
    await expect(operator).to_be_hidden()


async def test_a_stranger_is_denied_on_slack_and_discord_too_and_a_second_person_is_not(tab: Tab) -> None:
    for platform in ("slack", "discord"):
        await tab.locator(f".pane.{platform} .place-channel").first.click()
        await speak_as(tab, platform, "Eve")
        await write(tab, platform, "echo: may I?")
        await expect(replies(tab, platform).last).to_contain_text(
            "I only answer people whom my operator has let in", timeout=PATIENCE
        )
        await expect(tab.get_by_label(f"The operator in {platform.capitalize()}")).to_contain_text(
            "Eve Stray waits", timeout=PATIENCE
        )
        await speak_as(tab, platform, "Bob")
        await write(tab, platform, f"echo: I may, on {platform}")
        await is_answered(tab, platform, f"I may, on {platform}")
        await expect(replies(tab, platform).last).to_contain_text(f"I may, on {platform}", timeout=PATIENCE)


@pytest.mark.parametrize(("name", "media_type"), [("chart.png", "image/png"), ("tides #1?.txt", "text/plain")])
async def test_a_file_goes_with_a_message_and_the_upstream_says_what_it_got(
    tab: Tab, name: str, media_type: str
) -> None:
    content = PIXEL if media_type == "image/png" else b"high at noon"
    await in_direct_chats(tab)
    for platform in PLATFORMS:
        chooser = tab.locator(f".pane.{platform} input[type=file]")
        await chooser.set_input_files({"name": name, "mimeType": media_type, "buffer": content})
        await expect(tab.locator(f".pane.{platform} .picked")).to_contain_text(
            f"{name}{len(content)} bytes", timeout=PATIENCE
        )
        await write(tab, platform, f"echo: a file on {platform}")
        await expect(tab.locator(f".pane.{platform} .picked")).to_be_hidden(timeout=PATIENCE)
    for platform in PLATFORMS:
        await is_answered(tab, platform, f"echo: a file on {platform}")
        received = f"I have received {name} ({media_type}, {len(content)} bytes)"
        await expect(replies(tab, platform).last.locator(".text")).to_contain_text(received, timeout=PATIENCE)
        await expect(inspector(tab, platform).locator(".facts")).to_contain_text(name, timeout=PATIENCE)
        files = tab.locator(f".pane.{platform} .message.from-person").last.locator(".files")
        if media_type == "image/png":
            shown = files.locator("img")
            await expect(shown).to_be_visible(timeout=PATIENCE)
            assert await shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
        else:
            address = await files.locator("a").get_attribute("href")
            response = await tab.request.get(f"{tab.url}{address}")
            assert await response.body() == content


async def test_several_files_are_one_turn_in_each_pane(tab: Tab) -> None:
    await in_direct_chats(tab)
    files: list[FilePayload] = [
        {"name": f"{number}.txt", "mimeType": "text/plain", "buffer": b"x" * number} for number in (1, 2, 3)
    ]
    for platform in PLATFORMS:
        chosen = tab.locator(f".pane.{platform} .picked")
        await tab.locator(f".pane.{platform} input[type=file]").set_input_files(files)
        await expect(chosen.locator("b")).to_have_text(["1.txt", "2.txt", "3.txt"], timeout=PATIENCE)
        await chosen.get_by_role("button", name="Not this file: 2.txt").click()
        await expect(chosen.locator("b")).to_have_text(["1.txt", "3.txt"])
        await write(tab, platform, f"echo: two files on {platform}")
        await expect(chosen).to_be_hidden(timeout=PATIENCE)
    for platform in PLATFORMS:
        await is_answered(tab, platform, f"echo: two files on {platform}")
        said = replies(tab, platform).last.locator(".text")
        for size, name in ((1, "1.txt"), (3, "3.txt")):
            await expect(said).to_contain_text(f"{name} (text/plain, {size} bytes)", timeout=PATIENCE)
        mine = tab.locator(f".pane.{platform} .message.from-person")
        if platform == "telegram":  # where an album is a message for each
            await expect(mine.nth(-2).locator(".files a")).to_contain_text("1.txt")
            await expect(mine.last.locator(".files a")).to_contain_text("3.txt")
        else:
            await expect(mine.last.locator(".files a")).to_have_count(2)


async def test_an_assistant_is_chosen_by_a_button_in_each_pane(browser: Browser, tmp_path: Path) -> None:
    """In a playground of its own: what was chosen for a thread stays chosen, whatever the page's switch says."""
    tab = await browser.new_page()
    tab.set_default_timeout(PATIENCE)
    async with running(0, tmp_path) as standing:
        await tab.goto(standing.address)
        await is_connected(tab)
        await _chosen_in_each_pane(tab)
        await tab.close()


async def _chosen_in_each_pane(tab: Tab) -> None:
    await in_direct_chats(tab)
    for platform in PLATFORMS:
        await write(tab, platform, "/use" if platform != "slack" else "!use")
    for platform in PLATFORMS:
        menu = replies(tab, platform).last.locator(".buttons button")
        await expect(menu).to_have_text(["✓ goapi", "gptbots", "mygptassistants", "openai"], timeout=PATIENCE)
        count = await replies(tab, platform).count()
        await menu.filter(has_text="openai").click()
        await expect(replies(tab, platform)).to_have_count(count + 1, timeout=PATIENCE)
        await expect(replies(tab, platform).last).to_contain_text("openai answers here", timeout=PATIENCE)
        await expect(replies(tab, platform).nth(-2).locator(".buttons button")).to_have_count(0, timeout=PATIENCE)
    for platform in PLATFORMS:
        if platform == "slack":  # the thread that the menu stands in
            await tab.locator(".pane.slack .thread-reply").last.click()
        await write(tab, platform, f"echo: who are you on {platform}?")
        await is_answered(tab, platform, f"echo: who are you on {platform}?")
        await expect(inspector(tab, platform).locator(".facts")).to_contain_text("openai")
        await write(tab, platform, "/use goapi" if platform != "slack" else "!use goapi")
        await expect(replies(tab, platform).last).to_contain_text("goapi answers here", timeout=PATIENCE)


async def test_a_picture_that_the_assistant_makes_is_shown(tab: Tab) -> None:
    await in_direct_chats(tab)
    for platform in PLATFORMS:
        await write(tab, platform, "draw a lighthouse")
    for platform in PLATFORMS:
        await is_answered(tab, platform, "draw a lighthouse")
        picture = replies(tab, platform).last.locator(".files img")
        await expect(picture).to_be_visible(timeout=PATIENCE)
        assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 1


async def test_a_file_alone_is_a_message_and_one_can_be_taken_back(tab: Tab) -> None:
    await in_direct_chats(tab)
    chooser, chosen = tab.locator(".pane.telegram input[type=file]"), tab.locator(".pane.telegram .picked")
    for name in ("no.txt", "yes.txt"):
        await chooser.set_input_files({"name": name, "mimeType": "text/plain", "buffer": b"words"})
        await expect(chosen).to_contain_text(name, timeout=PATIENCE)
        if name == "no.txt":
            await chosen.get_by_role("button", name="Not this file").click()
            await expect(chosen).to_be_hidden()
    await tab.locator(".pane.telegram").get_by_role("button", name="Send").click()
    await is_answered(tab, "telegram", "yes.txt")
    await expect(replies(tab, "telegram").last).to_contain_text(
        "I have received yes.txt (text/plain, 5 bytes).", timeout=PATIENCE
    )


@pytest.mark.parametrize("event", ["paste", "drop"])
async def test_a_file_can_be_pasted_and_dropped(tab: Tab, event: str) -> None:
    await tab.locator(".pane.discord textarea").evaluate(
        """(box, kind) => {
            const data = new DataTransfer();
            data.items.add(new File(["words"], "moved.txt", { type: "text/plain" }));
            const how = { bubbles: true, cancelable: true };
            box.dispatchEvent(kind === "paste"
                ? new ClipboardEvent(kind, { ...how, clipboardData: data })
                : new DragEvent(kind, { ...how, dataTransfer: data }));
        }""",
        event,
    )
    await expect(tab.locator(".pane.discord .picked")).to_contain_text("moved.txt", timeout=PATIENCE)


async def test_a_file_that_is_too_large_is_refused_with_a_sentence(tab: Tab) -> None:
    chooser = tab.locator(".pane.slack input[type=file]")
    await chooser.set_input_files({"name": "tides.bin", "mimeType": "", "buffer": bytes(6_000_000)})
    await expect(tab.locator("#notice")).to_contain_text(
        "tides.bin is too large: it has 6 MB, and a file may have 5 MB"
    )
    await expect(tab.locator(".pane.slack .picked")).to_be_hidden()


async def test_a_message_that_is_clicked_shows_its_own_turn(tab: Tab) -> None:
    await in_direct_chats(tab)
    for text in ("echo: the former", "echo: the latter"):
        await write(tab, "telegram", text)
        await is_answered(tab, "telegram", text)
    await tab.locator(".pane.telegram .message.from-bot .text", has_text="the former").click()
    await expect(inspector(tab, "telegram").locator(".what")).to_contain_text("the former")
    await inspector(tab, "telegram").get_by_role("button", name="Latest").click()
    await expect(inspector(tab, "telegram").locator(".what")).to_contain_text("the latter")


async def test_on_a_phone_one_pane_is_shown_and_nothing_is_wider_than_the_screen(tab: Tab) -> None:
    await tab.set_viewport_size({"width": 375, "height": 740})
    for platform in PLATFORMS:
        await tab.get_by_role("tab", name=platform.capitalize()).click()
        await expect(tab.locator(f".pane.{platform}")).to_be_visible()
        await write(tab, platform, "Show me everything on a phone")
    for platform in PLATFORMS:
        await tab.get_by_role("tab", name=platform.capitalize()).click()
        await is_answered(tab, platform, "Show me everything on a phone")
        for element in ("document.documentElement", f"document.querySelector('.pane.{platform} .messages')"):
            assert await tab.evaluate(f"{element}.scrollWidth") <= 375
    assert await tab.locator(".pane:visible").count() == 1


async def test_another_upstream_is_used_from_the_next_message_on(tab: Tab) -> None:
    await in_direct_chats(tab)
    for kind in ("mygptassistants", "openai", "gptbots"):
        before = await tab.locator("#program-said").text_content()
        pid = (before or "").partition("pid ")[2].split()[0]
        await tab.locator("#kinds label", has_text=kind).click()
        await expect(tab.locator("#program-said")).not_to_contain_text(f"pid {pid}", timeout=PATIENCE)
        await is_connected(tab)
        count = await replies(tab, "telegram").count()
        await write(tab, "telegram", f"Good morning, {kind}")
        await is_answered(tab, "telegram", f"Good morning, {kind}")
        await expect(inspector(tab, "telegram").locator(".facts")).to_contain_text(kind)
        await expect(replies(tab, "telegram")).to_have_count(count + 1)
        await expect(replies(tab, "telegram").last.locator(".text")).not_to_be_empty()


async def test_the_page_comes_back_by_itself_when_the_playground_does(browser: Browser, tmp_path: Path) -> None:
    page = await browser.new_page()
    page.set_default_timeout(PATIENCE)
    async with running(0, tmp_path) as standing:
        port = int(standing.address.rstrip("/").rpartition(":")[2])
        await page.goto(standing.address)
        await is_connected(page)
        await in_direct_chats(page)
        await write(page, "telegram", "My name is Ada")
        await is_answered(page, "telegram", "My name is Ada")
    await expect(page.locator("#program-said")).to_contain_text("does not answer", timeout=PATIENCE)
    async with running(port, tmp_path):
        await is_connected(page)
        await expect(replies(page, "telegram")).to_have_count(1)
        await write(page, "telegram", "What is my name?")
        await is_answered(page, "telegram", "What is my name?")
        await expect(replies(page, "telegram").last).to_contain_text("Ada")
    await page.close()
