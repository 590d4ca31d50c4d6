"""Hypothesis strategies for Markdown as assistants write it, for every test that needs some.

`documents` are well-formed; `anything` is Markdown's characters at random; `chunks` are a text in pieces.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

_PLAIN = [
    "a",
    "the",
    "answer",
    "is",
    "forty-two",
    "Grüße",
    "naïve",
    "e.g.",
    "so,",
    "end.",
    "Why?",
    "1985",
    "x",
    "(see",
    "it)",
]
_SCRIPTS = [
    "日本語の文章です。",
    "中文句子没有空格",
    "שלום",
    "مرحبا",
    "हिन्दी",
    "👩‍👩‍👧‍👦",
    "🇩🇪🇫🇷",
    "👍🏽",
    "é" * 3,
    "한국어",
]
_LONG = ["supercalifragilistic" * 3, "https://example.org/a_b/c?d=e&f=1", "長" * 60, "👨‍👩‍👧" * 12]

words: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(_PLAIN), st.sampled_from(_PLAIN), st.sampled_from(_SCRIPTS), st.sampled_from(_LONG)
    )
)
"""Words without any markup, some of other scripts, some too long for a line."""


@st.composite
def _phrase(draw: st.DrawFn, most: int) -> str:
    return " ".join(draw(st.lists(words, min_size=1, max_size=most)))


@st.composite
def _wrapped(draw: st.DrawFn, marker: str, most: int = 8) -> str:
    return marker + draw(_phrase(most)) + marker


_code_spans = st.one_of(
    st.sampled_from(["`x`", "`a * b`", "`` a`b ``", "`**not bold**`", "`long code span with words`", "`f(x)[0]`"])
)
_links: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["[a link](http://a.io)", "![image](http://a.io/b.png)", "[x](</y z>)", "<https://a.io>"]),
        st.tuples(_phrase(3), st.sampled_from(["http://example.org/x_y_z", "/a(b)c", "http://a.b/ 'title'"])).map(
            lambda pair: f"[{pair[0]}]({pair[1]})"
        ),
    )
)
_odds: st.SearchStrategy[str] = st.deferred(
    lambda: st.sampled_from(
        ["$a_1 + b_2$", "$$x^2$$", "&amp;", "5 * 3", "a_b_c", r"\*literal\*", "AT&T", "<b>bold</b>", "[1]"]
    )
)
_spans: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        _phrase(6),
        _phrase(6),
        _wrapped("**"),
        _wrapped("*"),
        _wrapped("_"),
        _wrapped("~~"),
        _wrapped("***"),
        st.tuples(_phrase(3), _wrapped("*", 3), _phrase(3)).map(lambda three: "**" + " ".join(three) + "**"),
        _code_spans,
        _links,
        _odds,
    )
)

inlines: st.SearchStrategy[str] = st.deferred(lambda: st.lists(_spans, min_size=1, max_size=6).map(" ".join))
"""The text of one line, with markup."""

_lines = st.lists(inlines, min_size=1, max_size=3).map("\n".join)
_over_lines = st.tuples(_phrase(4), _phrase(4), _phrase(4)).map(lambda t: f"{t[0]} **{t[1]}\n{t[2]}** end")
paragraphs: st.SearchStrategy[str] = st.deferred(lambda: st.one_of(_lines, _lines, _over_lines))
_headings = st.tuples(st.integers(1, 4), _phrase(5)).map(lambda pair: "#" * pair[0] + " " + pair[1])
_code_lines: st.SearchStrategy[list[str]] = st.deferred(
    lambda: st.lists(
        st.sampled_from(
            [
                "x = 1",
                "    return **kwargs",
                "",
                "``",
                "# no heading",
                "- no item",
                "a" * 70,
                "print('日本')",
                "| a | b |",
            ]
        ),
        min_size=1,
        max_size=8,
    )
)


@st.composite
def fences(draw: st.DrawFn) -> str:
    """Fenced code, with and without language, of backticks and tildes of several lengths."""
    marker = draw(st.sampled_from(["```", "````", "~~~", "~~~~~"]))
    language = draw(st.sampled_from(["", "py", "python title", "c++"]))
    lines = ["first", *draw(_code_lines), "last"]
    return "\n".join([marker + language, *lines, marker])


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table with outer pipes."""
    columns = draw(st.integers(1, 3))
    cell = st.one_of(st.sampled_from(["a", "b c", "**d**", "`e`", "日本", "", r"x \| y"]), _phrase(2))
    rows = draw(st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=2, max_size=8))
    first, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    header = "| " + " | ".join("xyz"[:columns]) + " |"
    return "\n".join([header, "|" + "---|" * columns, first, *rest])


def _indented(text: str, by: str) -> str:
    return "\n".join(by + line if line else line for line in text.split("\n"))


def _quoted(text: str) -> str:
    return "\n".join("> " + line if line else ">" for line in text.split("\n"))


def _list(items: Sequence[str], ordered: bool, loose: bool) -> str:
    rows = []
    for number, item in enumerate(items, 1):
        marker = f"{number}. " if ordered else "- "
        rows.append(marker + _indented(item, " " * len(marker))[len(marker) :])
    return ("\n\n" if loose else "\n").join(rows)


def _contained(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=2).map("\n\n".join)
    return st.one_of(
        st.builds(_list, st.lists(several, min_size=1, max_size=4), st.booleans(), st.booleans()),
        several.map(_quoted),
        st.tuples(_lines, inner).map(lambda pair: _list([pair[0] + "\n" + pair[1]], False, False)),
    )


_leaves: st.SearchStrategy[str] = st.deferred(lambda: st.one_of(paragraphs, paragraphs, fences()))


@st.composite
def _nested(draw: st.DrawFn) -> str:
    """Lists and quotes, in each other, around paragraphs and code."""
    text = draw(_leaves)
    for _ in range(draw(st.integers(1, 3))):
        text = draw(_contained(st.one_of(st.just(text), _leaves)))
    return text


blocks: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        paragraphs,
        paragraphs,
        _headings,
        fences(),
        tables(),
        _nested(),
        st.just("---"),
        st.sampled_from(["Title\n=====", "    indented\n    code", "$$\nx = y\n$$", "<div>\nhtml\n</div>"]),
    )
)
"""One block of any kind, containers with other blocks in them included."""

documents: st.SearchStrategy[str] = st.deferred(lambda: st.lists(blocks, min_size=1, max_size=8).map("\n\n".join))
"""Well-formed Markdown."""

anything: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.text(),
        st.text(alphabet="ab \n*_`~[]()<>#->|:.1\\!$&é👍", max_size=300),
        st.lists(
            st.sampled_from(
                ["**", "*", "`", "```", "\n", "\n\n", "- ", "> ", "|", "---", "word ", "[", "](", ")", "  "]
            )
        ).map("".join),
    )
)
"""Any text at all, mostly of the characters that mean something."""


@st.composite
def chunks(draw: st.DrawFn, texts: st.SearchStrategy[str] = documents) -> list[str]:
    """A text in the pieces in which it came."""
    text = draw(texts)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
