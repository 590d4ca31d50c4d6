"""Markdown on its way out, and Slack's markup on its way in: pure."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bridges.slack import format
from bridges.slack.mrkdwn import Names, markdown, mentioned, mentions, without_mention
from bridges.slack.thread import Thread
from core.model import ThreadId

PIECES = st.sampled_from(
    ["<!here>", "<@U0ANNKERN1>", "<", ">", "&", "&lt;", "```\n", "`", "**", "\n", "| a |", "😀", "\u200b", "‮", "\x00"]
)
TEXTS = st.lists(PIECES | st.text(st.characters(), max_size=20), max_size=60).map("".join)
LIVE = re.compile(r"<(?:[@#][A-Z][A-Z0-9]+|!(?i:channel|here|everyone|group|subteam|date)\b)")


@given(TEXTS)
def test_nothing_live_is_left(text: str) -> None:
    assert not LIVE.search(format.block(text)["text"])
    assert not re.search(r"[<>]", format.fallback(text))


@given(TEXTS)
def test_a_reader_sees_the_same_text(text: str) -> None:
    """The block differs by invisible characters and by what is no character at all; but for formulas."""
    assume(not re.search(r"[$\\]", text))
    shown = format.block(text)["text"]
    assert shown.replace("\u2060", "") == format.clean(text).replace("\u2060", "")
    assert format.fallback(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == format.clean(text)


@given(TEXTS)
def test_both_forms_can_be_sent_and_are_within_the_limit(text: str) -> None:
    for form in (format.block(text)["text"], format.fallback(text)):
        form.encode()
        if format.fits(text):
            assert len(form.encode("utf-16-le")) // 2 <= format.LIMIT


@given(TEXTS, TEXTS)
def test_what_does_not_fit_does_not_fit_with_more(text: str, more: str) -> None:
    assert format.fits(text + more) <= format.fits(text)


@given(TEXTS)
def test_a_cut_breaks_no_entity(text: str) -> None:
    assert not re.search(r"&(?!amp;|lt;|gt;)", format.cut(format.fallback(text * 20)))


SAMPLE = """# Title

Some **bold**, *italic*, ~~gone~~ and `code`, [a link](https://e.example) & 1 < 2.

| a | b |
|---|---|
| 😀 | <!here> |

- one
  - two

```python
if a < b: print("<@U0ANNKERN1>")
```

> quoted, $x^2$
"""


def test_every_beginning_of_an_answer_can_be_shown() -> None:
    for end in range(len(SAMPLE) + 1):
        text = SAMPLE[:end]
        assert format.fits(text)
        assert format.block(text)["text"].replace("\u2060", "") == text.replace("$x^2$", "`x^2`")
        assert format.blank(text) == (not text.strip())


def test_fits() -> None:
    assert format.fits("")
    assert format.fits("x" * 3_900)
    assert not format.fits("x" * 3_901)
    assert not format.fits("<" * 976)
    assert not format.fits("😀" * 10_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so $a*b*c = d$ and \\(x_1\\)", "so `a*b*c = d` and `x_1`"),
        ("> $$\n> a_1\n> - b_2\n> $$\n> c", "> ```\n> a_1\n> - b_2\n> ```\n> c"),
        ("- \\[\n  x\n  \\]\n- y", "- ```\n  x\n  ```\n- y"),
        ("\\[\nstill being written", "```\nstill being written"),
        ("`$x^2$` and ``a ` $x^2$`` and \\$x^2\\$", "`$x^2$` and ``a ` $x^2$`` and \\$x^2\\$"),
        ("```sh\n$a=$b\n```", "```sh\n$a=$b\n```"),
        ("$5 and $6, $HOME/$USER", "$5 and $6, $HOME/$USER"),
        ("| $x^2$ | b |\n|---|---|\n| $y_1$ | c |", "| `x^2` | b |\n|---|---|\n| `y_1` | c |"),
    ],
)
def test_formulas_are_code(text: str, expected: str) -> None:
    """Nothing in a formula is markup, and what only has dollars in it is no formula."""
    assert format.block(text)["text"] == expected


@pytest.mark.parametrize("text", ["<@U1>", "<#C12>", "<@W0ABC|name>"])
def test_short_ids_are_mentions_too(text: str) -> None:
    assert not LIVE.search(format.block(text)["text"])


@pytest.mark.parametrize("text", ["<!DOCTYPE html>", "<!-- comment -->", "#include <#x>", "a <@ b", "vector<@T>"])
def test_code_that_only_looks_like_a_mention_is_left_alone(text: str) -> None:
    assert format.block(text)["text"] == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*bold* and _italic_ and ~gone~", "**bold** and _italic_ and ~~gone~~"),
        ("2*3*4 is 24, a~b~c", "2*3*4 is 24, a~b~c"),
        ("a &lt;b&gt; &amp;lt; c", "a <b> &lt; c"),
        ("`*not bold* &amp; &lt;`", "`*not bold* & <`"),
        ("see ```x = 1\ny &lt; 2``` there", "see \n```\nx = 1\ny < 2\n```\n there"),
        ("```\na\n```\nb", "```\na\n```\nb"),
        ("<https://e.example/a_b_c|the *page*>", "[the *page*](https://e.example/a_b_c)"),
        ("<https://e.example/?a=1&amp;b=2>", "https://e.example/?a=1&b=2"),
        ("<http://e.example|e.example>", "http://e.example"),
        ("<https://e.example/(x)|[x]>", r"[\[x\]](<https://e.example/(x)>)"),
        ("<mailto:ann@e.example|ann@e.example>", "ann@e.example"),
        ("<tel:+123|+123>", "+123"),
        ("<@U1> <@U2|bob> <@U3>", "@Ann @bob @U3"),
        ("<#C1> <#C2|random> <#C1|>", "#general #random #general"),
        ("<!here> <!channel> <!subteam^S1|@team> <!subteam^S2>", "@here @channel @team @subteam"),
        ("<!date^1^{date}|today>", "today"),
        ("*<https://e.example|x>*", "**[x](https://e.example)**"),
        ("&gt; quoted", "> quoted"),
        ("a <|b> c", "a <|b> c"),
        ("", ""),
    ],
)
def test_slack_markup_becomes_markdown(text: str, expected: str) -> None:
    assert markdown(text, Names({"U1": "Ann"}, {"C1": "general"})) == expected


@given(TEXTS)
@example("<|b>")
def test_any_markup_can_be_read(text: str) -> None:
    markdown(format.clean(text), Names())
    markdown(format.fallback(text), Names())
    mentions(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00*~`<>&")))
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    assert markdown(text, Names()) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@UB> hello", "hello"),
        ("<@UB>, hello", "hello"),
        ("<@UB|bot>: hello", "hello"),
        ("  <@UB> <@UB> hello", "hello"),
        ("hello <@UB>", "hello"),
        ("hello <@UB>!", "hello!"),
        ("ask <@UB> what", "ask what"),
        ("one\n<@UB>\ntwo", "one\n\ntwo"),
        ("<@UB>", ""),
        ("<@UC> hello", "<@UC> hello"),
        ("<@UBB> hello", "<@UBB> hello"),
    ],
)
def test_the_mention_of_the_bot_is_removed(text: str, expected: str) -> None:
    assert without_mention(text, "UB") == expected
    assert mentioned(text, "UB") == (text != expected)


IDS = st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True)


@given(IDS, IDS, st.none() | st.from_regex(r"[0-9]{10}\.[0-9]{6}", fullmatch=True))
def test_thread_ids_can_be_read_back(team: str, channel: str, root: str | None) -> None:
    thread = Thread(team, channel, root)
    assert Thread.read(thread.id()) == thread
    assert thread.id().startswith("slack:")


@pytest.mark.parametrize("id", ["", "slack:T:C", "discord:T:C:1", "slack::C:1", "slack:T::1", "slack:T:C:1:2"])
def test_other_ids_are_refused(id: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Thread.read(ThreadId(id))
