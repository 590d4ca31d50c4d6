"""A reply that is longer than any assistant writes, through the real libraries and under the platforms' own limits."""

from __future__ import annotations

import asyncio

import pytest

from core.live import LiveReply
from core.pace import Pacer
from sandbox.stand_in import StandIn
from tests import virtual_time
from tests.bridges.readers import essence, read_html
from tests.ledger import Ledger
from tests.platforms import PLATFORMS
from tests.replies import THOROUGH, long_reply

LONG = 200_000 if THOROUGH else 10_000
"""Characters."""
PIECE = 400
"""Characters that the upstream writes at once, ten times a second."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_it_arrives_whole_while_it_grows(platform: str) -> None:
    written = long_reply(LONG)

    async def main() -> str:
        async with PLATFORMS[platform](1) as (server, bridge, places):
            [(place, thread)] = places.items()
            live = LiveReply(bridge, Pacer(bridge.pace), thread, Ledger(), reply_to=None)
            async with live.painting() as growing:
                for start in range(0, len(written.markdown), PIECE):
                    growing.append(written.markdown[start : start + PIECE])
                    await asyncio.sleep(0.1)
                await growing.finish()
            return "\n".join(_seen(server, place))

    seen = virtual_time.run(main(), sockets=True, in_flight=0.01)
    assert essence(seen, written) == essence(written.visible, written)


def _seen(server: StandIn, place: str) -> list[str]:
    """Slack's text alone has no numbers of lists."""
    views = [view for view in server.view(place) if view.bot]
    return [read_html(view.html).text if server.name == "slack" else view.text for view in views]
