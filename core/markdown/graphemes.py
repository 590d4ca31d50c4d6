"""Where a word may be cut when there is no other way: never within what a reader sees as one character."""

from __future__ import annotations

import unicodedata

_LONGEST = 32
"""Characters; a longer heap of combining marks is cut like anything else."""
_JOINER = "\u200d"


def _extends(character: str) -> bool:
    """Does it belong to the character before it?"""
    code = ord(character)
    return (
        (code >= 0x300 and unicodedata.category(character) in ("Mn", "Me", "Mc"))
        or character in (_JOINER, "\u200c")
        or 0x1F3FB <= code <= 0x1F3FF  # skin tones
        or 0xE0020 <= code <= 0xE007F  # tags, as in flags of regions
        or 0xDC00 <= code <= 0xDFFF  # half of a surrogate pair
        or 0x1160 <= code <= 0x11FF  # Hangul vowels and finals
    )


def _regional(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def boundary(text: str, at: int) -> bool:
    """Is `at`, with a character on either side, between two graphemes? Follows UAX 29 closely enough for a cut."""
    after, before = text[at], text[at - 1]
    if after < "\u0300" and before != _JOINER:
        return True
    if _extends(after) or before == _JOINER:
        return False
    if _regional(after) and _regional(before):
        first = at
        while first > 0 and at - first < 2 * _LONGEST and _regional(text[first - 1]):
            first -= 1
        return (at - first) % 2 == 0
    return True


def next_boundary(text: str, at: int, end: int) -> int:
    """The first boundary from `at` on (`at` > 0), or -1 if the text up to `end` does not show one yet."""
    for position in range(at, min(end, at + _LONGEST)):
        if boundary(text, position):
            return position
    return at + _LONGEST if at + _LONGEST < end else -1
