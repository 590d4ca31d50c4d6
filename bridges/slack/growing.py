"""What to append to a stream so that it shows a growing text. Pure.

A stream only ever gets longer, and readers see it as it is. So the end of an unfinished text is held back while what
follows may change its look (`**bol`, `[lin`): it comes with the next words.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from bridges.slack import format
from core.markdown import close

LONGEST = 11_500
"""Characters of one stream; Slack takes 12,000."""
LONGEST_HELD = 240
"""Characters that are held back at most: a long emphasis is shown with its marks until it ends."""

Json = dict[str, Any]

_MARKS = re.compile(r"[*_~`$]+")
_HALF_MENTION = re.compile(r"[<&][^\s<&]{0,12}$")
_FENCE_INFO = re.compile(r"(?m)^[ >]*(?:`{3,}|~{3,})\S*")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a stream shows, as it was given to Slack."""

    text: str = ""
    task: str = ""
    """What is said to be done just now."""
    tasks: int = 0
    """How many have been shown so far; their cards stay as long as the stream does."""


def addition(sent: Sent, written: str, status: str) -> tuple[list[Json], Sent] | None:
    """The chunks to append, and what is shown then; no chunks: it is shown already, as far as it can be. None: this
    text does not extend what is shown, or has become too long."""
    text = _shortened(format.block(settled(written))["text"])
    if sent.text.startswith(text):
        text = sent.text
    if not text.startswith(sent.text) or len(text) > LONGEST:
        return None
    chunks: list[Json] = []
    now = replace(sent, text=text)
    if sent.task and sent.task != status:
        chunks.append(_task(sent, "complete"))
        now = replace(now, task="")
    if len(text) > len(sent.text):
        chunks.append({"type": "markdown_text", "text": text[len(sent.text) :]})
    if status and status != now.task:
        now = replace(now, task=status, tasks=now.tasks + 1)
        chunks.append(_task(now, "in_progress"))
    return chunks, now


def ending(sent: Sent, text: str) -> list[Json] | None:
    """The chunks that make the final text of what is shown; None: it has to be written anew."""
    whole = format.block(text)["text"]
    if sent.tasks or not whole.startswith(sent.text) or len(whole) > LONGEST:
        return None
    rest = whole[len(sent.text) :]
    return [{"type": "markdown_text", "text": rest}] if rest else []


def settled(written: str) -> str:
    """The beginning of an unfinished text that looks as it will, whatever follows."""
    text = written
    for _ in range(4):
        kept, ends = _closed(text)
        if not ends or ends.startswith("\n"):
            break  # nothing is open, or nothing but a fence, which is one as soon as it begins
        text = kept[: _opening(kept, ends, cut=len(kept) < len(text))]
    else:
        kept = text[: text.rfind("\n") + 1]
    return kept if len(written) - len(kept) <= LONGEST_HELD else _closed(written)[0]


def _closed(text: str) -> tuple[str, str]:
    """How much of a text remains when it is closed, and what that puts behind it."""
    closed = close(text)
    both = min(len(text), len(closed))
    end = next((at for at in range(both) if text[at] != closed[at]), both)
    return text[:end], closed[end:]


def _opening(kept: str, ends: str, *, cut: bool) -> int:
    """Where that begins which `ends` closes."""
    if _MARKS.fullmatch(ends):
        found = [kept.rfind(mark * count) for mark in set(ends) for count in (1, 2, 3)]
        return min((at for at in found if at >= 0), default=len(kept))
    return len(kept) if cut else kept.rfind("\n") + 1


def _shortened(text: str) -> str:
    """Without the beginning of what may become a mention, which is not shown as one."""
    return _HALF_MENTION.sub("", text)


def _task(sent: Sent, state: str) -> Json:
    return {"type": "task_update", "id": f"task-{sent.tasks}", "title": sent.task, "status": state}


def says(message: Any, text: str) -> bool:
    """Does a message, as an answer of Slack's shows it, hold every word of a text? Slack writes its own markup into
    it, so no more than the words can be compared. True where the answer shows no message."""
    if not isinstance(message, dict):
        return True
    expected = Counter(_WORD.findall(_FENCE_INFO.sub("", text)))
    return any(not expected - Counter(_WORD.findall(one)) for one in (str(message.get("text")), _strings(message)))


def _strings(value: Any) -> str:
    """All that a structure says in words."""
    match value:
        case str():
            return value
        case dict():
            return " ".join(map(_strings, value.values()))
        case list():
            return " ".join(map(_strings, value))
        case _:
            return ""
