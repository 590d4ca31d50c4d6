"""`threadbridge init`, `threadbridge slack manifest` and `threadbridge discord invite`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from bridges.settings import DiscordSettings, Settings, SlackSettings
from bridges.setup import platforms
from bridges.setup.arguments import PLATFORMS
from bridges.setup.draft import Draft
from bridges.setup.file import write
from bridges.setup.questions import Questions
from bridges.setup.toml import Key, Table, render
from bridges.setup.upstreams import upstream
from core.errors import ConfigError
from core.loading import load

HEAD = """\
Written by threadbridge init. docs/configuration.md lists every key.

${NAME} takes a value from the environment. Whether all is right: threadbridge doctor

"""
OPTIONS = ("upstream", "base_url", "model", "bot_id", "telegram_users")


def init(file: Path, chosen: Namespace) -> None:
    """Asks, and writes the configuration to `file`. Raises `ConfigError` if it is not to be, or cannot be, written."""
    given = {name.replace("_", "-"): value for name in OPTIONS if (value := getattr(chosen, name)) is not None}
    questions = Questions(given, ask=not chosen.yes)
    questions.tell("Enter takes what stands in brackets.")
    if file.exists() and not questions.agree(f"{file} exists already. Overwrite it?"):
        raise ConfigError(f"{file} exists already and is left as it is. Name another file with --config.")
    draft = Draft()
    names = chosen.bridge or _platforms(questions)
    for name in dict.fromkeys(names):
        match name:
            case "slack":
                platforms.slack(questions, draft, file.parent)
            case "discord":
                platforms.discord(questions, draft)
            case "telegram":
                platforms.telegram(questions, draft)
            case _:
                platforms.web(draft)
    upstream(questions, draft)
    write(file, render(HEAD, [*_ours(), *draft.tables]))
    _say("\n".join(_afterwards(file, draft, names)))


def _platforms(questions: Questions) -> list[str]:
    def judge(answer: str) -> str | None:
        wrong = [one for one in _words(answer) if one not in PLATFORMS]
        return f"There are {', '.join(PLATFORMS)}." if wrong or not _words(answer) else None

    return _words(questions.text("bridge", f"Which platforms ({', '.join(PLATFORMS)}; with commas)", None, judge))


def _words(answer: str) -> list[str]:
    return answer.lower().replace(",", " ").split()


def _ours() -> Iterator[Table]:
    yield Table(
        "database",
        [Key("url", "sqlite:///threadbridge.db", "or postgresql://user@host/name, for more than one machine")],
    )
    yield Table("http", [Key("host", "127.0.0.1", on=False), Key("port", 8080, "of health and webhooks", on=False)])


def _afterwards(file: Path, draft: Draft, names: list[str]) -> Iterator[str]:
    yield f"\nWrote {file}, which only you may read."
    if missing := {name: meaning for name, meaning in draft.names.items() if name not in os.environ}:
        yield "\nStill to be put into the environment, for example from a file .env (set -a; . ./.env; set +a):\n"
        width = max(map(len, missing)) + 1
        yield from (f"  {name + '=':<{width}}  # {meaning}" for name, meaning in missing.items())
    if "slack" in names:
        yield f"\nThe Slack app is made from {file.parent / platforms.MANIFEST}."
    if "discord" in names:
        yield f"\n{_how_to_invite(file)}"
    if "web" in names:
        yield f"\nThe chat page is at http://127.0.0.1:8080/web/, and opens with the token in {file}."
    yield "\nThen:\n"
    named = "" if file == Path("threadbridge.toml") else f" --config {file}"
    yield f"  threadbridge doctor{named}"
    yield f"  threadbridge run{named}"


def _how_to_invite(file: Path) -> str:
    """The invitation, if the token is there already and Discord answers; else how to have it."""
    try:
        return f"This link brings the bot into a server: {_invitation(load(Settings, file).bridges.discord)}"
    except ConfigError:
        return "Once the token is there, threadbridge discord invite prints the link that brings the bot into a server."


def print_manifest(file: Path | None, name: str, public_url: str | None) -> None:
    """Prints the manifest for a configuration; without one, for the settings that Slack bridges have by default."""
    from bridges.slack.manifest import LONGEST_NAME, manifest

    settings = _slack(file)
    if not 0 < len(name) <= LONGEST_NAME:
        raise ConfigError(f"--name: Slack takes names of at most {LONGEST_NAME} characters.")
    if settings.mode == "http":
        if public_url is None:
            raise ConfigError(
                'bridges.slack.mode is "http": say with --public-url at which https address Slack reaches this program.'
            )
        if (complaint := platforms.https(public_url)) is not None:
            raise ConfigError(f"--public-url: {complaint}")
    _say(json.dumps(manifest(settings, name, (public_url or "").rstrip("/")), indent=2, ensure_ascii=False))


def _slack(file: Path | None) -> SlackSettings:
    """The app comes before its tokens, so they need not be there yet."""
    if file is None or file.exists():
        settings = load(Settings, file, _Lenient(os.environ)).bridges.slack
        if settings is not None:
            return settings
    return SlackSettings(bot_token=SecretStr(""), app_token=SecretStr(""))


class _Lenient(dict[str, str]):
    """An environment in which every name is set."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "unknown"


def print_invite(file: Path | None) -> None:
    """Prints the link that brings the bot into a server."""
    _say(_invitation(load(Settings, file).bridges.discord))


def _invitation(settings: DiscordSettings | None) -> str:
    """Raises `ConfigError` if Discord does not tell which application the token belongs to."""
    from bridges.discord.checks import Examination
    from bridges.discord.invite import invite
    from bridges.doctor.asking import Answer, Line

    if settings is None:
        raise ConfigError("No Discord bot is configured: add a section bridges.discord with its token.")

    async def ask() -> str:
        async with Line(proxies=False) as line, asyncio.timeout(20):
            examination = Examination(settings, line)
            reply = await examination.application()
            if (wrong := examination.wrong(reply)) is not None:
                raise ConfigError(f"{wrong.found}. {wrong.remedy}")
            assert isinstance(reply, Answer)
            return invite(str(reply.fields["id"]), settings)

    try:
        return asyncio.run(ask())
    except TimeoutError:
        raise ConfigError("Discord does not answer. Try again in some minutes.") from None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
