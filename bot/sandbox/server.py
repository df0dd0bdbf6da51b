"""The stand-in over HTTP, on 127.0.0.1 only: Bot API, files, control API and the phone page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox.api import Api
from bot.sandbox.control import Control, Observe, Process
from bot.sandbox.errors import ApiError, Json, bad, refuse
from bot.sandbox.params import Params, Upload
from bot.sandbox.scenarios import Scenario
from bot.sandbox.webhook import Webhook
from bot.sandbox.world import World

PAGE = Path(__file__).parent / "page"
HOST = "127.0.0.1"
OWN_NAMES = ("127.0.0.1", "localhost")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class OwnHostOnly:
    """Refuses page and control API to requests that come under a foreign Host or Origin: another
    website, open in the same browser, must not drive this one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(("/bot", "/file/bot")):
            request = Request(scope)
            origin = request.headers.get("origin")
            host = request.headers.get("host", "")
            own = host.rsplit(":", 1)[0] in OWN_NAMES
            if not own or (origin is not None and origin != f"http://{host}"):
                await PlainTextResponse("foreign host or origin", 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class QuietServer(uvicorn.Server):
    """Leaves the signals to whoever owns the event loop; ``ready`` is set once it listens,
    ``enough`` ends it."""

    def __init__(self, app: ASGIApp, **more: Any) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            date_header=False,
            timeout_graceful_shutdown=1,
            **more,
        )
        super().__init__(config)
        self.ready = asyncio.Event()
        self.enough = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.enough.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Sandbox:
    """One running stand-in: a bot with its phones, and further bots with phones of their own.

    ``observe()`` returns masked durable rows: ``{"inbox": [...], "cases": [...], "outbox": [...],
    "desks": {chat id: name}}``; ``control("kill" | "start")`` ends or starts the bot's process
    (it may be a coroutine function); ``places`` are ``{"name", "lat", "lon"}`` for the map, or a
    callable that gives them; ``plays`` are the scenarios that the page offers.
    """

    def __init__(
        self,
        world: World,
        observe: Observe | None = None,
        control: Process | None = None,
        *,
        places: Sequence[Mapping[str, Any]] | Callable[[], Sequence[Mapping[str, Any]]] = (),
        plays: Sequence[Scenario] = (),
        webhook_delay: float = 1.0,
    ) -> None:
        self.world = world
        self.api = Api(world)
        self.others: dict[int, Sandbox] = {}
        found = places() if callable(places) else places
        self.control = Control(world, observe, control, found, plays)
        if observe is not None:
            world.desks = lambda: observe().get("desks", {})
        self.url = ""
        self._webhook = Webhook(
            world,
            lambda method, body: self.api.call(method, Params(body)),
            first_delay=webhook_delay,
        )
        self._webhook_delay = webhook_delay
        self._server: QuietServer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        phones = [
            Route("/", _page("index.html")),
            Route("/page/{name}", _page("")),
            *self.control.routes(),
        ]
        self.phones = Starlette(routes=phones)
        self.app = Starlette(
            routes=[
                # First what a bot asks for, hundreds of times a second.
                Route("/bot{token}/{method}", self.method, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", self.download, methods=["GET"]),
                *phones,
                Route("/control/bots", self.show_bots, methods=["GET"]),
                Route("/control/bots", self.new_bot, methods=["POST"]),
                Mount("/other/{number:int}", self.other),
                Route("/{path:path}", _nothing, methods=["GET", "POST", "HEAD"]),
            ]
        )

    @property
    def api_url(self) -> str:
        """What stands before the token, as ``base_url`` of python-telegram-bot."""
        return f"{self.url}/bot"

    @property
    def file_url(self) -> str:
        """What stands before the token in a download, as ``base_file_url``."""
        return f"{self.url}/file/bot"

    async def start(self, port: int = 0) -> str:
        """Listens on 127.0.0.1; returns ``http://127.0.0.1:port``. Raises OSError when taken."""
        # Named TCP, or asyncio leaves Nagle's delay on and every answer takes 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self._server = QuietServer(OwnHostOnly(self.app))
        serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        self._tasks = [serving, asyncio.create_task(self._webhook.run())]
        for world in self.world.found_beside():
            self._join(world)
        await self._server.ready.wait()
        return self.url

    async def stop(self) -> None:
        """Ends every wait and closes the port and the files of the worlds."""
        worlds = [self.world, *(other.world for other in self.others.values())]
        for world in worlds:
            world.end_waits()
        if self._server is not None:
            self._server.enough.set()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for world in worlds:
            world.close()

    # Further bots
    def _join(self, world: World) -> Sandbox:
        other = Sandbox(world, webhook_delay=self._webhook_delay)
        number = world.bot["id"]
        other.url = f"{self.url}/other/{number}"
        self.others[number] = other
        self._tasks.append(asyncio.create_task(other._webhook.run()))
        return other

    def add_bot(self, first_name: str = "", username: str = "") -> Sandbox:
        """A second bot, a third…: each has its own token, persons, groups and page (its ``url``).
        They do not meet, as bots on Telegram do not see each other's messages."""
        other = self._join(self.world.beside())
        count = len(self.others) + 1
        other.control.bot(
            {
                "first_name": first_name or f"{self.world.bot['first_name']} {count}",
                "username": username or f"sandbox_{count}_bot",
            }
        )
        return other

    def _of(self, token: str) -> Sandbox:
        """The bot of that token. Raises ApiError 401."""
        for one in (self, *self.others.values()):
            if one.world.token == token:
                return one
        raise ApiError(401, "Unauthorized")

    async def other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Page and control API of a further bot, below its own address."""
        found = self.others.get(scope["path_params"]["number"])
        await (found.phones if found else _no_bot)(scope, receive, send)

    async def show_bots(self, _: Request) -> Response:
        return JSONResponse([one.shown() for one in (self, *self.others.values())])

    async def new_bot(self, request: Request) -> Response:
        """``first_name`` and ``username``, both optional."""
        try:
            body = json.loads(await request.body() or b"{}")
            made = self.add_bot(*(str(body.get(k) or "") for k in ("first_name", "username")))
        except (ValueError, AttributeError):
            return JSONResponse(bad("can't parse JSON").to_json(), status_code=400)
        return JSONResponse(made.shown())

    def shown(self) -> Json:
        """``bot`` (a User), its ``token`` and the address of its ``page``."""
        return {"bot": self.world.me(), "token": self.world.token, "page": f"{self.url}/"}

    # Bot API
    async def method(self, request: Request) -> Response:
        name = request.path_params["method"]
        try:
            bot = self._of(request.path_params["token"])
            params = await read_params(request)
            result = await bot._call(request, name, params)
        except ApiError as error:
            return JSONResponse(error.to_json(), status_code=error.code)
        except ClientDisconnect:
            # The bot died while it spoke.
            return Response(status_code=400)
        chat = params.integer("chat_id")
        if fault := bot.world.faults.take("accepted_timeout", method=name, chat=chat):
            # Done, but the bot never hears of it: its own timeout usually comes first.
            await asyncio.sleep(fault.seconds)
            return JSONResponse(ApiError(504, "Gateway Timeout").to_json(), status_code=504)
        return JSONResponse({"ok": True, "result": result})

    async def _call(self, request: Request, name: str, params: Params) -> Any:
        """A poll whose caller is gone ends at once: a killed bot shows as gone."""
        if name.lower() != "getupdates":
            return await self.api.call(name, params)
        self.world.polling += 1
        poll = asyncio.create_task(self.api.call(name, params))
        gone = asyncio.create_task(_gone(request))
        try:
            await asyncio.wait({poll, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not poll.done():
                poll.cancel()
                self.world.taken_at = float("-inf")
                return []
            self.world.taken_at = time.monotonic()
            return poll.result()
        finally:
            gone.cancel()
            self.world.polling -= 1

    async def download(self, request: Request) -> Response:
        try:
            world = self._of(request.path_params["token"]).world
            file = world.file_at(request.path_params["path"])
            content = world.store.content(file.id) if file else None
            if content is None:
                raise refuse(404, "file not found")
        except ApiError as error:
            return JSONResponse(error.to_json(), status_code=error.code)
        return Response(content, media_type="application/octet-stream")


async def _gone(request: Request) -> None:
    """Returns when the caller has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def read_params(request: Request) -> Params:
    """The call's parameters, wherever they stand. Raises ApiError 400 on broken JSON."""
    values: Json = dict(request.query_params)
    files: dict[str, Upload] = {}
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if request.method == "POST":
        if kind == "application/json":
            try:
                body = json.loads(await request.body() or b"{}")
            except ValueError:
                raise bad("can't parse JSON object") from None
            if not isinstance(body, dict):
                raise bad("object expected as request body")
            values |= body
        elif kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
            async with request.form(max_part_size=60 * 1024 * 1024) as form:
                for name, value in form.multi_items():
                    if isinstance(value, str):
                        values[name] = value
                    else:
                        mime = value.content_type or ""
                        files[name] = Upload(value.filename or "", mime, await value.read())
    return Params(values, files)


def _page(fixed: str) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        name = fixed or request.path_params["name"]
        path = PAGE / name
        if path.parent != PAGE or not path.is_file():
            return PlainTextResponse("not found", 404)
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return FileResponse(path, headers=headers)

    return show


_no_bot = PlainTextResponse("no such bot", 404)


async def _nothing(_: Request) -> Response:
    return JSONResponse(ApiError(404, "Not Found").to_json(), status_code=404)
