from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridges.discord.format import LIMIT, fits, length, plain, render
from sandbox.discord import markup
from sandbox.discord.world import World

SAMPLE = """\
# Title with **bold**

Text with **bold**, *italic*, ***both***, ~~gone~~, `code`, __strong__ and a [link](https://example.org/a_(b)).

| Name | Größe | 都市 |
|:-----|------:|:----:|
| a    | 1     | 東京 |
| *b*  | `22`  | x    |

1. one
   - two
     ```python
     def f():
         return "```"
     ```
2. three
   > quoted
   > text

- [ ] open
- [x] done

> A quote
> > inside a quote

Inline $e^{i\\pi} + 1 = 0$ and \\(x_1\\), costs $5 and $6.

$$
\\frac{a}{b}
$$

#### Small heading
---
![picture](https://example.org/p.png) <b>html</b> &amp; https://example.org/a_b_c 👍🏽

~~~
unfinished fence
"""


def seen(text: str) -> str:
    """What a reader of Discord sees of a Markdown text."""
    return markup.plain(markup.parse(render(text))).replace("\u200b", "")


@pytest.mark.parametrize(
    ("markdown", "content"),
    [
        ("just text", "just text"),
        ("__bold__ and _italic_", "**bold** and *italic*"),
        ("# One\n## Two\n### Three\n#### Four **bold**", "# One\n## Two\n### Three\n**Four bold**"),
        ("Title\n=====\ntext", "# Title\ntext"),
        ("a\n\n---\n\nb", "a\n\n────────────\n\nb"),
        ("* a\n* b", "- a\n- b"),
        ("3) a\n4) b", "3. a\n4. b"),
        ("- a\n  - b\n    - c", "- a\n  - b\n    - c"),
        ("- [ ] a\n- [x] b", "- ☐ a\n- ☑ b"),
        (">a\nb", "> a\n> b"),
        ("    code *x*", "```\ncode *x*\n```"),
        ("~~~js extra\nx\n~~~", "```js\nx\n```"),
        ("```\nnot closed", "```\nnot closed\n```"),
        ("``a ` b``", "``a ` b``"),
        ("![alt](https://e.org/x.png)", "[alt](https://e.org/x.png)"),
        ("![](https://e.org/x.png)", "<https://e.org/x.png>"),
        ("[a](/relative)", "a (/relative)"),
        ("[a](mailto:x@e.org)", "a (mailto:x@e.org)"),
        ("<https://e.org>", "<https://e.org>"),
        ("https://e.org/a_b_/*c", "https://e.org/a_b_/\\*c"),
        ("**https://e.org**", "**https://e.org**"),
        ("<b>x</b> &lt;y&gt;", "<b>x</b> <y>"),
        ("$a_1$ costs $5 and $6", "`a_1` costs $5 and $6"),
        ("$HOME/$USER and ${X}", "$HOME/$USER and ${X}"),
        ("$$\nx_1\n$$", "```tex\nx_1\n```"),
        ("\\[note\\] text", "[note] text"),
        ("[x]: https://e.org\n\n[x]", "[x]: https://e.org\n\n[x]"),
        ("||no spoiler||", "\\|\\|no spoiler\\|\\|"),
        ("1. a\n   ```\n   b\n   ```\n2. c", "1. a\n```\nb\n```\n2. c"),
        ("- a\n\n  > b\n  > c", "- a\n\n> b\n> c"),
        ("> > a\n> > ```\n> > b\n> > ```", "> > a\n> ```\n> b\n> ```"),
        ("", ""),
        (" \n\n ", ""),
    ],
)
def test_markdown_becomes_what_discord_reads(markdown: str, content: str) -> None:
    assert render(markdown) == content


def test_a_table_becomes_aligned_text() -> None:
    assert render("|a|bb|\n|-|-:|\n|東京|**1**|") == "```\na     bb\n────  ──\n東京   1\n```"


@pytest.mark.parametrize(
    ("markdown", "content"),
    [
        ("[bank.example](https://evil.example/x)", "bank.example (<https://evil.example/x>)"),
        ("[https://bank.example](https://evil.example)", "https://bank.example (<https://evil.example>)"),
        ("[www.good.example](https://good.example/x)", "[www.good.example](https://good.example/x)"),
        ("[words](https://e.org)", "[words](https://e.org)"),
        ("[a](javascript:alert)", "[a]\\(javascript:alert)"),
        ("![bank.example](https://evil.example)", "bank.example (<https://evil.example>)"),
    ],
)
def test_no_link_hides_where_it_leads(markdown: str, content: str) -> None:
    """Words that look like an address are followed by the real one."""
    assert render(markdown) == content


@pytest.mark.parametrize(
    "text", ["@everyone <@1> <@&2> <#3>", "&lt;@1&gt;", "\\<@1>", "**<@1>**", "# <@1>", "|a|\n|-|\n|<@1>|"]
)
def test_no_text_becomes_a_mention(text: str) -> None:
    def tags(nodes: tuple[markup.Node, ...]) -> set[str]:
        return {node.tag for node in nodes}.union(*(tags(node.inside) for node in nodes))

    assert "mark" not in tags(markup.parse(render(text)))


def test_code_is_not_changed() -> None:
    code = "a = b * c  # __x__ <@1> [y](z) ~~ || $x$ \\n\n\n    indented\t`tick`"
    assert f"```py\n{code}\n```" == render(f"```py\n{code}\n```")
    assert render("`__x__ <@1> \\*`") == "`__x__ <@1> \\*`"


def test_code_cannot_leave_its_block() -> None:
    """Backticks that would end the block are kept apart by an invisible space, and only those."""
    rendered = render("````\n```\n@everyone\n```\n````")
    (block,) = markup.parse(rendered)
    assert block.tag == "pre"
    assert block.text.replace("\u200b", "") == "```\n@everyone\n```"


def test_every_prefix_of_an_answer_can_be_shown() -> None:
    """While it grows, an answer is cut at any point: that never fails, and loses no word."""
    for end in range(len(SAMPLE) + 1):
        shown = seen(SAMPLE[:end])
        hidden = re.sub(r"(?<=\w)\]\(\S*|`{3}\w*|&a?m?p?;?", "", SAMPLE[:end])
        assert [word for word in re.findall(r"[^\W_]{2,}", hidden) if word not in shown] == [], SAMPLE[:end]


words = st.sampled_from(["tide", "harbour", "日本", "x_y", "2 * 3", "👍🏽", "a.b", "(see)", "100%", "é"])
spans = st.recursive(
    words,
    lambda inner: st.one_of(
        st.builds(lambda t: f"**{t}**", inner),
        st.builds(lambda t: f"~~{t}~~", words),
        st.builds(lambda t: f"[{t}](https://e.org/x)", words),
        st.builds(lambda t: f"`{t}`", words),
        st.lists(inner, min_size=2, max_size=3).map(" ".join),
    ),
    max_leaves=6,
)
lines = st.lists(spans, min_size=1, max_size=4).map(" ".join)
blocks = st.one_of(
    lines,
    lines.map(lambda t: f"## {t}"),
    lines.map(lambda t: f"##### {t}"),
    lines.map(lambda t: f"> {t}"),
    st.lists(lines, min_size=1, max_size=3).map(lambda ts: "\n".join(f"- {t}" for t in ts)),
    st.lists(lines, min_size=1, max_size=3).map(lambda ts: "\n".join(f"{i}. {t}" for i, t in enumerate(ts, 1))),
    st.lists(words, min_size=1, max_size=3).map(lambda ts: "```py\n" + "\n".join(ts) + "\n```"),
)


def letters(text: str) -> str:
    return "".join(char for char in text if char.isalpha())


@given(st.lists(blocks, max_size=4))
@settings(max_examples=60, deadline=None)
def test_nothing_of_a_text_is_lost(parts: list[str]) -> None:
    """Whatever is nested in what, a reader sees every letter of it, in order."""
    source = "\n\n".join(parts)
    words_only = letters(re.sub(r"```py|\]\(https://e.org/x\)", "", source))
    assert letters(seen(source)) == words_only


MARKS = (
    *("\n", "\n\n", "# ", "> ", "- ", "1. ", "    ", "```", "`", "**", "__", "*", "_", "~~", "||", "|-|-|\n"),
    *("[a](", "![", "](https://e.org)", "<@1>", "$$", "$", "\\(", "\\[", "\\", "\ud83d", "\0", "\u202e", "\r\n"),
)
markdownish = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(MARKS),
    ),
    max_size=30,
).map("".join)


@given(markdownish)
@settings(max_examples=300, deadline=None)
def test_no_text_makes_it_fail(text: str) -> None:
    """Any text gives something that can be encoded, and what fits is taken by Discord."""
    content = render(text)
    assert content == content.strip()
    content.encode()
    if fits(text) and content:
        world = World()
        message, _ = world.write(world.channels[world.lounge], world.bot, content)
        assert message.content == content


@given(st.text(st.sampled_from("ab \n👍🏽*_|<"), min_size=1500, max_size=2600))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_fits_is_taken(text: str) -> None:
    """At the edge of the limit, counted as strictly as it can be counted."""
    content = render(text)
    assert fits(text) == (length(content) <= LIMIT)
    if fits(text) and content:
        world = World()
        world.write(world.channels[world.lounge], world.bot, content)


def test_lengths_are_counted_in_utf_16_units() -> None:
    assert length("aé日👍") == 5
    assert fits("👍" * 1000)
    assert not fits("👍" * 1001)
    assert not fits("👍" * 10_000)
    assert fits("")


def test_very_deep_nesting_is_shown_as_it_was_written() -> None:
    text = ">" * 300 + " deep"
    assert "deep" in render(text)
    assert "deep" in seen("- " * 100 + "deep")


def test_halves_of_characters_are_replaced() -> None:
    assert render("a\ud83db") == "a\ufffdb"
    assert plain("a\udc00 **b**\0") == "a\ufffd **b**\ufffd"
