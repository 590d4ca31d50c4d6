"""How often Python's collector looks for garbage, which is only what holds itself in a circle.

It looks through all that was made and kept since it looked last, once there are 700 such objects by default. A thousand
live replies hold two hundred thousand, none of them garbage, and make some of them anew all the time: with the default,
looking took between 8 and 34 of 100 seconds of the processor (`docs/benchmarks.md`).
"""

from __future__ import annotations

import gc

KEPT = 25_000
"""So many more objects than at the last look are there before the collector looks through those made since, which takes
25 to 50 ms, with a thousand live replies 200 to 400. What it may find too late is a few megabytes."""
AGAIN = 20
"""So many times it looks through the new ones before it looks through older ones again."""


def look_seldom() -> None:
    """Called once, when the program is up: what there is by then, modules above all, stays, and is not looked at."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(KEPT, AGAIN, AGAIN)
