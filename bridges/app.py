"""The composition root: settings in, the running program out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import migrations
from bridges.endpoints import Endpoints
from bridges.settings import AccessSections, DiscordSettings, Settings, SlackSettings, TelegramSettings
from console.server import serving
from core.answering import Assistant
from core.bridge import Bridge
from core.database import is_sqlite, opened, owned, parse
from core.errors import ConfigError, DatabaseError
from core.relay import Relay, Route
from core.settings import Access
from core.store import Store
from core.upstream import Upstream
from core.upstream.build import build

log = logging.getLogger(__name__)

LONGEST_DELAY = 60.0
"""Seconds between two starts of a listener that keeps failing."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Runs everything in one process until `stop`. Raises `ConfigError` or `DatabaseError` for what has to be mended
    first, also when no listener is left that could ever work."""
    check(settings)
    url = parse(settings.database.url)
    with owned(url):
        await asyncio.to_thread(migrations.upgrade if is_sqlite(url) else migrations.check, url)
        async with AsyncExitStack() as stack:
            store = Store(await stack.enter_async_context(opened(url)))
            endpoints = Endpoints()
            upstreams = {
                name: await stack.enter_async_context(build(name, section))
                for name, section in settings.upstreams.items()
            }
            bridges = {bridge.name: bridge for bridge in _bridges(settings, endpoints)}
            for bridge in bridges.values():
                await stack.enter_async_context(bridge)
            relay = Relay(store, dict(_routes(settings, bridges, upstreams)), settings.relay)
            listeners = Listeners(bridges, relay)
            await stack.enter_async_context(_http(settings, endpoints, store, listeners))
            await relay.recover()
            log.info("running: %s", ", ".join(bridges))
            try:
                await listeners.run(stop)
            except asyncio.CancelledError:
                # told a second time: nothing is waited for
                await relay.stop(0)
                raise
            finally:
                await relay.stop()


def check(settings: Settings) -> None:
    """Raises `ConfigError` for what each key by itself cannot tell."""
    bridges = _sections(settings)
    if not bridges:
        raise ConfigError(
            "No bridge is configured: add a section bridges.slack, bridges.discord or bridges.telegram with its token."
        )
    if not settings.upstreams:
        raise ConfigError('No upstream is configured: add a section such as upstreams.main with kind = "openai".')
    known = ", ".join(settings.upstreams)
    for name, section in bridges.items():
        if section.upstream is not None and section.upstream not in settings.upstreams:
            raise ConfigError(f'bridges.{name}.upstream names "{section.upstream}"; configured are: {known}.')
    for name, upstream in settings.upstreams.items():
        for backup in upstream.backup:
            if backup not in settings.upstreams or backup == name:
                raise ConfigError(f'upstreams.{name}.backup names "{backup}"; it has to be another one of: {known}.')


def _sections(settings: Settings) -> dict[str, SlackSettings | DiscordSettings | TelegramSettings]:
    sections = settings.bridges
    found = {"slack": sections.slack, "discord": sections.discord, "telegram": sections.telegram}
    return {name: section for name, section in found.items() if section is not None}


def _bridges(settings: Settings, endpoints: Endpoints) -> Iterator[Bridge]:
    """Only what is configured is imported: the libraries are large."""
    for section in _sections(settings).values():
        match section:
            case SlackSettings():
                from bridges.slack import SlackBridge

                yield SlackBridge(section, endpoints=endpoints)
            case DiscordSettings():
                from bridges.discord import DiscordBridge

                yield DiscordBridge(section, endpoints=endpoints)
            case TelegramSettings():
                from bridges.telegram import TelegramBridge

                yield TelegramBridge(section, endpoints=endpoints)


def _routes(
    settings: Settings, bridges: Mapping[str, Bridge], upstreams: Mapping[str, Upstream]
) -> Iterator[tuple[str, Route]]:
    first = next(iter(settings.upstreams))
    for name, section in _sections(settings).items():
        chosen = section.upstream or first
        access: Access = getattr(settings.access, name)
        default: Access = getattr(AccessSections(), name)
        yield (
            name,
            Route(
                bridge=bridges[name],
                access=access if access.policy else access.model_copy(update={"policy": default.policy}),
                assistants=tuple(
                    Assistant(
                        upstreams[one],
                        settings.upstreams[one].history_exchanges,
                        settings.upstreams[one].history_characters,
                        settings.upstreams[one].announce_backup,
                    )
                    for one in (chosen, *settings.upstreams[chosen].backup)
                ),
            ),
        )


@asynccontextmanager
async def _http(settings: Settings, endpoints: Endpoints, store: Store, listeners: Listeners) -> AsyncIterator[None]:
    async def ready() -> str | None:
        try:
            await store.busy(listeners.names)
        except DatabaseError as error:
            return error.sentence
        return listeners.trouble()

    async with AsyncExitStack() as stack:
        server = serving(settings.http, platforms=endpoints.dispatch, ready=ready)
        try:
            host, port = await stack.enter_async_context(server)
            log.info("HTTP on http://%s:%d", host, port)
        except ConfigError as error:
            if "http" in settings.model_fields_set or _reached_over_http(settings):
                raise
            log.warning("%s Until then there is no health check.", error.sentence)
        yield


def _reached_over_http(settings: Settings) -> bool:
    slack, telegram = settings.bridges.slack, settings.bridges.telegram
    return (slack is not None and slack.mode == "http") or (telegram is not None and telegram.mode == "webhook")


class Listeners:
    """Keeps every bridge listening. One that fails is started again with backoff and stops no other; one that can
    never work is reported and left."""

    def __init__(self, bridges: Mapping[str, Bridge], relay: Relay) -> None:
        self._bridges = bridges
        self._relay = relay
        self._trouble: dict[str, str] = {}

    @property
    def names(self) -> Collection[str]:
        return self._bridges

    def trouble(self) -> str | None:
        """What keeps a bridge from listening, or None."""
        return "; ".join(f"{name}: {reason}" for name, reason in self._trouble.items()) or None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, or until none is left that could work: then `ConfigError`."""
        listening = {asyncio.create_task(self._keep(bridge)) for bridge in self._bridges.values()}
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stopping.done():
                done, _ = await asyncio.wait({stopping, *listening}, return_when=asyncio.FIRST_COMPLETED)
                if not listening - done and not stopping.done():
                    raise ConfigError(f"No bridge can listen any more. {self.trouble()}")
                listening -= done
        finally:
            for task in (stopping, *listening):
                task.cancel()
            await asyncio.gather(stopping, *listening, return_exceptions=True)

    async def _keep(self, bridge: Bridge) -> None:
        delay = 1.0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                self._trouble.pop(bridge.name, None)
                await bridge.listen(partial(self._relay.accept, bridge.name), partial(self._relay.recent, bridge.name))
                reason = "it stopped listening"
            except ConfigError as error:
                log.error("%s: %s", bridge.name, error.sentence)
                self._trouble[bridge.name] = error.sentence
                return
            except Exception as error:
                reason = f"{type(error).__name__} in its listener"
                log.exception("%s: the listener failed", bridge.name)
            self._trouble[bridge.name] = reason
            if asyncio.get_running_loop().time() - began > LONGEST_DELAY:
                delay = 1.0
            log.warning("%s: %s; starting it again in %.0f s", bridge.name, reason, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
