from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.playground.errors import PlaygroundError
from sandbox.playground.folder import Folder, environment


def test_what_was_written_is_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.read() == {}
    folder.write({"kind": "goapi", "odd": "\ud800 and ünïcödé"})
    assert folder.read() == {"kind": "goapi", "odd": "\ud800 and ünïcödé"}
    assert [path.name for path in tmp_path.iterdir()] == ["world.json"], "nothing half-written is left beside it"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 0}', "\x00"])
def test_what_cannot_be_read_is_said_and_kept(tmp_path: Path, content: str) -> None:
    folder = Folder(tmp_path)
    folder.world.write_text(content, "utf-8")
    with pytest.raises(PlaygroundError, match="--fresh"):
        folder.read()
    assert folder.world.read_text("utf-8") == content


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with Folder(tmp_path / "new" / "data").held():
        with pytest.raises(PlaygroundError, match="Another playground"), Folder(tmp_path / "new" / "data").held():
            pass
        with Folder(tmp_path / "other").held():
            pass
    with Folder(tmp_path / "new" / "data").held():
        pass


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(PlaygroundError, match="cannot be used"), Folder(tmp_path / "data").held():
        pass


def test_clearing_leaves_what_belongs_to_others(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for path in (folder.world, folder.database, folder.log, tmp_path / "threadbridge.db-wal", tmp_path / "holiday.jpg"):
        path.touch()
    folder.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_the_program_is_configured_by_its_file_alone_and_never_by_way_of_a_proxy() -> None:
    env = environment({"THREADBRIDGE__LOG__LEVEL": "debug", "HTTP_PROXY": "http://proxy", "no_proxy": "intranet"})
    assert not [name for name in env if name.startswith("THREADBRIDGE")]
    assert env["no_proxy"] == "127.0.0.1,localhost,intranet"
    assert env["NO_PROXY"] == "127.0.0.1,localhost"
    assert (Path(env["PYTHONPATH"]) / "sandbox" / "playground").is_dir()
