"""Whose a request is."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from pydantic import SecretStr


class Clients:
    """Tokens are kept and compared as digests of one length, all of them each time: how long it takes tells nothing."""

    def __init__(self, tokens: Mapping[str, SecretStr]) -> None:
        self._digests = {name: _digest(token.get_secret_value()) for name, token in tokens.items()}

    def __len__(self) -> int:
        return len(self._digests)

    def named(self, authorization: str) -> str | None:
        """The client that sent this `Authorization`; None: nobody that is known."""
        scheme, _, token = authorization.partition(" ")
        said = _digest(token.strip())
        found = None
        for name, digest in self._digests.items():
            if hmac.compare_digest(digest, said) and scheme.lower() == "bearer":
                found = name
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
