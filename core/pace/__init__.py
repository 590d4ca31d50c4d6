"""How often a platform may be called. Deciding is pure: no clock, no sleep; waiting is `Pacer`'s alone.

```
 LiveReply ──ask──▶ Pacer ──▶ Queue: whose turn it is ──▶ Buckets: what each budget still allows
```

A budget is a limit with a name. A call draws on one or more of them (the bot's, the channel's, the message's) and may
go when every one has room. Urgent calls (creations, the first text, final edits) may use all of a limit; edits of
growing text leave a reserve of it, and are spread out evenly. A refusal (`retry_after`) closes the one budget it
belongs to until then, and makes it slower for a while: whoever waits for another budget is not held up.
"""

from __future__ import annotations

from core.pace.buckets import Buckets
from core.pace.budgets import Budget, Call, Pace, Stated
from core.pace.pacer import Leave, Pacer

__all__ = ["Buckets", "Budget", "Call", "Leave", "Pace", "Pacer", "Stated"]
