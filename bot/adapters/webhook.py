"""What is served over HTTP: intake by webhook, which answers 200 only after the update is committed, and,
on a port of its own for operators, whether the bot lives, is ready, and how it is doing."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0 as CONTENT_TYPE
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.adapters.database import DatabaseProblem

log = structlog.get_logger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
PATH = "/telegram"
MOST_BYTES = 1024 * 1024

Take = Callable[[bytes], Awaitable[None]]
"""Stores the update in a body; raises ValueError on a body that is none."""

Ready = Callable[[], Awaitable[None]]
"""Raises NotReady, or whatever keeps the database from being written."""

Metrics = Callable[[], Awaitable[bytes]]


class NotReady(Exception):
    """It lives, and cannot do its work; the message is one sentence for the operator."""


def build(take: Take, ready: Ready, secret: str) -> Starlette:
    """``POST /telegram``, ``GET /health`` (the process lives), ``GET /ready`` (it can store).

    Nothing is read of a request without the secret, and of one with it no more than MOST_BYTES.
    """

    async def receive(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(secret.encode(), given.encode()):
            return PlainTextResponse("forbidden", 403)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return PlainTextResponse("too large", 413)
        try:
            await take(bytes(body))
        except ValueError:
            return PlainTextResponse("not an update", 400)
        return PlainTextResponse("ok")

    return Starlette(routes=[Route(PATH, receive, methods=["POST"]), *_signs(ready)])


def build_ops(ready: Ready, metrics: Metrics) -> Starlette:
    """For operators: ``/health``, ``/ready`` with the reason when it is not, ``/metrics`` for Prometheus."""

    async def show(_request: Request) -> Response:
        return Response(await metrics(), media_type=CONTENT_TYPE)

    return Starlette(routes=[*_signs(ready, reason=True), Route("/metrics", show)])


def _signs(ready: Ready, *, reason: bool = False) -> list[Route]:
    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readiness(_request: Request) -> Response:
        try:
            await ready()
        except Exception as error:
            log.warning("not ready", error=type(error).__name__)
            told = isinstance(error, (NotReady, DatabaseProblem)) and reason
            return PlainTextResponse(f"not ready: {error}" if told else "not ready", 503)
        return PlainTextResponse("ok")

    return [Route("/health", health), Route("/ready", readiness)]


async def listen(app: Starlette, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until ``stop``. Raises OSError, in one sentence, when the port cannot be had."""
    try:
        # Here and not in uvicorn, which would end the process without a word to us.
        taken = socket.create_server((host, port))
    except OSError as error:
        raise OSError(f"port {port} on {host} cannot be used: {error.strerror}") from None
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve([taken]))
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
