"""Takes the marks out of a text that ChatGPT's service puts where its own page shows a link to a source.

Two kinds: `【11†source】`, and anything between U+E200 and U+E201. A mark that is not complete yet is held back. Other
brackets of the first kind are ordinary punctuation in Chinese and Japanese and stay.
"""

from __future__ import annotations

import re

_OPEN, _CLOSE = "\ue200", "\ue201"
_LONGEST = 200  # characters of the first kind; a longer one is no mark

_MARK = re.compile(rf"【\d{{1,4}}(?::\d{{1,4}})?†[^】\n]{{0,{_LONGEST}}}】|{_OPEN}[^{_CLOSE}]*{_CLOSE}")
_BEGUN = re.compile(rf"【(?:\d{{1,4}}(?::(?:\d{{1,4}})?)?(?:†[^】\n]{{0,{_LONGEST}}})?)?\Z|{_OPEN}[^{_CLOSE}]*\Z")


class WithoutCitations:
    """Takes the text piece by piece; what it gives does not depend on how the text was cut."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, delta: str) -> str:
        """What may be shown after this piece."""
        if not self._held and "【" not in delta and _OPEN not in delta:
            return delta
        text = _MARK.sub("", self._held + delta)
        begun = _BEGUN.search(text)
        self._held = text[begun.start() :] if begun else ""
        return text[: begun.start()] if begun else text

    def close(self) -> str:
        """What was held back and turned out to be no mark."""
        text, self._held = self._held, ""
        return text.lstrip(_OPEN)
