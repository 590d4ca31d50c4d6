"""Replies that grow as drafts of a private chat, seen from the reader's side."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence

import pytest

from bridges.settings import TelegramSettings
from bridges.telegram import TelegramBridge
from bridges.telegram.draft import RENEWED, DraftSurface
from core.bridge import Surface, Wanted
from core.errors import PlatformRefused, PlatformUnavailable, SlowDown
from core.model import MessageId, ThreadId
from sandbox.faults import Fault
from sandbox.telegram import TelegramServer
from tests.bridges.telegram.conftest import QUICK
from tests.bridges.telegram.test_surface import ANN, FORUM, GROUP, calls, ours


@pytest.fixture
async def drafting(settings: TelegramSettings) -> AsyncIterator[TelegramBridge]:
    async with TelegramBridge(settings.model_copy(update={"drafts": True}), rhythm=QUICK) as bridge:
        yield bridge


def opened(bridge: TelegramBridge, place: str = ANN, key: str = "key", message: MessageId | None = None) -> Surface:
    return bridge.open(ThreadId(f"telegram:{place}"), key, message)


def growing(text: str) -> Wanted:
    return Wanted(text, final=False, written=text)


def final(text: str) -> Wanted:
    return Wanted(text, final=True)


STORY = (growing(""), growing("Low"), growing("Low **water**"), final("Low **water** is at four."))


async def tell(surface: Surface, story: Sequence[Wanted]) -> None:
    """As the live reply does it, only without waiting."""
    for wanted in story:
        for _ in range(8):
            try:
                if isinstance(surface, DraftSurface) and not wanted.final:
                    await surface.grow(wanted)
                else:
                    await surface.show(wanted.text, final=wanted.final)
            except (SlowDown, PlatformUnavailable):
                continue
            if surface.shown == wanted.text:
                break
        else:
            raise AssertionError(f"{wanted} is not shown, but {surface.shown!r}")


async def test_a_reply_is_a_draft_until_its_end(tg: TelegramServer, drafting: TelegramBridge) -> None:
    surface = opened(drafting)
    seen = []
    for wanted in STORY:
        await tell(surface, [wanted])
        seen += [(view.html, view.draft) for view in ours(tg)]
    assert seen == [
        ("…", True),
        ("Low", True),
        ("Low <b>water</b>", True),
        ("Low <b>water</b> is at four.", False),
    ]
    assert surface.message == ours(tg)[0].id
    assert {call["draft_id"] for call in calls(tg, "sendMessageDraft")} == {
        calls(tg, "sendMessageDraft")[0]["draft_id"]
    }
    assert [call["text"] for call in calls(tg, "sendMessage")] == ["…"]


async def test_the_text_is_never_in_what_is_created(tg: TelegramServer, drafting: TelegramBridge) -> None:
    """For creating cannot be repeated without harm: what is left by a lost answer is a placeholder."""
    surface = opened(drafting)
    await tell(surface, STORY[:-1])
    tg.faults.add(Fault("sendMessage", "lost"))
    with pytest.raises(PlatformUnavailable):
        await surface.show(STORY[-1].text, final=True)
    await tell(surface, STORY[-1:])
    assert [view.text for view in ours(tg)] == ["…", "Low water is at four."]


async def test_what_the_calls_draw_on(tg: TelegramServer, drafting: TelegramBridge) -> None:
    surface = opened(drafting)
    assert isinstance(surface, DraftSurface)
    assert surface.call(growing("a")) == "edit"
    await surface.grow(growing("a"))
    assert surface.call(growing("a")) is None
    assert surface.call(final("a")) == "create"
    await surface.show("a", final=True)
    assert surface.call(final("a")) == "edit"
    await surface.show("a", final=True)
    assert surface.call(final("a")) is None


async def test_a_draft_is_renewed_before_it_goes(tg: TelegramServer, drafting: TelegramBridge) -> None:
    drafting._drafts.clock = lambda: now
    now = 0.0
    surface = opened(drafting)
    assert isinstance(surface, DraftSurface)
    assert not surface.faded
    await surface.grow(growing("a"))
    now = RENEWED - 1
    assert not surface.faded
    now = RENEWED
    assert surface.faded
    assert surface.call(growing("a")) == "edit"
    await surface.grow(growing("a"))
    assert not surface.faded
    assert len(calls(tg, "sendMessageDraft")) == 2
    await tell(surface, [final("a")])
    now = 3 * RENEWED
    assert not surface.faded


async def test_every_part_is_a_draft_of_its_own(tg: TelegramServer, drafting: TelegramBridge) -> None:
    await tell(opened(drafting, key="k1"), [growing("One"), final("One.")])
    await tell(opened(drafting, key="k2"), [growing("Two")])
    assert [(view.text, view.draft) for view in ours(tg)] == [("One.", False), ("Two", True)]
    assert len({call["draft_id"] for call in calls(tg, "sendMessageDraft")}) == 2


async def test_after_a_restart_the_same_draft_goes_on(
    tg: TelegramServer, drafting: TelegramBridge, settings: TelegramSettings
) -> None:
    await tell(opened(drafting), STORY[:2])
    async with TelegramBridge(settings.model_copy(update={"drafts": True}), rhythm=QUICK) as second:
        await tell(opened(second), STORY[2:])
    assert len({call["draft_id"] for call in calls(tg, "sendMessageDraft")}) == 1
    assert [view.text for view in ours(tg)] == ["Low water is at four."]


@pytest.mark.parametrize("place", [GROUP, FORUM])
async def test_groups_have_no_drafts(tg: TelegramServer, drafting: TelegramBridge, place: str) -> None:
    await tell(opened(drafting, place), STORY)
    assert calls(tg, "sendMessageDraft") == []


async def test_drafts_are_off_unless_they_are_wanted(tg: TelegramServer, bridge: TelegramBridge) -> None:
    await tell(opened(bridge), STORY)
    assert calls(tg, "sendMessageDraft") == []


async def test_a_message_that_is_there_already_is_edited(tg: TelegramServer, drafting: TelegramBridge) -> None:
    first = opened(drafting)
    await tell(first, [final("One.")])
    await tell(opened(drafting, message=first.message), [growing("Two"), final("Two.")])
    assert calls(tg, "sendMessageDraft") == []
    assert [view.text for view in ours(tg)] == ["Two."]


# --- what goes wrong --------------------------------------------------------------------------------------------

WAYS = {
    "refused": Fault("", "status", status=400, error="TEXTDRAFT_PEER_INVALID"),
    "formatting": Fault("", "status", status=400, error="ENTITY_BOUNDS_INVALID"),
    "unknown": Fault("", "status", status=404, error="Not Found"),
    "slow down": Fault("", "status", status=429, retry_after=1),
    "fault": Fault("", "status", status=500),
    "lost before": Fault("", "drop"),
    "lost after": Fault("", "lost"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(3))
async def test_whatever_draft_fails_in_whatever_way(
    tg: TelegramServer, drafting: TelegramBridge, way: str, number: int
) -> None:
    fault = WAYS[way]
    tg.faults.add(
        Fault(
            "sendMessageDraft",
            fault.kind,
            skip=number,
            status=fault.status,
            error=fault.error,
            retry_after=fault.retry_after,
        )
    )
    await tell(opened(drafting), STORY)
    assert not tg.faults.waiting
    assert [(view.text, view.draft) for view in ours(tg)] == [("Low water is at four.", False)]


async def test_a_server_without_drafts_is_asked_once(
    tg: TelegramServer, drafting: TelegramBridge, caplog: pytest.LogCaptureFixture
) -> None:
    tg.faults.add(Fault("sendMessageDraft", "status", times=9, status=404, error="Not Found"))
    with caplog.at_level(logging.WARNING):
        for key in ("k1", "k2"):
            await tell(opened(drafting, key=key), STORY)
    assert len(calls(tg, "sendMessageDraft")) == 1
    assert [one.getMessage() for one in caplog.records if "drafts" in one.getMessage()] == [
        "Telegram: this server knows no drafts (Not Found: Not Found): replies grow by edits"
    ]


async def test_somebody_who_has_blocked_the_bot(tg: TelegramServer, drafting: TelegramBridge) -> None:
    tg.block("ann")
    surface = opened(drafting)
    assert isinstance(surface, DraftSurface)
    with pytest.raises(PlatformRefused):
        await surface.grow(growing("Low"))
    tg.block("ann", blocked=False)
    await tell(opened(drafting), [growing("Low")])
    assert [view.draft for view in ours(tg)] == [True]
