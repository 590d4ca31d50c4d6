"""What an app may write: the rules of `chat.*` for text, blocks and edits.

https://docs.slack.dev/reference/methods/chat.postMessage and the pages of its siblings.
"""

from __future__ import annotations

from typing import Any

from sandbox.slack import interaction
from sandbox.slack.world import BOT_USER, Channel, Post, SlackError, World

Json = dict[str, Any]

TEXT_KEPT = 40_000
"""`chat.postMessage` cuts a longer text off."""
TEXT_EDITED = 4_000
"""`chat.update` refuses a longer text."""
MARKDOWN = 12_000
"""Of all markdown blocks of a message, and of one `markdown_text`."""
SECTION = 3_000
HEADER = 150
BLOCKS = 50
METADATA = 8_000

_KNOWN = frozenset(
    [
        "actions",
        "call",
        "carousel",
        "context",
        "context_actions",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "markdown",
        "plan",
        "rich_text",
        "section",
        "table",
        "task_card",
        "video",
    ]
)


def checked_blocks(blocks: Any) -> list[Json]:
    """The blocks as they were given, if Slack would take them."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if len(blocks) > BLOCKS:
        raise SlackError("invalid_blocks", f"[ERROR] no more than {BLOCKS} items allowed [json-pointer:/blocks]")
    markdown = 0
    for index, block in enumerate(blocks):
        if not isinstance(block, dict) or block.get("type") not in _KNOWN:
            raise SlackError("invalid_blocks", f"[ERROR] unsupported type [json-pointer:/blocks/{index}/type]")
        match block["type"]:
            case "markdown":
                text = block.get("text")
                if not isinstance(text, str) or not text.strip():
                    raise SlackError("invalid_blocks", f"[ERROR] missing text [json-pointer:/blocks/{index}/text]")
                markdown += len(text)
            case "section":
                _text_object(block.get("text"), index, SECTION, required="fields" not in block)
            case "header":
                _text_object(block.get("text"), index, HEADER, required=True)
            case "actions" | "context_actions":
                interaction.checked(block, index)
            case _:
                pass
    ids = [one["action_id"] for block in blocks for one in block.get("elements", ()) if "action_id" in one]
    if len(set(ids)) < len(ids):
        raise SlackError("invalid_blocks", "[ERROR] `action_id` already exists [json-pointer:/blocks]")
    if markdown > MARKDOWN:
        raise SlackError("msg_blocks_too_long")
    return blocks


def _text_object(text: Any, index: int, most: int, *, required: bool) -> None:
    if text is None and not required:
        return
    where = f"[json-pointer:/blocks/{index}/text]"
    if not isinstance(text, dict) or not isinstance(text.get("text"), str) or not text["text"]:
        raise SlackError("invalid_blocks", f"[ERROR] must be a text object {where}")
    if len(text["text"]) > most:
        raise SlackError("invalid_blocks", f"[ERROR] must be less than {most + 1} characters {where}")


def checked_metadata(metadata: Any) -> Json | None:
    if metadata is None or metadata == {}:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    event_type, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(event_type, str) or not event_type or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_schema")
    if len(str(payload)) > METADATA:
        raise SlackError("metadata_too_large")
    return {"event_type": event_type, "event_payload": payload}


def _content(text: str, blocks: list[Json] | None, markdown_text: str | None) -> tuple[str, list[Json] | None]:
    """`markdown_text` is shown as one markdown block."""
    if markdown_text is None:
        return text, blocks
    if text or blocks is not None:
        raise SlackError("markdown_text_conflict")
    if len(markdown_text) > MARKDOWN:
        raise SlackError("msg_too_long")
    return markdown_text, [{"type": "markdown", "text": markdown_text}]


def writable(channel: Channel) -> None:
    if channel.archived:
        raise SlackError("is_archived")
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel" if channel.kind == "channel" else "channel_not_found")


def post(
    world: World,
    channel: Channel,
    *,
    text: str = "",
    blocks: Any = None,
    markdown_text: str | None = None,
    metadata: Any = None,
    thread_ts: str | None = None,
    reply_broadcast: bool = False,
    mrkdwn: bool = True,
) -> Post:
    writable(channel)
    checked = None if blocks is None else checked_blocks(blocks)
    text, checked = _content(text, checked, markdown_text)
    if not text.strip() and not checked:
        raise SlackError("no_text")
    return world.write(
        channel,
        BOT_USER,
        thread_ts,
        text=text[:TEXT_KEPT],
        blocks=checked or [],
        metadata=checked_metadata(metadata),
        mrkdwn=mrkdwn,
        subtype="thread_broadcast" if thread_ts and reply_broadcast else None,
    )


def update(
    world: World,
    channel: Channel,
    ts: str,
    *,
    text: str | None = None,
    blocks: Any = None,
    markdown_text: str | None = None,
    metadata: Any = None,
) -> Post:
    """Blocks that are not given stay; an empty list takes them away."""
    writable(channel)
    post = world.post(channel.id, ts)
    if post.user != BOT_USER:
        raise SlackError("cant_update_message")
    if post.stream is not None and post.stream.open:
        raise SlackError("streaming_state_conflict")
    checked = None if blocks is None else checked_blocks(blocks)
    text_now, checked = _content(text or "", checked, markdown_text)
    shown = post.blocks if checked is None else checked
    if not text_now.strip() and not shown:
        raise SlackError("no_text")
    if len(text_now) > TEXT_EDITED and markdown_text is None:
        raise SlackError("msg_too_long")
    if text is not None or markdown_text is not None:
        post.text = text_now
    post.blocks = shown
    if metadata is not None:
        post.metadata = checked_metadata(metadata)
    post.edits += 1
    post.edited = world.next_ts()
    return post


def delete(world: World, channel: Channel, ts: str) -> Post:
    post = world.post(channel.id, ts)
    if post.user != BOT_USER:
        raise SlackError("cant_delete_message")
    world.remove(post)
    return post
