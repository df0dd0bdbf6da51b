"""Intake by webhook: an ASGI app under uvicorn that answers 200 only after the update is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

log = structlog.get_logger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
PATH = "/telegram"
MOST_BYTES = 1024 * 1024

Take = Callable[[bytes, str], Awaitable[bool]]
"""(body, secret given) -> whether it was stored; raises ValueError on a body that is no update."""

Ready = Callable[[], Awaitable[None]]
"""Raises when the database cannot be written."""


def build(take: Take, ready: Ready) -> Starlette:
    """``POST /telegram``, ``GET /health`` (the process lives), ``GET /ready`` (it can store)."""

    async def receive(request: Request) -> Response:
        if int(request.headers.get("content-length") or 0) > MOST_BYTES:
            return PlainTextResponse("too large", 413)
        try:
            stored = await take(await request.body(), request.headers.get(SECRET_HEADER, ""))
        except ValueError:
            return PlainTextResponse("not an update", 400)
        return PlainTextResponse("ok") if stored else PlainTextResponse("forbidden", 403)

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readiness(_request: Request) -> Response:
        try:
            await ready()
        except Exception as error:
            log.warning("not ready", error=type(error).__name__)
            return PlainTextResponse("not ready", 503)
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route(PATH, receive, methods=["POST"]),
            Route("/health", health),
            Route("/ready", readiness),
        ]
    )


async def listen(app: Starlette, port: int, stop: asyncio.Event) -> None:
    """Serve on every interface until ``stop``; a proxy with TLS stands before it."""
    server = _Server(
        uvicorn.Config(app, host="0.0.0.0", port=port, log_config=None, lifespan="off")  # noqa: S104
    )
    serving = asyncio.create_task(server.serve())
    halted = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, halted}, return_when=asyncio.FIRST_COMPLETED)
    halted.cancel()
    server.should_exit = True
    await serving


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the command line's."""
        yield
