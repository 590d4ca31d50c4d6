"""The link with which an administrator brings the bot into a server. Pure.

https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow
"""

from __future__ import annotations

from urllib.parse import urlencode

from discord import Permissions

from bridges.settings import DiscordSettings

SCOPES = ("bot", "applications.commands")


def permissions(settings: DiscordSettings) -> Permissions:
    """What the bot has to be allowed, and nothing that it has no use for."""
    wanted = Permissions.none()
    wanted.view_channel = True
    wanted.send_messages = True
    wanted.send_messages_in_threads = True
    # replies refer to a message, and what was said while the bot was away is read from the channels
    wanted.read_message_history = True
    wanted.attach_files = True
    wanted.add_reactions = settings.waiting_sign
    wanted.create_public_threads = settings.answer_in == "thread"
    return wanted


def invite(application: str, settings: DiscordSettings) -> str:
    query = {"client_id": application, "scope": " ".join(SCOPES), "permissions": permissions(settings).value}
    return f"https://discord.com/oauth2/authorize?{urlencode(query)}"
