from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridges.settings import TelegramSettings
from bridges.telegram import TelegramBridge
from bridges.telegram.surface import PLACEHOLDER
from core.bridge import Surface
from core.errors import MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown
from core.model import MessageId, ThreadId
from sandbox.faults import Fault
from sandbox.stand_in import View
from sandbox.telegram import Limits, TelegramServer
from sandbox.telegram.arguments import Args
from tests.fakes import at_once

ANN = "501001"
GROUP = "-1001000000001"
FORUM = "-1001000000002"


def opened(bridge: TelegramBridge, place: str = ANN, **more: Any) -> Surface:
    return bridge.open(ThreadId(f"telegram:{place}"), "key", **more)


def calls(tg: TelegramServer, name: str) -> list[dict[str, Any]]:
    return [h.data["args"] for h in tg.feed.past if h.kind == "call" and h.data["name"] == name]


def ours(tg: TelegramServer, place: str = ANN) -> list[View]:
    return [view for view in tg.view(place) if view.bot]


async def test_a_placeholder_comes_first_and_the_text_is_edited_into_it(
    tg: TelegramServer, bridge: TelegramBridge
) -> None:
    surface = opened(bridge)
    assert (surface.message, surface.shown) == (None, None)
    await surface.show("Low **water**", final=False)
    assert surface.message is not None
    assert surface.shown == ""
    assert [view.text for view in ours(tg)] == [PLACEHOLDER]
    await surface.show("Low **water**", final=False)
    assert surface.shown == "Low **water**"
    await surface.show("Low **water** is at four.", final=True)
    [view] = ours(tg)
    assert (view.id, view.text, view.html) == (surface.message, "Low water is at four.", "Low <b>water</b> is at four.")


async def test_showing_the_same_again_calls_nobody(tg: TelegramServer, bridge: TelegramBridge) -> None:
    surface = opened(bridge)
    await surface.show("", final=False)
    assert (surface.message is not None, surface.shown) == (True, "")
    await surface.show("", final=False)
    await surface.show("a", final=False)
    await surface.show("a", final=False)
    await surface.show("a", final=True)
    assert (len(calls(tg, "sendMessage")), len(calls(tg, "editMessageText"))) == (1, 1)


async def test_nothing_to_show_at_the_end_leaves_nothing(tg: TelegramServer, bridge: TelegramBridge) -> None:
    untouched = opened(bridge)
    await untouched.show("", final=True)
    assert (untouched.message, untouched.shown) == (None, "")
    surface = opened(bridge)
    await surface.show("", final=False)
    await surface.show("", final=True)
    assert (surface.message, surface.shown) == (None, "")
    assert ours(tg) == []
    await surface.show("", final=True)
    assert len(calls(tg, "deleteMessage")) == 1


async def test_a_message_that_is_gone_already_needs_no_taking_away(tg: TelegramServer, bridge: TelegramBridge) -> None:
    surface = opened(bridge, message=MessageId("999"))
    await surface.show("", final=True)
    assert surface.message is None


async def test_text_that_nobody_sees_keeps_the_placeholder(tg: TelegramServer, bridge: TelegramBridge) -> None:
    surface = opened(bridge)
    await surface.show("\u200b", final=False)
    await surface.show("\u200b", final=False)
    assert surface.shown == "\u200b"
    assert [view.text for view in ours(tg)] == [PLACEHOLDER]
    await surface.show("a", final=False)
    await surface.show("", final=False)
    assert [view.text for view in ours(tg)] == [PLACEHOLDER]


async def test_a_message_taken_up_again_is_edited(tg: TelegramServer, bridge: TelegramBridge) -> None:
    first = opened(bridge)
    await first.show("Low", final=False)
    second = opened(bridge, message=first.message)
    assert (second.message, second.shown) == (first.message, None)
    await second.show("Low water", final=True)
    assert [view.text for view in ours(tg)] == ["Low water"]


async def test_an_unchanged_edit_is_success(tg: TelegramServer, bridge: TelegramBridge) -> None:
    first = opened(bridge)
    await first.show("a", final=False)
    await first.show("a", final=False)
    second = opened(bridge, message=first.message)
    await second.show("a \n", final=True)
    assert second.shown == "a \n"


async def test_in_a_group_it_replies_even_if_the_question_is_gone(tg: TelegramServer, bridge: TelegramBridge) -> None:
    question = await tg.say(GROUP, "@bot when?")
    await opened(bridge, GROUP, reply_to=MessageId(question)).show("", final=False)
    await opened(bridge, GROUP, reply_to=MessageId("4444")).show("", final=False)
    assert [view.parent for view in ours(tg, GROUP)] == [question, None]
    await opened(bridge, ANN, reply_to=MessageId("4444")).show("", final=False)
    assert "reply_parameters" not in calls(tg, "sendMessage")[-1]


async def test_it_speaks_in_the_topic(tg: TelegramServer, bridge: TelegramBridge) -> None:
    surface = opened(bridge, f"{FORUM}:3")
    await surface.show("", final=False)
    await surface.show("a", final=True)
    assert [view.text for view in ours(tg, f"{FORUM}:3")] == ["a"]
    assert ours(tg, FORUM) == []
    with pytest.raises(PlatformRefused):
        await opened(bridge, f"{FORUM}:99").show("", final=False)


async def test_private_chats_can_have_topics() -> None:
    async with TelegramServer(private_topics=True) as tg:
        topic = tg.add_topic(ANN, "Tides")
        await tg.methods.send_message(Args({"chat_id": ANN, "message_thread_id": topic.split(":")[1], "text": "a"}))
        assert [view.text for view in tg.view(topic) if view.bot] == ["a"]


async def test_no_link_is_unfurled_and_nobody_rings(tg: TelegramServer, bridge: TelegramBridge) -> None:
    surface = opened(bridge, GROUP)
    await surface.show("", final=False)
    await surface.show("@ann_kern see [x](https://x.example) https://y.example", final=True)
    assert [
        args["link_preview_options"] for name in ("sendMessage", "editMessageText") for args in calls(tg, name)
    ] == ['{"is_disabled": true}'] * 2
    assert "mention" not in ours(tg, GROUP)[0].html


async def test_a_refusal_of_the_formatting_costs_no_text(tg: TelegramServer, bridge: TelegramBridge) -> None:
    surface = opened(bridge)
    await surface.show("", final=False)
    tg.faults.add(Fault("editMessageText", "status", status=400, error="entity URL 'x' is invalid: Wrong HTTP URL"))
    await surface.show("**a** [b](https://x.example)", final=True)
    [view] = ours(tg)
    assert (view.text, "<b>" in view.html) == ("a b (https://x.example)", False)
    assert surface.shown == "**a** [b](https://x.example)"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("editMessageText", "status", status=429, retry_after=7), SlowDown),
        (Fault("editMessageText", "status", status=500), PlatformUnavailable),
        (Fault("editMessageText", "status", status=502), PlatformUnavailable),
        (Fault("editMessageText", "drop"), PlatformUnavailable),
        (Fault("editMessageText", "lost"), PlatformUnavailable),
        (Fault("editMessageText", "status", status=403), PlatformRefused),
        (Fault("editMessageText", "status", status=401), PlatformRefused),
        (Fault("editMessageText", "status", status=400), PlatformRefused),
        (Fault("editMessageText", "status", status=400, error="message to edit not found"), MessageMissing),
        (Fault("editMessageText", "status", status=400, error="MESSAGE_ID_INVALID"), MessageMissing),
        (Fault("editMessageText", "status", status=400, error="message can't be edited"), MessageMissing),
        (
            Fault("editMessageText", "status", status=400, error="not enough rights to send text messages"),
            PlatformRefused,
        ),
    ],
    ids=lambda value: f"{value.kind}-{value.status}-{value.error}" if isinstance(value, Fault) else value.__name__,
)
async def test_every_failure_has_our_name(
    tg: TelegramServer, bridge: TelegramBridge, fault: Fault, error: type[PlatformError]
) -> None:
    surface = opened(bridge)
    await surface.show("", final=False)
    tg.faults.add(fault)
    with pytest.raises(error) as caught:
        await surface.show("a", final=False)
    assert surface.shown == ""
    assert "sandbox-telegram-token" not in f"{caught.value} {caught.value.detail}"
    assert caught.value.__suppress_context__
    if isinstance(caught.value, SlowDown):
        assert (caught.value.retry_after, caught.value.budget) == (7, f"telegram:{ANN}")
    if error is not MessageMissing:
        await surface.show("a", final=False)
        assert surface.shown == "a"


async def test_a_lost_answer_to_a_creation_leaves_at_most_a_placeholder(
    tg: TelegramServer, bridge: TelegramBridge
) -> None:
    surface = opened(bridge)
    tg.faults.add(Fault("sendMessage", "lost"))
    with pytest.raises(PlatformUnavailable):
        await surface.show("The whole answer", final=True)
    assert surface.message is None
    while surface.shown != "The whole answer":
        await surface.show("The whole answer", final=True)
    assert [view.text for view in ours(tg)] == [PLACEHOLDER, "The whole answer"]


async def test_one_step_makes_one_call(tg: TelegramServer, bridge: TelegramBridge) -> None:
    surface = opened(bridge)
    tg.faults.add(Fault("sendMessage", "status", status=500))
    with pytest.raises(PlatformUnavailable):
        await surface.show("a", final=False)
    assert len(calls(tg, "sendMessage")) == 1


async def test_who_has_blocked_the_bot_cannot_be_written_to(tg: TelegramServer, bridge: TelegramBridge) -> None:
    tg.block("ann")
    with pytest.raises(PlatformRefused):
        await opened(bridge).show("", final=False)
    tg.kick(GROUP)
    with pytest.raises(PlatformRefused):
        await opened(bridge, GROUP).show("", final=False)
    with pytest.raises(PlatformRefused):
        await opened(bridge, "424242").show("", final=False)


async def test_a_group_that_became_a_supergroup_is_followed(tg: TelegramServer, bridge: TelegramBridge) -> None:
    old = tg.add_group("Old quay")
    before = opened(bridge, old)
    await before.show("", final=False)
    new = tg.migrate(old)
    after = opened(bridge, old)
    await after.show("", final=False)
    await after.show("a", final=True)
    assert [view.text for view in ours(tg, new)] == ["a"]
    with pytest.raises(MessageMissing):
        await before.show("a", final=False)


async def test_the_real_limits_of_a_group_are_answered_with_the_wait() -> None:
    async with TelegramServer(limits=Limits(group=(2, 60.0))) as tg:
        for _ in range(2):
            await tg.methods.send_message(Args({"chat_id": GROUP, "text": "a"}))
        settings = TelegramSettings.model_validate({"token": "100001:sandbox-telegram-token", "api_url": tg.api_url})
        async with TelegramBridge(settings) as bridge:
            with pytest.raises(SlowDown) as caught:
                await opened(bridge, GROUP).show("", final=False)
        assert 50 < caught.value.retry_after <= 60
        assert caught.value.budget == f"telegram:{GROUP}"


async def test_telegram_cannot_find_its_own_posts(bridge: TelegramBridge) -> None:
    assert await bridge.find(ThreadId(f"telegram:{ANN}"), "key") is None


async def test_typing_in_a_topic_is_shown_there_and_once_for_groups_have_few_calls(
    tg: TelegramServer, bridge: TelegramBridge
) -> None:
    def shown(place: str) -> int:
        return sum(h.kind == "typing" and h.data["place"] == place for h in tg.feed.past)

    async with (
        bridge.typing(ThreadId(f"telegram:{FORUM}:2"), at_once),
        bridge.typing(ThreadId(f"telegram:{ANN}"), at_once),
    ):
        await tg.feed.until(lambda: shown(str(ANN)) >= 5)
    assert shown(f"{FORUM}:2") == 1


async def test_typing_is_renewed_until_the_end_and_its_failures_are_swallowed(
    tg: TelegramServer, bridge: TelegramBridge
) -> None:
    tg.faults.add(Fault("sendChatAction", "status", status=500))
    tg.faults.add(Fault("sendChatAction", "drop"))
    async with bridge.typing(ThreadId(f"telegram:{ANN}"), at_once):
        await tg.feed.until(lambda: sum(h.kind == "typing" for h in tg.feed.past) >= 3)
    count = len(calls(tg, "sendChatAction"))
    assert {h.data["place"] for h in tg.feed.past if h.kind == "typing"} == {f"{ANN}"}
    async with bridge.typing(ThreadId("telegram:424242"), at_once):
        await tg.feed.until(lambda: len(calls(tg, "sendChatAction")) > count)
    await asyncio.sleep(0)
