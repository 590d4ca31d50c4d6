"""`threadbridge pair`: letting people in while the program runs. It works on the record, which the program asks with
every message; so also on a SQLite file that another process has.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import URL

from core.database import opened
from core.errors import ThreadbridgeError
from core.pairing import Register, written


async def confirm(url: URL, code: str) -> str:
    """Lets in whoever was given this code. Gives what to tell the operator; raises `ThreadbridgeError`."""
    async with opened(url, connections=1) as engine:
        person = await Register(engine).confirm(code)
    return f"{_shown(person.author_name)} (id {_shown(person.author)}) is let in on {person.bridge} from now on."


async def revoke(url: URL, author: str) -> str:
    async with opened(url, connections=1) as engine:
        revoked = await Register(engine).revoke(author)
    if not revoked:
        raise ThreadbridgeError(
            f"Nobody with the id {author} was let in by a code. threadbridge pair --list shows the ids; people in "
            "users, operators or roles are let in by the configuration."
        )
    return "\n".join(f"{_shown(one.author_name)} is no longer let in on {one.bridge} by a code." for one in revoked)


async def listed(url: URL) -> str:
    """Who was let in by a code, and who waits for it."""
    async with opened(url, connections=1) as engine:
        register = Register(engine)
        paired, pending = await register.paired(), await register.pending()
    let_in = [(one.bridge, one.author, _shown(one.author_name), f"since {one.at:%Y-%m-%d %H:%M} UTC") for one in paired]
    waiting = [
        (one.bridge, one.author, _shown(one.author_name), f"{written(one.code)}, until {one.expires_at:%H:%M} UTC")
        for one in pending
    ]
    return "\n".join(
        [
            *_table("Let in by a code:", let_in, "Nobody is let in by a code."),
            *_table("Waiting for a code to be confirmed:", waiting, "Nobody waits for a code to be confirmed."),
        ]
    )


def _table(head: str, rows: Iterable[tuple[str, ...]], empty: str) -> list[str]:
    rows = list(rows)
    if not rows:
        return [empty]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    cells = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [head, *(f"  {line.rstrip()}" for line in cells)]


def _shown(text: str) -> str:
    """A name that people chose: on one line, and without anything that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)
