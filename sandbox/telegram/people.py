"""What people write, as the server would tell the bot of it."""

from __future__ import annotations

import re
from typing import Any, Literal

from sandbox.telegram.text import detected, utf16
from sandbox.telegram.world import BOT, BOT_USERNAME, Chat, Said, World

Media = Literal["photo", "document", "voice", "audio", "video", "video_note", "animation", "sticker"]


def written(text: str, entities: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The content of a text message; `@bot` becomes the bot's username. Offsets count in the text that results."""
    text = re.sub(r"(?<!\w)@bot\b", f"@{BOT_USERNAME}", text)
    found = detected(text, entities or [])
    return {"text": text, "entities": found} if found else {"text": text}


def captioned(caption: str) -> dict[str, Any]:
    content = written(caption)
    return {f"caption{'_entities' if key == 'entities' else ''}": value for key, value in content.items() if value}


def media(world: World, kind: Media, data: bytes, *, name: str, media_type: str) -> dict[str, Any]:
    """The content of a message with a file, in the fields that its kind has."""
    match kind:
        case "photo":
            sizes = []
            for part, edge in ((data[: max(1, len(data) // 10)], 90), (data, 1280)):
                sizes.append(world.put("photo.jpg", part) | {"width": edge, "height": edge})
            return {"photo": sizes}
        case "document":
            return {"document": world.put(name, data) | {"file_name": name, "mime_type": media_type}}
        case "voice":
            return {"voice": world.put("voice.oga", data) | {"duration": 3, "mime_type": "audio/ogg"}}
        case "audio":
            return {"audio": world.put(name, data) | {"duration": 30, "file_name": name, "mime_type": media_type}}
        case "video":
            size = {"width": 640, "height": 360, "duration": 5}
            return {"video": world.put(name, data) | size | {"file_name": name, "mime_type": media_type}}
        case "video_note":
            return {"video_note": world.put("note.mp4", data) | {"length": 240, "duration": 5}}
        case "animation":
            file = world.put(name, data) | {"file_name": name, "mime_type": media_type}
            return {"animation": file | {"width": 320, "height": 240, "duration": 2}, "document": file}
        case "sticker":
            animated = media_type == "application/x-tgsticker"
            shape = {"type": "regular", "width": 512, "height": 512, "is_animated": animated, "is_video": False}
            return {"sticker": world.put(name, data) | shape | {"emoji": "⚓"}}


def reaches(chat: Chat, said: Said, replied: Said | None, *, privacy: bool) -> bool:
    """Does the bot get this message? With privacy mode on, in a group only what is meant for it."""
    if chat.kicked:
        return False
    if chat.kind in ("private", "channel") or not privacy:
        return True
    if replied is not None and replied.author == BOT:
        return True
    text = said.content.get("text") or said.content.get("caption") or ""
    units = text.encode("utf-16-le")
    for entity in said.content.get("entities") or said.content.get("caption_entities") or []:
        part = units[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")
        match entity["type"]:
            case "mention" if part.lower() == f"@{BOT_USERNAME}":
                return True
            case "text_mention" if entity["user"]["id"] == BOT:
                return True
            case "bot_command" if "@" not in part or part.lower().endswith(f"@{BOT_USERNAME}"):
                return True
    return not (text or _carries_file(said))


def _carries_file(said: Said) -> bool:
    """Without text or file it is a service message, which every bot gets."""
    return any(
        key in said.content
        for key in ("photo", "document", "voice", "audio", "video", "video_note", "animation", "sticker")
    )


def mention_of_bot(text: str) -> dict[str, Any]:
    """A mention of the bot by its name, as clients make it for those without a username."""
    start = text.index("Threadbridge")
    return {
        "type": "text_mention",
        "offset": utf16(text[:start]),
        "length": utf16("Threadbridge"),
        "user": {"id": BOT, "is_bot": True, "first_name": "Threadbridge"},
    }
