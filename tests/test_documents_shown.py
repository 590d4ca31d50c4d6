"""What documents show in blocks is what the program says, and what they tell to type besides `threadbridge` works."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import URL

from bridges.doctor.finding import Check, Finding, failed
from bridges.doctor.report import Json
from bridges.web.inbound import asked
from console.health import Delivery, Listener, Report
from core.backlog import Open
from tests.console.standing import TOKEN, standing
from tests.deploy.test_backup import client
from tests.test_documents import DOCUMENTS, ROOT, blocks

LANGUAGES = {
    "console": "tests/test_documents.py, and here",
    "json": "here",
    "python": "tests/test_worked_examples.py",
    "text": "is only looked at",
    "toml": "tests/test_documents.py",
    "yaml": "tests/deploy/test_monitoring.py",
}
"""What a block may be in, and what it is checked by."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_every_block_is_in_a_language_that_is_checked(document: Path) -> None:
    fences = re.findall(r"^ *```(.*)$", document.read_text("utf-8"), re.MULTILINE)
    assert len(fences) % 2 == 0
    assert set(fences[::2]) <= LANGUAGES.keys()
    assert set(fences[1::2]) <= {""}


def shown(document: str) -> list[Any]:
    return [json.loads(text) for text in blocks(ROOT / "docs" / document, "json")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_call_of_the_api_is_answered_as_shown(url: URL) -> None:
    [line] = [
        line for text in blocks(ROOT / "docs" / "console.md", "console") for line in text.splitlines() if "curl" in line
    ]
    _, flag, header, address = shlex.split(line.replace("$THREADBRIDGE_ADMIN_TOKEN", TOKEN))
    assert flag == "-H"
    name, _, value = header.partition(": ")
    async with (
        standing(url) as there,
        aiohttp.ClientSession() as session,
        session.get(address.replace("http://127.0.0.1:8080", there.address), headers={name: value}) as answer,
    ):
        assert [await answer.json()] == shown("console.md")


def test_readiness_is_as_shown() -> None:
    reason = "no sign of life for 27 s; it may be deaf"
    report = Report(None, {"discord": Listener(reason, 27.1, None)}, {"discord": Delivery(None, 41.0, Open())})
    assert [report.as_json()] == shown("operations.md")


def test_what_the_doctor_finds_is_as_shown() -> None:
    async def look() -> Finding:
        return failed("…", "…")

    out = StringIO()
    Json([Check("discord", "token", look)], out).close([failed("…", "…")])
    assert [json.loads(out.getvalue())] == shown("quickstart.md")


def test_a_message_of_the_web_is_taken_as_shown() -> None:
    [message] = shown("web.md")
    assert asked(json.dumps(message).encode()).id == message["id"]


def test_the_events_of_the_web_are_as_shown() -> None:
    text = next(text for text in blocks(ROOT / "docs" / "web.md", "text") if text.startswith("id:"))
    events = [dict(line.split(": ", 1) for line in record.splitlines()) for record in text.split("\n\n")]
    kinds = [(one["event"], set(re.findall(r'"(\w+)": ', one["data"]))) for one in events]
    assert kinds == [
        ("message", {"id", "role", "text", "state", "replyTo"}),
        ("append", {"id", "text", "state"}),
        ("answering", {"answering"}),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_backup_of_sqlite_is_made_and_restored_as_shown(url: URL, tmp_path: Path) -> None:
    _follow("sqlite.py", tmp_path, {})
    assert (tmp_path / "threadbridge-copy.db").read_bytes()[:15] == b"SQLite format 3"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_backup_of_postgresql_is_made_and_restored_as_shown(url: URL, tmp_path: Path) -> None:
    _follow("postgresql.sh", tmp_path, client(url))


def _follow(script: str, folder: Path, environment: dict[str, str]) -> None:
    """Types what the page on backups says of this script."""
    (folder / "deploy").symlink_to(ROOT / "deploy")
    (folder / "bin").mkdir()
    (folder / "bin" / "python3").symlink_to(sys.executable)
    path = f"{folder / 'bin'}{os.pathsep}{environment.get('PATH', os.environ['PATH'])}"
    followed = 0
    for text in blocks(ROOT / "docs" / "operations-backup.md", "console"):
        if script in text:
            subprocess.run(["sh", "-ec", text], cwd=folder, env={**os.environ, **environment, "PATH": path}, check=True)
            followed += 1
    assert followed == 2
