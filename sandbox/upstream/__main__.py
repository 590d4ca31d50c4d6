"""The stand-in by itself, for load tests and for trying a client by hand: `python -m sandbox.upstream --port 8650`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from sandbox.upstream import API_KEY, BOT_ID, UpstreamServer


async def serve(port: int, speed: float) -> None:
    """Serves until it is cancelled."""
    async with UpstreamServer(port, speed=speed) as server:
        server.mygptassistants.per_minute = None
        lines = (
            f"goapi            {server.base_url('goapi')}",
            f"gptbots          {server.base_url('gptbots')}",
            f"mygptassistants  {server.base_url('mygptassistants')}  (bot {BOT_ID})",
            f"openai           {server.base_url('openai')}",
            f"key              {API_KEY}",
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.upstream", description="Stand-in of the four upstreams")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--speed", type=float, default=25.0, metavar="WORDS", help="words per second, 0: at once")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.port, options.speed))


if __name__ == "__main__":
    main()
