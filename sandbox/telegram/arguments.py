"""What comes with a call, as the server has it: strings, and files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    media_type: str
    content: bytes


class Args(dict[str, str]):
    """The arguments of a call, and the files that came with it, by the argument's name."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(given)
        self.uploads: dict[str, Upload] = {}


def integer(args: Args, name: str, default: int = 0) -> int:
    try:
        return int(args.get(name) or default)
    except ValueError:
        return default


def decoded(args: Args, name: str) -> Any:
    try:
        return json.loads(args[name]) if args.get(name) else None
    except ValueError:
        raise Refusal(400, f"can't parse {name} JSON object") from None
