"""From an update to a message, or to nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

import telegram

from bridges.commands import named
from bridges.telegram import buttons
from bridges.telegram.attachments import attachments, described
from bridges.telegram.quoting import Mark, as_markdown
from bridges.telegram.thread import Place
from core.model import Message, MessageId

COMMANDS = {"start": "help"} | {name: name for name in ("help", "new", "stop", "retry", "status", "use")}
"""What is meant for the program, in Telegram's spelling and in ours."""

_ASK = "ask"
"""A command whose text is the question: the way to speak to a bot in a group that cannot be misunderstood."""


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class _Command:
    name: str
    target: str
    mark: telegram.MessageEntity

    @property
    def known(self) -> bool:
        return self.name in COMMANDS or self.name == _ASK


def read(update: telegram.Update, me: Me) -> Message | None:
    """What the update says to the bot; None for everything else: what bots say, edits, channel posts, service
    messages, and what a group says among itself. Of an album all items are handed over, for only one has to be
    addressed to the bot."""
    if update.callback_query is not None:
        return buttons.read(update.callback_query)
    said = update.message
    if said is None or said.via_bot is not None or said.is_automatic_forward:
        return None
    author = _author(said)
    if author is None:
        return None
    words = said.text or said.caption or ""
    entities = said.entities or said.caption_entities or _evident(words, me)
    command = _command(words, entities, me)
    if command is not None and command.target and command.target.casefold() != me.username.casefold():
        return None
    mentions = [entity for entity in entities if _names(said, entity, me)]
    private = said.chat.type == telegram.constants.ChatType.PRIVATE
    known = command is not None and command.known
    to_us = private or bool(mentions) or _answers(said, me) or (command is not None and bool(command.target))
    if not (to_us or known or said.media_group_id):
        return None
    files = attachments(said)
    text = as_markdown(words, list(_marks(entities, mentions, command))) or ("" if words else described(said))
    asked, text = _told(command, text)
    if not (text or files or asked):
        if not (mentions or command is not None):
            return None
        asked = "help"  # called, but not asked anything
    place = Place(said.chat.id, said.message_thread_id if said.is_topic_message else None)
    return Message(
        id=MessageId(str(said.message_id)),
        thread=place.thread,
        author=author[0],
        author_name=author[1],
        text=text,
        sent_at=said.date.astimezone(UTC),
        channel=str(said.chat.id),
        addressed=to_us or known,
        attachments=files,
        command=asked,
        album=said.media_group_id,
    )


def _author(said: telegram.Message) -> tuple[str, str] | None:
    """Id and name. Somebody who writes as a group or a channel is known as that: Telegram hides who it is behind a
    bot of its own."""
    if said.sender_chat is not None:
        return str(said.sender_chat.id), said.sender_chat.effective_name or str(said.sender_chat.id)
    if said.from_user is None or said.from_user.is_bot:
        return None
    return str(said.from_user.id), said.from_user.full_name


def _command(words: str, entities: Sequence[telegram.MessageEntity], me: Me) -> _Command | None:
    """The command that the message begins with, or that follows nothing but the bot's name."""
    for entity in entities:
        if entity.type == telegram.MessageEntity.BOT_COMMAND:
            before = _part(words, 0, entity.offset)
            if before.strip().casefold() not in ("", f"@{me.username}".casefold()):
                return None
            name, _, target = _said_by(words, entity).removeprefix("/").partition("@")
            return _Command(name.lower(), target, entity)
    return None


def _evident(words: str, me: Me) -> tuple[telegram.MessageEntity, ...]:
    """The command or the name of the bot that a message begins with, where the server marks nothing at all."""
    if (found := re.match(r"/[A-Za-z0-9_]{1,64}(?:@\w+)?(?=\s|$)", words)) is not None:
        return (telegram.MessageEntity(telegram.MessageEntity.BOT_COMMAND, 0, found.end()),)
    name = f"@{me.username}"
    if me.username and re.match(rf"{re.escape(name)}(?!\w)", words, re.IGNORECASE):
        return (telegram.MessageEntity(telegram.MessageEntity.MENTION, 0, len(name)),)
    return ()


def _names(said: telegram.Message, entity: telegram.MessageEntity, me: Me) -> bool:
    match entity.type:
        case telegram.MessageEntity.MENTION:
            return _said_by(said.text or said.caption or "", entity).casefold() == f"@{me.username}".casefold()
        case telegram.MessageEntity.TEXT_MENTION:
            return entity.user is not None and entity.user.id == me.id
        case _:
            return False


def _answers(said: telegram.Message, me: Me) -> bool:
    """Is it a reply to the bot? Everything in a topic replies to the notice of its creation, which is no reply."""
    replied = said.reply_to_message
    if replied is None or replied.from_user is None or replied.forum_topic_created is not None:
        return False
    return replied.from_user.id == me.id


def _marks(
    entities: Sequence[telegram.MessageEntity], mentions: Sequence[telegram.MessageEntity], command: _Command | None
) -> Iterator[Mark]:
    for entity in entities:
        gone = entity in mentions
        if command is not None and entity is command.mark:
            gone = True
        yield Mark(
            entity.type,
            entity.offset,
            entity.offset + entity.length,
            entity.url or "",
            entity.language or "",
            gone,
        )


def _told(command: _Command | None, text: str) -> tuple[str, str]:
    """The command to the program, if it is one, and the text that remains. Of one that nobody knows, the program says
    so itself."""
    if command is None or command.name == _ASK:
        return "", text
    return COMMANDS.get(command.name) or named(command.name), text


def _said_by(words: str, entity: telegram.MessageEntity) -> str:
    return _part(words, entity.offset, entity.offset + entity.length)


def _part(words: str, start: int, end: int) -> str:
    """Between two offsets in UTF-16 code units."""
    return words.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "replace")
