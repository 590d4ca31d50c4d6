"""Who may see the operator's pages: whoever has the token. Pure, apart from the clock that it is given.

A session is a signed moment and a random word, so that every process with the same token knows it, and none has to
remember it; another token ends all sessions. The token of a form is signed for its session alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

LASTS = 12 * 3600
"""Seconds of a session."""
FREE = 3
"""Wrong tokens of one address that cost no wait; each further one doubles it."""
LONGEST_WAIT = 60.0
MOST_ADDRESSES = 1_000


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    until: float = 0.0


class Gate:
    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._token = token.encode()
        self._key = hashlib.sha256(b"threadbridge console\0" + self._token).digest()
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until this address may try a token again."""
        tries = self._tries.get(address)
        return max(0.0, tries.until - self._clock()) if tries is not None else 0.0

    def opens(self, offered: str, address: str) -> bool:
        """Is this the token? Not to be asked while `wait` says so."""
        if hmac.compare_digest(offered.encode(errors="surrogatepass"), self._token):
            self._tries.pop(address, None)
            return True
        tries = self._tries.setdefault(address, _Tries())
        self._tries.move_to_end(address)
        tries.wrong += 1
        if tries.wrong > FREE:
            tries.until = self._clock() + min(LONGEST_WAIT, 2.0 ** min(tries.wrong - FREE, 10))
        if len(self._tries) > MOST_ADDRESSES:
            self._tries.popitem(last=False)
        return False

    def session(self) -> str:
        """A new one, for a cookie."""
        said = f"{int(self._clock()) + LASTS}.{secrets.token_urlsafe(16)}"
        return f"{said}.{self._signed('session', said)}"

    def knows(self, session: str) -> bool:
        """Was it given by this gate, and lasts it still?"""
        said, _, signed = session.rpartition(".")
        if not hmac.compare_digest(signed.encode(errors="replace"), self._signed("session", said).encode()):
            return False
        return int(said.partition(".")[0]) > self._clock()

    def form_token(self, session: str) -> str:
        return self._signed("form", session)

    def is_form_token(self, offered: str, session: str) -> bool:
        return hmac.compare_digest(offered.encode(errors="replace"), self.form_token(session).encode())

    def _signed(self, purpose: str, text: str) -> str:
        message = f"{purpose}\0{text}".encode(errors="replace")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()
