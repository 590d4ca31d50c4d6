"""How findings are told; what a terminal shows at the end is what there is to say, whatever the order they came in."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.doctor.asking import Once
from bridges.doctor.examining import examine
from bridges.doctor.finding import Check, Finding, failed, ok, skipped, warning
from bridges.doctor.report import Lines, Screen

FINDINGS = (
    ok("as it has to be"),
    warning("perhaps not as meant", "Look at it."),
    failed("not as it has to be, in words that take more than one line of a narrow window", "Mend it, in many words."),
    skipped("nothing is known"),
)


async def unasked() -> Finding:
    raise NotImplementedError


def checks(findings: tuple[Finding, ...]) -> list[Check]:
    return [Check(f"area {position // 2}", f"check {position}", unasked) for position in range(len(findings))]


def shown(said: str, lines: int) -> list[str]:
    """What a terminal of so many lines shows, and what has scrolled out of it above, without colours."""
    text = re.sub(r"\x1b\[(\?7[lh]|[0-9]*m)", "", said)
    screen = [""]
    for up, part in re.findall(r"\x1b\[(\d+)F|([^\x1b]+|\x1b\[J)", text):
        if up:
            assert int(up) < lines, "further up than the window reaches"
            screen[-1 - int(up) :] = screen[-1 - int(up) :][:1]
        elif part == "\x1b[J":
            screen[-1] = ""
        else:
            first, *rest = part.split("\n")
            screen[-1] += first
            screen += rest
    return screen


@given(
    st.lists(st.sampled_from(FINDINGS), min_size=1, max_size=12).flatmap(
        lambda findings: st.tuples(st.just(tuple(findings)), st.permutations(range(len(findings))))
    ),
    st.integers(4, 30),
    st.booleans(),
)
def test_a_terminal_of_any_height_ends_with_every_finding_once(
    case: tuple[tuple[Finding, ...], list[int]], lines: int, colour: bool
) -> None:
    findings, order = case
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "70")
        patch.setenv("LINES", str(lines))
        screen = Screen(checks(findings), out, colour=colour)
    for position in order:
        screen.found(position, findings[position])
    screen.close(findings)
    text = " ".join(" ".join(shown(out.getvalue(), lines)).split())
    said = [f"check {position} {finding.found}" for position, finding in enumerate(findings)]
    assert [text.count(one) for one in said] == [1] * len(said), text
    assert sorted(said, key=text.index) == said
    assert text.count("Mend it, in many words.") == findings.count(FINDINGS[2])
    assert colour or "\x1b[1m" not in out.getvalue()


@given(st.permutations(range(len(FINDINGS))))
def test_lines_come_in_their_order(order: list[int]) -> None:
    out = io.StringIO()
    report = Lines(checks(FINDINGS), out)
    for position in order:
        report.found(position, FINDINGS[position])
    report.close(FINDINGS)
    assert out.getvalue().splitlines() == [
        "ok       area 0, check 0: as it has to be",
        "warning  area 0, check 1: perhaps not as meant. Look at it.",
        f"failed   area 1, check 2: {FINDINGS[2].found}. Mend it, in many words.",
        "skipped  area 1, check 3: nothing is known",
        "4 checks: 1 failed, 1 warning.",
    ]


async def test_a_check_that_cannot_cope_hides_no_other() -> None:
    async def stumble() -> Finding:
        raise KeyError("field")

    async def fine() -> Finding:
        return ok("fine")

    told: dict[int, Finding] = {}
    found = await examine([Check("a", "b", stumble), Check("a", "c", fine)], 5, told.__setitem__)
    assert [finding.state for finding in found] == ["failed", "ok"]
    assert "KeyError" in found[0].found
    assert told == dict(enumerate(found))


async def test_a_question_of_several_is_put_once() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        return asked

    once = Once(ask)
    assert (await once(), await once()) == (1, 1)
