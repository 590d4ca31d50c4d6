"""What the stand-in answers: a small, deterministic conversation partner with a memory. Pure.

It remembers what was said within the conversation it is given, says how far the conversation has come, and writes
every kind of Markdown on request, so that a person sees in the playground what a bridge makes of it, and a test can
tell a conversation that was continued from one that was begun anew.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence

from sandbox.upstream import prose, samples
from sandbox.upstream.conversations import Attached, Said

LONGEST = 20_000
"""Words of a `long` answer."""

HELP = """\
I am the assistant of the sandbox. I run on this machine and cost nothing. You can

- **talk** to me: tell me your name, or that your favourite colour is green, and ask for it later,
- ask what you said **first** or **last**, or **how many** messages this conversation has,
- ask for a `table`, `code`, a `list`, a `quote`, a `link`, `headings`, a `formula`, `emoji`, or `everything`,
- ask for a `story`, or for something `long` (`long 500` is five hundred words),
- let me calculate: `12 * 7`,
- say `echo: ` and a text, and get that text back exactly,
- send me a **file**, or, where I have the tools for it, ask me to `draw` something."""

_DRAW = re.compile(r"\A(?:please |can you |could you )*(?:draw|paint|sketch)\s+(?:me\s+)?(.+?)[\s.!?]*\Z", re.I | re.S)
_ECHO = re.compile(r"\Aecho: ?(.*)\Z", re.I | re.S)
_NAME = re.compile(r"\b(?:my name is|call me|i am called)\s+([^\W\d_][\w'-]*)", re.I)
_FACT = re.compile(r"\bmy\s+([\w ]{2,30}?)\s+(?:is|are)\s+([^.!?\n]{1,80})", re.I)
_ASKED_FACT = re.compile(r"\bwhat(?:'s| is| are)\s+my\s+([\w ]{2,30}?)[\s?!.]*\Z", re.I)
_SUM = re.compile(
    r"(?<![\d./-])(-?\d{1,9}(?:\.\d{1,6})?)(?:\s*([+*/x×])\s*|\s+(-)\s+)(-?\d{1,9}(?:\.\d{1,6})?)(?![\d/-])"
)
_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "x": operator.mul,
    "×": operator.mul,
    "/": operator.truediv,
}
_SHOWN = (
    ("everything", samples.SHOWCASE),
    ("table", f"Four planets, side by side:\n\n{samples.TABLE}"),
    ("code", f"This counts words:\n\n{samples.CODE}"),
    ("list", f"What we need, and how to get it:\n\n{samples.LIST}"),
    ("quote", f"As they say:\n\n{samples.QUOTE}"),
    ("link", samples.LINKS),
    ("headings", samples.HEADINGS),
    ("formula", samples.FORMULA),
    ("emoji", samples.EMOJI),
)
_PLEASANTRIES = (
    (r"\b(hi|hello|hey|good (morning|afternoon|evening)|moin|hallo)\b", "Hello! What can I do for you?"),
    (r"\bhow are you\b", "Very well, thank you. The weather in here is always the same."),
    (r"\b(thanks|thank you|cheers)\b", "You are welcome!"),
    (r"\b(bye|goodbye|see you|good night)\b", "Goodbye! I shall be here."),
)


def reply(
    history: Sequence[Said], text: str, attached: Sequence[Attached] = (), *, via: str = "", draws: bool = False
) -> str:
    """The answer, as Markdown, to `text` after `history` (oldest first).

    `via` is the system through which it speaks, which it tells when asked who it is; `draws` says whether that system
    has a tool for pictures. A text that is only white space, with a file, is answered too.
    """
    seen = [_received(file) for file in attached]
    if seen and not text.strip():
        return "\n".join(seen) + "\n\nWhat shall I do with " + ("it?" if len(seen) == 1 else "them?")
    answer = _answer(history, text, via=via, draws=draws)
    return "\n".join([*seen, "", answer]) if seen else answer


def picture_wanted(text: str) -> str | None:
    """What to draw, if the text asks for a drawing."""
    match = _DRAW.match(text.strip())
    return match[1].strip() if match else None


def _answer(history: Sequence[Said], text: str, *, via: str, draws: bool) -> str:
    if match := _ECHO.match(text):
        return match[1]
    if (subject := picture_wanted(text)) is not None:
        return f"Here is {subject}. I hope you like it!" if draws else "I have no brushes here, only words."
    earlier = [said.text for said in history if said.role == "user"]
    low = text.strip().lower()
    answers = (
        _recalled(earlier, low),
        _noticed(text),
        _shown(low, turn=len(earlier) + 1),
        _calculated(low),
        _about_itself(low, via=via),
        _pleasant(low),
    )
    return next((answer for answer in answers if answer is not None), None) or _small_talk(text, turn=len(earlier) + 1)


def _recalled(earlier: list[str], low: str) -> str | None:
    """Answers to questions about what was said before."""
    turn = len(earlier) + 1
    if re.search(r"\b(what('s| is) my name|who am i)\b", low):
        name = _name_in(earlier)
        return f"Your name is **{name}**." if name else "You have not told me your name yet."
    if re.search(r"\bwhat did i (say|write|ask)( you)? (first|at first|at the beginning)\b", low):
        return f"The first thing you said was:\n\n{_quoted(earlier[0])}" if earlier else "That was the first thing."
    if re.search(r"\bwhat did i (just )?(say|write|ask)\b", low):
        return f"Before this you said:\n\n{_quoted(earlier[-1])}" if earlier else "Nothing, before that."
    if re.search(r"\b(how many (messages|turns)|which (message|turn)|what turn)\b", low) or low in {"turn", "count"}:
        return f"This is message {turn} of our conversation."
    if match := _ASKED_FACT.search(low):
        fact = _facts_in(earlier).get(match[1].strip())
        return f"Your {match[1].strip()} is {fact}." if fact else f"You have not told me about your {match[1].strip()}."
    if re.search(r"\bwhat do you (know|remember)\b", low):
        return _known(earlier)
    return None


def _known(earlier: list[str]) -> str:
    lines = [f"- your {key} is {value}" for key, value in _facts_in(earlier).items()]
    if name := _name_in(earlier):
        lines.insert(0, f"- your name is {name}")
    return "This is what I know about you:\n\n" + "\n".join(lines) if lines else "Nothing yet. Tell me something!"


def _noticed(text: str) -> str | None:
    """Answers to what is worth remembering."""
    if name := _name_in([text]):
        return f"Nice to meet you, **{name}**! I shall remember that."
    if facts := _facts_in([text]):
        key, value = next(iter(facts.items()))
        return f"Your {key} is {value}: noted."
    return None


def _name_in(texts: list[str]) -> str | None:
    names = [match[1] for text in texts for match in _NAME.finditer(text)]
    return names[-1] if names else None


def _facts_in(texts: list[str]) -> dict[str, str]:
    facts = {}
    for text in texts:
        if not text.rstrip().endswith("?"):
            for match in _FACT.finditer(text):
                facts[match[1].strip().lower()] = match[2].strip()
    facts.pop("name", None)
    return facts


def _shown(low: str, *, turn: int) -> str | None:
    """What is written on request. Only short texts are requests: a long one merely mentions the word."""
    if len(low.split()) > 12:
        return None
    if low.strip("?!. ") in {"help", "/help", "what can you do", "what can i ask"}:
        return HELP
    if match := re.search(r"(?<!how )(?<!as )(?<!so )\blong\b(?:\D{0,20}(\d+))?", low):
        return prose.long(min(int(match[1] or 400), LONGEST)) or "Done."
    if re.search(r"\bstory\b", low):
        return samples.STORIES[(turn - 1) % len(samples.STORIES)]
    return next((shown for word, shown in _SHOWN if re.search(rf"\b{word}s?\b", low)), None)


def _calculated(low: str) -> str | None:
    match = _SUM.search(low)
    if match is None:
        return None
    left, sign, right = float(match[1]), match[2] or match[3], float(match[4])
    if sign == "/" and right == 0:
        return "Nothing can be divided by zero, not even here."
    return f"{match[1]} {sign} {match[4]} = **{_OPERATORS[sign](left, right):.10g}**"


def _about_itself(low: str, *, via: str) -> str | None:
    if re.search(r"\b(who are you|what are you|which assistant)\b", low):
        return "I am the assistant of the sandbox" + (f", reached by way of **{via}**." if via else ".")
    return None


def _pleasant(low: str) -> str | None:
    """Only short texts are pleasantries; a long one has something else to say as well."""
    if len(low.split()) > 5:
        return None
    return next((answer for pattern, answer in _PLEASANTRIES if re.search(pattern, low)), None)


def _received(file: Attached) -> str:
    size = "" if file.size is None else f", {_size(file.size)}"
    return f"I have received **{file.name}** ({file.media_type}{size})."


def _size(size: int) -> str:
    if size < 1_000:
        return f"{size} bytes"
    return f"{size / 1_000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines() or [""])


def _small_talk(text: str, *, turn: int) -> str:
    said = " ".join(text.split())
    said = said if len(said) <= 120 else said[:119].rstrip() + "…"
    if text.rstrip().endswith("?"):
        thought = (
            "A good question, and one I have no book about",
            "I would have to guess, and I never guess before supper",
            "Ask me again when the tide is out",
        )[turn % 3]
    else:
        thought = ("I see", "That is worth thinking about", "Go on, I am listening")[turn % 3]
    return f"{thought}. You said “{said}”, which makes this message {turn} of our conversation."
