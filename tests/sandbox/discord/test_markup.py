from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.discord.markup import html, parse, plain


@pytest.mark.parametrize(
    ("content", "page"),
    [
        ("**b** *i* _i_ __u__ ~~s~~", "<strong>b</strong> <em>i</em> <em>i</em> <u>u</u> <del>s</del>"),
        ("***both***", "<strong><em>both</em></strong>"),
        ("a_b_c 2 * 3 * 4", "a_b_c 2 * 3 * 4"),
        ("||x||", '<span class="spoiler">x</span>'),
        ("`**x**` ``a`b``", "<code>**x**</code> <code>a`b</code>"),
        ("```py\nx = 1\n```", '<pre><code class="language-py">x = 1</code></pre>'),
        ("# H\ntext", "<h1>H</h1>text"),
        ("#### no", "#### no"),
        ("-# small", "<small>small</small>"),
        ("> q\n> r\nafter", "<blockquote>q<br>r</blockquote>after"),
        (">no quote", "&gt;no quote"),
        ("- a\n  - b\n3. c", '<div class="item">• a</div><div class="item">  • b</div><div class="item">3. c</div>'),
        ("\\*x\\*", "*x*"),
        ("|a|\n|-|\n|b|", "|a|<br>|-|<br>|b|"),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("<@1> <#2>", "<mark>@One</mark> <mark>#Two</mark>"),
        ("`<@1>`", "<code>&lt;@1&gt;</code>"),
    ],
)
def test_the_dialect(content: str, page: str) -> None:
    names = {("@", "1"): "@One", ("#", "2"): "#Two"}
    assert html(parse(content, lambda kind, key: names.get((kind, key)))) == page


def test_links() -> None:
    rel = ' rel="noreferrer noopener" target="_blank"'
    assert html(parse("[a](https://e.org/x)")) == f'<a href="https://e.org/x"{rel}>a</a>'
    assert html(parse("<https://e.org>")) == f'<a href="https://e.org"{rel}>https://e.org</a>'
    assert html(parse("https://e.org.")) == f'<a href="https://e.org"{rel}>https://e.org</a>.'
    assert html(parse("[a](javascript:x)")) == "[a](javascript:x)"


def test_plain_text_is_what_a_reader_sees() -> None:
    assert plain(parse("# T\n> a\n> b\n- **c**\n```\nd\n```\n[e](https://e.org)")) == "T\n▎a\n▎b\n• c\nd\ne"


@given(st.text(st.sampled_from("*_~|`<>[]()#-\\! ab1&\"'/:\n@") | st.characters(), max_size=40))
@settings(deadline=None)
def test_no_content_makes_unsafe_html(content: str) -> None:
    """The only tags are ours, whatever is written."""
    page = html(parse(content))
    rest = re.sub(
        r"</?(?:strong|em|u|del|code|pre|h[123]|small|blockquote|mark|br|span|div|a)"
        r'(?: (?:class|href|rel|target)="[^"<>]*")*>',
        "",
        page,
    )
    assert "<" not in rest
    assert not re.search(r'href="(?!https?:)', page)
