"""Messages that grow by themselves: the rules of `chat.startStream`, `chat.appendStream` and `chat.stopStream`.

https://docs.slack.dev/reference/methods/chat.startStream and the pages of its siblings. Not in there, but reported by
many: Slack ends a stream some five minutes after its start, and a stream takes only the kind of content it was begun
with.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sandbox.slack.chat import MARKDOWN, checked_blocks, checked_metadata, writable
from sandbox.slack.world import BOT_USER, TEAM, Channel, Post, SlackError, Stream, World

Json = dict[str, Any]

TASK_STATES = frozenset({"pending", "in_progress", "complete", "error"})


def content(markdown_text: str, chunks: Any) -> tuple[str, list[Json]]:
    """The mode of a call and its chunks; a `markdown_text` is one chunk."""
    if chunks is None:
        return "markdown_text", [{"type": "markdown_text", "text": markdown_text}] if markdown_text else []
    if markdown_text:
        raise SlackError("markdown_text_conflict")
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise SlackError("invalid_chunks")
    for chunk in chunks:
        match chunk.get("type"):
            case "markdown_text" if isinstance(chunk.get("text"), str):
                pass
            case "task_update" if chunk.get("id") and chunk.get("title") and chunk.get("status") in TASK_STATES:
                pass
            case "plan_update" if chunk.get("title"):
                pass
            case "blocks":
                checked_blocks(chunk.get("blocks"))
            case _:
                raise SlackError("invalid_chunks")
    return "chunks", chunks


def start(
    world: World, channel: Channel, thread_ts: str, mode: str, chunks: Sequence[Json], *, team: str, user: str
) -> Post:
    writable(channel)
    if channel.kind != "im":
        if not team:
            raise SlackError("missing_recipient_team_id")
        if not user:
            raise SlackError("missing_recipient_user_id")
        if team != TEAM and not any(one.team == team for one in world.users.values()):
            raise SlackError("invalid_recipient_team_id")
        world.user(user)
    _checked("", chunks)
    post = world.write(channel, BOT_USER, thread_ts, stream=Stream(time.time(), mode))
    _add(post, chunks)
    return post


def append(world: World, channel: Channel, ts: str, mode: str, chunks: Sequence[Json], *, lifetime: float) -> Post:
    post, stream = _streaming(world, channel, ts, lifetime)
    if not chunks:
        raise SlackError("no_text")
    if mode != stream.mode:
        raise SlackError("streaming_mode_mismatch")
    _checked(post.text, chunks)
    _add(post, chunks)
    return post


def stop(
    world: World,
    channel: Channel,
    ts: str,
    mode: str,
    chunks: Sequence[Json],
    *,
    blocks: Any,
    metadata: Any,
    lifetime: float,
) -> Post:
    post, stream = _streaming(world, channel, ts, lifetime)
    if chunks and mode != stream.mode:
        raise SlackError("streaming_mode_mismatch")
    _checked(post.text, chunks)
    checked = checked_blocks(blocks) if blocks is not None else []
    if metadata is not None:
        post.metadata = checked_metadata(metadata)
    _add(post, chunks)
    post.blocks += checked
    stream.open = False
    return post


def _checked(before: str, chunks: Sequence[Json]) -> None:
    if len(before) + sum(len(chunk["text"]) for chunk in chunks if chunk["type"] == "markdown_text") > MARKDOWN:
        raise SlackError("msg_too_long")


def _add(post: Post, chunks: Sequence[Json]) -> None:
    """Text goes on where it stood; a task is shown where it began, and changes there."""
    blocks = [dict(block) for block in post.blocks]
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text":
                post.text += chunk["text"]
                if blocks and blocks[-1]["type"] == "markdown":
                    blocks[-1]["text"] += chunk["text"]
                elif chunk["text"]:
                    blocks.append({"type": "markdown", "text": chunk["text"]})
            case "task_update":
                card = next((block for block in blocks if block.get("task_id") == chunk["id"]), None)
                if card is None:
                    card = {"type": "task_card", "task_id": chunk["id"]}
                    blocks.append(card)
                card |= {"title": chunk["title"], "status": chunk["status"]}
            case "blocks":
                blocks += chunk["blocks"]
            case _:
                pass
    post.blocks = blocks


def _streaming(world: World, channel: Channel, ts: str, lifetime: float) -> tuple[Post, Stream]:
    """Slack ends a stream some minutes after its start, whatever is still appended."""
    post = world.post(channel.id, ts)
    if post.user != BOT_USER:
        raise SlackError("message_not_owned_by_app")
    if post.stream is not None and time.time() - post.stream.started > lifetime:
        post.stream.open = False
    if post.stream is None or not post.stream.open:
        raise SlackError("message_not_in_streaming_state")
    return post, post.stream
