"""The link with which an administrator brings the bot into a server. Pure.

https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow
"""

from __future__ import annotations

from urllib.parse import urlencode

from discord import Permissions

SCOPES = ("bot", "applications.commands")


def permissions(answer_in: str) -> Permissions:
    """What the bot has to be allowed, and nothing that it has no use for."""
    wanted = Permissions.none()
    wanted.view_channel = True
    wanted.send_messages = True
    wanted.send_messages_in_threads = True
    # replies refer to a message, and what was said while the bot was away is read from the channels
    wanted.read_message_history = True
    wanted.create_public_threads = answer_in == "thread"
    return wanted


def invite(application: str, answer_in: str) -> str:
    query = {"client_id": application, "scope": " ".join(SCOPES), "permissions": permissions(answer_in).value}
    return f"https://discord.com/oauth2/authorize?{urlencode(query)}"
