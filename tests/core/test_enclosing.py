"""Files of an answer: posted below its text, once, and a link where that cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.enclosing import MOST, Sender
from core.errors import PlatformError, PlatformRefused, PlatformUnavailable, SlowDown, UpstreamUnavailable
from core.fetching import Fetcher
from core.model import Done, File, Text
from core.tables import State
from tests.core.conftest import Start
from tests.core.fetching.site import PNG, Site, fetcher, sends, serving
from tests.fakes import LOST, FakeUpstream, FilingBridge

SPEECH = b"ID3" + b"\1" * 50
HEARD = File("answer.mp3", "audio/mpeg", SPEECH)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A public one."""
    async with serving(sends(PNG)) as site:
        yield site


def sender(own: str = "http://upstream.example", *hosts: str) -> Sender:
    return Sender(fetcher(), own, hosts)


async def test_a_file_is_posted_below_the_finished_text(start: Start, site: Site) -> None:
    cat = File("cat.png", "image/png", f"{site.address}/cat.png")
    async with start(FakeUpstream((cat, HEARD, Text("Here:"), Done())), FilingBridge(), sender=sender()) as run:
        await run.say()
        [turn] = await run.settled()
    assert [(one.name, one.media_type, one.content) for one in run.bridge.files] == [
        ("cat.png", "image/png", PNG),
        ("answer.mp3", "audio/mpeg", SPEECH),
    ]
    assert run.bridge.texts() == ["Here:"]
    assert run.bridge.files[0].after == ["Here:"]
    assert turn.state == State.ANSWERED
    assert turn.reply == f"Here:\n\n![cat.png](<{site.address}/cat.png>)\n\n*answer.mp3 cannot be shown here.*"


async def test_an_answer_may_be_nothing_but_a_file(start: Start) -> None:
    async with start(FakeUpstream((HEARD, Done())), FilingBridge(), sender=sender()) as run:
        await run.say()
        [turn] = await run.settled()
    assert (turn.state, run.bridge.texts(), len(run.bridge.files)) == (State.ANSWERED, [], 1)


@pytest.mark.parametrize("text", ["Here:", ""])
async def test_a_file_that_is_refused_is_a_link(start: Start, site: Site, text: str) -> None:
    cat = File("cat.png", "image/png", f"{site.address}/cat.png")
    bridge = FilingBridge()
    bridge.trouble = lambda call, _: PlatformRefused(detail="no") if call == "attach" else None
    async with start(FakeUpstream((*([Text(text)] if text else []), cat, Done())), bridge, sender=sender()) as run:
        await run.say()
        [turn] = await run.settled()
    [posted] = bridge.messages
    link = f"![cat.png](<{site.address}/cat.png>)"
    assert (posted.text.strip(), posted.final) == (f"{text}\n\n{link}".strip(), True)
    assert turn.state == State.ANSWERED


async def test_a_file_that_cannot_be_fetched_or_is_too_large_is_a_link(start: Start, site: Site) -> None:
    gone = File("gone.png", "image/png", "http://127.0.0.1:9/gone.png")
    bridge = FilingBridge()
    bridge.largest_file = len(PNG) - 1
    large = File("large.png", "image/png", f"{site.address}/large.png")
    held = File("held.wav", "audio/wav", b"\0" * len(PNG))
    async with start(FakeUpstream((Text("Here:"), gone, large, held, Done())), bridge, sender=sender()) as run:
        await run.say()
        await run.settled()
    assert bridge.files == []
    assert bridge.texts() == [
        "Here:\n\n![gone.png](<http://127.0.0.1:9/gone.png>)"
        f"\n\n![large.png](<{site.address}/large.png>)\n\n*held.wav cannot be shown here.*"
    ]


async def test_a_platform_in_trouble_is_tried_again_with_the_whole_file(start: Start) -> None:
    bridge = FilingBridge()
    troubles: list[PlatformError | tuple[str, PlatformError]] = [SlowDown(0.01), PlatformUnavailable(), ("after", LOST)]
    bridge.trouble = lambda call, count: troubles[count] if call == "attach" and count < 3 else None
    async with start(FakeUpstream((HEARD, Done())), bridge, sender=sender()) as run:
        await run.say()
        await run.settled()
    assert [one.content for one in bridge.files] == [SPEECH]
    assert len({one.key for one in bridge.files}) == 1


async def test_what_one_runner_posted_the_next_does_not(start: Start) -> None:
    bridge = FilingBridge()
    other = File("two.mp3", "audio/mpeg", SPEECH + b"2")
    answer = (Text("Here:"), HEARD, other, Done())
    bridge.trouble = lambda call, count: SlowDown(600) if call == "attach" and count == 1 else None
    async with start(FakeUpstream(answer), bridge, sender=sender(), drain_within=0) as run:
        await run.say()
        await bridge.until(lambda: bridge.calls["attach"] == 2)
    async with start(FakeUpstream(answer), bridge, sender=sender()) as run:
        [turn] = await run.settled()
    assert [one.name for one in bridge.files] == ["answer.mp3", "two.mp3"]
    assert (turn.state, turn.attempt, bridge.texts()) == (State.ANSWERED, 2, ["Here:"])
    assert bridge.calls["attach"] == 3


async def test_nobody_is_sent_more_files_than_anybody_wants(start: Start) -> None:
    files = [File(f"{n}.mp3", "audio/mpeg", SPEECH) for n in range(MOST + 2)]
    async with start(FakeUpstream((Text("All:"), *files, Done())), FilingBridge(), sender=sender()) as run:
        await run.say()
        await run.settled()
    assert [one.name for one in run.bridge.files] == [f"{n}.mp3" for n in range(MOST)]
    assert "11.mp3" in run.bridge.texts()[0]


async def test_a_file_of_an_answer_that_was_stopped_is_not_wanted(start: Start) -> None:
    never = asyncio.Event()
    async with start(FakeUpstream((Text("So"), HEARD, never)), FilingBridge(), sender=sender()) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.texts() == ["So"])
        await run.say("stop", command="stop")
        await run.settled()
    assert run.bridge.files == []


async def test_who_has_sent_a_file_has_answered(start: Start) -> None:
    """Nobody else's words are put to it."""
    first, second = FakeUpstream((HEARD, UpstreamUnavailable())), FakeUpstream((Text("Hello."), Done()), name="second")
    async with start(first, FilingBridge(), backups=(second,), sender=sender()) as run:
        await run.say()
        [turn] = await run.settled()
    assert (turn.state, second.prompts) == (State.FAILED, [])


# --- images in the text -----------------------------------------------------------------------------------------------


async def test_an_image_of_the_upstreams_own_is_posted_and_the_text_stays(start: Start) -> None:
    async with serving(sends(PNG), "127.0.0.1") as own:
        text = f"A chart:\n\n![The tide, by hour]({own.address}/files/chart.png?sig=1)"
        ours = Sender(Fetcher([own.address]), own.address)
        async with start(FakeUpstream((Text(text), Done())), FilingBridge(), sender=ours) as run:
            await run.say()
            [turn] = await run.settled()
    assert [(one.name, one.content) for one in run.bridge.files] == [("chart.png", PNG)]
    assert run.bridge.texts() == [text]
    assert turn.reply is not None
    assert turn.reply.startswith(text)


async def test_an_image_elsewhere_is_not_asked_for(start: Start, site: Site) -> None:
    """Else whoever puts words into an answer could have this program tell a server of theirs what was said."""
    text = f"![x]({site.address}/?secret=the+harbour+code) ![y](http://127.0.0.1:22/)"
    async with start(FakeUpstream((Text(text), Done())), FilingBridge(), sender=sender()) as run:
        await run.say()
        await run.settled()
    assert (run.bridge.files, site.asked, run.bridge.texts()) == ([], [], [text])


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("https://cdn.example/a.png", True),
        ("https://eu.cdn.example/a.png", True),
        ("https://CDN.example:8443/a.png", True),
        ("https://notcdn.example/a.png", False),
        ("https://cdn.example.evil.test/a.png", False),
        ("https://cdn.example@evil.test/a.png", False),
        ("http://upstream.example/a.png", True),
        ("https://upstream.example/a.png", False),
        ("http://upstream.example:81/a.png", False),
        ("data:image/png;base64,AAAA", False),
        ("/a.png", False),
        ("http://[::1/a.png", False),
    ],
)
def test_whose_images_are_fetched(address: str, trusted: bool) -> None:
    found = sender("http://upstream.example", "cdn.example").images(f"![a]({address})")
    assert [one.source for one in found] == ([address] if trusted else [])


def test_what_looks_like_an_image_within_code_is_none() -> None:
    assert sender("", "*").images("`![a](http://a.example/a.png)` ![b](<http://b.example/one two>)") == [
        File("b", "", "http://b.example/one%20two")
    ]
