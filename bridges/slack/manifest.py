"""The app's manifest: what Slack has to know of the app before it exists. Pure.

https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

from typing import Any

from bridges.settings import SlackSettings

SCOPES = {
    "app_mentions:read": "mentions of the bot are not heard",
    "assistant:write": "in the agent view it is not shown that an answer is being written",
    "channels:history": "public channels are not heard without a mention, and no post of its own is found again there",
    "channels:read": "channels have no names in what the assistant reads",
    "chat:write": "nothing can be written",
    "commands": "the slash command does not reach it",
    "files:read": "files that people send cannot be read",
    "files:write": "files of an answer are links",
    "groups:history": "private channels are not heard without a mention, and no post of its own is found again there",
    "groups:read": "private channels have no names in what the assistant reads",
    "im:history": "direct messages are not heard",
    "mpim:history": "group direct messages are not heard without a mention",
    "reactions:write": "people do not see that their message waits",
    "users:read": "people have no names in what the assistant reads",
}
"""Every scope that the bridge can make use of, and what is not possible without it."""
NEEDED = frozenset({"chat:write"})
"""Without these the bridge does not start."""

EVENTS = (
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "tokens_revoked",
)
"""What the bridge listens to."""

STOPPED = "agent_session_stopped"
"""The stop button, which only apps in the agent view have."""

EVENTS_PATH = "/slack/events"
"""For commands and buttons too."""
LONGEST_NAME = 35
"""Characters of an app's name."""


def scopes(settings: SlackSettings) -> dict[str, str]:
    """Those of `SCOPES` that it makes use of with these settings."""
    return {scope: lost for scope, lost in SCOPES.items() if settings.waiting_sign or scope != "reactions:write"}


def manifest(settings: SlackSettings, name: str, public_url: str) -> dict[str, Any]:
    """The manifest of an app for these settings. `public_url` (without a path) matters in the mode `http` only."""
    features: dict[str, Any] = {
        "app_home": {"home_tab_enabled": False, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        "bot_user": {"display_name": name, "always_online": True},
    }
    if settings.direct_messages == "threads":
        features["agent_view"] = {"agent_description": f"Write to {name} as you would to a colleague."}
    command = {
        "command": settings.command,
        "description": "Ask the assistant",
        "usage_hint": "question, or new, stop, retry, status, help",
        # names in the text come with their ids
        "should_escape": True,
    }
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    if "agent_view" in features:
        events["bot_events"].append(STOPPED)
    if settings.mode == "http":
        events = {"request_url": public_url + EVENTS_PATH, **events}
        command["url"] = public_url + EVENTS_PATH
    features["slash_commands"] = [command]
    presses: dict[str, Any] = {"is_enabled": settings.buttons}
    if settings.buttons and settings.mode == "http":
        presses["request_url"] = public_url + EVENTS_PATH
    return {
        "display_information": {"name": name, "description": "Answers in threads and direct messages."},
        "features": features,
        "oauth_config": {"scopes": {"bot": list(scopes(settings))}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": presses,
            "org_deploy_enabled": False,
            "socket_mode_enabled": settings.mode == "socket",
            "token_rotation_enabled": False,
        },
    }
