"""Runs them all, prints the table, and exits 1 if a limit is exceeded."""

from __future__ import annotations

import asyncio
import sys

from benchmarks import arrival, flood, lag, pacing, reading, scale, whole, workers
from benchmarks.report import table


def main() -> int:
    figures = [
        figure for one in (arrival, workers, flood, reading, lag, whole, scale) for figure in asyncio.run(one.measure())
    ]
    figures += pacing.measure()
    sys.stdout.write(table(figures) + "\n")
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
