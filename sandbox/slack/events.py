"""What Slack tells an app about a change: https://docs.slack.dev/reference/events/message"""

from __future__ import annotations

import re
import time
import uuid
from typing import Any
from urllib.parse import quote

from sandbox.slack.world import APP_ID, BOT_ID, BOT_USER, TEAM, Channel, File, Post, World

Json = dict[str, Any]


def envelope(world: World, channel: Channel | None, event: Json) -> Json:
    """The outer part of an event, with its `event_id`."""
    return {
        "token": "verification-token-of-old",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": world.next_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": channel is not None and channel.shared,
        "event_context": uuid.uuid4().hex,
    }


def message_json(world: World, post: Post, url: str) -> Json:
    """A message as `conversations.history`, the answers of `chat.*` and events show it; metadata is apart."""
    author = world.users[post.user]
    root = world.root(post)
    shown: Json = {
        "type": "message",
        "user": post.user,
        "ts": post.ts,
        "text": post.text,
        "team": author.team,
    }
    if author.bot_id:
        shown["bot_id"] = author.bot_id
        shown["app_id"] = APP_ID if author.bot_id == BOT_ID else f"A{author.bot_id[1:]}"
        shown["bot_profile"] = {"id": author.bot_id, "name": author.name, "team_id": author.team, "deleted": False}
    else:
        shown["client_msg_id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, post.channel + post.ts))
    if post.blocks:
        shown["blocks"] = post.blocks
    elif not author.bot_id and post.text:
        shown["blocks"] = [rich_text(post.text)]
    if post.subtype:
        shown["subtype"] = post.subtype
    if post.files:
        shown["files"] = [file_json(world.files[id], url) for id in post.files]
        shown["upload"] = False
    if post.reactions:
        shown["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)} for name, users in post.reactions.items()
        ]
    if post.edited:
        shown["edited"] = {"user": post.user, "ts": post.edited}
    if post.thread_ts:
        shown["thread_ts"] = post.thread_ts
        if post.in_thread:
            if root is not None:
                shown["parent_user_id"] = root.user
        else:
            replies = world.replies(post.channel, post.ts)
            shown["reply_count"] = len(replies)
            if replies:
                shown["latest_reply"] = replies[-1].ts
    if author.team != TEAM:
        shown["user_team"] = shown["source_team"] = author.team
    return shown


def file_json(file: File, url: str, *, whole: bool = False) -> Json:
    if file.withheld and not whole:
        return {"id": file.id, "file_access": "check_file_info", "mode": "file_access"}
    address = file.external or f"{url}/files-pri/{TEAM}-{file.id}/{quote(file.name)}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.name,
        "mimetype": file.media_type,
        "filetype": file.name.rpartition(".")[2],
        "user": file.user,
        "size": file.size,
        "mode": "external" if file.external else "hosted",
        "is_external": bool(file.external),
        "file_access": "visible",
        "url_private": address,
        "url_private_download": address,
    }


def message_event(world: World, channel: Channel, post: Post, url: str) -> Json:
    shown = message_json(world, post, url)
    for only_in_history in ("reply_count", "latest_reply"):
        shown.pop(only_in_history, None)
    if not post.in_thread:
        shown.pop("thread_ts", None)
    return {**shown, "channel": channel.id, "event_ts": post.ts, "channel_type": channel.kind}


def mention_event(world: World, channel: Channel, post: Post, url: str) -> Json:
    """`app_mention` has the message without the fields that only `message` has."""
    event = message_event(world, channel, post, url)
    del event["channel_type"]
    event.pop("subtype", None)
    event.pop("parent_user_id", None)
    return {**event, "type": "app_mention"}


def changed_event(world: World, channel: Channel, post: Post, before: Json, url: str) -> Json:
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "message": message_json(world, post, url),
        "previous_message": before,
        "channel": channel.id,
        "ts": post.edited or post.ts,
        "event_ts": post.edited or post.ts,
        "channel_type": channel.kind,
    }


def deleted_event(world: World, channel: Channel, before: Json) -> Json:
    now = world.next_ts()
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "deleted_ts": before["ts"],
        "previous_message": before,
        "channel": channel.id,
        "ts": now,
        "event_ts": now,
        "channel_type": channel.kind,
    }


_TOKEN = re.compile(r"<([^<>\n]*)>")


def rich_text(text: str) -> Json:
    """The block that Slack's editor makes of a person's line."""
    elements: list[Json] = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            elements.append({"type": "text", "text": unescaped(text[end : token.start()])})
        target, _, label = token[1].partition("|")
        match target[:1]:
            case "@":
                elements.append({"type": "user", "user_id": target[1:]})
            case "#":
                elements.append({"type": "channel", "channel_id": target[1:]})
            case "!":
                elements.append({"type": "broadcast", "range": target[1:]})
            case _:
                elements.append({"type": "link", "url": target, **({"text": label} if label else {})})
        end = token.end()
    if end < len(text):
        elements.append({"type": "text", "text": unescaped(text[end:])})
    return {
        "type": "rich_text",
        "block_id": uuid.uuid4().hex[:5],
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


_TYPED = re.compile(r"(?<![\w@#])@(?P<user>[\w-]+)|(?<![\w#@])#(?P<channel>[\w-]+)|(?P<link>https?://[^\s<>]+)")


def typed(world: World, text: str) -> str:
    """What Slack's editor sends for what a person typed: mentions and links become tokens, the rest is escaped."""
    said = []
    end = 0
    for token in _TYPED.finditer(text):
        said.append(escaped(text[end : token.start()]))
        said.append(_token(world, token))
        end = token.end()
    return "".join(said) + escaped(text[end:])


def _token(world: World, token: re.Match[str]) -> str:
    match token.lastgroup:
        case "link":
            return f"<{escaped(token[0])}>"
        case "channel":
            for channel in world.channels.values():
                if channel.kind == "channel" and channel.name == token["channel"]:
                    return f"<#{channel.id}|{channel.name}>"
        case _:
            if token["user"] in ("here", "channel", "everyone"):
                return f"<!{token['user']}>"
            for user in world.users.values():
                if user.handle == token["user"]:
                    return f"<@{user.id}>"
    return token[0]
