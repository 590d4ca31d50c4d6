"""The server: four protocols on one port.

Names of the calls, for faults and in the feed:

- `goapi.create`, `goapi.message`, `goapi.upload`, `goapi.download`, `goapi.file`
- `gptbots.create`, `gptbots.message` (both versions), `gptbots.history`, `gptbots.list`
- `mygptassistants.message`, `mygptassistants.stream`, `mygptassistants.history`, `mygptassistants.list`
- `openai.chat`, `openai.models`

The feed tells `call` (name, system, conversation if the path or the body names one, body with long strings shortened),
`opened` (system, conversation), `text` (system, conversation, length: characters of the answer written so far),
and then one of `answered`, `failed` (an `error` fault) and `abandoned` (the client went away), with the same data;
with `finishes_abandoned` an answer goes on after that, and ends with `answered`.

Faults in mid-answer (`cut`, `break`, `error`, `garbage`) strike blocking answers too: `cut` gives half a body,
`garbage` a page of HTML, `break` no answer, `error` a refusal. After `cut` and `break` the upstream's own record has
the whole answer, as it has after `lost`; after `error` it has only the question.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

from sandbox.faults import Fault
from sandbox.stand_in import StandIn, hang_up, struck
from sandbox.upstream.conversations import Conversation, Kind
from sandbox.upstream.dialect import Dialect, Refused, Route
from sandbox.upstream.goapi import GoApi
from sandbox.upstream.gptbots import GptBots
from sandbox.upstream.mygptassistants import MyGptAssistants
from sandbox.upstream.openai import OpenAi
from sandbox.upstream.tempo import Tempo
from sandbox.upstream.turns import Call, Turns

LARGEST_BODY = 300 * 2**20
"""Bytes: nine documents of 20 MB, as GPTBots allows them, in base64."""
LONGEST_TOLD = 2_000
"""Characters of a string in the feed."""


class UpstreamServer(StandIn):
    """GoAPI, GPTBots, MyGPTAssistants and an OpenAI-compatible server on one port.

    `goapi`, `gptbots`, `mygptassistants` and `openai` hold the switches of each system."""

    name = "upstream"

    def __init__(self, port: int = 0, *, speed: float = 0.0) -> None:
        super().__init__(port)
        self._tempo = Tempo(speed)
        self._turns = Turns(self.feed, self._tempo)
        self.goapi = GoApi(self._turns, base_url=lambda: self.url)
        self.gptbots = GptBots(self._turns)
        self.mygptassistants = MyGptAssistants(self._turns)
        self.openai = OpenAi(self._turns)

    def base_url(self, kind: Kind) -> str:
        """What goes into the configuration of an upstream of that kind."""
        match kind:
            case "goapi" | "gptbots":
                return self.url
            case "mygptassistants":
                return f"{self.url}/api/v1"
            case "openai":
                return f"{self.url}/v1"

    @property
    def speed(self) -> float:
        """Words per second, 0: at once. Takes effect on answers that are being written."""
        return self._tempo.speed

    @speed.setter
    def speed(self, words_per_second: float) -> None:
        self._tempo.speed = words_per_second

    @property
    def hold_after(self) -> int | None:
        """No answer gets further than this many words, until this is raised or None again."""
        return self._tempo.hold_after

    @hold_after.setter
    def hold_after(self, words: int | None) -> None:
        self._tempo.hold_after = words

    @property
    def split(self) -> int | None:
        """Bytes of a stream that are written at once, at most: tears records and characters apart. None: no limit."""
        return self._turns.split

    @split.setter
    def split(self, size: int | None) -> None:
        self._turns.split = size

    @property
    def finishes_abandoned(self) -> bool:
        """Is an answer whose reader went away written to its end, at its pace, and recorded? No vendor says; by default
        it ends there, and only the question is on record."""
        return self._turns.finishes_abandoned

    @finishes_abandoned.setter
    def finishes_abandoned(self, yes: bool) -> None:
        self._turns.finishes_abandoned = yes

    @property
    def conversations(self) -> list[Conversation]:
        """All of them, oldest first. OpenAI's are not among them, since that system keeps none."""
        return list(self._turns.conversations)

    def forget(self, conversation_id: str) -> bool:
        """Makes the upstream forget a conversation. True: there was one."""
        return self._turns.conversations.forget(conversation_id)

    def dump(self) -> dict[str, Any]:
        return {"conversations": self._turns.conversations.dump()}

    def load(self, state: dict[str, Any]) -> None:
        self._turns.conversations.load(state["conversations"])

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        for dialect in (self.goapi, self.gptbots, self.mygptassistants, self.openai):
            for route in dialect.routes():
                app.router.add_route(route.method, route.path, self._serve(dialect, route))
        return app

    async def __aenter__(self) -> Self:
        # as the base class does it, but with `handler_cancellation`: a client that goes away has to be noticed while
        # an answer is between two words, not at the next write
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__(*_)
        await self._turns.close()

    def _serve(self, dialect: Dialect, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            body = await _json(request)
            fault = self.faults.take(route.call)
            self.feed.publish("call", **_told(route, request, body, dialect, fault))
            if await struck(fault, request):
                return web.Response()
            try:
                if fault is not None and fault.kind == "status":
                    return dialect.struck(fault)
                dialect.authorise(request)
                response = await route.handle(Call(route.call, request, fault, body))
            except Refused as refused:
                response = refused.response
            if fault is not None and fault.kind == "lost":
                hang_up(request)
            return response

        return serve


async def _json(request: web.Request) -> Any:
    if request.method != "POST" or request.content_type.startswith("multipart/"):
        return None
    try:
        return json.loads(await request.read())
    except ValueError:
        return None


def _told(route: Route, request: web.Request, body: Any, dialect: Dialect, fault: Fault | None) -> dict[str, Any]:
    conversation = request.match_info.get("id")
    if conversation is None and isinstance(body, dict):
        conversation = body.get("conversation_id") or body.get("conversationId")
    return {
        "name": route.call,
        "system": dialect.kind,
        "conversation": conversation,
        "fault": fault.kind if fault else None,
        "path": request.path,
        "query": dict(request.query),
        "body": _shortened(body),
    }


def _shortened(value: Any) -> Any:
    match value:
        case str() if len(value) > LONGEST_TOLD:
            return f"{value[:LONGEST_TOLD]}… ({len(value)} characters)"
        case dict():
            return {key: _shortened(item) for key, item in value.items()}
        case list():
            return [_shortened(item) for item in value]
        case _:
            return value
