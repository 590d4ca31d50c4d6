"""Reactions by the real library, under Telegram's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import telegram
from telegram.constants import ReactionEmoji
from telegram.error import BadRequest, RetryAfter

from sandbox.telegram import TOKEN, Limits, TelegramServer

ANN = 501001
GROUP = -1001000000001


@pytest.fixture
async def ptb(tg: TelegramServer) -> AsyncIterator[telegram.Bot]:
    async with telegram.Bot(TOKEN, base_url=f"{tg.api_url}/bot") as bot:
        yield bot


async def test_a_reaction_is_seen_lasts_and_goes(tg: TelegramServer, ptb: telegram.Bot) -> None:
    id = int(await tg.say(str(ANN), "hello"))
    assert await ptb.set_message_reaction(ANN, id, "👀")
    tg.load(tg.dump())
    assert tg.view(str(ANN))[0].reactions == ("👀",)
    assert await ptb.set_message_reaction(ANN, id, "👍"), "it takes the place of the one before"
    assert tg.view(str(ANN))[0].reactions == ("👍",)
    for _ in range(2):
        assert await ptb.set_message_reaction(ANN, id)
        assert tg.view(str(ANN))[0].reactions == ()
    assert [one.data["id"] for one in tg.feed.past if one.kind == "reaction"] == [str(id)] * 4


async def test_every_emoji_that_the_library_knows_is_taken(tg: TelegramServer, ptb: telegram.Bot) -> None:
    id = int(await tg.say(str(ANN), "hello"))
    for emoji in ReactionEmoji:
        assert await ptb.set_message_reaction(ANN, id, emoji)


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (telegram.ReactionTypeEmoji("⏳"), "reaction_invalid"),
        (telegram.ReactionTypeCustomEmoji("5368324170671202286"), "reaction_invalid"),
        (("👀", "👍"), "reactions_too_many"),
        (telegram.ReactionTypePaid(), "can't parse reactiontype: invalid reaction type specified"),
    ],
)
async def test_what_telegram_refuses(
    tg: TelegramServer, ptb: telegram.Bot, reaction: telegram.ReactionType | tuple[str, ...], words: str
) -> None:
    id = int(await tg.say(str(ANN), "hello"))
    with pytest.raises(BadRequest) as refused:
        await ptb.set_message_reaction(ANN, id, reaction)
    assert refused.value.message.lower() == words
    with pytest.raises(BadRequest, match="essage to react not found"):
        await ptb.set_message_reaction(ANN, id + 1, "👀")


async def test_a_group_may_allow_fewer(tg: TelegramServer, ptb: telegram.Bot) -> None:
    id = int(await tg.say(str(GROUP), "hello"))
    tg.allow_reactions(str(GROUP), "👍")
    with pytest.raises(BadRequest):
        await ptb.set_message_reaction(GROUP, id, "👀")
    assert await ptb.set_message_reaction(GROUP, id, "👍")


async def test_of_an_album_the_first_message_has_it(tg: TelegramServer, ptb: telegram.Bot) -> None:
    album = [await tg.attach(str(ANN), "photo", b"x", extra={"media_group_id": "7"}) for _ in range(2)]
    assert await ptb.set_message_reaction(ANN, int(album[1]), "👀")
    assert [view.reactions for view in tg.view(str(ANN))] == [("👀",), ()]


async def test_reactions_count_as_calls() -> None:
    limits = Limits(private=(2, 60.0))
    async with TelegramServer(limits=limits) as tg, telegram.Bot(TOKEN, base_url=f"{tg.api_url}/bot") as bot:
        id = int(await tg.say(str(ANN), "hello"))
        for _ in range(2):
            await bot.set_message_reaction(ANN, id, "👀")
        with pytest.raises(RetryAfter):
            await bot.send_message(ANN, "hello")
