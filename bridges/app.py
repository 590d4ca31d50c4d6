"""The composition root: settings in, the running program out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import Literal, Protocol

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

import migrations
from bridges.endpoints import Endpoints
from bridges.garbage import look_seldom
from bridges.listeners import Listeners
from bridges.logs import messages
from bridges.settings import AccessSections, DiscordSettings, Settings, SlackSettings, TelegramSettings, WebSettings
from console.desk import Desk
from console.health import Health, Pulse
from console.metrics import Metrics
from console.server import serving
from console.tracing import traced
from core.answering import Assistant
from core.backlog import Backlog
from core.banning import Bans
from core.bridge import Bridge
from core.database import is_sqlite, opened, owned, parse, reading
from core.enclosing import Sender
from core.errors import ConfigError
from core.fetching import Fetcher
from core.inbox import Inbox
from core.lease import Lease, clock
from core.observing import Observe, observed_by
from core.operating import Operating
from core.pace import Pacer
from core.pairing import Register
from core.rating import Ratings
from core.reading import Reading
from core.relay import Relay, Route
from core.retention import Retention
from core.scheduler import LocalScheduler, Scheduler
from core.settings import Access
from core.store import Store
from core.upstream import Upstream
from core.upstream.build import build
from core.usage import usage
from core.waiting import WaitingSigns

log = logging.getLogger(__name__)

Role = Literal["run", "listen", "work"]
"""What one process does: everything, or one of the two halves."""


class Runner(Protocol):
    """Whoever runs the turns in this process."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and a little longer for what is running then."""


async def run(settings: Settings, stop: asyncio.Event, role: Role = "run") -> None:
    """Runs one process until `stop`. Raises `ConfigError` or `DatabaseError` for what has to be mended first, also when
    no listener is left that could ever work."""
    check(settings)
    url = parse(settings.database.url)
    if role != "run" and is_sqlite(url):
        raise ConfigError(
            f"threadbridge {role} is for several processes, which cannot share a SQLite file. Set database.url to "
            "postgresql://USER@HOST/NAME, or use threadbridge run."
        )
    with owned(url):
        await asyncio.to_thread(migrations.upgrade if is_sqlite(url) else migrations.check, url)
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(opened(url))
            store = Store(engine)
            backlog = await stack.enter_async_context(aclosing(Backlog(engine)))
            endpoints = Endpoints(listening=role != "work")
            bridges = {bridge.name: bridge for bridge in _bridges(settings, endpoints, engine)}
            pacers = {name: Pacer(bridge.pace) for name, bridge in bridges.items()}
            metrics, pulse = Metrics(bridges), Pulse()
            retention = Retention(engine, settings.retention)
            signs = WaitingSigns(engine, bridges, pacers, set(_signing(settings)))
            observers = [
                *(metrics.observe, pulse.observe, retention.observe, signs.observe),
                *stack.enter_context(traced()),
            ]
            observe = observed_by(*observers, *([messages] if settings.log.messages else []))
            for bridge in bridges.values():
                await stack.enter_async_context(bridge)
            await stack.enter_async_context(signs.showing())
            upstreams = {} if role == "listen" else await _upstreams(settings, stack)
            routes = dict(_routes(settings, bridges, upstreams)) if upstreams else {}
            scheduler, runner, said = _answering(settings, url, store, routes, pacers, observe, stack)
            inbox = Inbox(store, dict(_access(settings)), settings.relay, scheduler, _sections(settings), observe)
            listeners = Listeners(bridges if role != "work" else {}, inbox, observe)
            health = Health(
                settings.health, backlog, pulse, listeners.state, platforms=bridges, answers=role != "listen"
            )
            looking = await stack.enter_async_context(reading(url))
            desk = Desk(
                Reading(looking),
                Operating(engine, scheduler),
                Register(engine),
                Bans(engine),
                partial(usage, looking),
                health.report,
                said,
                bridges=tuple(bridges),
                upstreams=tuple(settings.upstreams),
            )
            await stack.enter_async_context(_http(settings, endpoints, health, metrics, desk))
            log.info("%s: %s", {"run": "running", "listen": "listening", "work": "working"}[role], ", ".join(bridges))
            besides: list[Runner] = [retention, Ratings(engine, upstreams)]
            running = [*([listeners] if role != "work" else []), *([runner, *besides] if runner else [])]
            look_seldom()
            await _together(stop, *running)
            if runner:
                await retention.attempt()  # for what ended last


async def _upstreams(settings: Settings, stack: AsyncExitStack) -> dict[str, Upstream]:
    return {name: await stack.enter_async_context(build(name, section)) for name, section in settings.upstreams.items()}


def _answering(
    settings: Settings,
    url: URL,
    store: Store,
    routes: Mapping[str, Route],
    pacers: Mapping[str, Pacer],
    observe: Observe,
    stack: AsyncExitStack,
) -> tuple[Scheduler, Runner | None, Callable[[int], str | None]]:
    """What has to be told of turns, whoever runs them here, and who knows what an answer is so far: on SQLite tasks of
    this process, on PostgreSQL jobs, which any process may take. Without routes, nobody here."""
    if not routes:
        from core.queue import JobQueue

        return JobQueue(), None, _unheard
    if is_sqlite(url):
        relay = Relay(store, routes, settings.relay, observe=observe, pacers=pacers)
        stack.push_async_callback(relay.settled)
        local = LocalScheduler(relay, settings.relay)
        return local, local, relay.said
    # imported where there are jobs: the library is large
    from core.queue import JobQueue
    from core.worker import Worker

    lease = Lease()
    relay = Relay(store, routes, settings.relay, held=lambda: lease.held(clock()), observe=observe, pacers=pacers)
    stack.push_async_callback(relay.settled)
    return JobQueue(), Worker(url, relay, settings.relay, lease), relay.said


def _unheard(_: int) -> str | None:
    """Where no turn is run, nobody knows what an answer is so far."""
    return None


async def _together(stop: asyncio.Event, *runners: Runner) -> None:
    """Runs them side by side. If one ends or fails, the others are told to stop; a cancellation reaches all."""
    tasks = [asyncio.create_task(runner.run(stop)) for runner in runners]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.wait(tasks)
        for task in tasks:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def check(settings: Settings) -> None:
    """Raises `ConfigError` for what each key by itself cannot tell."""
    bridges = _sections(settings)
    if not bridges:
        raise ConfigError(
            "No bridge is configured: add a section bridges.slack, bridges.discord, bridges.telegram or bridges.web "
            "with its token."
        )
    if not settings.upstreams:
        raise ConfigError('No upstream is configured: add a section such as upstreams.main with kind = "openai".')
    known = ", ".join(settings.upstreams)
    for name, section in bridges.items():
        if section.upstream is not None and section.upstream not in settings.upstreams:
            raise ConfigError(f'bridges.{name}.upstream names "{section.upstream}"; configured are: {known}.')
        for other in section.upstreams:
            if other not in settings.upstreams:
                raise ConfigError(f'bridges.{name}.upstreams names "{other}"; configured are: {known}.')
    for name, upstream in settings.upstreams.items():
        for backup in upstream.backup:
            if backup not in settings.upstreams or backup == name:
                raise ConfigError(f'upstreams.{name}.backup names "{backup}"; it has to be another one of: {known}.')


AnySettings = SlackSettings | DiscordSettings | TelegramSettings | WebSettings


def _sections(settings: Settings) -> dict[str, AnySettings]:
    sections = settings.bridges
    found = {"slack": sections.slack, "discord": sections.discord, "telegram": sections.telegram, "web": sections.web}
    return {name: section for name, section in found.items() if section is not None}


def _bridges(settings: Settings, endpoints: Endpoints, engine: AsyncEngine) -> Iterator[Bridge]:
    """Only what is configured is imported: the libraries are large."""
    for section in _sections(settings).values():
        match section:
            case SlackSettings():
                from bridges.slack import SlackBridge

                yield SlackBridge(section, endpoints=endpoints)
            case DiscordSettings():
                from bridges.discord import DiscordBridge

                roles = bool(settings.access.discord.roles)
                yield DiscordBridge(section, endpoints=endpoints, roles=roles, choices=choices(settings, section))
            case TelegramSettings():
                from bridges.telegram import TelegramBridge

                yield TelegramBridge(section, endpoints=endpoints)
            case WebSettings():
                from bridges.web import WebBridge

                yield WebBridge(section, engine=engine, endpoints=endpoints, choices=choices(settings, section))


def assistants(settings: Settings, section: AnySettings) -> tuple[str, ...]:
    """The names of all upstreams that answer at a bridge, the usual one first."""
    usual = section.upstream or next(iter(settings.upstreams))
    return tuple(dict.fromkeys((usual, *section.upstreams)))


def choices(settings: Settings, section: AnySettings) -> tuple[str, ...]:
    """The same, of which people may choose; none where there is but one."""
    names = assistants(settings, section)
    return names if len(names) > 1 else ()


def _signing(settings: Settings) -> Iterator[str]:
    for name, section in _sections(settings).items():
        if not isinstance(section, WebSettings) and section.waiting_sign:
            yield name


def _access(settings: Settings) -> Iterator[tuple[str, Access]]:
    for name in _sections(settings):
        access: Access = getattr(settings.access, name)
        default: Access = getattr(AccessSections(), name)
        yield name, access if access.policy else access.model_copy(update={"policy": default.policy})


def _routes(
    settings: Settings, bridges: Mapping[str, Bridge], upstreams: Mapping[str, Upstream]
) -> Iterator[tuple[str, Route]]:
    senders = {
        name: Sender(Fetcher([section.base_url]), section.base_url, section.image_hosts)
        for name, section in settings.upstreams.items()
    }
    for name, section in _sections(settings).items():
        usual, *others = assistants(settings, section)
        chains = {
            chosen: tuple(
                Assistant(
                    upstreams[one],
                    settings.upstreams[one].history_exchanges,
                    settings.upstreams[one].history_characters,
                    settings.upstreams[one].announce_backup,
                    senders[one],
                )
                for one in (chosen, *settings.upstreams[chosen].backup)
            )
            for chosen in (usual, *others)
        }
        buttons = not isinstance(section, WebSettings) and section.buttons
        yield name, Route(bridges[name], chains[usual], buttons, chains if others else {})


@asynccontextmanager
async def _http(
    settings: Settings, endpoints: Endpoints, health: Health, metrics: Metrics, desk: Desk
) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        server = serving(settings.http, platforms=endpoints.dispatch, report=health.report, metrics=metrics, desk=desk)
        try:
            host, port = await stack.enter_async_context(server)
            log.info("HTTP on http://%s:%d", host, port)
        except ConfigError as error:
            if "http" in settings.model_fields_set or _reached_over_http(settings):
                raise
            log.warning("%s Until then there are no health checks and no metrics.", error.sentence)
        yield


def _reached_over_http(settings: Settings) -> bool:
    slack, telegram = settings.bridges.slack, settings.bridges.telegram
    if (slack is not None and slack.mode == "http") or (telegram is not None and telegram.mode == "webhook"):
        return True
    return settings.bridges.web is not None
