"""Our own side: the database, the port, the clock, and who is let in."""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import URL as DatabaseUrl
from yarl import URL

import migrations
from bridges.doctor.asking import Answer, Line
from bridges.doctor.finding import Check, Finding, failed, ok, skipped, warning
from bridges.settings import AccessSections, Settings, WebSettings
from core.database import described, is_sqlite, parse
from core.errors import ConfigError, DatabaseError
from core.settings import Access, Http

Ahead = Callable[[], Awaitable[float | None]]

WRONG_CLOCK = 30.0
USELESS_CLOCK = 240.0
"""Seconds. Signatures of platforms hold for five minutes, and messages are taken for older than they are."""


def database(settings: Settings) -> Iterator[Check]:
    try:
        url = parse(settings.database.url)
    except ConfigError as error:
        wrong = failed(error.sentence, "Mend database.url.")

        async def say() -> Finding:
            return wrong

        yield Check("database", "address", say)
        return
    if is_sqlite(url):
        yield Check("database", "folder", lambda: asyncio.to_thread(_folder, Path(url.database or "").parent))
    yield Check("database", "schema", lambda: asyncio.to_thread(_schema, url))


def _folder(folder: Path) -> Finding:
    """A file is made in it and taken away: rights and mount options together decide, and only a try tells."""
    if not folder.is_dir():
        return failed(f"there is no folder {folder.absolute()}", "Create it, or name another in database.url.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ok(f"{folder.absolute()} can be written to")
    except OSError as error:
        return failed(
            f"{folder.absolute()} cannot be written to: {error.strerror}",
            "Give the user that runs Threadbridge the right to, or name another folder in database.url.",
        )


def _schema(url: DatabaseUrl) -> Finding:
    if is_sqlite(url) and not Path(url.database or "").exists():
        return ok(f"made by the first threadbridge run: {described(url)}")
    try:
        migrations.check(url)
    except migrations.Outdated as error:
        if is_sqlite(url):
            return ok(f"brought up to date by the next threadbridge run: {described(url)}")
        return _of(error)
    except DatabaseError as error:
        return _of(error)
    return ok(f"{described(url)} is what this program needs")


def _of(error: DatabaseError) -> Finding:
    """The last sentence of these errors says what to do."""
    found, _, remedy = error.sentence.rpartition(". ")
    return failed(found, remedy)


def http(settings: Http, line: Line) -> Check:
    async def look() -> Finding:
        where = f"{settings.host}:{settings.port}"
        if settings.port == 0:
            return ok(f"any that is free on {settings.host}")
        refused = _bind(settings)
        if refused is None:
            return ok(f"{where} is free")
        if refused.errno == errno.EADDRINUSE:
            if (running := await _program(settings, line)) is not None:
                return running
            return failed(
                f"another program uses {where}",
                f"Stop it (ss -ltnp 'sport = :{settings.port}' names it), or choose another with http.port.",
            )
        return failed(
            f"{where} cannot be listened on: {refused.strerror}",
            "Set http.host to an address of this machine (127.0.0.1, or 0.0.0.0 for all) and http.port above 1023.",
        )

    return Check("http", "port", look)


def _bind(settings: Http) -> OSError | None:
    """What hinders the server from having its address."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen(1)
    except OSError as error:
        return error
    return None


async def _program(settings: Http, line: Line) -> Finding | None:
    """What the Threadbridge at our address says of itself; None if it is another program."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    try:
        async with asyncio.timeout(5):
            reply = await line.ask("GET", f"http://{host}:{settings.port}/readyz")
    except TimeoutError:
        return None
    match reply:
        case Answer(fields={"status": "ready"}):
            return ok(f"Threadbridge runs at {host}:{settings.port} and is ready")
        case Answer(fields={"status": "not ready", "reason": reason}):
            return failed(
                f"Threadbridge runs at {host}:{settings.port} and is not ready: {reason}",
                "Mend what it names, or read its log.",
            )
        case _:
            return None


def web(settings: WebSettings, http: Http) -> Check:
    """Whom the web bridge knows, and where it is."""

    async def look() -> Finding:
        names = ", ".join(settings.clients)
        if exposed := [one for one in settings.origins if one.startswith("http://") and not _is_here(one)]:
            return warning(
                f"{exposed[0]} is in bridges.web.origins, and its pages come over a line that anybody can change",
                "Serve that site by https, and write https:// there.",
            )
        port = f":{http.port}" if http.port else ""
        return ok(f"http://{http.host}{port}/web/ knows {names}")

    return Check("web", "clients", look)


def _is_here(origin: str) -> bool:
    return URL(origin).host in ("localhost", "127.0.0.1", "::1")


def access(settings: Settings, name: str) -> Check:
    """Whom a bridge lets in."""

    async def look() -> Finding:
        chosen: Access = getattr(settings.access, name)
        default: Access = getattr(AccessSections(), name)
        match chosen.policy or default.policy:
            case "open" if chosen.roles:
                return ok(f"those with one of access.{name}.roles are let in: {len(chosen.roles)}")
            case "open":
                return ok("everyone is let in")
            case "members":
                return ok("everyone of the organisation is let in")
            case "pairing":
                return ok("those are let in whose code is confirmed with threadbridge pair")
            case policy if named := len(chosen.users) + len(chosen.roles) + len(chosen.operators):
                return ok(f"those named in access.{name} are let in ({policy}): {named}")
            case policy:
                return warning(
                    f"nobody is let in: access.{name}.policy is {policy}, and access.{name}.users is empty",
                    f"Put your own id into access.{name}.users (docs/{name}.md says where to find it).",
                )

    return Check(name, "access", look)


def clock(platforms: Sequence[Ahead]) -> Check:
    """Compares with the platform that comes nearest; one that does not answer has its own finding."""

    async def told(ask: Ahead) -> float | None:
        try:
            async with asyncio.timeout(10):
                return await ask()
        except TimeoutError:
            return None

    async def look() -> Finding:
        found = [ahead for ahead in await asyncio.gather(*map(told, platforms)) if ahead is not None]
        if not found:
            return skipped("no platform told the time")
        ahead = min(found, key=abs)
        if abs(ahead) < WRONG_CLOCK:
            return ok("right")
        judge = failed if abs(ahead) >= USELESS_CLOCK else warning
        return judge(
            f"this machine's clock is {abs(ahead):.0f} seconds {'ahead' if ahead > 0 else 'behind'}",
            "Have it set by a time server: timedatectl set-ntp true.",
        )

    return Check("machine", "clock", look)
