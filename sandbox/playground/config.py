"""The configuration that the program is started with: a real `threadbridge.toml`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["goapi", "gptbots", "mygptassistants", "openai"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Table = Mapping[str, str | int | float | list[str]]


def render(tables: Mapping[str, Table]) -> str:
    """TOML of tables of strings, numbers and lists of strings."""
    lines = ["# Written by the playground at each start; changes made here are overwritten."]
    for name, table in tables.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def upstreams(base_urls: Mapping[Kind, str], api_key: str, bot_id: str) -> dict[str, Table]:
    """One section for each kind of upstream, named for its kind."""
    own: dict[Kind, Table] = {
        "goapi": {"model": "gpt-4o"},
        "gptbots": {"api_version": 2},
        "mygptassistants": {"bot_id": bot_id},
        "openai": {"model": "sandbox"},
    }
    return {
        f"upstreams.{kind}": {"kind": kind, "base_url": base_urls[kind], "api_key": api_key, **own[kind]}
        for kind in KINDS
    }


def tables(
    *,
    database: Path,
    http_port: int,
    bridges: Mapping[str, Table],
    upstreams: Mapping[str, Table],
    kind: str,
    let_in: Mapping[str, list[str]],
) -> dict[str, Table]:
    """Every section. `let_in`: who may talk to the assistant from the start, by bridge; all others are strangers, and
    given a code. A stop hands over running turns quickly, since that is what one wants to see."""
    others: list[str] = [one for one in KINDS if one != kind]
    return {
        "database": {"url": f"sqlite:///{database}"},
        "http": {"host": "127.0.0.1", "port": http_port},
        "relay": {"drain_within": 1.5},
        **{f"bridges.{name}": {**table, "upstream": kind, "upstreams": others} for name, table in bridges.items()},
        **upstreams,
        **{f"access.{name}": {"policy": "pairing", "users": let_in[name]} for name in bridges},
    }
