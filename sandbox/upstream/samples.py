"""The texts that show what Markdown can do, and two stories."""

from __future__ import annotations

TABLE = """\
| Planet | Day | Year | Moons |
|:-------|----:|-----:|:-----:|
| Earth | 24 h | 365 days | 1 |
| Mars | 24.6 h | 687 days | 2 |
| Jupiter | 9.9 h | 11.9 years | 97 |
| Neptune | 16.1 h | 165 years | 16 |"""

CODE = """\
```python
from collections import Counter


def most_common_words(text: str, count: int = 3) -> list[str]:
    \"\"\"The words that occur most often, without regard to case.\"\"\"
    words = (word.strip(".,;:!?") for word in text.lower().split())
    return [word for word, _ in Counter(words).most_common(count)]


print(most_common_words("The sea, the sky, and the land."))
```"""

LIST = """\
- Bread
  - rye, for the soup
  - white, for breakfast
- Apples
- Cheese

1. Go to the market **before ten**.
2. Buy what looks good.
3. Have a coffee on the way home."""

QUOTE = """\
> The best way to keep a secret from a cat
> is to write it on a *closed* tin.
>
> > And to lose the opener."""

LINKS = """\
Start with the [Markdown guide](https://commonmark.org/help/), keep \
[the specification](https://spec.commonmark.org/ "CommonMark") at hand, and ask at <https://talk.commonmark.org>."""

HEADINGS = """\
# A small report

## What we saw

Two boats, one seal, and a great deal of rain.

### In the morning

Mostly rain.

### In the afternoon

The seal.

## What we learned

Bring a coat."""

FORMULA = """\
The roots of $ax^2 + bx + c = 0$ are

$$
x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}
$$

and for $a = 1$, $b = -3$, $c = 2$ that is $x = 1$ and $x = 2$."""

EMOJI = "Here you are: 🌊 🐚 ⛵️ 🦀 🏖️, a family 👨‍👩‍👧‍👦, a wave 👋🏽, two flags 🇫🇮 🇯🇵, and a rainbow 🏳️‍🌈."

SHOWCASE = """\
# Everything at once

This answer holds **one of each kind**, so that you can see how it looks in your chat: *emphasis*, ***both***, \
~~second thoughts~~, and `inline code` with a `*` that stays a star.

## A plan for Saturday

1. Take the **early ferry** to the island.
2. Walk to the lighthouse:
   - the path along the cliffs is *longer*,
   - the road is dull, but dry.
3. Be back before the tide.

- [x] Sandwiches
- [ ] Binoculars

> "The sea does not reward those who are too anxious."
>
> So says the sign at the harbour.

## The timetable

| Ferry | Leaves | Arrives | Price |
|:------|:------:|:-------:|------:|
| *Aurora* | 07:40 | 08:25 | 4.50 € |
| *Borealis* | 09:10 | 09:55 | 4.50 € |
| *Night boat* | 22:30 | 23:15 | 9.00 € |

## A little code

```python
def tide(hour: float) -> float:
    \"\"\"Metres above the chart's zero.\"\"\"
    return 2.1 + 1.8 * math.sin(2 * math.pi * hour / 12.42)
```

and on the command line:

```sh
tide --at "14:30" | tee today.txt
```

## And some mathematics

Inline, $e^{i\\pi} + 1 = 0$, and on a line of its own:

$$
h(t) = h_0 + \\sum_{k=1}^{n} A_k \\cos(\\omega_k t + \\varphi_k)
$$

---

More on [tides](https://en.wikipedia.org/wiki/Tide), on ferries at <https://example.org/ferries>, and, should all else \
fail, on sandwiches. Characters that want to be left alone: 2 < 3 & 5 > 4, snake_case_name, C:\\\\temp, #1, 3 * 4 * 5.

Have a good trip! ⛵️ 🌊"""

STORIES = (
    """\
**The lamp keeper**

When the old keeper of the lighthouse at Skerry Point retired, nobody wanted his place, so the council put up a \
notice, and the only one who answered was a girl of eleven.

"You are rather young," said the mayor.

"The lamp is rather old," said the girl. "Together we are about right."

She was given the key for a week, until somebody better came. On the first night she polished the glass. On the second \
she learned the names of the ships. On the third a fog came in, so thick that the light went no further than the door, \
and somewhere out there the mail boat was calling.

She could not make the lamp any brighter. So she opened all the windows, sat down at the keeper's piano, and played \
the only piece she knew, as loudly as she could, over and over, until at four in the morning somebody knocked.

It was the captain of the mail boat.

"I have steered by many lights," he said, "but never by a waltz."

Nobody better ever came. On foggy nights, at Skerry Point, you can still hear it.""",
    """\
**The clock that was always late**

In a small town there stood a clock that was seven minutes late. Everyone knew it, and everyone took it into account: \
the baker opened by it, the trains left by it, and lovers who met under it had always seven minutes more than they \
thought.

One spring a clockmaker came through, heard of the fault, and mended it overnight, for nothing, out of pure kindness.

The next day the bread was burnt. The train left without the doctor. Two people who were made for each other missed \
one another by exactly seven minutes, and went home in different directions.

That evening a delegation called at the inn.

"It is right now," said the clockmaker, puzzled. "I have checked it against the stars."

"The stars," said the baker, "do not have to get up at four."

So he climbed the tower once more and turned the hands back. And because he was an honest man and proud of his work, \
he scratched a line into the brass behind the dial, where it can still be read: *Late on purpose.*""",
)
