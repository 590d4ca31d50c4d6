"""`threadbridge doctor`: is everything as it has to be, and if not, what is to be done?

```
command    a configuration -> its checks -> exit code
ours       database, port, clock, access        upstreams  one short turn
asking     questions to a platform's API        examining  all checks at once, bounded in time
finding    what is found                        report     how it is told
```

What there is to ask of a platform, its own bridge knows (`bridges/*/checks.py`). A check asks plainly and by itself,
so that nothing a library mends or hides on the way is missed. None of them disturbs a program that runs meanwhile.
"""

from __future__ import annotations
