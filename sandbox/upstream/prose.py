"""Prose of any length, with headings, lists and code in it. Deterministic."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_WHO = (
    "the harbour master",
    "an old fisherman",
    "the baker's daughter",
    "a visiting painter",
    "the keeper of the lighthouse",
    "my neighbour",
    "a girl with a red kite",
    "the crew of the night ferry",
)
_DOES = (
    "counts the gulls on the wall",
    "writes the height of the water into a blue book",
    "waits for the wind to turn",
    "mends what the winter has broken",
    "knows every stone of the pier by name",
    "sells warm bread to whoever is awake",
    "sets the clock by the first boat",
    "tells a story that nobody believes",
)
_WHERE = (
    "down at the quay",
    "behind the customs house",
    "at the end of the breakwater",
    "in the lee of the church",
    "on the steps of the fish market",
    "where the road meets the sea",
)
_WHEN = ("Every morning", "On most days", "When the fog lifts", "After the storm", "Long before sunrise", "In October")
_AFTER = (
    "and then the whole street smells of salt and rope",
    "although hardly anyone takes notice",
    "because it has always been done that way",
    "and by noon it is forgotten again",
    "so that nobody has to ask",
    "and the bells answer from across the bay",
    "while the kettle sings in the window",
)
_TITLES = ("The harbour", "What the tide brings", "A list for the winter", "The night ferry", "Small repairs", "Voices")
_ITEMS = (
    "two coils of rope, one of them new",
    "a lamp that does not mind the rain",
    "the blue book, and a pencil that writes when wet",
    "bread for three, in case of visitors",
    "a spare key for the boathouse",
    "patience, as much as fits in a pocket",
)
_SNIPPETS = (
    '```python\nfor hour in range(24):\n    print(f"{hour:02}:00  {tide(hour):.2f} m")\n```',
    "```sql\nselect boat, min(left_at) from departures group by boat order by 2;\n```",
)


def sentence(number: int) -> str:
    """One of some thousands of sentences; neighbouring numbers give unlike ones."""
    dice = zlib.crc32(str(number).encode())

    def one_of(choices: tuple[str, ...]) -> str:
        nonlocal dice
        dice, index = divmod(dice, len(choices))
        return choices[index]

    when, who, does, where, after = one_of(_WHEN), one_of(_WHO), one_of(_DOES), one_of(_WHERE), one_of(_AFTER)
    shapes = (
        f"{when} {who} {does} {where}, {after}.",
        f"{when}, {where}, {who} {does}.",
        f"{who[0].upper()}{who[1:]} {does}, {after}.",
        f"{where[0].upper()}{where[1:]}, {who} {does}.",
    )
    return shapes[number % 4]


def long(words: int) -> str:
    """Exactly that many words (runs without white space): prose with headings, lists and code."""
    blocks: list[str] = []
    left = words
    for block in _blocks():
        length = len(block.split())
        if length > left:
            break
        blocks.append(block)
        left -= length
    if left:
        blocks.append(_closing(left))
    return "\n\n".join(blocks)


def _blocks() -> Iterator[str]:
    chapter = number = 0
    while True:
        yield f"## {chapter + 1}. {_TITLES[chapter % len(_TITLES)]}"
        for _ in range(2):
            yield _paragraph(number)
            number += 4
        match chapter % 3:
            case 0:
                yield "\n".join(f"- {_ITEMS[(chapter + index) % len(_ITEMS)]}" for index in range(4))
            case 1:
                yield _SNIPPETS[chapter // 3 % len(_SNIPPETS)]
            case _:
                yield f"> {sentence(number + 1)}"
        yield _paragraph(number)
        number += 4
        chapter += 1


def _paragraph(number: int) -> str:
    return " ".join(sentence(number + offset) for offset in range(4))


def _closing(words: int) -> str:
    """A last paragraph of exactly that many words."""
    text: list[str] = []
    number = 7_001
    while len(text) < words:
        text += sentence(number).split()
        number += 1
    last = text[:words]
    last[-1] = last[-1].rstrip(",.") + "."
    return " ".join(last)
