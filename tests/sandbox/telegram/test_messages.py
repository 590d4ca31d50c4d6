from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from sandbox.faults import Fault
from sandbox.telegram import TOKEN, Limits, TelegramServer
from tests.sandbox.telegram.caller import Caller, calling

ANN = 501001
GROUP = -1001000000001
FORUM = -1001000000002


async def test_the_bot_is_who_it_is(bot: Caller) -> None:
    me = await bot("getMe")
    assert (me["id"], me["is_bot"], me["username"]) == (100001, True, "threadbridge_bot")
    assert (me["can_read_all_group_messages"], me["has_topics_enabled"]) == (False, False)


@pytest.mark.parametrize(
    ("token", "status", "description"),
    [("100001:wrong", 401, "Unauthorized"), ("nonsense", 404, "Not Found"), ("1:a b", 404, "Not Found")],
)
async def test_wrong_tokens_are_refused(bot: Caller, token: str, status: int, description: str) -> None:
    bot.token = token
    refused = await bot.refused("getMe")
    assert (refused.status, refused.description) == (status, description)


async def test_an_unknown_method_is_not_found(bot: Caller) -> None:
    refused = await bot.refused("sendCoffee")
    assert (refused.status, refused.description) == (404, "Not Found: method not found")


async def test_every_form_of_call_is_understood(tg: TelegramServer) -> None:
    url = f"{tg.url}/bot{TOKEN}/SendMessage"
    arguments = {
        "chat_id": str(ANN),
        "text": "a b",
        "entities": json.dumps([{"type": "bold", "offset": 0, "length": 1}]),
    }
    multipart = aiohttp.FormData(quote_fields=False)
    for key, value in arguments.items():
        multipart.add_field(key, value, content_type="text/plain")
    typed = arguments | {"chat_id": ANN, "entities": json.loads(arguments["entities"])}
    async with aiohttp.ClientSession() as session:
        for call in (
            session.get(url, params=arguments),
            session.post(url, params=arguments),
            session.post(url, data=arguments),
            session.post(url, data=multipart),
            session.post(url, json=typed),
        ):
            async with call as response:
                result = (await response.json())["result"]
                assert (result["text"], result["entities"][0]["type"]) == ("a b", "bold")
        async with session.post(url, data=b"{", headers={"Content-Type": "application/json"}) as response:
            assert response.status == 400


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("", "Bad Request: message text is empty"),
        (" \n ", "Bad Request: text must be non-empty"),
        ("\u200b\u00a0", "Bad Request: text must be non-empty"),
        ("a" * 4097, "Bad Request: message is too long"),
        ("😀" * 4097, "Bad Request: message is too long"),
        ("😀" * 8193, "Bad Request: text is too long"),
        ("a\ud83d", "Bad Request: strings must be encoded in UTF-8"),
    ],
)
async def test_texts_that_are_no_messages_are_refused(bot: Caller, text: str, description: str) -> None:
    for more in ({}, {"message_id": (await bot("sendMessage", chat_id=ANN, text="before"))["message_id"]}):
        refused = await bot.refused("editMessageText" if more else "sendMessage", chat_id=ANN, text=text, **more)
        assert (refused.status, refused.description) == (400, description)


async def test_length_is_counted_in_code_points_after_trimming(bot: Caller) -> None:
    assert len((await bot("sendMessage", chat_id=ANN, text=" " + "😀" * 4096 + "\n"))["text"]) == 4096


@pytest.mark.parametrize(
    ("entity", "description"),
    [
        ({"type": "bold", "offset": 9, "length": 1}, "entity begins after the end of the text at UTF-16 offset 9"),
        (
            {"type": "bold", "offset": 0, "length": 9},
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 9",
        ),
        ({"type": "bold", "offset": 1, "length": 1}, "entity begins in a middle of a UTF-16 symbol at byte offset 1"),
        ({"type": "bold", "offset": 0, "length": 1}, "entity ends in a middle of a UTF-16 symbol at byte offset 1"),
        ({"type": "sparkle", "offset": 0, "length": 2}, "can't parse MessageEntity: Unsupported type specified"),
        ({"type": "text_link", "offset": 0, "length": 2}, "can't parse MessageEntity: Can't find field \"url\""),
        ({"type": "bold", "offset": 0}, "can't parse MessageEntity: Can't find field \"length\""),
        ({"type": "bold", "offset": -1, "length": 2}, "receive an entity with incorrect offset -1"),
        *(
            ({"type": "text_link", "offset": 0, "length": 2, "url": url}, f"entity URL '{url}' is invalid: {reason}")
            for url, reason in (
                ("localhost", "Wrong HTTP URL"),
                ("note", "Wrong HTTP URL"),
                ("ftp://a.example", "Unsupported URL protocol"),
                ("javascript:alert(1)", "Wrong port number specified in the URL"),
                ("http://", "URL host is empty"),
                ("http://a b.example", "Wrong URL host"),
                ("http://a.example:99999", "Wrong port number specified in the URL"),
                ("http://[zz::]/", "Wrong IPv6 address specified in the URL"),
                ("tg://http://a.example", "Wrong tg URL"),
            )
        ),
    ],
)
async def test_entities_are_checked(bot: Caller, entity: dict[str, Any], description: str) -> None:
    refused = await bot.refused("sendMessage", chat_id=ANN, text="😀 ab", entities=[entity])
    assert (refused.status, refused.description) == (400, f"Bad Request: {description}")


@pytest.mark.parametrize(
    "url", ["https://a.example", "a.example", "http://[::1]/x", "tg://resolve?domain=x", "http://ü.example"]
)
async def test_links_that_the_server_takes(bot: Caller, url: str) -> None:
    entity = {"type": "text_link", "offset": 0, "length": 1, "url": url}
    assert (await bot("sendMessage", chat_id=ANN, text="a", entities=[entity]))["entities"] == [entity]


async def test_entities_move_with_the_trimming_and_only_a_hundred_stay(bot: Caller) -> None:
    said = await bot(
        "sendMessage", chat_id=ANN, text="\n\n😀 b\u202e ", entities=[{"type": "bold", "offset": 5, "length": 3}]
    )
    assert (said["text"], said["entities"]) == ("😀 b", [{"type": "bold", "offset": 3, "length": 1}])
    many = [{"type": "bold", "offset": n, "length": 1} for n in range(150)]
    assert len((await bot("sendMessage", chat_id=ANN, text="a" * 150, entities=many))["entities"]) == 100


async def test_markup_modes_are_refused_and_not_half_understood(bot: Caller) -> None:
    refused = await bot.refused("sendMessage", chat_id=ANN, text="<b>a</b>", parse_mode="HTML")
    assert refused.status == 400


async def test_a_message_is_edited_in_place(tg: TelegramServer, bot: Caller) -> None:
    said = await bot("sendMessage", chat_id=ANN, text="a")
    edited = await bot("editMessageText", chat_id=ANN, message_id=said["message_id"], text="b")
    assert (edited["message_id"], edited["text"]) == (said["message_id"], "b")
    assert "edit_date" in edited
    [view] = tg.view(str(ANN))
    assert (view.text, view.edits, view.bot, view.author) == ("b", 1, True, "Threadbridge")


async def test_edits_are_refused_as_the_server_does(tg: TelegramServer, bot: Caller) -> None:
    theirs = await tg.say(str(ANN), "hello")
    said = await bot("sendMessage", chat_id=ANN, text="a")
    for number, text, description in (
        (said["message_id"], "a", "message is not modified: specified new message content and reply markup are"),
        (said["message_id"], " a\n", "message is not modified"),
        (999, "b", "message to edit not found"),
        (theirs, "b", "message can't be edited"),
    ):
        refused = await bot.refused("editMessageText", chat_id=ANN, message_id=number, text=text)
        assert refused.status == 400
        assert refused.description.startswith(f"Bad Request: {description}")
    assert await bot("deleteMessage", chat_id=ANN, message_id=said["message_id"])
    assert (await bot.refused("deleteMessage", chat_id=ANN, message_id=said["message_id"])).description == (
        "Bad Request: message to delete not found"
    )


async def test_chats_that_cannot_be_written_to(tg: TelegramServer, bot: Caller) -> None:
    assert (await bot.refused("sendMessage", chat_id=42, text="a")).description == "Bad Request: chat not found"
    assert (await bot.refused("sendMessage", chat_id=501003, text="a")).description == "Bad Request: chat not found"
    await tg.say("501003", "now you know me")
    await bot("sendMessage", chat_id=501003, text="a")
    tg.block("eve")
    blocked = await bot.refused("sendMessage", chat_id=501003, text="a")
    assert (blocked.status, blocked.description) == (403, "Forbidden: bot was blocked by the user")
    tg.kick(str(GROUP))
    kicked = await bot.refused("sendMessage", chat_id=GROUP, text="a")
    assert (kicked.status, kicked.description) == (403, "Forbidden: bot was kicked from the supergroup chat")


async def test_an_upgraded_group_says_where_it_went(tg: TelegramServer, bot: Caller) -> None:
    old = tg.add_group("Old quay")
    new = tg.migrate(old)
    refused = await bot.refused("sendMessage", chat_id=old, text="a")
    assert refused.status == 400
    assert refused.parameters == {"migrate_to_chat_id": int(new)}
    assert (await bot("sendMessage", chat_id=new, text="a"))["chat"]["type"] == "supergroup"
    assert old not in [place.id for place in tg.places()]


async def test_replies_find_their_message_or_do_without(tg: TelegramServer, bot: Caller) -> None:
    question = await tg.say(str(GROUP), "@bot?")
    said = await bot("sendMessage", chat_id=GROUP, text="a", reply_parameters={"message_id": int(question)})
    assert said["reply_to_message"]["text"] == "@threadbridge_bot?"
    gone = {"message_id": 4444}
    refused = await bot.refused("sendMessage", chat_id=GROUP, text="a", reply_parameters=gone)
    assert refused.description == "Bad Request: message to be replied not found"
    said = await bot(
        "sendMessage", chat_id=GROUP, text="a", reply_parameters=gone | {"allow_sending_without_reply": True}
    )
    assert "reply_to_message" not in said


async def test_topics_have_to_exist(tg: TelegramServer, bot: Caller) -> None:
    said = await bot("sendMessage", chat_id=FORUM, message_thread_id=2, text="a")
    assert (said["message_thread_id"], said["is_topic_message"]) == (2, True)
    assert [view.text for view in tg.view(f"{FORUM}:2")] == ["a"]
    for chat in (FORUM, GROUP):
        refused = await bot.refused("sendMessage", chat_id=chat, message_thread_id=77, text="a")
        assert refused.description == "Bad Request: message thread not found"


async def test_drafts_are_for_private_chats_and_end_with_the_message(tg: TelegramServer, bot: Caller) -> None:
    await bot("sendMessageDraft", chat_id=ANN, draft_id=7, text="Lo")
    [view] = tg.view(str(ANN))
    assert (view.text, view.draft) == ("Lo", True)
    await bot("sendMessage", chat_id=ANN, text="Low")
    assert [(view.text, view.draft) for view in tg.view(str(ANN))] == [("Low", False)]
    assert (await bot.refused("sendMessageDraft", chat_id=GROUP, draft_id=7, text="a")).status == 400
    assert (await bot.refused("sendMessageDraft", chat_id=ANN, draft_id=0, text="a")).status == 400


async def test_typing_is_told_and_checked(tg: TelegramServer, bot: Caller) -> None:
    assert await bot("sendChatAction", chat_id=ANN, action="typing")
    assert [h.data["place"] for h in tg.feed.past if h.kind == "typing"] == [str(ANN)]
    assert (await bot.refused("sendChatAction", chat_id=ANN, action="dancing")).status == 400


async def test_commands_are_checked_and_kept(bot: Caller) -> None:
    commands = [{"command": "new", "description": "Begin anew"}]
    assert await bot("setMyCommands", commands=commands)
    assert await bot("getMyCommands") == commands
    refused = await bot.refused("setMyCommands", commands=[{"command": "New!", "description": "x"}])
    assert refused.description == "Bad Request: BOT_COMMAND_INVALID"


async def test_too_many_calls_are_told_to_wait() -> None:
    async with TelegramServer(limits=Limits(private=(2, 30.0), group=(3, 60.0))) as tg, calling(tg) as bot:
        said = await bot("sendMessage", chat_id=ANN, text="a")
        await bot("editMessageText", chat_id=ANN, message_id=said["message_id"], text="b")
        refused = await bot.refused("editMessageText", chat_id=ANN, message_id=said["message_id"], text="c")
        wait = refused.parameters["retry_after"]
        assert refused.status == 429
        assert refused.description == f"Too Many Requests: retry after {wait}"
        assert refused.retry_after == str(wait)
        assert 25 < wait <= 30
        for _ in range(3):
            await bot("sendMessage", chat_id=GROUP, text="elsewhere")
        assert (await bot.refused("sendMessage", chat_id=GROUP, text="a")).status == 429
        assert tg.view(str(ANN))[0].text == "b"


async def test_faults_are_played_in_the_platforms_own_form(tg: TelegramServer, bot: Caller) -> None:
    tg.faults.add(Fault("sendMessage", "status", status=429, retry_after=9))
    assert (await bot.refused("sendMessage", chat_id=ANN, text="a")).parameters == {"retry_after": 9}
    tg.faults.add(Fault("send*", "status", status=500))
    assert (await bot.refused("sendMessage", chat_id=ANN, text="a")).status == 500
    tg.faults.add(Fault("sendMessage", "drop"))
    with pytest.raises(aiohttp.ClientError):
        await bot("sendMessage", chat_id=ANN, text="dropped")
    tg.faults.add(Fault("sendMessage", "lost"))
    with pytest.raises(aiohttp.ClientError):
        await bot("sendMessage", chat_id=ANN, text="lost")
    tg.faults.add(Fault("sendMessage", "slow", seconds=0.01))
    await bot("sendMessage", chat_id=ANN, text="slow")
    assert [view.text for view in tg.view(str(ANN))] == ["lost", "slow"]


async def test_files_are_found_by_their_id(tg: TelegramServer, bot: Caller) -> None:
    await tg.attach(str(ANN), "document", b"low water", name="tides.txt")
    [update] = await bot("getUpdates")
    document = update["message"]["document"]
    file = await bot("getFile", file_id=document["file_id"])
    assert (file["file_size"], document["file_name"]) == (9, "tides.txt")
    async with bot.session.get(f"{tg.url}/file/bot{TOKEN}/{file['file_path']}") as response:
        assert await response.read() == b"low water"
    async with bot.session.get(f"{tg.url}/file/bot{TOKEN}/documents/none") as response:
        assert response.status == 404
    async with bot.session.get(f"{tg.url}/file/bot1:x/{file['file_path']}") as response:
        assert response.status == 401
    assert (await bot.refused("getFile", file_id="none")).description == "Bad Request: invalid file_id"


async def test_what_readers_see_is_safe(tg: TelegramServer, bot: Caller) -> None:
    entities = [
        {"type": "bold", "offset": 0, "length": 8},
        {"type": "code", "offset": 3, "length": 5},
        {"type": "text_link", "offset": 9, "length": 4, "url": 'https://a.example/?x="><script>'},
        {"type": "pre", "offset": 14, "length": 4, "language": '"><i>'},
    ]
    await bot("sendMessage", chat_id=ANN, text="<b>😀<i> link code @ann_kern\n&", entities=entities)
    [view] = tg.view(str(ANN))
    assert view.html == (
        "<b>&lt;b&gt;<code>😀&lt;i&gt;</code></b> "
        '<a href="https://a.example/?x=&quot;&gt;&lt;script&gt;" rel="noopener noreferrer nofollow">link</a> '
        '<pre><code class="language-&quot;&gt;&lt;i&gt;">code</code></pre> '
        '<span class="mention">@ann_kern</span><br>&amp;'
    )


async def test_no_token_is_told_to_those_who_watch(tg: TelegramServer, bot: Caller) -> None:
    await bot("getMe")
    await bot("setWebhook", url="http://127.0.0.1:9/x", secret_token="quiet")
    told = repr(tg.feed.past)
    assert "setWebhook" in told
    assert "sandbox-telegram-token" not in told
    assert "quiet" not in told
