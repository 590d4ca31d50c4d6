"""`core.flag`: what a live reply's tasks wait for."""

from __future__ import annotations

import asyncio

from core.flag import Flag


async def test_a_flag_that_is_set_is_not_waited_for() -> None:
    flag = Flag()
    assert not flag
    flag.set()
    await flag.wait()
    assert flag


async def test_whoever_waits_goes_on_when_it_is_set() -> None:
    flag = Flag()
    waiting = asyncio.create_task(flag.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    flag.set()
    flag.set()
    await waiting


async def test_it_waits_on_if_the_flag_was_cleared_before_it_could_go_on() -> None:
    flag = Flag()
    waiting = asyncio.create_task(flag.wait())
    await asyncio.sleep(0)
    flag.set()
    flag.clear()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    flag.set()
    await waiting


async def test_who_stopped_waiting_does_no_harm() -> None:
    flag = Flag()
    waiting = asyncio.create_task(flag.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    flag.set()
    await flag.wait()
