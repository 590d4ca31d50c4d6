"""`threadbridge doctor`: the checks of a configuration, put together and told."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bridges import logs
from bridges.doctor import ours
from bridges.doctor.asking import Line
from bridges.doctor.examining import examine
from bridges.doctor.finding import Check, Finding, failed, ok
from bridges.doctor.report import Json, Lines, Report, Screen
from bridges.doctor.upstreams import upstream
from bridges.settings import Settings
from core.database import parse
from core.errors import ConfigError
from core.loading import load


@dataclass(frozen=True, slots=True)
class Options:
    turn: bool = True
    """Ask each upstream."""
    json: bool = False
    within: float = 60.0
    """Seconds for each check."""


def doctor(path: Path | None, options: Options) -> int:
    """Checks the configuration at `path` (None: the environment alone). 1 if anything failed, else 0."""
    settings, read = _read(path)
    return asyncio.run(_examine(settings, read, options))


def _read(path: Path | None) -> tuple[Settings | None, Finding]:
    from bridges.app import check

    try:
        settings = load(Settings, path)
    except ConfigError as error:
        return None, _to_mend(path, error)
    try:
        check(settings)
    except ConfigError as error:
        return settings, _to_mend(path, error)
    return settings, ok(f"{path or 'the environment'} is complete")


async def _examine(settings: Settings | None, read: Finding, options: Options) -> int:
    # libraries have their say in findings, or not at all
    secrets = tuple(_secrets(settings)) if settings is not None else ()
    logs.configure("error", "text", iter(secrets))

    async def look() -> Finding:
        return read

    configured = Check("config", "file", look)
    if settings is None:
        return await _told((configured,), options, secrets)
    async with _checks(settings, options) as checks:
        return await _told((configured, *checks), options, secrets)


def _to_mend(path: Path | None, error: ConfigError) -> Finding:
    return failed(error.sentence, f"Mend it in {path or 'the environment'}; docs/configuration.md lists every key.")


@asynccontextmanager
async def _checks(settings: Settings, options: Options) -> AsyncIterator[list[Check]]:
    """Everything that there is to check; works as long as the block runs."""
    async with AsyncExitStack() as stack:
        direct = await stack.enter_async_context(Line(proxies=False))
        by_proxy = await stack.enter_async_context(Line(proxies=True))
        checks = [*ours.database(settings), ours.http(settings.http, direct)]
        clocks: list[ours.Ahead] = []
        # Only what is configured is imported: the libraries are large.
        if settings.bridges.slack is not None:
            from bridges.slack.checks import Examination as Slack

            slack = Slack(settings.bridges.slack, by_proxy)
            checks += [*slack.checks(), ours.access(settings, "slack")]
            clocks.append(slack.ahead)
        if settings.bridges.discord is not None:
            from bridges.discord.checks import Examination as Discord

            discord = Discord(settings.bridges.discord, direct)
            checks += [*discord.checks(), ours.access(settings, "discord")]
            clocks.append(discord.ahead)
        if settings.bridges.telegram is not None:
            from bridges.telegram.checks import Examination as Telegram

            telegram = Telegram(settings.bridges.telegram, by_proxy)
            checks += [*telegram.checks(), ours.access(settings, "telegram")]
            clocks.append(telegram.ahead)
        if settings.bridges.web is not None:
            checks += [ours.web(settings.bridges.web, settings.http), ours.access(settings, "web")]
        for name, section in settings.upstreams.items():
            checks.append(upstream(name, section, direct, turn=options.turn))
        yield [*checks, ours.clock(clocks)]


async def _told(checks: tuple[Check, ...], options: Options, secrets: Iterable[str]) -> int:
    report = _report(checks, options)
    hidden = logs.hiding(secrets)

    def safe(finding: Finding) -> Finding:
        return replace(finding, found=_shown(hidden(finding.found)), remedy=_shown(hidden(finding.remedy)))

    findings = await examine(checks, options.within, lambda position, finding: report.found(position, safe(finding)))
    report.close([safe(finding) for finding in findings])
    return 1 if any(finding.state == "failed" for finding in findings) else 0


def _report(checks: tuple[Check, ...], options: Options) -> Report:
    if options.json:
        return Json(checks, sys.stdout)
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        return Screen(checks, sys.stdout, colour=not os.environ.get("NO_COLOR"))
    return Lines(checks, sys.stdout)


def _secrets(settings: Settings) -> Iterable[str]:
    yield from logs.secrets_of(settings)
    with suppress(ConfigError):
        yield parse(settings.database.url).password or ""


def _shown(text: str) -> str:
    """What servers say may hold anything, also what would move a terminal's cursor."""
    return "".join(one if one.isprintable() else " " for one in text)
