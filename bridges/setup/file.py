"""Writing a file that may hold secrets."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from core.errors import ConfigError


def write(file: Path, text: str) -> None:
    """Writes the whole file or nothing, readable for its owner alone. Raises `ConfigError`."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # made with mode 600
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}. Choose another place with --config.") from None
    made = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        made.replace(file)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from None
