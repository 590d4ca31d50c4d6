"""The data folder: one playground at a time, and files that are whole after a crash."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.playground.errors import PlaygroundError

VERSION = 1


class Folder:
    """Where a playground keeps everything: the stand-ins' worlds, the program's configuration, database and log."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.config = self.path / "threadbridge.toml"
        self.database = self.path / "threadbridge.db"
        self.log = self.path / "threadbridge.log"
        self.world = self.path / "world.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder where it is missing and keeps other playgrounds out of it. Raises `PlaygroundError`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "playground.lock").open("a")
        except OSError as error:
            raise PlaygroundError(f"The data folder {self.path} cannot be used: {error.strerror}.") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise PlaygroundError(
                    f"Another playground is using the data folder {self.path}: stop it, or choose another with --data."
                ) from None
            yield

    def read(self) -> dict[str, Any]:
        """What `write` wrote last; empty where nothing was. Raises `PlaygroundError`."""
        try:
            state = json.loads(self.world.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            state = None
        if not isinstance(state, dict) or state.pop("version", None) != VERSION:
            raise PlaygroundError(f"{self.world} cannot be read: start with --fresh to begin anew without it.")
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Replaces the world in one step: a reader sees the old or the new one, never half of it."""
        new = self.world.with_suffix(".json.new")
        new.write_text(json.dumps({"version": VERSION, **state}), "utf-8")
        new.replace(self.world)

    def clear(self) -> None:
        """Forgets the worlds and all that the program recorded. Nothing else in the folder is touched."""
        names = [self.world.name, self.log.name, self.config.name]
        names += [self.database.name + ending for ending in ("", "-wal", "-shm", "-journal")]
        for name in names:
            (self.path / name).unlink(missing_ok=True)


def environment(base: dict[str, str] | None = None) -> dict[str, str]:
    """What the program is started with: found wherever this package was, configured by its file alone, and never
    sent through a proxy to a server on this machine."""
    env = {k: v for k, v in (os.environ if base is None else base).items() if not k.upper().startswith("THREADBRIDGE")}
    root = str(Path(__file__).resolve().parents[2])
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (root, env.get("PYTHONPATH"))))
    env["PYTHONUNBUFFERED"] = "1"
    for name in ("NO_PROXY", "no_proxy"):
        env[name] = ",".join(filter(None, ("127.0.0.1,localhost", env.get(name))))
    return env
