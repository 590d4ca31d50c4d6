"""Takes out what a model thinks aloud: `<think>…</think>` in the text itself, where a server does not keep it apart."""

from __future__ import annotations

import re

_OPEN = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_CLOSE = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_LONGEST = len("</thinking>")


class WithoutThinking:
    """Takes the text piece by piece; what it gives does not depend on how the text was cut.

    Only thoughts before the first word of the answer are taken out: later the tag is a part of the text, as in an
    answer about such tags. A thought that never ends is none of the answer either."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._answering = False

    @property
    def thinking(self) -> bool:
        return self._inside

    def feed(self, delta: str) -> str:
        """What may be shown after this piece."""
        if self._answering:
            return delta
        text, self._held = self._held + delta, ""
        while True:
            if self._inside:
                end = _CLOSE.search(text)
                if end is None:
                    self._held = text[1 - _LONGEST :]
                    return ""
                self._inside = False
                text = text[end.end() :]
            start = text.lstrip()
            if (begin := _OPEN.match(start)) is not None:
                self._inside = True
                text = start[begin.end() :]
                continue
            if not start or "<thinking>".startswith(start.lower()) or "<think>".startswith(start.lower()):
                self._held = text
                return ""
            self._answering = True
            return start

    def close(self) -> str:
        """What was held back and turned out to be no thought."""
        text, self._held = self._held, ""
        return "" if self._inside else text.lstrip()
