"""CPU for each event of an upstream's stream: our adapter, a bare aiohttp reader of the same bytes, and the `openai`
client, all of them reading the same streams in turn from a server in another process."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import openai
from aiohttp import web
from pydantic import SecretStr

from benchmarks.report import Figure
from core.model import Prompt
from core.settings import OpenAi
from core.upstream.build import build

STREAMS, EVENTS, ROUNDS = 40, 250, 5
LIMIT_BARE, LIMIT_CLIENT = 2.5, 0.34


async def _serve() -> None:
    """The other process: streams of small events, each written by itself."""
    words = [
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": {"content": f"word{n} "}, "finish_reason": None}]}).encode()
        + b"\n\n"
        for n in range(EVENTS)
    ]
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    async def completions(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in words:
            await response.write(word)
            await asyncio.sleep(0.002)
        await response.write(end)
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", completions)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.reading",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.stdin.close()
        await process.wait()


async def measure() -> list[Figure]:
    async with _server() as address:
        section = OpenAi(kind="openai", base_url=address, api_key=SecretStr("k"), model="m")
        readers: dict[str, Callable[[], Awaitable[int]]] = {}
        async with (
            build("main", section) as upstream,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            openai.AsyncOpenAI(base_url=address, api_key="k", max_retries=0, timeout=120) as client,
        ):

            async def ours() -> int:
                length = 0
                async for event in upstream.stream(Prompt("go", "u")):
                    length += len(getattr(event, "delta", ""))
                return length

            async def bare() -> int:
                length = 0
                body = {"model": "m", "stream": True, "messages": []}
                async with session.post(f"{address}/chat/completions", json=body) as response:
                    async for line in response.content:
                        if line.startswith(b"data: {"):
                            length += len(json.loads(line[6:])["choices"][0]["delta"].get("content", ""))
                return length

            async def theirs() -> int:
                length = 0
                stream = await client.chat.completions.create(
                    model="m", stream=True, messages=[{"role": "user", "content": "go"}]
                )
                async for chunk in stream:
                    length += len(chunk.choices[0].delta.content or "")
                return length

            readers = {"ours": ours, "bare": bare, "openai": theirs}
            spent: dict[str, list[float]] = {name: [] for name in readers}
            for _ in range(ROUNDS):
                lengths = set()
                for name, read in readers.items():
                    began = time.process_time()
                    lengths |= set(await asyncio.gather(*(read() for _ in range(STREAMS))))
                    spent[name].append((time.process_time() - began) / (STREAMS * EVENTS) * 1e6)
                assert len(lengths) == 1, lengths
    micro = {name: statistics.median(times) for name, times in spent.items()}
    measured = ", ".join(f"{name} {value:.0f} µs" for name, value in micro.items())
    return [
        Figure("CPU per event, against a bare aiohttp reader", measured, micro["ours"] / micro["bare"], LIMIT_BARE),
        Figure("CPU per event, against the openai client", measured, micro["ours"] / micro["openai"], LIMIT_CLIENT),
    ]


if __name__ == "__main__":
    asyncio.run(_serve())
