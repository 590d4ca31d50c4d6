from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridges.telegram.entities import LONGEST, MOST, Formatted, utf16
from bridges.telegram.format import fits, plain, render
from sandbox.telegram.refusal import Refusal
from sandbox.telegram.text import accepted, detected

SAMPLE = """# Title with *stress*

A paragraph with **bold `code` inside**, *italics*, ~~gone~~, [a link](https://tide.example/x?a=1),
a [relative one](docs/tides.md), <https://plain.example>, and @ann_kern.

- one
- two
  - nested **strong**
    1. deep
    2. deeper

       ```python
       def f():
       \treturn 1
       ```
- [ ] open
- [x] done

7. seven
8. eight

> quoted
> > twice
> ```
> in a quote
> ```

| Port | Höhe |
|:-----|-----:|
| 東京 | 1 |
| [x](https://y.example) | `z` |

![map](https://maps.example/a.png)

<b>html</b>

Formula $a_1*b*c$ and \\(x_1\\), $5 and $10.

$$
x = y
- z
$$

A note[^1].

[^1]: The note.

---

The end &amp; more.
"""


def pieces(shown: Formatted) -> list[tuple[str, str]]:
    units = shown.text.encode("utf-16-le")
    return [
        (entity.kind, units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le"))
        for entity in shown.entities
    ]


def as_sent(shown: Formatted) -> list[dict[str, object]]:
    return [
        {"type": e.kind, "offset": e.offset, "length": e.length, "url": e.url, "language": e.language}
        for e in shown.entities
    ]


@pytest.mark.parametrize(
    ("markdown", "text", "formatting"),
    [
        ("# Tides", "Tides", [("bold", "Tides")]),
        ("Low\n===", "Low", [("bold", "Low")]),
        ("**a** *b* ~~c~~ `d`", "a b c d", [("bold", "a"), ("italic", "b"), ("strikethrough", "c"), ("code", "d")]),
        ("***both***", "both", [("bold", "both"), ("italic", "both")]),
        ("**a `b` c**", "a b c", [("bold", "a"), ("code", "b"), ("bold", "c")]),
        ("# A **b**", "A b", [("bold", "A b")]),
        ("- a\n- b\n  - c\n    - d\n      - e", "• a\n• b\n  ◦ c\n    ▪ d\n      ▪ e", []),
        ("3. a\n4. b", "3. a\n4. b", []),
        ("1) a\n2) b", "1) a\n2) b", []),
        ("- a\n\n  more\n\n- b", "• a\n\n  more\n\n• b", []),
        ("- [ ] a\n- [X] **b**", "☐ a\n☑ b", [("bold", "b")]),
        ("> a\n> b", "a\nb", [("blockquote", "a\nb")]),
        ("> a\n> > b\n> > c", "a\n\n> b\n> c", [("blockquote", "a\n\n> b\n> c")]),
        ("```py\na  b\n```", "a  b", [("pre", "a  b")]),
        ("```\na\n\n\nb", "a\n\n\nb", [("pre", "a\n\n\nb")]),
        ("- a\n  ```\n  b\n  ```", "• a\nb", [("pre", "b")]),
        ("a\n\n---\n\nb", "a\n\n———\n\nb", []),
        ("[a](https://x.example)", "a", [("text_link", "a")]),
        ("[`a`](https://x.example)", "a", [("text_link", "a")]),
        ("[https://x.example](https://x.example)", "https://x.example", []),
        ("<https://x.example>", "https://x.example", []),
        ("![a](https://x.example/i.png)", "a", [("text_link", "a")]),
        ("![](https://x.example/i.png)", "https://x.example/i.png", []),
        ("[a]: https://x.example", "[a]: https://x.example", []),
        ("a[^1]\n\n[^1]: b", "a[^1]\n\n[^1]: b", []),
        ("<script>alert(1)</script>", "<script>alert(1)</script>", []),
        ("a <br> b", "a <br> b", []),
        ("$a_1$ \\(b_2\\) \\[c*d*\\]", "$a_1$ \\(b_2\\) \\[c*d*\\]", []),
        ("$$\na\n= b\n- c\n$$", "$$\na\n= b\n- c\n$$", []),
        ("\\[\na * b * c", "\\[\na * b * c", []),
        ("> $$\n> a * b * c\n\n*d*", "$$\na * b * c\n\nd", [("blockquote", "$$\na * b * c"), ("italic", "d")]),
        ("costs $5, or $6 *each*", "costs $5, or $6 each", [("italic", "each")]),
        ("a  \nb\nc", "a\nb\nc", []),
        ("&lt;b&gt;", "<b>", []),
        ("mail a@b.example", "mail a@b.example", []),
        ("ask @ann_kern", "ask @ann_kern", [("code", "@ann_kern")]),
        ("`@ann_kern`", "@ann_kern", [("code", "@ann_kern")]),
    ],
)
def test_markdown_becomes_what_looks_right(markdown: str, text: str, formatting: list[tuple[str, str]]) -> None:
    shown = render(markdown)
    assert shown.text == text
    assert pieces(shown) == formatting


@pytest.mark.parametrize(
    "address",
    [
        "docs/tides.md",
        "note",
        "javascript:alert(1)",
        "tg://user?id=501001",
        "http://localhost/x",
        "https://bad host.example",
        "mailto:a@b.example",
        "https://x.example:99999/",
        "https://[::zz]/",
        "//x.example",
        "https://user@x.example",
    ],
)
def test_an_address_that_telegram_would_refuse_or_misread_is_shown_as_text(address: str) -> None:
    shown = render(f"see [this](<{address}>) now")
    assert shown.text == f"see this ({address}) now"
    assert [kind for kind, _ in pieces(shown)] == []


@pytest.mark.parametrize(
    "address", ["https://x.example", "http://a.b.example:80/?q=1#f", "https://[::1]/", "https://bücher.example/ä"]
)
def test_an_address_that_telegram_takes_is_a_link(address: str) -> None:
    shown = render(f"[this](<{address}>)")
    assert [entity.url for entity in shown.entities] == [address]
    accepted(shown.text, as_sent(shown))


def test_a_table_is_aligned_in_a_font_of_fixed_width() -> None:
    shown = render("| Port | m |\n|:-|-:|\n| 東京 | 1 |\n| Kiel | 10.5 |")
    assert shown.text == "Port |    m\n-----+-----\n東京 |    1\nKiel | 10.5"
    assert pieces(shown) == [("pre", shown.text)]


def test_a_fence_says_its_language_and_tabs_keep_their_width() -> None:
    shown = render("```go\n\tx := 1\n```")
    assert shown.entities[0].language == "go"
    assert "x := 1" in shown.text
    assert render("a\n\n```go\nif\n\tx\n```").text == "a\n\nif\n    x"


def test_offsets_count_utf16_units() -> None:
    shown = render("😀😀 **𝔹old** é")
    assert pieces(shown) == [("bold", "𝔹old")]
    assert (shown.entities[0].offset, shown.entities[0].length) == (5, 5)


def test_every_prefix_of_an_answer_can_be_shown() -> None:
    for end in range(len(SAMPLE) + 1):
        shown = render(SAMPLE[:end])
        if shown.text:
            assert accepted(shown.text, as_sent(shown))[0] == shown.text


def test_no_word_of_the_sample_is_lost() -> None:
    shown = render(SAMPLE)
    known = shown.text + "".join(entity.url + entity.language for entity in shown.entities)
    assert not [word for word in re.findall(r"\w+", SAMPLE) if word not in known and word != "amp"]


def test_formatting_past_the_hundredth_is_given_up_and_text_is_not() -> None:
    words = [f"w{n}" for n in range(150)]
    shown = render(" ".join(f"*{word}*" for word in words) + "\n\n```\ncode\n```")
    assert len(shown.entities) == MOST
    assert shown.text == " ".join(words) + "\n\ncode"
    assert ("pre", "code") in pieces(shown)


def test_links_past_the_hundredth_are_spelled_out() -> None:
    shown = render(" ".join(f"[w{n}](https://x.example/{n})" for n in range(120)))
    assert all(f"https://x.example/{n}" in shown.text for n in range(120))


def test_plain_text_keeps_every_address() -> None:
    assert plain("**a** [b](https://x.example)") == "a b (https://x.example)"
    assert plain(f"[b](https://x.example/{'a' * 80}) " * 90) == ("b " * 90).strip()  # spelled out it would not fit
    assert not detected(plain("ask @ann_kern"), [])


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b", "\u200b \u00a0\u2060", "\x00\x01"])
def test_what_nobody_would_see_is_empty(text: str) -> None:
    assert render(text).text in ("", "\ufffd")  # the parser makes a visible sign of NUL, as CommonMark says
    assert fits(text)


@pytest.mark.parametrize("text", ["```", "```python\n", "#", "**", "[", "> ", "- ", "\\"])
def test_what_is_nothing_but_marks_is_shown_as_it_is(text: str) -> None:
    assert render(text).text.strip()


def test_length_is_counted_in_utf16_units() -> None:
    assert fits("a" * LONGEST)
    assert not fits("a" * (LONGEST + 1))
    assert fits("😀" * (LONGEST // 2))
    assert not fits("😀" * (LONGEST // 2 + 1))
    assert fits("a" * LONGEST + " \n")
    assert fits(f"[{'a' * LONGEST}](https://x.example)")
    assert not fits("😀" * 10_000)


def test_nesting_deeper_than_anyone_reads_loses_nothing() -> None:
    for mark in (">", "- ", "*", "[", "**a ", "!["):
        assert "word" in render(mark * 400 + " word").text


NASTY = st.text(st.characters(exclude_categories=[]), max_size=80)
MARKS = st.lists(
    st.sampled_from(
        [
            *(
                "**",
                "*",
                "_",
                "~~",
                "`",
                "```",
                "\n",
                "\n\n",
                "- ",
                "1. ",
                "> ",
                "# ",
                "[",
                "](",
                ")",
                "|",
                "\n|-|-|\n",
            ),
            *("a", "b c", "😀", "漢", "\u202e", "\u200d", "\ud83d", "\x00", "\t", "$", "&#x202e;", "<b>"),
            *("https://x.example", "@ann"),
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(NASTY | MARKS)
@example("\u202e\ud800\x00**a**")
@example("&#8232;**a**")
@example("```@ann_kern")
def test_whatever_is_written_the_server_takes_it(text: str) -> None:
    shown = render(text)
    assert len(shown.entities) <= MOST
    if not shown.text:
        return
    for markup in (as_sent(shown), []):
        kept, entities = accepted(shown.text, markup, limit=10**6)
        assert kept == shown.text
        assert [(e["type"], e["offset"], e["length"]) for e in entities] == [
            (e["type"], e["offset"], e["length"])
            for e in sorted(markup, key=lambda e: (e["offset"], -int(str(e["length"]))))
        ]
    assert not [e for e in detected(shown.text, as_sent(shown)) if e["type"] == "mention"], "it would ring"


@settings(max_examples=200, deadline=None)
@given(MARKS)
def test_spans_are_nested_properly(text: str) -> None:
    ranges = [(e.offset, e.offset + e.length) for e in render(text).entities]
    assert not [(a, b) for a in ranges for b in ranges if a[0] < b[0] < a[1] < b[1]]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["alpha", "beta", "**gamma**", "\n", "\n\n", "- ", "> ", "| ", "`delta`", "1. ", "# "]),
        max_size=30,
    )
)
def test_no_word_is_lost(parts: list[str]) -> None:
    source = " ".join(parts)
    words = re.findall(r"[a-z]+", source)
    assert re.findall(r"[a-z]+", render(source).text) == words


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["a", "é", "漢", "😀", "*a* ", "😀 `b` "]), st.integers(1, 5000))
def test_what_fits_is_taken_and_what_is_far_too_long_does_not_fit(unit: str, count: int) -> None:
    text = unit * count
    shown = render(text)
    assert fits(text) == (utf16(shown.text) <= LONGEST)
    if fits(text):
        accepted(shown.text, as_sent(shown))
    else:
        with pytest.raises(Refusal):
            accepted(shown.text * 2, [])
