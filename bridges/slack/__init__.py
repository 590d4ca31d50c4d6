"""Slack: mentions, threads and direct messages of one workspace, over Socket Mode or Events over HTTP.

```
bridge.py    the contract: lifecycle, listening, opening messages
receiving.py Bolt's app: every event is recorded before Slack is told that it arrived
socket.py    Socket Mode connections; a new one is there before an old one goes
signature.py is this request from Slack?
inbound.py   an event -> what was said, as a value without names
using.py     the slash command and the stop button, in the same way
mrkdwn.py    Slack's markup -> Markdown
names.py     who is U0123?
stream.py    one message being written, as a stream for as long as that goes well
growing.py   what to append to one, and what to hold back
streams.py   the calls for it: where and how often there may be one
askers.py    for whom one is
surface.py   one message being written by edits
finding.py   a message of ours by its key
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
