"""Markdown that grows: cut into parts that fit a message, and shown while it is unfinished. Pure functions of text.

```
 text ──blocks.read──▶ lines ──inline.scan──▶ what is open at each place
                                 │
                     part.Part: shown, marks ──rank──▶ splitter: which mark ends a part
                                 │
                              closing: what of the last part can be shown already
```

One rule: what a place is worth, and what is open there, depends only on the text before it and the next visible
character. So parts never move. The price: a link reference definition does not reach into another part, and emphasis
that stays unclosed after a cut is emphasis to the end of its paragraph.
"""

from __future__ import annotations

from core.markdown.closing import close
from core.markdown.splitter import Fits, Splitter, split

__all__ = ["Fits", "Splitter", "close", "split"]
