"""`threadbridge conversations`: what is on record, beside the running program, and taking it off."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from bridges.settings import Settings
from core.database import opened, parse, reading
from core.errors import ThreadbridgeError
from core.forgetting import Forgotten, forget_person, forget_thread
from core.reading import LARGEST_PAGE, Detail, Paging, Reading, Sought
from core.tables import Turn

Do = Callable[[argparse.Namespace, AsyncEngine], Awaitable[None]]
UNREACHED = (
    "Out of reach of this command: the messages on the platform itself, what the upstream keeps of its conversations, "
    "logs, and backups of the database."
)


def looking_back(
    commands: Any, configured: argparse.ArgumentParser, settings: Callable[[argparse.Namespace], Settings]
) -> None:
    """Adds the command. `configured` takes `--config`, and `settings` reads what it means."""
    command = commands.add_parser("conversations", help="what is on record: list, show, export, forget")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, text: str, do: Do, *, writes: bool = False) -> argparse.ArgumentParser:
        action: argparse.ArgumentParser = actions.add_parser(name, parents=[configured], help=text)
        action.set_defaults(do=lambda chosen: _done(chosen, settings(chosen), do, writes=writes))
        return action

    listing = add("list", "the ones begun last first", _list)
    listing.add_argument("--search", default="", metavar="TEXT", help="words, a name, or an id")
    listing.add_argument("--until", type=_moment, metavar="MOMENT", help="search what was said before that moment")
    listing.add_argument("--bridge", default="", help="only of this platform")
    listing.add_argument("--page", type=_whole, default=1, metavar="N", help="counted from 1")
    listing.add_argument("--limit", type=_page, default=20, metavar="N", help="of one page (default: 20, at most 100)")
    showing = add("show", "what was said in one", _show)
    showing.add_argument("conversation", type=_whole, metavar="ID", help="as list shows it")
    exporting = add("export", "turns as JSON, one a line", _export)
    exporting.add_argument("--person", metavar="ID", help="only what was said to this person")
    exporting.add_argument("--thread", help="only what was said in this thread")
    forgetting = add("forget", "take a person or a thread off the record", _forget, writes=True)
    whom = forgetting.add_mutually_exclusive_group(required=True)
    whom.add_argument("--person", metavar="ID", help="by the platform's id, as show and export have it")
    whom.add_argument("--thread", help="with all that was said in it, by whomever")
    forgetting.add_argument("--bridge", help="the platform on which the person has this id (default: any)")


def _whole(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or not 1 <= int(text) < 10**15:
        raise argparse.ArgumentTypeError("has to be a whole number from 1 on")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("has to be a moment such as 2026-01-31T08:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _page(text: str) -> int:
    return min(_whole(text), LARGEST_PAGE)


def _done(chosen: argparse.Namespace, settings: Settings, do: Do, *, writes: bool) -> None:
    import migrations

    url = parse(settings.database.url)
    migrations.check(url)

    async def work() -> None:
        async with opened(url, connections=1) if writes else reading(url) as engine:
            await do(chosen, engine)

    asyncio.run(work())


async def _list(chosen: argparse.Namespace, engine: AsyncEngine) -> None:
    sought = Sought(chosen.search, chosen.bridge, until=chosen.until)
    page = await Reading(engine).conversations(sought, Paging(chosen.page, chosen.limit))
    for one in page.items:
        begun, name = f"{one.conversation.started_at:%Y-%m-%d %H:%M}", one.conversation.upstream
        who = one.last.author_name or one.last.author if one.last is not None else "–"
        said = [f"{one.conversation.id:>6}", begun, one.conversation.thread, name, f"{one.turns} turns", who]
        _say("  ".join([*said, one.opening[:60]]))
    _say(f"{page.total} in all" + (f"; the next page: --page {chosen.page + 1}" if page.more else ""))
    if (back := page.looked_back_to) is not None:
        _say(f"Looked through is what was said since then; to look further back: --until {back.isoformat()}")


async def _show(chosen: argparse.Namespace, engine: AsyncEngine) -> None:
    record = Reading(engine)
    listed = await record.conversation(chosen.conversation)
    if listed is None:
        raise ThreadbridgeError(
            f"There is no conversation {chosen.conversation}. threadbridge conversations list shows them."
        )
    known = listed.conversation
    _say(f"{known.thread} at {known.upstream} ({known.upstream_id or 'no id of its own'})")
    paging = Paging(1, LARGEST_PAGE)
    while True:
        page = await record.history(chosen.conversation, paging)
        for turn in page.items:
            _transcribe(turn)
        if not page.more:
            return
        paging = Paging(paging.page + 1, LARGEST_PAGE)


def _transcribe(turn: Turn) -> None:
    _say("")
    _say(f"[{turn.accepted_at:%Y-%m-%d %H:%M}] {turn.author_name or turn.author} ({turn.author}), {turn.state}")
    if turn.erased:
        _say("  (what was said is kept no longer)")
    for text, mark in ((turn.prompt or turn.command, ">"), (turn.reply, "<"), (turn.error, "!")):
        for line in (text or "").splitlines():
            _say(f"  {mark} {line}")


async def _export(chosen: argparse.Namespace, engine: AsyncEngine) -> None:
    async for detail in Reading(engine).everything(author=chosen.person, thread=chosen.thread):
        sys.stdout.write(json.dumps(exported(detail), ensure_ascii=False) + "\n")


def exported(detail: Detail) -> dict[str, Any]:
    """All that is on record of a turn."""
    conversation = detail.conversation
    return {
        **detail.turn.model_dump(mode="json"),
        "conversation": conversation.model_dump(mode="json") if conversation is not None else None,
        "parts": [part.model_dump(mode="json", include={"position", "message"}) for part in detail.parts],
    }


async def _forget(chosen: argparse.Namespace, engine: AsyncEngine) -> None:
    if chosen.thread is not None:
        if chosen.bridge is not None:
            raise ThreadbridgeError("--bridge goes with --person: a thread is of one platform.")
        forgotten = await forget_thread(engine, chosen.thread)
    else:
        forgotten = await forget_person(engine, chosen.person, chosen.bridge)
    _say(_told(forgotten))
    _say(UNREACHED)
    if forgotten.running:
        raise ThreadbridgeError(
            f"{forgotten.running} turns were being answered: they are told to stop, and still on record. Run this "
            "again in a moment, while Threadbridge runs."
        )


def _told(forgotten: Forgotten) -> str:
    gone = [f"{count} of {table}" for table, count in forgotten.rows.items() if count]
    return f"Off the record: {', '.join(gone)}." if gone else "Nothing of it was on record."


def _say(text: str) -> None:
    """What people wrote never reaches the terminal as a command to it."""
    sys.stdout.write("".join(sign if sign.isprintable() else "�" for sign in text) + "\n")
