"""The JSON shapes of Discord's API version 10."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.discord import reactions
from sandbox.discord.interactions import Interaction
from sandbox.discord.records import DIRECT, PERMISSIONS, THREADS, Channel, File, Message, User
from sandbox.discord.world import World

MESSAGE_CONTENT_FLAG = 1 << 18
EVERYTHING = sum(PERMISSIONS.values()) | 0b1111 << 40


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def user(one: User) -> dict[str, Any]:
    return {
        "id": one.id,
        "username": one.username,
        "global_name": None if one.bot else one.name,
        "discriminator": "0001" if one.bot else "0",
        "avatar": None,
        "public_flags": 0,
        **({"bot": True} if one.bot else {}),
    }


def member(world: World, one: User) -> dict[str, Any]:
    """A guild member, without its `user`."""
    return {
        "nick": one.name if one.bot else None,
        "roles": [world.crew] if one.id == world.bob else [],
        "joined_at": moment(1_700_000_000),
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "avatar": None,
    }


def application(world: World, *, message_content: bool) -> dict[str, Any]:
    return {
        "id": world.bot,
        "name": "Threadbridge",
        "icon": None,
        "description": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": user(world.users[world.ann]),
        "team": None,
        "flags": MESSAGE_CONTENT_FLAG if message_content else 0,
    }


def channel(world: World, one: Channel) -> dict[str, Any]:
    base: dict[str, Any] = {"id": one.id, "type": one.kind, "flags": 0}
    history = world.history(one.id)
    base["last_message_id"] = history[-1].id if history else None
    if one.kind == DIRECT:
        return {**base, "recipients": [user(world.users[one.recipient or ""])]}
    base |= {"guild_id": one.guild, "name": one.name, "rate_limit_per_user": 0}
    if one.kind in THREADS:
        return {
            **base,
            "parent_id": one.parent,
            "owner_id": one.owner,
            "message_count": len(history),
            "total_message_sent": len(history),
            "member_count": 1,
            "thread_metadata": {
                "archived": one.archived,
                "locked": one.locked,
                "auto_archive_duration": one.auto_archive,
                "archive_timestamp": moment((int(one.id) >> 22) / 1000 + 1_420_070_400),
                "create_timestamp": moment((int(one.id) >> 22) / 1000 + 1_420_070_400),
            },
        }
    deny = sum(PERMISSIONS[name] for name in one.denied)
    overwrites = [{"id": one.guild, "type": 0, "allow": "0", "deny": str(deny)}] if deny else []
    return {
        **base,
        "position": 0,
        "topic": None,
        "nsfw": False,
        "parent_id": None,
        "permission_overwrites": overwrites,
        "available_tags": [],
    }


def guild(world: World, key: str) -> dict[str, Any]:
    """What `GUILD_CREATE` carries."""
    everyone = {"id": key, "name": "@everyone", "position": 0, "permissions": str(EVERYTHING)}
    roles = [everyone, *({"id": i, "name": n, "position": 1, "permissions": "0"} for i, n in world.roles.items())]
    trimmings = {"color": 0, "hoist": False, "managed": False, "mentionable": True, "icon": None, "flags": 0}
    here = [one for one in world.channels.values() if one.guild == key and not world.lacks(one, "VIEW_CHANNEL")]
    return {
        "id": key,
        "name": world.guilds[key],
        "owner_id": world.ann,
        "icon": None,
        "features": [],
        "unavailable": False,
        "large": False,
        "member_count": len(world.users),
        "joined_at": moment(1_700_000_000),
        "roles": [{**role, **trimmings} for role in roles],
        "emojis": [],
        "stickers": [],
        "members": [{**member(world, one), "user": user(one)} for one in world.users.values()],
        "channels": [channel(world, one) for one in here if one.kind not in THREADS],
        "threads": [channel(world, one) for one in here if one.kind in THREADS and not one.archived],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "preferred_locale": "en-US",
        "nsfw_level": 0,
        "mfa_level": 0,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "premium_tier": 0,
        "afk_timeout": 300,
        "system_channel_flags": 0,
    }


def attachment(files_url: str, channel_id: str, file: File) -> dict[str, Any]:
    """`files_url` is the file server; its addresses carry an expiry, as Discord's do."""
    address = (
        f"{files_url}/attachments/{channel_id}/{file.id}/{quote(file.name)}?ex=7fffffff&is=0&hm={int(file.id):064x}"
    )
    return {
        "id": file.id,
        "filename": file.name,
        "content_type": file.media_type,
        "size": len(file.content) if file.stated_size is None else file.stated_size,
        "url": address,
        "proxy_url": address,
    }


def message(world: World, one: Message, files_url: str, *, quoted: bool = False) -> dict[str, Any]:
    """As REST gives it, that is without the `nonce`, which Discord does not keep."""
    author = world.users[one.author]
    shape: dict[str, Any] = {
        "id": one.id,
        "type": one.kind,
        "channel_id": one.channel,
        "author": user(author),
        "content": one.content,
        "timestamp": moment(one.at),
        "edited_timestamp": moment(one.edited_at) if one.edited_at is not None else None,
        "tts": False,
        "mention_everyone": one.mention_everyone,
        "mentions": [user(world.users[i]) for i in one.mentions],
        "mention_roles": one.mention_roles,
        "attachments": [attachment(files_url, one.channel, file) for file in one.files],
        "embeds": [],
        "components": one.components,
        "pinned": False,
        "flags": one.flags,
    }
    if one.reactions:
        shape["reactions"] = reactions.shape(one, world.bot)
    if one.webhook is not None:
        shape["webhook_id"] = one.webhook
        shape["author"] = {**user(author), "id": one.webhook, "username": "Hook", "bot": True}
    if one.reference is not None:
        place = world.channels.get(one.reference_channel or "")
        shape["message_reference"] = {"type": 0, "message_id": one.reference, "channel_id": one.reference_channel}
        if place is not None and place.guild is not None:
            shape["message_reference"]["guild_id"] = place.guild
        if not quoted:
            replied = world.messages.get(one.reference)
            shape["referenced_message"] = None if replied is None else message(world, replied, files_url, quoted=True)
    if (thread := world.channels.get(one.id)) is not None and thread.parent == one.channel:
        shape["thread"] = channel(world, thread)
    return shape


def readable(world: World, one: Message, shape: dict[str, Any], *, trusted: bool) -> dict[str, Any]:
    """As much of it as a bot may read. `trusted`: it has the message content intent; without it, only direct messages,
    its own and those that mention it have content."""
    direct = world.channels[one.channel].guild is None
    if trusted or direct or world.bot in (one.author, *one.mentions):
        return shape
    return {**shape, "content": "", "attachments": [], "embeds": [], "components": []}


def in_gateway(world: World, one: Message, shape: dict[str, Any]) -> dict[str, Any]:
    """The same as the gateway gives it: with the guild and its members."""
    place = world.channels[one.channel]
    if place.guild is None:
        return {**shape, "channel_type": place.kind}
    told = {**shape, "guild_id": place.guild, "channel_type": place.kind}
    if one.webhook is None:
        told["member"] = member(world, world.users[one.author])
    told["mentions"] = [{**user(world.users[i]), "member": member(world, world.users[i])} for i in one.mentions]
    return told


def interaction(world: World, used: Interaction) -> dict[str, Any]:
    """A used command, as the gateway tells it."""
    place = world.channels[used.channel]
    author = world.users[used.author]
    may = EVERYTHING & ~sum(bit for name, bit in PERMISSIONS.items() if world.lacks(place, name))
    shape: dict[str, Any] = {
        "id": used.id,
        "application_id": world.bot,
        "type": used.kind,
        "data": used.data,
        "channel_id": place.id,
        "channel": channel(world, place),
        "token": used.token,
        "version": 1,
        "app_permissions": str(may & ~(1 << 3)),
        "locale": "en-US",
        "entitlements": [],
        "authorizing_integration_owners": {"0": place.guild or "0"},
        "context": 1 if place.guild is None else 0,
        "attachment_size_limit": 10_485_760,
    }
    if used.message is not None:
        shape["message"] = message(world, world.messages[used.message], "")
    if place.guild is None:
        return {**shape, "user": user(author)}
    told = {**member(world, author), "user": user(author), "permissions": str(EVERYTHING)}
    return {**shape, "guild_id": place.guild, "guild_locale": "en-US", "member": told}
