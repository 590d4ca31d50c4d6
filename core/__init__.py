"""The relay core: a chat thread is one upstream conversation, and the reply grows while the upstream writes.

```
 bridges ──Message──▶ Relay ──Prompt──▶ Upstream
    ▲                   │ turns            │ Opened, Text, Replace, Status, File, Done
    │                database              ▼
    └────show(text)── LiveReply ◀──────────┘
```

Everything moves one way. A bridge hands over a `Message` and hears no more of it; the upstream gets one `Prompt`
with all it needs and yields events; the live reply takes text and keeps it shown.

One rule: nothing in here imports `bridges` or names a platform (`tests/test_architecture.py`).
"""

from __future__ import annotations
