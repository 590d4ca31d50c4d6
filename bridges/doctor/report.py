"""How findings are told: as plain lines, as a list on a terminal that fills up in place, or as JSON."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TextIO

from bridges.doctor.finding import Check, Finding, State

WIDEST = 110
"""Characters of a line, on however wide a terminal."""
_MARKS: dict[State, str] = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "–"}
_COLOURS: dict[State, str] = {"ok": "32", "warning": "33", "failed": "31", "skipped": "2"}
_WEIGHTS: dict[State, str] = {"ok": "2", "warning": "1", "failed": "1", "skipped": "2"}
"""What has to be mended stands out."""


class Report(Protocol):
    def found(self, position: int, finding: Finding) -> None:
        """Called once for each check, as soon as it is known."""

    def close(self, findings: Sequence[Finding]) -> None:
        """Called once, when all is known."""


def summary(findings: Sequence[Finding]) -> str:
    counted = Counter(finding.state for finding in findings)
    told = [f"{counted['failed']} failed"] if counted["failed"] else []
    if counted["warning"]:
        told.append(f"{counted['warning']} warning{'s' if counted['warning'] > 1 else ''}")
    checks = f"{len(findings)} check{'s' if len(findings) > 1 else ''}"
    if not told:
        return f"{checks}: all is well."
    return f"{checks}: {', '.join(told)}."


class Table:
    """Rows in columns: whose, what, and what was found, broken into lines of `width` characters."""

    def __init__(self, checks: Sequence[Check], width: int) -> None:
        self._checks = checks
        self._area = max(len(check.area) for check in checks)
        self._name = max(len(check.name) for check in checks)
        self._width = max(min(width, WIDEST) - self._area - self._name - 4, 20)

    def head(self, position: int) -> str:
        """The columns before the finding. An area is named where it begins."""
        check = self._checks[position]
        first = position == 0 or self._checks[position - 1].area != check.area
        return f"{check.area if first else '':<{self._area}}  {check.name:<{self._name}}  "

    def rows(self, finding: Finding) -> Iterator[tuple[str, bool]]:
        """The lines of a finding, and of each whether it belongs to the remedy."""
        for text, remedy in ((finding.found, False), (finding.remedy, True)):
            for line in textwrap.wrap(text, self._width, break_on_hyphens=False):
                yield line, remedy

    def indent(self) -> str:
        return " " * (self._area + self._name + 4)


class Lines:
    """One line for each check, in their order, whole: for a file, a pipe or a log."""

    def __init__(self, checks: Sequence[Check], out: TextIO) -> None:
        self._checks = checks
        self._out = out
        self._known: dict[int, Finding] = {}
        self._told = 0

    def found(self, position: int, finding: Finding) -> None:
        self._known[position] = finding
        for check in self._checks[self._told :]:
            if (known := self._known.get(self._told)) is None:
                return
            said = f"{known.found.rstrip('.')}. {known.remedy}" if known.remedy else known.found
            self._out.write(f"{known.state:<8} {check.area}, {check.name}: {said}\n")
            self._out.flush()
            self._told += 1

    def close(self, findings: Sequence[Finding]) -> None:
        self._out.write(summary(findings) + "\n")


class Screen:
    """A terminal: what is known up to the first open check is printed for good; the rest stands below and is painted
    again with each finding, as far as the window has room."""

    def __init__(self, checks: Sequence[Check], out: TextIO, *, colour: bool) -> None:
        self._size = shutil.get_terminal_size()
        self._table = Table(checks, self._size.columns - 4)
        self._count = len(checks)
        self._out = out
        self._colour = colour
        self._known: dict[int, Finding] = {}
        self._told = 0
        self._below = 0
        self._paint()

    def found(self, position: int, finding: Finding) -> None:
        self._known[position] = finding
        self._paint()

    def close(self, findings: Sequence[Finding]) -> None:
        states = {finding.state for finding in findings}
        worst: State = "failed" if "failed" in states else "warning" if "warning" in states else "ok"
        self._out.write(f"\n  {self._in(_COLOURS[worst], summary(findings))}\n")

    def _paint(self) -> None:
        # up to the first of the rows that were painted below, and everything from there away
        said = [f"\x1b[{self._below}F\x1b[J"] if self._below else []
        while (finding := self._known.pop(self._told, None)) is not None:
            said += self._settled(self._told, finding)
            self._told += 1
        rest = range(self._told, min(self._count, self._told + max(self._size.lines - 2, 1)))
        said += (self._open(position) for position in rest)
        self._below = len(rest)
        # without line wrapping: a row that is wider than it was thought must stay one
        self._out.write(f"\x1b[?7l{''.join(said)}\x1b[?7h")
        self._out.flush()

    def _settled(self, position: int, finding: Finding) -> Iterator[str]:
        head = f"  {self._mark(finding)} {self._table.head(position)}"
        for line, remedy in self._table.rows(finding):
            yield f"{head}{line if remedy else self._in(_WEIGHTS[finding.state], line)}\n"
            head = f"    {self._table.indent()}"

    def _open(self, position: int) -> str:
        """One row of what is not settled: a check that is still open, or one that is known before those above it."""
        finding = self._known.get(position)
        if finding is None:
            return f"  {self._in('2', f'· {self._table.head(position)}')}\n"
        line, _ = next(self._table.rows(finding))
        return f"  {self._mark(finding)} {self._table.head(position)}{self._in(_WEIGHTS[finding.state], line)}\n"

    def _mark(self, finding: Finding) -> str:
        return self._in(_COLOURS[finding.state], _MARKS[finding.state])

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text


class Json:
    """One document at the end, for programs."""

    def __init__(self, checks: Sequence[Check], out: TextIO) -> None:
        self._checks = checks
        self._out = out

    def found(self, position: int, finding: Finding) -> None:
        """Nothing is told before the end."""

    def close(self, findings: Sequence[Finding]) -> None:
        rows: Iterable[dict[str, str]] = (
            {
                "area": check.area,
                "check": check.name,
                "state": finding.state,
                "found": finding.found,
                "remedy": finding.remedy,
            }
            for check, finding in zip(self._checks, findings, strict=True)
        )
        document = {"ok": all(finding.state != "failed" for finding in findings), "checks": list(rows)}
        self._out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
