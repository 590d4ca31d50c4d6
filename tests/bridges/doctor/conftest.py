"""The real `threadbridge doctor`, against the stand-ins."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import command
from tests.discretion import SECRETS
from tests.program import World, world


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    """Everything in order: Telegram's privacy mode is off too."""
    async with world() as found:
        found.telegram.methods.privacy = False
        yield found


@dataclass(frozen=True)
class Examined:
    code: int
    said: str
    rows: dict[str, dict[str, str]]
    """By area and name, as `slack scopes`."""

    def failed(self) -> set[str]:
        return {name for name, row in self.rows.items() if row["state"] == "failed"}

    def warned(self) -> set[str]:
        return {name for name, row in self.rows.items() if row["state"] == "warning"}

    def says(self, name: str, *words: str) -> None:
        """This check found, and advises, these words."""
        row = self.rows[name]
        said = f"{row['found']} / {row['remedy']}"
        assert row["state"] in ("failed", "warning"), said
        assert not [word for word in words if word not in said], said


async def examined(config: Path, *arguments: str, **environment: str) -> Examined:
    """Runs the doctor. `environment` is set over the configuration: `HTTP__PORT="1"`."""
    over = {f"THREADBRIDGE__{key}": value for key, value in environment.items()}
    ended = await command(
        "doctor", "--json", "--config", str(config), *arguments, environment=over, folder=config.parent
    )
    code, said = ended.code, "\n".join(ended.lines)
    assert "Traceback" not in said, said
    assert not [secret for secret in SECRETS if secret in said], said
    document = json.loads(said)
    rows = {f"{row['area']} {row['check']}": row for row in document["checks"]}
    assert document["ok"] == (code == 0)
    assert not [row for row in rows.values() if bool(row["remedy"]) != (row["state"] in ("failed", "warning"))], said
    return Examined(code, said, rows)
