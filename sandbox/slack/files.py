"""The Web API's methods for files."""

from __future__ import annotations

from typing import Any

from sandbox.slack import chat, events
from sandbox.slack.arguments import Arguments
from sandbox.slack.workspace import Workspace
from sandbox.slack.world import BOT_USER, SlackError

Json = dict[str, Any]


def info(workspace: Workspace, given: Arguments) -> Json:
    file = workspace.world.files.get(given.text("file", None))
    if file is None:
        raise SlackError("file_not_found")
    return {"file": events.file_json(file, workspace.url, whole=True)}


def get_upload_url(workspace: Workspace, given: Arguments) -> Json:
    workspace.need("files:write")
    id, secret = workspace.uploads.begin(workspace.world, given.text("filename", None), given.number("length", 0))
    return {"upload_url": f"{workspace.url}/upload/v1/{secret}", "file_id": id}


def complete_upload(workspace: Workspace, given: Arguments) -> Json:
    workspace.need("files:write")
    named = given.structure("files", "invalid_arguments")
    if not isinstance(named, list) or not named:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    channel = workspace.world.channel(given.text("channel_id", None))
    chat.writable(channel)
    made = [workspace.uploads.complete(str(one.get("id")), str(one.get("title") or "")) for one in named]
    for file in made:
        workspace.world.files[file.id] = file
    post = workspace.world.write(
        channel,
        BOT_USER,
        given.text("thread_ts") or None,
        text=given.text("initial_comment"),
        files=[file.id for file in made],
        subtype="file_share",
    )
    workspace.posted(channel, post)
    return {"files": [events.file_json(file, workspace.url, whole=True) for file in made]}
