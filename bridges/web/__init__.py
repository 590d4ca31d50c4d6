"""The bridge to people without a chat platform: a page, and an HTTP API with server-sent events.

```
 api ──say──▶ room ◀──write── surface        room     what was said, in the database
  │            │                             watching who waits for news of a conversation
  └──stream◀───┘ watching                    format   Markdown as HTML
```

The conversations are in the database, so the answer may be written by another process than the one that a reader is
connected to.
"""

from __future__ import annotations

from bridges.web.bridge import WebBridge

__all__ = ["WebBridge"]
