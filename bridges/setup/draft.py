"""What has been answered so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridges.setup.toml import Table, literal


@dataclass
class Draft:
    tables: list[Table] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """What has to be in the environment, and what each is."""

    def secret(self, name: str, meaning: str, typed: str | None) -> str:
        """What to write into the configuration for a secret that was typed, or that is to come under `name`."""
        if typed is not None:
            return literal(typed)
        self.names[name] = meaning
        return f"${{{name}}}"
