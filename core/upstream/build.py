"""From a section of the configuration to the adapter that it asks for."""

from __future__ import annotations

from core.settings import AnyUpstream, GoApi, GptBots, MyGptAssistants, OpenAi
from core.upstream import Upstream
from core.upstream.goapi import GoApiUpstream
from core.upstream.gptbots import GptBotsUpstream
from core.upstream.mygptassistants import MyGptAssistantsUpstream
from core.upstream.openai import OpenAiUpstream


def build(name: str, section: AnyUpstream) -> Upstream:
    """The upstream, not yet entered: nothing is connected before its `async with`."""
    match section:
        case GoApi():
            return GoApiUpstream(name, section)
        case GptBots():
            return GptBotsUpstream(name, section)
        case MyGptAssistants():
            return MyGptAssistantsUpstream(name, section)
        case OpenAi():
            return OpenAiUpstream(name, section)
