"""The commands that set Threadbridge up and look it over, for the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.settings import KINDS

PLATFORMS = ("slack", "discord", "telegram", "web")

Commands = Any
"""What `ArgumentParser.add_subparsers` gives; its type has no public name."""
Find = Callable[[argparse.Namespace], Path | None]


def setting_up(commands: Commands, configured: argparse.ArgumentParser, find: Find) -> None:
    """Adds the commands. `configured` takes `--config`, and `find` says which file that means."""
    _init(commands, find)
    _doctor(commands, configured, find)
    _slack(commands, configured, find)
    _discord(commands, configured, find)


def _init(commands: Commands, find: Find) -> None:
    init = commands.add_parser("init", help="ask what there is to know, and write a configuration")
    init.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="where to write it (default: $THREADBRIDGE_CONFIG, else threadbridge.toml)",
    )
    init.add_argument("--bridge", action="append", choices=PLATFORMS, help="a platform; may be given more than once")
    init.add_argument("--upstream", choices=KINDS, help="the kind of assistant behind it")
    init.add_argument("--base-url", metavar="URL", help="where that assistant is, if not at its usual place")
    init.add_argument("--model", help="its model (goapi, openai)")
    init.add_argument("--bot-id", metavar="ID", help="its bot (mygptassistants)")
    init.add_argument("--telegram-users", metavar="IDS", help="who may talk to the Telegram bot, with commas")
    init.add_argument("--yes", action="store_true", help="ask nothing: take what is given here, and else the default")

    def do(chosen: argparse.Namespace) -> None:
        from bridges.setup.command import init

        init(find(chosen) or Path("threadbridge.toml"), chosen)

    init.set_defaults(do=do)


def _doctor(commands: Commands, configured: argparse.ArgumentParser, find: Find) -> None:
    doctor = commands.add_parser("doctor", parents=[configured], help="check everything, and say what to do")
    doctor.add_argument("--no-turn", action="store_true", help="do not ask the upstreams for an answer")
    doctor.add_argument("--json", action="store_true", help="tell the findings as one JSON document")
    doctor.add_argument("--timeout", type=seconds, default=60.0, metavar="SECONDS", help="of each check (default: 60)")

    def do(chosen: argparse.Namespace) -> int:
        from bridges.doctor.command import Options, doctor

        return doctor(find(chosen), Options(turn=not chosen.no_turn, json=chosen.json, within=chosen.timeout))

    doctor.set_defaults(do=do)


def seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 3600:
        raise ValueError
    return seconds


def _slack(commands: Commands, configured: argparse.ArgumentParser, find: Find) -> None:
    slack = commands.add_parser("slack", help="what Slack has to know of the app")
    actions = slack.add_subparsers(dest="action", required=True, metavar="ACTION")
    manifest = actions.add_parser("manifest", parents=[configured], help="print the app's manifest, to create it from")
    manifest.add_argument("--name", default="Threadbridge", help="of the app (default: Threadbridge)")
    manifest.add_argument("--public-url", metavar="URL", help='where Slack reaches this program, in mode "http"')

    def do(chosen: argparse.Namespace) -> None:
        from bridges.setup.command import print_manifest

        print_manifest(find(chosen), chosen.name, chosen.public_url)

    manifest.set_defaults(do=do)


def _discord(commands: Commands, configured: argparse.ArgumentParser, find: Find) -> None:
    discord = commands.add_parser("discord", help="how the bot comes into a Discord server")
    actions = discord.add_subparsers(dest="action", required=True, metavar="ACTION")
    invite = actions.add_parser("invite", parents=[configured], help="print the link that invites the bot")

    def do(chosen: argparse.Namespace) -> None:
        from bridges.setup.command import print_invite

        print_invite(find(chosen))

    invite.set_defaults(do=do)
