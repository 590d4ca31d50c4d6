"""Answers as HTML: right to look at, and harmless whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridges.web.format import LIMIT, fits, html
from tests.bridges.readers import READERS

SCRIPT = "<script>alert(1)</script>"
PLACES = (
    "{}",
    "# {}",
    "- {}",
    "> {}",
    "**{}**",
    "`{}`",
    "```{}\nx\n```",
    "```\n{}\n```",
    "    {}",
    "| a | {} |\n|---|---|\n| {} | b |",
    "[{}](https://ok.example)",
    "[a]({})",
    "[a](<{}>)",
    "[a](https://ok.example/{})",
    '[a](https://ok.example "{}")',
    "![{}](https://ok.example/x.png)",
    "![a]({})",
    "<{}>",
    "https://ok.example/{}",
    "${}$",
    "$$\n{}\n$$",
    "\\({}\\)",
    "[a]: {}\n\n[a]",
)
ATTACKS = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "&#106;avascript:alert(1)",
    "javascript&colon;alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "//evil.example/x",
    "</code></pre><script>alert(1)</script>",
    "<!-- <b> -->",
    "<![CDATA[<b>]]>",
    "<svg/onload=alert(1)>",
    "\0<b>\ud800",
    "style=position:fixed",
)


def harmless(text: str) -> None:
    READERS["web"].read(text)  # fails for every element, attribute and address that is not known to do no harm


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_gets_out_of_its_place(attack: str) -> None:
    for place in PLACES:
        harmless(place.replace("{}", attack))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([*PLACES, *ATTACKS, "\n", "\n\n", " ", "*", "[", "](", "<", ">"]), max_size=12))
def test_nor_does_any_mixture(pieces: list[str]) -> None:
    harmless("".join(pieces))


@given(st.text(max_size=200))
def test_nor_does_anything_else(text: str) -> None:
    harmless(text)


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**a** *b* ~~c~~ `d<`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d&lt;</code></p>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ("## Low *water*", "<h2>Low <em>water</em></h2>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- [ ] a\n- [x] b", "<ul><li>☐ a</li><li>☑ b</li></ul>"),
        ("```py title\nx < 1\n```", '<pre><code class="language-py">x &lt; 1</code></pre>'),
        ("$x_1$", "<p><code>x_1</code></p>"),
        (
            "| a | b |\n|:-:|--:|\n| 1 | 2 |",
            '<div class="table"><table><thead><tr><th class="center">a</th><th class="right">b</th></tr></thead>'
            '<tbody><tr><td class="center">1</td><td class="right">2</td></tr></tbody></table></div>',
        ),
        ("", ""),
    ],
)
def test_what_it_looks_like(markdown: str, shown: str) -> None:
    assert html(markdown) == shown


def test_links_lead_out_and_tell_nothing() -> None:
    link = '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>'
    assert html("[a](https://ok.example)") == f"<p>{link.format('https://ok.example', 'a')}</p>"
    assert html("https://ok.example.") == f"<p>{link.format('https://ok.example', 'https://ok.example')}.</p>"
    assert (
        html("![a *b*](https://ok.example/x.png)")
        == f"<p>{link.format('https://ok.example/x.png', 'a <em>b</em>')}</p>"
    )
    assert "<img" not in html("![a](https://ok.example/x.png)")
    assert html("[a](ftp://old.example)") == "<p>a (ftp://old.example)</p>"


def test_what_is_nested_too_deeply_is_shown_as_it_is_written() -> None:
    assert html("> " * 200 + "<b>").startswith("<pre>&gt; ")


def test_a_message_has_a_limit() -> None:
    assert fits("x" * LIMIT)
    assert not fits("x" * (LIMIT + 1))
