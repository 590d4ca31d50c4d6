"""What has to be known of the assistant behind the bridges."""

from __future__ import annotations

import ipaddress
import re

from yarl import URL

from bridges.setup.draft import Draft
from bridges.setup.questions import Questions
from bridges.setup.toml import Key, Table, literal
from core.settings import KINDS

WHAT = {
    "openai": "any server that speaks OpenAI's Chat Completions: OpenAI, Ollama, vLLM, LiteLLM, OpenRouter, …",
    "goapi": "the GoAPI Conversation API",
    "gptbots": "GPTBots",
    "mygptassistants": "MyGPTAssistants",
}
KEY_PAGES = {
    "openai": "https://platform.openai.com/api-keys, or wherever your server's keys are made",
    "goapi": "the dashboard at https://goapi.ai",
    "gptbots": "your agent at https://www.gptbots.ai → Integration → API",
    "mygptassistants": "the dashboard at https://mygptassistants.com",
}
ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "goapi": "https://api.goapi.ai",
    "gptbots": "https://api.gptbots.ai",
    "mygptassistants": "https://api.mygptassistants.com/api/v1",
}
MODELS = {"openai": "gpt-4o-mini", "goapi": "gpt-4o"}


def upstream(questions: Questions, draft: Draft) -> None:
    width = max(map(len, WHAT))
    kinds = "\n".join(f"  {kind:<{width}}  {what}" for kind, what in WHAT.items())
    questions.tell(f"The assistant behind it can be\n{kinds}")
    kind = questions.text("upstream", "Which kind", "openai", _kind)
    if kind == "openai":
        questions.tell("Its address ends before /chat/completions; Ollama's is http://127.0.0.1:11434/v1.")
    base = questions.text("base-url", "Address", ADDRESSES[kind], _address)
    keys = [
        Key("kind", kind, " | ".join(KINDS)),
        Key("base_url", literal(base), on=base != ADDRESSES[kind]),
    ]
    if kind in MODELS:
        keys.append(Key("model", literal(questions.text("model", "Model", MODELS[kind]))))
    if kind == "mygptassistants":
        bot = questions.text("bot-id", "Id of the bot, from its address in the dashboard")
        keys.append(Key("bot_id", literal(bot)))
    name = f"{kind.upper()}_KEY" if kind != "openai" else "OPENAI_API_KEY"
    if kind == "openai" and _here(base):
        keys.append(Key("api_key", f"${{{name}}}", "if the server asks for one", on=False))
    else:
        questions.tell(f"Its key comes from {KEY_PAGES[kind]}.")
        typed = questions.secret(name, "API key")
        keys.append(Key("api_key", draft.secret(name, f"from {KEY_PAGES[kind]}", typed)))
    draft.tables.append(Table("upstreams.main", keys))


def _kind(answer: str) -> str | None:
    return None if answer in KINDS else f"Please answer one of {', '.join(KINDS)}."


def _address(answer: str) -> str | None:
    return None if re.match(r"https?://[^/\s]+", answer) else "An address starts with http:// or https://."


def _here(base: str) -> bool:
    """Is this a server on the operator's own machine? Those rarely ask for a key."""
    host = URL(base).host or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
