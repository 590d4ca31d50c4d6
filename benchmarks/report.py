"""What a benchmark says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio, and the most that it may be."""

    what: str
    measured: str
    ratio: float
    limit: float | None = None

    @property
    def kept(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


def table(figures: list[Figure]) -> str:
    """As Markdown, for docs/benchmarks.md."""
    lines = ["| what | measured | ratio | limit |", "|---|---|---:|---:|"]
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        mark = "" if figure.kept else " **exceeded**"
        lines.append(f"| {figure.what} | {figure.measured} | {figure.ratio:.2f}{mark} | {limit} |")
    return "\n".join(lines)
