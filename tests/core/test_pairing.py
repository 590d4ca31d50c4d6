"""Codes, on both databases."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core import pairing
from core.database import opened, transaction
from core.errors import ThreadbridgeError
from core.pairing import ALPHABET, LENGTH, MOST_PENDING, Register, is_paired, offer, read, written
from core.statements import PAIRING, now


@pytest.fixture
async def engine(url: URL) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as engine:
        yield engine


async def offered(engine: AsyncEngine, author: str, bridge: str = "fake") -> str | None:
    async with transaction(engine) as connection:
        return await offer(connection, bridge, author, f"Name of {author}")


@given(st.text(alphabet=ALPHABET, min_size=LENGTH, max_size=LENGTH), st.data())
def test_a_code_is_read_however_it_is_typed(code: str, data: st.DataObject) -> None:
    assert re.fullmatch(r"[A-Z2-9]{3}-[A-Z2-9]{3}", written(code))
    signs = [data.draw(st.sampled_from([sign, sign.lower(), f" {sign}", f"{sign}-"])) for sign in code]
    assert read("".join(signs)) == code


def test_no_sign_of_a_code_is_mistaken_for_another() -> None:
    assert not set("ILOU01") & set(ALPHABET)
    assert len(set(ALPHABET)) == len(ALPHABET)


async def test_a_code_lets_one_person_in_once(engine: AsyncEngine) -> None:
    register = Register(engine)
    ann, bob = await offered(engine, "ann"), await offered(engine, "bob")
    assert ann
    assert bob
    assert ann != bob
    assert (await register.confirm(written(ann).lower())).author == "ann"
    with pytest.raises(ThreadbridgeError, match="threadbridge pair --list"):
        await register.confirm(ann)
    async with transaction(engine) as connection:
        assert await is_paired(connection, "fake", "ann")
        assert not await is_paired(connection, "other", "ann")
        assert not await is_paired(connection, "fake", "bob")
    assert [one.author for one in await register.paired()] == ["ann"]
    assert [one.author for one in await register.pending()] == ["bob"]


async def test_a_new_code_takes_the_place_of_the_old_one(engine: AsyncEngine) -> None:
    old, new = await offered(engine, "ann"), await offered(engine, "ann")
    register = Register(engine)
    assert old
    assert new
    with pytest.raises(ThreadbridgeError):
        await register.confirm(old)
    assert (await register.confirm(new)).author_name == "Name of ann"


async def test_a_code_is_good_for_an_hour(engine: AsyncEngine) -> None:
    code = await offered(engine, "ann")
    assert code
    async with transaction(engine) as connection:
        await connection.execute(update(PAIRING).values(expires_at=now() - timedelta(seconds=1)))
    register = Register(engine)
    assert await register.pending() == []
    with pytest.raises(ThreadbridgeError, match="more than an hour old"):
        await register.confirm(code)


async def test_so_many_wait_at_once_on_one_bridge_and_no_more(engine: AsyncEngine) -> None:
    codes = await asyncio.gather(*(offered(engine, f"u{number}") for number in range(MOST_PENDING + 5)))
    assert sum(code is not None for code in codes) == MOST_PENDING
    assert await offered(engine, "ann", bridge="other") is not None
    async with transaction(engine) as connection:
        await connection.execute(update(PAIRING).values(expires_at=now() - pairing.LIFETIME))
    assert await offered(engine, "late") is not None


async def test_whoever_is_let_in_again_is_on_record_once(engine: AsyncEngine) -> None:
    register = Register(engine)
    for _ in range(2):
        code = await offered(engine, "ann")
        assert code
        await register.confirm(code)
    assert len(await register.paired()) == 1
    assert [one.bridge for one in await register.revoke("ann")] == ["fake"]
    assert await register.revoke("ann") == []
