"""Slack: mentions, threads and direct messages of one workspace, over Socket Mode or Events over HTTP.

```
bridge.py    the contract: lifecycle, listening, opening messages, finding them again
receiving.py Bolt's app: every event is recorded before Slack is told that it arrived
socket.py    Socket Mode connections; a new one is there before an old one goes
signature.py is this request from Slack?
inbound.py   an event -> what was said, as a value without names
mrkdwn.py    Slack's markup -> Markdown
names.py     who is U0123?
surface.py   one message being written
format.py    Markdown -> what Slack takes; what fits; nothing that notifies anybody
status.py    "is writing"
files.py     a person's file, streamed
web.py       the Web API, its errors translated by errors.py
thread.py    thread ids
pace.py      how fast it may speak
```
"""

from __future__ import annotations

from bridges.slack.bridge import SlackBridge

__all__ = ["SlackBridge"]
