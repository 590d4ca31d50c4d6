"""The adapters, set up for the stand-in of their systems."""

from __future__ import annotations

from typing import Any

from core.settings import GoApi, GptBots, MyGptAssistants, OpenAi
from core.upstream.adapter import Adapter
from core.upstream.goapi import GoApiUpstream
from core.upstream.gptbots import GptBotsUpstream
from core.upstream.http import Sleep
from core.upstream.mygptassistants import MyGptAssistantsUpstream
from core.upstream.openai import OpenAiUpstream
from sandbox.upstream import API_KEY, BOT_ID, UpstreamServer

SENT = {
    "goapi": "goapi.create",
    "gptbots": "gptbots.message",
    "mygptassistants": "mygptassistants.stream",
    "openai": "openai.chat",
}
KINDS = list(SENT)
REMEMBERING = KINDS[:3]


async def no_wait(_: float) -> None:
    """In place of waiting."""


def make(server: UpstreamServer, kind: str, *, name: str = "main", sleep: Sleep = no_wait, **more: Any) -> Adapter:
    """An adapter with these settings; `sleep` is what it does between two attempts."""

    def base(which: Any) -> dict[str, Any]:
        return {"kind": which, "base_url": server.base_url(which), "api_key": API_KEY, **more}

    match kind:
        case "goapi":
            return GoApiUpstream(name, GoApi.model_validate(base(kind)), sleep=sleep)
        case "gptbots":
            return GptBotsUpstream(name, GptBots.model_validate(base(kind)), sleep=sleep)
        case "mygptassistants":
            section = MyGptAssistants.model_validate({"bot_id": BOT_ID, **base(kind)})
            return MyGptAssistantsUpstream(name, section, sleep=sleep)
        case _:
            section_openai = OpenAi.model_validate({"model": next(iter(server.openai.models)), **base("openai")})
            return OpenAiUpstream(name, section_openai, sleep=sleep)
