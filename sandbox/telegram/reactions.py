"""Emoji below a message: https://core.telegram.org/bots/api#setmessagereaction"""

from __future__ import annotations

from typing import Any

from sandbox.telegram.refusal import Refusal
from sandbox.telegram.world import Chat, Said

_LISTED = (
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 "
    "🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 "
    "🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ "
    "💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡"
)
EMOJI = frozenset(_LISTED.split())
"""All that there are. A group may allow fewer."""
MOST = 1
"""Reactions of one bot on one message; users with Premium may have more."""
_VARIANT = "\N{VARIATION SELECTOR-16}"
"""Says that a character is meant as an emoji; it makes no difference here."""


def wanted(types: Any) -> list[str]:
    """The emoji that a call names. Raises `Refusal`."""
    if types is None:
        return []
    if not isinstance(types, list):
        raise Refusal(400, "expected an Array of ReactionType")
    return [_emoji(one) for one in types]


def react(chat: Chat, said: Said, emoji: list[str]) -> Said:
    """Takes the place of what the bot had there before; none takes it away. Of an album the first message has it.
    Gives the message that has it."""
    album = said.extra.get("media_group_id")
    if album is not None:
        together = [one for one in chat.messages.values() if one.extra.get("media_group_id") == album]
        said = min(together, key=lambda one: one.id)
    allowed = EMOJI if chat.reactions is None else EMOJI & set(chat.reactions)
    if not set(emoji) <= allowed:
        raise Refusal(400, "REACTION_INVALID")
    if len(emoji) > MOST:
        raise Refusal(400, "REACTIONS_TOO_MANY")
    said.reactions = emoji
    return said


def _emoji(one: Any) -> str:
    if not isinstance(one, dict):
        raise Refusal(400, "can't parse ReactionType: expected an Object")
    match one.get("type"):
        case "emoji":
            return str(one.get("emoji", "")).replace(_VARIANT, "")
        case "custom_emoji":
            raise Refusal(400, "REACTION_INVALID")  # nobody has allowed one here
        case _:
            raise Refusal(400, "can't parse ReactionType: invalid reaction type specified")
