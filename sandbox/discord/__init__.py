"""A stand-in for Discord: its REST API, its gateway and its file server, on loopback.

`records` are the things that exist, `world` holds them and their rules, `limits` are the rate limits, `payloads` the
JSON shapes, `gateway` is the socket, `session` what outlives it and `shards` how the guilds are divided over sessions,
`calls` answers REST and `server` what is around every call, `people` is what people do, and `markup` what they see.
"""

from __future__ import annotations

from sandbox.discord.records import Message
from sandbox.discord.server import TOKEN, DiscordServer

__all__ = ["TOKEN", "DiscordServer", "Message"]
