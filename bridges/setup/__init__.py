"""`threadbridge init` and its neighbours: from nothing to a configuration that works.

```
arguments  the commands, as the command line knows them   command    what they do
platforms  what to ask of each platform                    upstreams  what to ask of the assistant
questions  at a terminal, through a pipe, or not at all    draft      what was answered so far
toml       a configuration with comments                   file       writing it, for its owner alone
```
"""

from __future__ import annotations
