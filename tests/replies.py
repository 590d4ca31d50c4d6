"""Replies as assistants write them, each with what a reader must see of it: known from how it was made, not by parsing.

A reply is made of numbered blocks: the same numbers make the same reply, and fewer numbers a smaller one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

WORDS = (
    *("a", "the", "answer", "is", "forty-two", "Grüße", "naïve", "e.g.", "so,", "end.", "Why?", "1985", "x", "(see"),
    *("it)", "AT&T", "50%", "C#", "#tag", "a_b_c", "snake_case_name", "~5", "km/h", "2 < 3", "5 * 3", "it's", '"so"'),
    *(
        "日本語の文章です。",
        "中文句子没有空格",
        "שלום עולם",
        "مرحبا بالعالم",
        "हिन्दी",
        "한국어",
        "👩‍👩‍👧‍👦",
        "🇩🇪🇫🇷",
        "👍🏽",
    ),
)
LONG = ("supercalifragilistic" * 4, "https://example.org/a_b/c?d=e&f=1", "長" * 90, "👨‍👩‍👧" * 12)
CODE = (
    *("x = 1", "    return **kwargs", "", "``", "# no heading", "- no item", "a" * 90, "print('日本')", "$HOME/$USER"),
    *("| a | b |", "\tif a < b && c:", "**not bold**", "<div>&amp;</div>", "@everyone", "[y](z)", "1. no item"),
)
SPANS = (
    *(("`x`", "x"), ("`a * b`", "a * b"), ("`` a`b ``", "a`b"), ("`**not bold**`", "**not bold**"), ("`f(x)[0]`",) * 2),
    *((r"\*literal\*", "*literal*"), ("&amp;", "&"), ("&lt;b&gt;", "<b>"), ("<b>", "<b>"), ("[1]", "[1]")),
    *(("[^1]", "[^1]"), ("$a_1 + b_2$", "a_1 + b_2"), ("$$x^2$$", "x^2"), ("$f*g*h = 1$", "f*g*h = 1")),
    *((r"\(x_1 * y_2\)", "x_1 * y_2"), (r"$\frac{a}{b}$", r"\frac{a}{b}"), ("$5", "5"), ("a\\_b", "a_b")),
)


_ITEM = re.compile(r"- |\d+\. ")


@dataclass(frozen=True, slots=True)
class Reply:
    markdown: str
    visible: str
    """All that has to be seen, markers of lists with numbers included, in order; white space does not count."""
    addresses: tuple[str, ...]
    """Where links lead."""
    headers: tuple[str, ...]
    """Of each table, what its header shows: it may be seen more than once."""


Pair = tuple[str, str]
"""Markdown, and what is seen of it."""


def reply(blocks: Sequence[int]) -> Reply:
    """The reply made of these blocks."""
    writer = _Writer()
    pairs: list[Pair] = []
    for index, number in enumerate(blocks):
        pair = writer.block(Random(number), index)
        if pairs and _ITEM.match(pair[0]) and _ITEM.match(pairs[-1][0]):
            pairs.append(("---", ""))  # two lists one after the other would be one
        pairs.append(pair)
    return Reply(
        "\n\n".join(markdown for markdown, _ in pairs),
        "\n".join(visible for _, visible in pairs),
        tuple(writer.addresses),
        tuple(writer.headers),
    )


class _Writer:
    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.headers: list[str] = []
        self._index = 0

    def block(self, random: Random, index: int) -> Pair:
        self._index = index
        kinds: tuple[Callable[[Random], Pair], ...] = (
            *(self._paragraph,) * 5,
            *(self._heading, self._fence, self._fence, self._table, self._table, self._formula),
            *(self._list,) * 3,
            self._quote,
        )
        return random.choice(kinds)(random)

    # --- within a line --------------------------------------------------------------------------------------------

    def _words(self, random: Random, most: int) -> str:
        words = [random.choice(WORDS) for _ in range(random.randint(1, most))]
        if random.random() < 0.05:
            words.append(random.choice(LONG))
        return " ".join(words)

    def _span(self, random: Random) -> Pair:
        words = self._words(random, 6)
        match random.randrange(12):
            case 0 | 1:
                mark = random.choice(["**", "*", "_", "__", "~~", "***"])
                words = " ".join(random.choice(WORDS[:10]) for _ in range(random.randint(1, 6)))
                return f"{mark}{words}{mark}", words
            case 2:
                inner = random.choice(WORDS[:8])
                return f"**so *{inner}* then**", f"so {inner} then"
            case 3 | 4:
                return self._link(random)
            case 5 | 6:
                markdown, visible = random.choice(SPANS)
                return markdown, visible.strip("`")
            case _:
                return words, words

    def _link(self, random: Random) -> Pair:
        address = f"https://e{len(self.addresses)}.example/{random.choice(['', 'a_b', 'x?y=1&z=2', 'q#r'])}"
        label = " ".join(random.choice(WORDS[:10]) for _ in range(random.randint(1, 4)))
        match random.randrange(6):
            case 0:
                return f"<{address}>", address
            case 1:
                self.addresses.append(address)
                return f"![{label}]({address})", label
            case 2:
                self.addresses.append(address)
                return f"[**{label}** `c`]({address} 'title')", f"{label} c"
            case 3:
                return f"{address}", address
            case _:
                self.addresses.append(address)
                return f"[{label}]({address})", label

    def _line(self, random: Random) -> Pair:
        # a line begins and ends with plain words, so that no block can come of it
        spans = [self._span(random) for _ in range(random.randint(1, 5))]
        first, last = random.choice(WORDS[:8]), random.choice(WORDS[:8])
        markdown = " ".join([first, *(markdown for markdown, _ in spans), last])
        return markdown, " ".join([first, *(visible for _, visible in spans), last])

    # --- blocks ---------------------------------------------------------------------------------------------------

    def _paragraph(self, random: Random) -> Pair:
        lines = [self._line(random) for _ in range(random.choice([1, 1, 1, 2, 3, 8]))]
        if random.random() < 0.2:
            lines.append(("over **two\nlines** it goes", "over two lines it goes"))
        return _joined(lines)

    def _heading(self, random: Random) -> Pair:
        words = " ".join(random.choice(WORDS[:10]) for _ in range(random.randint(1, 6)))
        return f"{'#' * random.randint(1, 6)} {words} **b**", f"{words} b"

    def _formula(self, random: Random) -> Pair:
        content = random.choice(["x = y_1", "\\frac{a}{b} * c * d", "a\n= b\n- c", "\\sum_{i}^{n} i"])
        opening, closing = random.choice([("$$", "$$"), (r"\[", r"\]")])
        return f"{opening}\n{content}\n{closing}", content

    def _fence(self, random: Random) -> Pair:
        marker = random.choice(["```", "````", "~~~", "~~~~~"])
        language = random.choice(["", "py", "python title", "c++", "sh"])
        lines = ["first", *(random.choice(CODE) for _ in range(random.choice([1, 4, 8, 40]))), "last"]
        return "\n".join([marker + language, *lines, marker]), "\n".join(lines)

    def _table(self, random: Random) -> Pair:
        columns = random.randint(1, 4)
        header = [f"T{self._index}c{column}" for column in range(columns)]
        self.headers.append("".join(header))
        cells = (
            *(("a", "a"), ("b c", "b c"), ("**d**", "d"), ("`e`", "e"), ("日本", "日本"), ("", "")),
            ("5 * 3",) * 2,
        )
        rows = [[random.choice(cells) for _ in range(columns)] for _ in range(random.choice([1, 3, 12, 60]))]
        rules = [random.choice(["---", ":--", ":-:", "--:"]) for _ in range(columns)]
        lines = [header, rules, *([markdown for markdown, _ in row] for row in rows)]
        seen = [header, *([visible for _, visible in row] for row in rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines), "\n".join(" ".join(row) for row in seen)

    def _list(self, random: Random, depth: int = 0) -> Pair:
        ordered, loose = random.random() < 0.4, random.random() < 0.3
        number = random.choice([1, 1, 3, 9])
        items: list[Pair] = []
        for _ in range(random.choice([1, 2, 4, 9])):
            marker = f"{number}. " if ordered else "- "
            markdown, visible = self._line(random)
            if not ordered and random.random() < 0.2:
                markdown = random.choice(["[ ] ", "[x] "]) + markdown
            if depth < 3 and random.random() < 0.25:
                kind = random.choice([self._fence, self._quote, None])
                more = kind(random) if kind else self._list(random, depth + 1)
                markdown, visible = f"{markdown}\n\n{more[0]}", f"{visible}\n{more[1]}"
            rest = markdown.replace("\n", "\n" + " " * len(marker))
            items.append((marker + rest, (marker if ordered else "") + visible))
            number += 1
        return _joined(items, "\n\n" if loose else "\n")

    def _quote(self, random: Random) -> Pair:
        inner = random.choice([self._paragraph, self._paragraph, self._quote, self._list, self._fence])(random)
        return "\n".join(f"> {line}".rstrip() for line in inner[0].split("\n")), inner[1]


def _joined(pairs: Sequence[Pair], gap: str = "\n") -> Pair:
    return gap.join(markdown for markdown, _ in pairs), "\n".join(visible for _, visible in pairs)


THOROUGH = "THREADBRIDGE_REPLIES" in os.environ
"""The long run, see `tests.bridges.test_fidelity`."""


def long_reply(characters: int) -> Reply:
    """A reply of at least so many characters."""
    blocks = characters // 500
    while len((written := reply(range(blocks))).markdown) < characters:
        blocks += blocks // 5
    return written
