"""The files of a message, as references; and what is no file, in words."""

from __future__ import annotations

import re

from telegram import Animation, Audio, Document, Message, PhotoSize, Sticker, Video, VideoNote, Voice

from core.model import Attachment

Media = Animation | Audio | Document | PhotoSize | Sticker | Video | VideoNote | Voice


def attachments(message: Message) -> tuple[Attachment, ...]:
    """At most one: every item of an album is a message of its own."""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return (_reference(largest, "photo.jpg", "image/jpeg"),)
    if message.animation:  # comes with a document that is the same file
        return (_reference(message.animation, "animation.mp4", "video/mp4"),)
    if message.document:
        return (_reference(message.document, "document", "application/octet-stream"),)
    if message.voice:
        return (_reference(message.voice, "voice.ogg", "audio/ogg"),)
    if message.audio:
        return (_reference(message.audio, "audio.mp3", "audio/mpeg"),)
    if message.video:
        return (_reference(message.video, "video.mp4", "video/mp4"),)
    if message.video_note:
        return (_reference(message.video_note, "video.mp4", "video/mp4"),)
    if message.sticker and not (message.sticker.is_animated or message.sticker.is_video):
        return (_reference(message.sticker, "sticker.webp", "image/webp"),)
    return ()


def described(message: Message) -> str:
    """What a message says that has neither text nor caption, as far as words can say it."""
    if message.sticker:
        return message.sticker.emoji or "(a sticker)"
    if message.venue:
        place = message.venue
        return f"{place.title}, {place.address} ({place.location.latitude}, {place.location.longitude})"
    if message.location:
        return f"Location: {message.location.latitude}, {message.location.longitude}"
    if message.contact:
        name = " ".join(part for part in (message.contact.first_name, message.contact.last_name) if part)
        return f"Contact: {name}, {message.contact.phone_number}"
    if message.poll:
        return "\n".join([message.poll.question, *(f"- {option.text}" for option in message.poll.options)])
    if message.dice:
        return f"{message.dice.emoji} {message.dice.value}"
    return ""


def _reference(media: Media, name: str, media_type: str) -> Attachment:
    """`file_id` is good for this bot only, and for as long as it has its token."""
    given = getattr(media, "file_name", None)
    stated = getattr(media, "mime_type", None)
    return Attachment(_safe(given) or name, stated or media_type, media.file_size, media.file_id)


def _safe(name: str | None) -> str:
    """A sender chooses the name: no folders, nothing that cannot be printed."""
    bare = re.split(r"[/\\]", name or "")[-1]
    return "".join(character for character in bare if character.isprintable()).strip(". ")[:200]
