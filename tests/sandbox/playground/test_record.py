from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session, SQLModel

from core import tables
from sandbox.playground.record import LATEST, LetIn, Waiting, access, latest, names

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def filled(database: Path, turns: int = 1) -> None:
    """A database as the program makes it."""
    engine = create_engine(f"sqlite:///{database}")
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(
            tables.Conversation(
                id=1, thread="slack:T1:C1", upstream="goapi", upstream_id="conv-9", fresh=True, started_at=NOW
            )
        )
        for number in range(1, turns + 1):
            session.add(
                tables.Turn(
                    id=number,
                    bridge="slack",
                    thread="slack:T1:C1",
                    message=f"{number}.0",
                    author="U1",
                    author_name="Ann Kern",
                    prompt=f"Question {number}",
                    state="running",
                    attempt=2,
                    upstream="goapi",
                    conversation_id=1,
                    sent_at=NOW,
                    accepted_at=NOW,
                    attachments=[{"name": "tides.txt"}, {"name": "chart.png"}] if number == 1 else [],
                )
            )
            session.flush()
            session.add(tables.Part(turn_id=number, position=1, key=f"k{number}b"))
            session.add(tables.Part(turn_id=number, position=0, key=f"k{number}a", message=f"{number}.5"))
        session.commit()
    engine.dispose()


def test_what_the_program_wrote_is_read(tmp_path: Path) -> None:
    filled(tmp_path / "threadbridge.db")
    found = latest(tmp_path / "threadbridge.db", ["slack", "discord"])
    assert found is not None
    (turn,) = found
    assert (turn.thread, turn.message, turn.state, turn.attempt) == ("slack:T1:C1", "1.0", "running", 2)
    assert (turn.upstream, turn.conversation) == ("goapi", "conv-9")
    assert turn.parts == ("1.5", None)
    assert turn.files == "tides.txt, chart.png"
    assert turn.open


def test_only_the_newest_of_each_bridge_are_read_newest_first(tmp_path: Path) -> None:
    filled(tmp_path / "threadbridge.db", turns=LATEST + 5)
    found = latest(tmp_path / "threadbridge.db", ["slack"])
    assert found is not None
    assert [turn.id for turn in found] == list(range(LATEST + 5, 5, -1))
    assert all(turn.parts for turn in found)
    assert found[0].files is None


def test_who_waits_and_who_was_let_in_is_read(tmp_path: Path) -> None:
    filled(tmp_path / "threadbridge.db")
    now = datetime.now(UTC)
    engine = create_engine(f"sqlite:///{tmp_path}/threadbridge.db")
    with Session(engine) as session:
        for code, author, minutes in (("K7M2QX", "Eve", 59), ("ABCDEF", "Sam", 1), ("TOOOLD", "Late", -1)):
            session.add(
                tables.Pairing(
                    code=code,
                    bridge="telegram",
                    author=author,
                    author_name=author,
                    expires_at=now + timedelta(minutes=minutes),
                )
            )
        session.add(tables.Paired(bridge="slack", author="U7", author_name="Ida", at=now))
        session.commit()
    engine.dispose()
    found = access(tmp_path / "threadbridge.db")
    assert found is not None
    assert found.waiting == (Waiting("telegram", "Sam", "ABC-DEF"), Waiting("telegram", "Eve", "K7M-2QX"))
    assert found.let_in == (LetIn("slack", "Ida"),)


def test_a_database_that_is_not_there_yet_is_nothing(tmp_path: Path) -> None:
    assert latest(tmp_path / "threadbridge.db", ["slack"]) is None
    assert access(tmp_path / "threadbridge.db") is None
    assert not (tmp_path / "threadbridge.db").exists(), "looking does not make one"


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be taken for one" * 10])
def test_a_database_that_cannot_be_read_is_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "threadbridge.db").write_bytes(content)
    assert latest(tmp_path / "threadbridge.db", ["slack"]) is None
    assert access(tmp_path / "threadbridge.db") is None


@pytest.mark.parametrize(
    ("stored", "shown", "same"),
    [
        ("17.000100", "17.000100", True),
        ("C1/17.000100", "17.000100", True),
        ("-100:12", "12", True),
        ("112", "12", False),
        ("12", "112", False),
        (None, "12", False),
    ],
)
def test_a_bridge_may_add_to_an_id_what_it_likes(stored: str | None, shown: str, same: bool) -> None:
    assert names(stored, shown) is same
