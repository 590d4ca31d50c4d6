"""What the four protocols have in common as parts of one server: routes with names, refusals, and their switches."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from sandbox.faults import Fault
from sandbox.upstream.conversations import Conversation, Kind
from sandbox.upstream.turns import Call, Turns

API_KEY = "sandbox-key"
"""Accepted by all four systems."""
OTHER_KEY = "sandbox-key-of-another-agent"
"""Accepted by GPTBots too, whose keys belong to one agent each: its conversations are foreign to the first."""
BOT_ID = "bot_sandbox"
"""The one bot of MyGPTAssistants."""


class Refused(Exception):
    """Ends a call with an answer in the system's own error format."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True, slots=True)
class Route:
    """A path, and the name under which faults and the feed know it."""

    method: str
    path: str
    call: str
    handle: Callable[[Call], Awaitable[web.StreamResponse]]


class Dialect(ABC):
    """One of the four protocols. Its public attributes are switches, to be changed at any time."""

    kind: ClassVar[Kind]

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    @abstractmethod
    def routes(self) -> tuple[Route, ...]: ...

    @abstractmethod
    def authorise(self, request: web.Request) -> None:
        """Raises `Refused` for a key that is wrong."""

    @abstractmethod
    def struck(self, fault: Fault) -> web.Response:
        """The refusal that a `status` fault asks for."""

    def conversation(self, id: str) -> Conversation | None:
        return self._turns.conversations.find(self.kind, id)


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return web.Response(body=data, status=status, content_type="application/json", headers=headers)


def bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
