"""The commands of `threadbridge` that end by themselves, run in this process: loading the program anew for each of them
takes longer than what it does."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridges import cli
from bridges.logs import QUIET
from tests.discretion import hear


@dataclass(frozen=True)
class Ended:
    code: int
    lines: list[str]
    """What it wrote, to standard output and standard error."""


async def command(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None, typed: str = ""
) -> Ended:
    """Runs it to its end, while the stand-ins of this process answer. `typed`: what comes through its standard input,
    which then ends."""
    ended = await asyncio.to_thread(_run, arguments, environment or {}, folder, typed)
    for line in ended.lines:
        hear("output of a command", line)
    return ended


def _run(arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path | None, typed: str) -> Ended:
    written = io.StringIO()
    root = logging.getLogger()
    handlers = list(root.handlers)
    levels = {one: one.level for one in (root, *map(logging.getLogger, QUIET))}
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(written),
        contextlib.redirect_stderr(written),
    ):
        patch.setattr(sys, "stdin", io.StringIO(typed))
        for name, value in environment.items():
            patch.setenv(name, value)
        if folder is not None:
            patch.chdir(folder)
        try:
            code = cli.main(list(arguments))
        finally:
            root.handlers[:] = handlers
            for logger, level in levels.items():
                logger.setLevel(level)
    return Ended(code, written.getvalue().splitlines())
