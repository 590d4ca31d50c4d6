"""The stand-in of the upstreams: GoAPI, GPTBots, MyGPTAssistants and an OpenAI-compatible server, with a small brain.

Built from the vendors' pages; where these leave something open, the switches of each system make it one way or another.

```
server            routes, faults, the feed, what tests and the playground hold
  goapi, gptbots, mygptassistants, openai      what is asked, checked and refused, for each system
    *_stream, goapi_deltas, gptbots_content    what goes over the wire: pure
  turns           one turn: pace, faults, record, a client that goes away
    tempo, pieces, conversations
    brain, prose, samples, picture             what is answered: pure
```
"""

from __future__ import annotations

from sandbox.upstream.dialect import API_KEY, BOT_ID, OTHER_KEY
from sandbox.upstream.server import UpstreamServer

__all__ = ["API_KEY", "BOT_ID", "OTHER_KEY", "UpstreamServer"]
