"""A configuration with comments, written as TOML. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

Value = str | int | Sequence[str]


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    value: Value
    comment: str = ""
    """Stands behind it."""
    on: bool = True
    """Else it is written as a comment: a default that somebody may want to change."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    keys: Sequence[Key]
    comment: str = ""
    """Stands above it; may have several lines."""


def render(head: str, tables: Sequence[Table]) -> str:
    return "\n".join([_commented(head), *(_table(table) for table in tables)])


def _table(table: Table) -> str:
    pairs = [f"{'' if key.on else '# '}{key.name} = {_value(key.value)}" for key in table.keys]
    # comments of a table stand under each other, unless a long value would push them out of sight
    column = max((len(pair) for pair in pairs if len(pair) <= 60), default=0) + 2
    lines = [
        f"{pair:<{column}}{'' if len(pair) < column else '  '}# {key.comment}" if key.comment else pair
        for pair, key in zip(pairs, table.keys, strict=True)
    ]
    above = _commented(table.comment) if table.comment else ""
    return f"{above}[{table.name}]\n" + "".join(f"{line}\n" for line in lines)


def _commented(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


def _value(value: Value) -> str:
    match value:
        case str():
            # a basic string of TOML is one of JSON, but for one more character that has to be escaped
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int():
            return str(value)
        case _:
            return f"[{', '.join(_value(one) for one in value)}]"


def literal(text: str) -> str:
    """`text` as a value that is read as it stands, although `${NAME}` in a value means the environment's."""
    return re.sub(r"\$(?=\{[A-Za-z_][A-Za-z0-9_]*\})", "$$", text)
