"""A Slack workspace on loopback: the Web API, Socket Mode, and Events over HTTP.

```
server.py    routes, tokens, faults, limits, sockets: what stands around every call
wire.py      the outer form of requests and answers
workspace.py what people do and see, and what apps are told of it
methods.py   the Web API method by method: reads its arguments, asks the world, words the answer
chat.py      posting, editing, deleting: the rules for text and blocks
streams.py   messages that grow by themselves
world.py     who and what there is: no protocol, no clock of its own
events.py    what Slack tells an app about a change in the world
delivery.py  getting it there: sockets, HTTP, acknowledgements, redelivery
render.py    what a reader sees
limits.py    how often what may be called
```
"""

from __future__ import annotations

from sandbox.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackServer

__all__ = ["APP_TOKEN", "BOT_TOKEN", "SIGNING_SECRET", "SlackServer"]
