"""Text that Discord must show as it is, although its dialect would read something into it. Pure.

Only what would be read is escaped: a plain sentence, a file_name, `2 * 3` stay as they were written.
"""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = re.compile(
    r"(?P<backslash>\\(?=[^0-9A-Za-z\s]|$))"
    r"|(?P<run>\*+|_+|~{2,}|\|{2,}|`+)"
    r"|(?P<link>\](?=\())"
    r"|(?P<angle><(?=@[!&]?[0-9]|\#[0-9]|/[^<>\n]*:[0-9]|a?:\w+:[0-9]|t:-?[0-9]|id:\w))"
    r"|(?P<start>(?<![^\n])(?:\#{1,3}|-\#|>{1,3}|[-*])(?=[ \t]|$))"
    r"|(?P<number>(?<![^\n])[0-9]{1,9}(?=\.[ \t]))",
    re.MULTILINE,
)


def escaped(text: str, *, before: str = "", after: str = "", inside: bool = False, line_start: bool = True) -> str:
    """`before` and `after` are what stands around it (a character, or empty at an end); `inside`: in emphasis, where
    every run of markers could end it; `line_start`: `text` begins a line."""

    def one(match: re.Match[str]) -> str:
        found = match[0]
        left = text[match.start() - 1] if match.start() else before
        right = text[match.end()] if match.end() < len(text) else after
        at_line_start = line_start or match.start() > 0
        if match["run"]:
            if found == "*" and not inside and _blank(left) and _blank(right) and not (left in ("", "\n") and right):
                return found
            if found == "_" and not inside and _word(left) and _word(right):
                return found
            return "".join("\\" + char for char in found)
        if match["start"]:
            return "\\" + found if at_line_start else found
        if match["number"]:
            return found + "\\" if at_line_start else found
        if match["link"]:
            return "]\\"
        return "\\" + found

    return _SPECIAL.sub(one, text)


def _blank(char: str) -> bool:
    return char == "" or char.isspace()


def _word(char: str) -> bool:
    return char.isalnum()


def seems_address(text: str) -> str | None:
    """The host that a reader would take this for, in lower case, or None: whoever reads `bank.example` in a link must
    not land anywhere else."""
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(char for char in plain if unicodedata.category(char) not in ("Cf", "Mn")).lower()
    plain = re.sub(r"[\u3002\uff0e\u2024\u00b7]", ".", plain)
    match = re.search(r"(?:[a-z][a-z0-9+.-]*:/*)?(?:[^\s/@]*@)?((?:[\w-]+\.)+[^\W\d]{2,})(?![\w-])", plain)
    return match[1].removeprefix("www.") if match else None
