"""Discord: mentions, threads, forum posts and direct messages, over discord.py.

```
bridge    lifecycle, listening, opening         gateway   staying connected
receiving events -> records, in order           catch_up  what was said before the session began
inbound   what somebody wrote -> Message        rest      one request, one answer; buckets: what headers say
interactions a used command -> Message           registering what Discord offers as commands
surface   one message being written             room      one place to write to, creating its thread if need be
format    Markdown -> Discord's dialect         dialect, spans, literal, table: its parts
thread    ThreadId made and read                errors, pace, files
```
"""

from __future__ import annotations

from bridges.discord.bridge import DiscordBridge
from bridges.discord.surface import DiscordSurface

__all__ = ["DiscordBridge", "DiscordSurface"]
