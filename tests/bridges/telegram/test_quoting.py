from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.telegram.quoting import Mark, as_markdown


@pytest.mark.parametrize(
    ("text", "marks", "markdown"),
    [
        ("2 * 3 * 4_a_", [], "2 * 3 * 4_a_"),
        ("a b c", [Mark("bold", 2, 3)], "a **b** c"),
        ("a b c", [Mark("bold", 1, 4)], "a **b** c"),
        ("ab", [Mark("bold", 0, 2), Mark("italic", 0, 2)], "***ab***"),
        ("ab cd", [Mark("bold", 0, 5), Mark("italic", 3, 5)], "**ab *cd***"),
        ("gone", [Mark("strikethrough", 0, 4)], "~~gone~~"),
        ("x", [Mark("code", 0, 1)], "`x`"),
        ("a`b", [Mark("code", 0, 3)], "``a`b``"),
        ("`", [Mark("code", 0, 1)], "`` ` ``"),
        ("*x*", [Mark("code", 0, 3), Mark("bold", 1, 2)], "`*x*`"),
        ("print(1)", [Mark("pre", 0, 8, language="python")], "```python\nprint(1)\n```"),
        ("a b c", [Mark("pre", 2, 3)], "a \n```\nb\n```\n c"),
        ("```", [Mark("pre", 0, 3)], "````\n```\n````"),
        ("here", [Mark("text_link", 0, 4, url="https://x.example")], "[here](https://x.example)"),
        ("[h]", [Mark("text_link", 0, 3, url="https://x.example/a(b)")], "[\\[h\\]](<https://x.example/a(b)>)"),
        ("https://x.example", [Mark("url", 0, 17)], "https://x.example"),
        ("a\nb\nc", [Mark("blockquote", 0, 3)], "> a\n> b\n\nc"),
        ("a\n\nb", [Mark("bold", 0, 4)], "**a**\n\n**b**"),
        ("😀 é x", [Mark("bold", 5, 6)], "😀 é **x**"),
        ("secret", [Mark("spoiler", 0, 6), Mark("underline", 0, 6)], "secret"),
        ("@bot, hello", [Mark("mention", 0, 4, gone=True)], "hello"),
        ("hey @bot what", [Mark("mention", 4, 8, gone=True)], "hey what"),
        ("hey @bot", [Mark("mention", 4, 8, gone=True)], "hey"),
        ("hey @bot?", [Mark("mention", 4, 8, gone=True)], "hey ?"),
        ("@bot", [Mark("mention", 0, 4, gone=True)], ""),
        ("a b", [Mark("bold", 0, 2), Mark("italic", 1, 3)], "**a** b"),
        ("ab", [Mark("bold", 1, 9)], "ab"),
    ],
)
def test_what_a_person_formatted_becomes_markdown(text: str, marks: list[Mark], markdown: str) -> None:
    assert as_markdown(text, marks) == markdown


kinds = st.sampled_from(
    ["bold", "italic", "code", "pre", "text_link", "blockquote", "mention", "spoiler", "unheard_of"]
)


@given(
    st.text(st.characters(exclude_categories=[]), max_size=40),
    st.lists(
        st.builds(Mark, kinds, st.integers(-2, 60), st.integers(-2, 60), st.sampled_from(["", "https://x.example"])),
        max_size=6,
    ),
)
def test_no_text_and_no_marks_are_too_strange(text: str, marks: list[Mark]) -> None:
    as_markdown(text, marks).encode("utf-8")
