"""What the doctor asks an upstream: one short turn, as a person's message would be."""

from __future__ import annotations

import asyncio
import difflib
from contextlib import aclosing

from bridges.doctor.asking import Answer, Line, address
from bridges.doctor.finding import Check, Finding, failed, ok, skipped, warning
from core.errors import PromptRejected, UpstreamBusy, UpstreamError, UpstreamRefused, UpstreamUnavailable
from core.model import Prompt, Replace, Text
from core.settings import AnyUpstream, OpenAi
from core.upstream.build import build
from core.upstream.failures import NO_ACCESS, NO_ADDRESS, NO_CREDIT

QUESTION = "Answer with the one word: ready"


def upstream(name: str, section: AnyUpstream, line: Line, *, turn: bool) -> Check:
    async def look() -> Finding:
        if not turn:
            return skipped(f"{section.kind} was not asked (--no-turn)")
        return await _turn(name, section, line)

    return Check("upstreams", name, look)


async def _turn(name: str, section: AnyUpstream, line: Line) -> Finding:
    clock = asyncio.get_running_loop().time
    began = clock()
    said: float | None = None
    # asked once: who waits for a doctor wants to hear what is wrong, not to see it pass
    impatient = section.model_copy(update={"retries": 0})
    try:
        async with (
            build(name, impatient) as asked,
            aclosing(asked.stream(Prompt(text=QUESTION, user="doctor"))) as events,
        ):
            async for event in events:
                if said is None and isinstance(event, Text | Replace):
                    said = clock() - began
    except UpstreamError as error:
        return await _judged(name, section, line, error)
    took = clock() - began
    return ok(
        f"{section.kind} answered: first text after {took if said is None else said:.1f} s, all after {took:.1f} s"
    )


async def _judged(name: str, section: AnyUpstream, line: Line, error: UpstreamError) -> Finding:
    keys = f"upstreams.{name}"
    where = address(section.base_url)
    said = f": {error.detail}" if error.detail else ""
    if isinstance(section, OpenAi) and (isinstance(error, PromptRejected) or error.sentence == NO_ADDRESS):
        # servers refuse an unknown model in either way
        known = await _models(section, line)
        if known is not None and section.model not in known:
            near = difflib.get_close_matches(section.model, known, 5, 0.3) or sorted(known)[:5]
            return failed(
                f"{where} does not know the model {section.model}",
                f"Set {keys}.model to one that it has: {', '.join(near)}."
                if near
                else "It has no model yet: load one there first.",
            )
    match error:
        case UpstreamRefused(sentence=sentence) if sentence == NO_ACCESS:
            return failed(f"{where} refuses the key{said}", f"Put a key of your account there into {keys}.api_key.")
        case UpstreamRefused(sentence=sentence) if sentence == NO_CREDIT:
            return failed(f"the account at {where} has no credit left{said}", "Look at its billing page.")
        case UpstreamRefused(sentence=sentence) if sentence == NO_ADDRESS:
            return failed(
                f"there is no such assistant at {where}{said}",
                f"Check {keys}.base_url, and the model or bot that {keys} names.",
            )
        case UpstreamBusy():
            return warning(f"{where} has too much to do just now{said}", "Try again in a minute.")
        case UpstreamUnavailable():
            return failed(
                f"{where} does not answer as it should{said}",
                f"See that the server runs and can be reached from here, and check {keys}.base_url.",
            )
        case _:
            return failed(
                f"{where} did not answer the question{said}",
                f"Check that {keys}.kind ({section.kind}) is what this server speaks, and {keys}.base_url.",
            )


async def _models(section: OpenAi, line: Line) -> set[str] | None:
    """What the server lists; None where it has no list."""
    key = section.api_key.get_secret_value() if section.api_key else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    match await line.ask("GET", f"{section.base_url}/models", headers):
        case Answer(status=200, fields={"data": list(models)}):
            return {str(model["id"]) for model in models if isinstance(model, dict) and "id" in model}
        case _:
            return None
