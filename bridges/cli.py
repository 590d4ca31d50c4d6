"""The command line. Exit codes: 0 done, 1 something has to be mended (one sentence says what), 2 wrong usage."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from bridges import logs
from bridges.conversations import looking_back
from bridges.settings import Settings
from bridges.setup.arguments import setting_up
from core.database import described, owned, parse
from core.errors import ThreadbridgeError
from core.loading import load

Run = Callable[[asyncio.Event], Awaitable[None]]


def main(arguments: list[str] | None = None) -> int:
    """The command `threadbridge`."""
    chosen = parser().parse_args(arguments)
    try:
        return chosen.do(chosen) or 0
    except ThreadbridgeError as error:
        sys.stderr.write(f"threadbridge: {error.sentence}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Every command with its options; what it parses says in `do` what is to be done."""
    whole = argparse.ArgumentParser(
        prog="threadbridge",
        description="Puts an assistant that lives behind a conversation API into Slack, Discord and Telegram.",
    )
    whole.add_argument("--version", action="version", version=f"threadbridge {version('threadbridge')}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    configured = argparse.ArgumentParser(add_help=False)
    configured.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration (default: $THREADBRIDGE_CONFIG, else threadbridge.toml)",
    )
    run = commands.add_parser("run", parents=[configured], help="listen, relay and serve HTTP, all in one process")
    run.set_defaults(do=_run, role="run")
    listen = commands.add_parser("listen", parents=[configured], help="only listen (several processes, PostgreSQL)")
    listen.set_defaults(do=_run, role="listen")
    work = commands.add_parser("work", parents=[configured], help="only answer (several processes, PostgreSQL)")
    work.set_defaults(do=_run, role="work")
    playground = commands.add_parser("playground", help="try it in a browser: no accounts, no tokens, no network")
    playground.add_argument("--port", type=int, default=8642, help="of the page (default: 8642)")
    playground.add_argument("--data", type=Path, metavar="DIR", help="where the chats are kept between two runs")
    playground.add_argument("--fresh", action="store_true", help="forget the chats of earlier runs")
    playground.add_argument("--open", action="store_true", help="open the page in a browser")
    playground.set_defaults(do=_playground)
    setting_up(commands, configured, _file)
    looking_back(commands, configured, _settings)
    database = commands.add_parser("db", help="the database's schema")
    actions = database.add_subparsers(dest="action", required=True, metavar="ACTION")
    upgrade = actions.add_parser("upgrade", parents=[configured], help="bring it to what this program needs")
    upgrade.set_defaults(do=_upgrade)
    check = actions.add_parser("check", parents=[configured], help="say whether it is what this program needs")
    check.set_defaults(do=_check)
    pair = commands.add_parser("pair", parents=[configured], help="let people in who were given a code")
    whom = pair.add_mutually_exclusive_group(required=True)
    whom.add_argument("code", nargs="?", metavar="CODE", help="as the person was told it")
    whom.add_argument("--list", action="store_true", help="show who is let in by a code, and who waits for it")
    whom.add_argument("--revoke", metavar="PERSON", help="let a person in no longer; an id, as --list shows it")
    pair.set_defaults(do=_pair)
    return whole


def _settings(chosen: argparse.Namespace) -> Settings:
    return load(Settings, _file(chosen))


def _file(chosen: argparse.Namespace) -> Path | None:
    """The configuration; None: the environment alone."""
    named: Path | None = chosen.config
    if named is None and (value := os.environ.get("THREADBRIDGE_CONFIG")):
        named = Path(value)
    default = Path("threadbridge.toml")
    if named is None and not default.exists() and any(name.startswith("THREADBRIDGE__") for name in os.environ):
        return None
    return named or default


def _run(chosen: argparse.Namespace) -> None:
    from bridges.app import run

    settings = _settings(chosen)
    logs.configure(settings.log.level, settings.log.format, logs.secrets_of(settings))
    asyncio.run(_until_told(lambda stop: run(settings, stop, chosen.role)))


async def _until_told(work: Run) -> None:
    """Runs `work` with an event that Ctrl-C and SIGTERM set; told a second time, it is cancelled."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    working = asyncio.ensure_future(work(stop))

    def told() -> None:
        if stop.is_set():
            working.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    try:
        await working
    except asyncio.CancelledError:
        if not stop.is_set():
            raise


def _playground(chosen: argparse.Namespace) -> None:
    from sandbox.playground import PlaygroundError, serve

    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    data = chosen.data or state / "threadbridge" / "playground"

    try:
        asyncio.run(serve(chosen.port, data, fresh=chosen.fresh, open_browser=chosen.open))
    except PlaygroundError as error:
        raise ThreadbridgeError(str(error)) from None


def _upgrade(chosen: argparse.Namespace) -> None:
    import migrations

    url = parse(_settings(chosen).database.url)
    with owned(url):
        migrations.upgrade(url)
    _say(f"The database {described(url)} is what this program needs.")


def _check(chosen: argparse.Namespace) -> None:
    import migrations

    url = parse(_settings(chosen).database.url)
    migrations.check(url)
    _say(f"The database {described(url)} is what this program needs.")


def _pair(chosen: argparse.Namespace) -> None:
    import migrations
    from bridges import pair

    url = parse(_settings(chosen).database.url)
    migrations.check(url)
    if chosen.list:
        _say(asyncio.run(pair.listed(url)))
    elif chosen.revoke is not None:
        _say(asyncio.run(pair.revoke(url, chosen.revoke)))
    else:
        _say(asyncio.run(pair.confirm(url, chosen.code)))


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
