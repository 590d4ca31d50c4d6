"""Asking the operator: at a terminal, through a pipe, or not at all."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping

from core.errors import ConfigError

Judge = Callable[[str], str | None]
"""What is wrong with an answer, as a sentence; None if it will do."""


def anything(_: str) -> str | None:
    return None


class Questions:
    def __init__(self, given: Mapping[str, str], *, ask: bool) -> None:
        """`given`: answers by the name of their option, which are not asked for. Without `ask`, defaults are taken."""
        self._given = given
        self._ask = ask
        self._shown = sys.stdin.isatty()

    def tell(self, text: str) -> None:
        """An explanation before a question."""
        if self._ask:
            _write(f"\n{text}\n")

    def text(self, option: str, question: str, default: str | None = None, judge: Judge = anything) -> str:
        """The answer to a question; Enter is the default. Raises `ConfigError` if there is none to be had."""
        if (given := self._given.get(option)) is not None:
            if (complaint := judge(given)) is not None:
                raise ConfigError(f"--{option}: {complaint}")
            return given
        if not self._ask:
            if default is None:
                raise ConfigError(f"With --yes nothing is asked, so --{option} has to be given.")
            return default
        shown = f" [{default}]" if default else ""
        while True:
            answer = self._line(f"{question}{shown}: ") or default
            if answer is None:
                _write("  This needs an answer.\n")
            elif (complaint := judge(answer)) is not None and answer != default:
                _write(f"  {complaint}\n")
            else:
                return answer

    def secret(self, name: str, question: str, judge: Judge = anything) -> str | None:
        """What was typed or pasted, unseen; None: it is to come from the environment, under `name`."""
        if not self._ask:
            return None
        while True:
            answer = self._hidden(f"{question} (Enter: taken from ${name}): ")
            if not answer:
                return None
            if (complaint := judge(answer)) is None:
                return answer
            _write(f"  {complaint}\n")

    def agree(self, question: str) -> bool:
        """Yes or no; without asking, no."""
        return self._ask and self._line(f"{question} [y/N]: ").lower() in ("y", "yes")

    def _line(self, prompt: str) -> str:
        _write(prompt)
        line = sys.stdin.readline()
        if not line:
            _write("\n")
            raise ConfigError(f"The answers ended before this was answered: {prompt.rstrip(': ')}.")
        if not self._shown:
            _write("\n")
        return _plain(line)

    def _hidden(self, prompt: str) -> str:
        if not self._shown:
            return self._line(prompt)
        try:
            return _plain(getpass.getpass(prompt))
        except EOFError:
            raise ConfigError(f"The answers ended before this was answered: {prompt.rstrip(': ')}.") from None


def _plain(line: str) -> str:
    """Pasting brings along what nobody sees."""
    return "".join(one for one in line if one.isprintable()).strip()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
