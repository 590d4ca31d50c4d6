"""The Web API, method by method: arguments in, the answer's fields out. https://docs.slack.dev/reference/methods"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from sandbox.slack import chat, events, files, reactions, streams
from sandbox.slack.arguments import Arguments
from sandbox.slack.workspace import Workspace
from sandbox.slack.world import APP_ID, BOT_ID, BOT_USER, TEAM, Channel, Post, SlackError

Json = dict[str, Any]


def api_test(_: Workspace, __: Arguments) -> Json:
    return {}


def auth_test(workspace: Workspace, _: Arguments) -> Json:
    return {
        "url": workspace.url + "/",
        "team": "Sandbox",
        "user": workspace.world.users[BOT_USER].handle,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def bots_info(_: Workspace, given: Arguments) -> Json:
    if given.text("bot") != BOT_ID:
        raise SlackError("bot_not_found")
    return {"bot": {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER, "name": "Threadbridge", "deleted": False}}


def apps_connections_open(workspace: Workspace, _: Arguments) -> Json:
    return {"url": workspace.socket_url()}


# --- chat -------------------------------------------------------------------------------------------------------


def chat_post_message(workspace: Workspace, given: Arguments) -> Json:
    channel = _channel(workspace, given)
    post = chat.post(
        workspace.world,
        channel,
        text=given.text("text"),
        blocks=given.structure("blocks", "invalid_blocks_format"),
        markdown_text=given.maybe("markdown_text"),
        metadata=given.structure("metadata", "invalid_metadata_format"),
        thread_ts=given.text("thread_ts") or None,
        reply_broadcast=given.flag("reply_broadcast"),
        mrkdwn=given.flag("mrkdwn", True),
    )
    workspace.posted(channel, post)
    return {"channel": channel.id, "ts": post.ts, "message": _shown(workspace, post)}


def chat_update(workspace: Workspace, given: Arguments) -> Json:
    channel = _channel(workspace, given)
    ts = given.text("ts", None)
    before = _shown(workspace, workspace.world.post(channel.id, ts))
    post = chat.update(
        workspace.world,
        channel,
        ts,
        text=given.maybe("text"),
        blocks=given.structure("blocks", "invalid_blocks_format"),
        markdown_text=given.maybe("markdown_text"),
        metadata=given.structure("metadata", "invalid_metadata_format"),
    )
    workspace.changed(channel, post, before)
    return {"channel": channel.id, "ts": ts, "text": post.text, "message": _shown(workspace, post)}


def chat_delete(workspace: Workspace, given: Arguments) -> Json:
    channel = _channel(workspace, given)
    ts = given.text("ts", None)
    before = _shown(workspace, workspace.world.post(channel.id, ts))
    workspace.deleted(channel, chat.delete(workspace.world, channel, ts), before)
    return {"channel": channel.id, "ts": ts}


def chat_post_ephemeral(workspace: Workspace, given: Arguments) -> Json:
    """Seen by one person, and kept nowhere."""
    channel, text = _channel(workspace, given), given.text("text")
    if not text:
        raise SlackError("no_text")
    person = given.text("user", None)
    if person not in channel.members:
        raise SlackError("user_not_in_channel")
    workspace.whispered(channel, person, text)
    return {"message_ts": workspace.world.next_ts()}


def chat_start_stream(workspace: Workspace, given: Arguments) -> Json:
    channel = _channel(workspace, given)
    post = streams.start(
        workspace.world,
        channel,
        given.text("thread_ts", None),
        *_streamed(given),
        team=given.text("recipient_team_id"),
        user=given.text("recipient_user_id"),
    )
    workspace.posted(channel, post)
    return {"channel": channel.id, "ts": post.ts}


def chat_append_stream(workspace: Workspace, given: Arguments) -> Json:
    channel = _channel(workspace, given)
    lifetime = workspace.stream_lifetime
    post = streams.append(workspace.world, channel, given.text("ts", None), *_streamed(given), lifetime=lifetime)
    workspace.changed(channel, post, None)
    return {"channel": channel.id, "ts": post.ts}


def chat_stop_stream(workspace: Workspace, given: Arguments) -> Json:
    channel = _channel(workspace, given)
    post = streams.stop(
        workspace.world,
        channel,
        given.text("ts", None),
        *_streamed(given),
        blocks=given.structure("blocks", "invalid_blocks_format"),
        metadata=given.structure("metadata", "invalid_metadata_format"),
        lifetime=workspace.stream_lifetime,
    )
    workspace.changed(channel, post, None)
    return {"channel": channel.id, "ts": post.ts, "message": _shown(workspace, post)}


def _streamed(given: Arguments) -> tuple[str, list[Json]]:
    return streams.content(given.text("markdown_text"), given.structure("chunks", "invalid_chunks"))


def set_status(workspace: Workspace, given: Arguments) -> Json:
    channel = workspace.world.channel(given.text("channel_id", None))
    thread_ts = given.text("thread_ts", None)
    if BOT_USER not in channel.members:
        raise SlackError("channel_not_found")
    root = workspace.world.posts[channel.id].get(thread_ts)
    if root is None:
        raise SlackError("thread_not_found")
    loading = given.structure("loading_messages", "invalid_arguments")
    if loading is not None and not (isinstance(loading, list) and 0 < len(loading) <= 10):
        raise SlackError("invalid_arguments", "[ERROR] no more than 10 items allowed [json-pointer:/loading_messages]")
    workspace.status(channel, root, given.text("status"))
    return {}


def set_session(workspace: Workspace, given: Arguments) -> Json:
    workspace.need("chat:write")
    if not workspace.agent:
        raise SlackError("app_not_agent")
    channel = workspace.world.channel(given.text("channel_id", None))
    if BOT_USER not in channel.members:
        raise SlackError("channel_not_found")
    root = workspace.world.posts[channel.id].get(given.text("thread_ts", None))
    if root is None or root.in_thread:
        raise SlackError("thread_not_found")
    status = given.text("status", None)
    if status not in ("processing", "active", "suspended", "closed"):
        raise SlackError("invalid_arguments", "[ERROR] must be a valid enum value [json-pointer:/status]")
    workspace.session(channel, root, status)
    return {"status": status, "agent_status": status}


def reactions_add(workspace: Workspace, given: Arguments) -> Json:
    channel, post = _reacted_to(workspace, given)
    reactions.add(post, given.text("name"), BOT_USER)
    workspace.reacted(channel, post)
    return {}


def reactions_remove(workspace: Workspace, given: Arguments) -> Json:
    channel, post = _reacted_to(workspace, given)
    reactions.remove(post, given.text("name"), BOT_USER)
    workspace.reacted(channel, post)
    return {}


def _reacted_to(workspace: Workspace, given: Arguments) -> tuple[Channel, Post]:
    if not given.text("timestamp"):
        raise SlackError("no_item_specified")
    channel = _channel(workspace, given)
    chat.writable(channel)
    return channel, workspace.world.post(channel.id, given.text("timestamp"))


# --- reading ----------------------------------------------------------------------------------------------------


def conversations_info(workspace: Workspace, given: Arguments) -> Json:
    channel = _channel(workspace, given)
    # a public one tells of itself to everybody
    return {"channel": _channel_json(channel if channel.kind == "channel" else _readable(workspace, given))}


def conversations_list(workspace: Workspace, _: Arguments) -> Json:
    channels = [channel for channel in workspace.world.channels.values() if channel.kind == "channel"]
    return {"channels": [_channel_json(channel) for channel in channels], "response_metadata": {"next_cursor": ""}}


def conversations_open(workspace: Workspace, given: Arguments) -> Json:
    return {"channel": {"id": workspace.world.channel(given.text("users", None)).id}}


def conversations_history(workspace: Workspace, given: Arguments) -> Json:
    channel = _readable(workspace, given)
    posts = [
        post
        for post in workspace.world.posts[channel.id].values()
        if not post.in_thread or post.subtype == "thread_broadcast"
    ]
    return _page(workspace, given, list(reversed(posts)))


def conversations_replies(workspace: Workspace, given: Arguments) -> Json:
    channel = _readable(workspace, given)
    ts = given.text("ts", None)
    asked = workspace.world.posts[channel.id].get(ts)
    if asked is None:
        raise SlackError("thread_not_found")
    root = workspace.world.root(asked) or asked
    return _page(workspace, given, workspace.world.replies(channel.id, root.ts), first=root)


def _page(workspace: Workspace, given: Arguments, posts: list[Post], first: Post | None = None) -> Json:
    """At most `limit` messages; the root of a thread is on every page, whatever its age."""
    oldest, latest = float(given.text("oldest") or 0), float(given.text("latest") or "inf")
    inclusive = given.flag("inclusive")
    within = [
        post for post in posts if oldest < float(post.ts) < latest or (inclusive and float(post.ts) in (oldest, latest))
    ]
    limit = max(1, min(given.number("limit", 100), 999))
    start = _offset(given.text("cursor"))
    page = within[start : start + limit]
    more = start + limit < len(within)
    metadata = given.flag("include_all_metadata")
    shown = [_shown(workspace, post, metadata=metadata) for post in ([first] if first else []) + page]
    cursor = base64.b64encode(f"next:{start + limit}".encode()).decode() if more else ""
    return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}


def _offset(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("next:")) if cursor else 0
    except (ValueError, binascii.Error):
        raise SlackError("invalid_cursor") from None


def users_info(workspace: Workspace, given: Arguments) -> Json:
    user = workspace.world.user(given.text("user", None))
    return {
        "user": {
            "id": user.id,
            "team_id": user.team,
            "name": user.handle,
            "real_name": user.name,
            "deleted": False,
            "is_bot": bool(user.bot_id),
            "is_stranger": user.team != TEAM,
            "profile": {"display_name": "", "real_name": user.name},
        }
    }


def _channel(workspace: Workspace, given: Arguments) -> Channel:
    return workspace.world.channel(given.text("channel", None))


def _readable(workspace: Workspace, given: Arguments) -> Channel:
    channel = _channel(workspace, given)
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel" if channel.kind == "channel" else "channel_not_found")
    return channel


def _shown(workspace: Workspace, post: Post, *, metadata: bool = True) -> Json:
    shown = events.message_json(workspace.world, post, workspace.url)
    if metadata and post.metadata is not None:
        shown["metadata"] = post.metadata
    return shown


def _channel_json(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_archived": channel.archived,
        "is_member": BOT_USER in channel.members,
        "is_ext_shared": channel.shared,
        "context_team_id": TEAM,
    }


Method = Callable[[Workspace, Arguments], Json]

METHODS: dict[str, Method] = {
    "agents.sessions.setStatus": set_session,
    "api.test": api_test,
    "apps.connections.open": apps_connections_open,
    "assistant.threads.setStatus": set_status,
    "auth.test": auth_test,
    "bots.info": bots_info,
    "chat.appendStream": chat_append_stream,
    "chat.delete": chat_delete,
    "chat.postEphemeral": chat_post_ephemeral,
    "chat.postMessage": chat_post_message,
    "chat.startStream": chat_start_stream,
    "chat.stopStream": chat_stop_stream,
    "chat.update": chat_update,
    "conversations.history": conversations_history,
    "conversations.info": conversations_info,
    "conversations.list": conversations_list,
    "conversations.open": conversations_open,
    "conversations.replies": conversations_replies,
    "files.completeUploadExternal": files.complete_upload,
    "files.getUploadURLExternal": files.get_upload_url,
    "files.info": files.info,
    "reactions.add": reactions_add,
    "reactions.remove": reactions_remove,
    "users.info": users_info,
}

FORM_ONLY = frozenset(
    {
        "conversations.history",
        "conversations.info",
        "conversations.list",
        "conversations.replies",
        "files.getUploadURLExternal",
        "files.info",
        "users.info",
    }
)
"""These take no JSON body: https://docs.slack.dev/apis/web-api lists which do."""
