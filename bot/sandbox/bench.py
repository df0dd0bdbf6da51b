"""How many round trips a second: a person's text, taken with getUpdates, answered with sendMessage.

Beside it, in the same process and with the same client, a bare Starlette server whose two routes
give back ready JSON: what HTTP alone allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.sandbox.errors import Json
from bot.sandbox.people import People
from bot.sandbox.server import HOST, QuietServer, Sandbox
from bot.sandbox.world import World

ROUNDS = 5
TRIPS = 300  # of one round
PERSON = 1001

Trip = Callable[[], Awaitable[None]]


def round_trips() -> dict[str, float]:
    """Round trips a second (median of ROUNDS): ``memory``, ``file`` (the state on disk), ``bare``."""
    return asyncio.run(_round_trips())


async def _round_trips() -> dict[str, float]:
    with TemporaryDirectory(prefix="suda-bench-") as folder:
        async with (
            _stand_in(None) as memory,
            _stand_in(Path(folder, "sandbox.db")) as file,
            _bare() as bare,
        ):
            ways: dict[str, Trip] = {"memory": memory, "file": file, "bare": bare}
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for trip in ways.values():
                await trip()
            # The ways take turns, so that a busy moment of the machine hits all of them.
            for _ in range(ROUNDS):
                for name, trip in ways.items():
                    begun = time.perf_counter()
                    for _ in range(TRIPS):
                        await trip()
                    rates[name].append(TRIPS / (time.perf_counter() - begun))
    return {name: statistics.median(seen) for name, seen in rates.items()}


@contextlib.asynccontextmanager
async def _stand_in(path: Path | None) -> AsyncIterator[Trip]:
    world = World(path)
    people = People(world)
    sandbox = Sandbox(world)
    url = await sandbox.start()
    offset = 0

    async with _client(f"{url}/bot{world.token}") as client:

        async def trip() -> None:
            nonlocal offset
            people.act({"person": PERSON, "kind": "text", "text": "a"})
            [update] = await _call(client, "getUpdates", {"offset": offset, "timeout": 10})
            offset = update["update_id"] + 1
            await _call(client, "sendMessage", {"chat_id": PERSON, "text": "b"})

        yield trip
    await sandbox.stop()


@contextlib.asynccontextmanager
async def _bare() -> AsyncIterator[Trip]:
    message: Json = {"message_id": 1, "date": 0, "chat": {"id": PERSON, "type": "private"}}
    ready = {"getUpdates": [{"update_id": 1, "message": message}], "sendMessage": message}

    async def answer(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"ok": True, "result": ready[request.path_params["method"]]})

    app = Starlette(routes=[Route("/{method}", answer, methods=["POST"])])
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, 0))
    server = QuietServer(app)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    async with _client(f"http://{HOST}:{listener.getsockname()[1]}") as client:

        async def trip() -> None:
            await _call(client, "getUpdates", {"offset": 0, "timeout": 10})
            await _call(client, "sendMessage", {"chat_id": PERSON, "text": "b"})

        yield trip
    server.enough.set()
    await serving


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)


async def _call(client: httpx.AsyncClient, method: str, params: Json) -> list[Json]:
    """The result. Raises HTTPStatusError when the call was refused."""
    response = await client.post(f"/{method}", json=params)
    found: list[Json] = response.raise_for_status().json()["result"]
    return found
