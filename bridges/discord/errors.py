"""What discord.py and aiohttp raise, as errors of ours.

The codes are those of https://discord.com/developers/docs/topics/opcodes-and-status-codes#json. A `detail` holds a
status, a code and Discord's own sentence, never the request.
"""

from __future__ import annotations

import aiohttp
import discord

from bridges.discord import pace
from bridges.discord.rest import Limited
from core.errors import ConfigError, MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown

UNKNOWN_CHANNEL = 10003
THREAD_ARCHIVED = 50083
NO_REPLIES = 160002
NOT_THIS_MESSAGE = (30010, 90001)
"""It has as many reactions as it may have, or its author takes none from the bot; others may."""
THREAD_EXISTS = 160004


class ContentRefused(PlatformRefused):
    """Discord does not take the text of this message."""


def translated(error: Exception) -> PlatformError:
    match error:
        case PlatformError():
            return error
        case Limited(whole_bot=True):
            return SlowDown(error.retry_after, budget=pace.BOT.name)
        case discord.RateLimited():
            return SlowDown(error.retry_after)
        case discord.NotFound(code=10008):
            return MessageMissing(detail=_detail(error))
        case discord.HTTPException() if error.status >= 500 or error.status == 408:
            return PlatformUnavailable(detail=_detail(error))
        case discord.HTTPException(code=50006 | 50035):
            return ContentRefused(detail=_detail(error))
        case discord.HTTPException():
            return PlatformRefused(detail=_detail(error))
        case _:
            return PlatformUnavailable(detail=type(error).__name__)


NOT_UNDERSTOOD = (LookupError, TypeError, ValueError, AttributeError)
"""What discord.py raises when an answer or an event is not of the shape that it expects."""

TRANSLATED = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError, *NOT_UNDERSTOOD)
"""All that a call may raise: `except TRANSLATED as error: raise translated(error) from None`."""


def _detail(error: discord.HTTPException) -> str:
    return f"status {error.status}, code {error.code}: {error.text[:200]}"


def at_start(error: Exception, api_url: str) -> ConfigError:
    """The sentence for the operator when the bot cannot log in."""
    match error:
        case discord.LoginFailure():
            return ConfigError(
                "Discord does not take bridges.discord.token: copy it again from the Bot page of your application at "
                "https://discord.com/developers/applications (Reset Token shows a new one)."
            )
        case discord.RateLimited():
            return ConfigError(
                f"Discord refuses every call for {error.retry_after:.0f} more seconds: wait that long before the next "
                "start."
            )
        case discord.HTTPException():
            return ConfigError(
                f"The server at bridges.discord.api_url ({api_url}) answers the login with status {error.status}: "
                "check the address, or try again later.",
                detail=_detail(error),
            )
        case _:
            return ConfigError(
                f"Discord cannot be reached at {api_url}: check bridges.discord.api_url and the network.",
                detail=type(error).__name__,
            )


def closed_for_good(code: int | None) -> ConfigError | None:
    """The sentence for a gateway connection that was closed with a code after which no reconnecting helps, or None."""
    match code:
        case 4004:
            return ConfigError(
                "Discord no longer takes bridges.discord.token: copy the new one from the Bot page of your application "
                "at https://discord.com/developers/applications."
            )
        case 4013 | 4014:
            return ConfigError(
                "The bot may not read messages: switch on Message Content Intent on the Bot page of your application "
                "at https://discord.com/developers/applications, then start again."
            )
        case 4010:
            return ConfigError(
                "Discord does not take the shards of this process: bridges.discord.shards has to be the same in all "
                "processes, and every number in bridges.discord.shard_ids below it."
            )
        case 4011:
            return ConfigError(
                "The bot is in too many servers for so few connections: raise bridges.discord.shards, to at least one "
                "for each 2,500 servers, in all processes."
            )
        case 4012:
            return ConfigError("The gateway at bridges.discord.gateway_url does not speak version 10 of the protocol.")
        case _:
            return None
