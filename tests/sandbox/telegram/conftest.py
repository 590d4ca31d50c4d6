from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.telegram import TelegramServer
from tests.sandbox.telegram.caller import Caller, calling


@pytest.fixture
async def tg() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(limits=None, webhook_delay=0.01) as server:
        yield server


@pytest.fixture
async def bot(tg: TelegramServer) -> AsyncIterator[Caller]:
    async with calling(tg) as caller:
        yield caller
