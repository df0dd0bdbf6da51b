"""The control API: what tests and the page ask of the simulated Telegram, under /control/."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.sandbox.errors import ApiError, Json, bad, refuse
from bot.sandbox.faults import Fault
from bot.sandbox.params import Upload
from bot.sandbox.people import People
from bot.sandbox.scenarios import Scenario
from bot.sandbox.world import World

Observe = Callable[[], Mapping[str, Any]]
Process = Callable[[str], Any]
KEEP_ALIVE = 15.0  # seconds between comments on a silent event stream


class Control:
    """Handlers by path; a handler takes the asked values and returns what is shown as JSON."""

    def __init__(
        self,
        world: World,
        observe: Observe | None,
        process: Process | None,
        places: Sequence[Mapping[str, Any]],
        plays: Sequence[Scenario] = (),
    ) -> None:
        self.world = world
        self.people = People(world)
        self.observe = observe
        self.process = process
        self.places = places
        self.plays = plays
        self.gets: dict[str, Callable[[Json], Any]] = {
            "state": self.state,
            "chats": self.chats,
            "messages": self.messages,
            "keyboard": lambda q: self.people.keyboard(int(q["chat"])),
            "commands": self.commands,
            "queries": lambda _: [asdict(query) for query in world.queries.values()],
            "faults": lambda _: world.faults.to_json(),
            "flood": lambda _: world.flood.to_json(),
            "clock": self.clock,
            "log": self.log,
            "updates": lambda _: world.pending(),
            "observe": lambda _: dict(observe()) if observe else None,
            "map.json": lambda _: [dict(place) for place in places],
            "scenarios": lambda _: [asdict(play) for play in plays],
        }
        self.posts: dict[str, Callable[[Json], Any]] = {
            "person": self.person,
            "group": self.group,
            "faults": self.fault,
            "flood": self.flood,
            "clock": self.set_clock,
            "bot": self.bot,
        }

    def routes(self) -> list[Route]:
        gets = [
            Route(f"/control/{name}", self._get(act), methods=["GET"])
            for name, act in self.gets.items()
        ]
        posts = [
            Route(f"/control/{name}", self._post(act), methods=["POST"])
            for name, act in self.posts.items()
        ]
        return [
            *gets,
            *posts,
            Route("/control/act", self.act, methods=["POST"]),
            Route("/control/faults", self.clear_faults, methods=["DELETE"]),
            Route("/control/process", self.run_process, methods=["POST"]),
            Route("/control/events", self.events, methods=["GET"]),
            Route("/control/poll", self.poll, methods=["GET"]),
            Route("/control/file", self.file, methods=["GET"]),
        ]

    def _get(self, handler: Callable[[Json], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return _shown(lambda: handler(dict(request.query_params)))

        return answer

    def _post(self, handler: Callable[[Json], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                body = json.loads(await request.body() or b"{}")
            except ValueError:
                return _refusal(bad("can't parse JSON"))
            return _shown(lambda: handler(body))

        return answer

    # Looking
    def state(self, _: Json) -> Json:
        world = self.world
        return {
            "token": world.token,
            "bot": world.me(),
            "persons": [asdict(person) for person in world.persons.values()],
            "groups": [
                asdict(group) | {"members": [p.id for p in world.members(group.id)]}
                for group in world.groups.values()
            ],
            "seq": world.last_seq,
            "pending": len(world.pending()),
            "bot_online": world.bot_online(),
            "offset": world.meta["offset"],
            "observe": self.observe is not None,
            "process": self.process is not None,
            "map": bool(self.places),
            "scenarios": len(self.plays),
        }

    def chats(self, asked: Json) -> list[Json]:
        """Of one person: id, title, type and the newest message of each chat she sees."""
        shown = []
        for number in self.world.chats_of(int(asked["person"])):
            posts = [post for post in self.world.posts.get(number, {}).values() if not post.deleted]
            group = self.world.groups.get(number)
            shown.append(
                {
                    "chat": number,
                    "title": group.title if group else self.world.bot["first_name"],
                    "type": group.type if group else "private",
                    "bot": group.bot if group else "member",
                    "last": posts[-1].seen() if posts else None,
                }
            )
        return shown

    def messages(self, asked: Json) -> list[Json]:
        """Of one chat, oldest first: ``{"message", "out", "keyboard", "edited", "deleted"}``.

        ``after`` leaves out message ids up to it; ``limit`` keeps the newest so many.
        """
        after = int(asked.get("after") or 0)
        posts = self.world.posts.get(int(asked["chat"]), {}).values()
        shown = [post.seen() for post in posts if post.id > after]
        return shown[-int(asked["limit"]) :] if asked.get("limit") else shown

    def commands(self, asked: Json) -> list[Json]:
        """The menu that a person sees in a chat: the narrowest scope that has one, her language
        before no language."""
        chat = int(asked["chat"])
        person = self.world.person(int(asked.get("person") or chat))
        everyone = "all_private_chats" if chat > 0 else "all_group_chats"
        narrow = [f"chat_member:{chat}:{person.id}"] if chat < 0 else []
        language = person.language_code.split("-")[0]
        for scope in [*narrow, f"chat:{chat}", everyone, "default"]:
            for code in (language, ""):
                if menu := self.world.meta["commands"].get(f"{scope}:{code}"):
                    return list(menu)
        return []

    def clock(self, _: Json) -> Json:
        return {"now": self.world.now().isoformat(), "offset": self.world.meta["offset"]}

    def log(self, asked: Json) -> list[Json]:
        """Calls of the bot, oldest first; ``method`` and ``after`` (a seq) narrow them."""
        method, after = str(asked.get("method", "")).lower(), int(asked.get("after") or 0)
        return [
            call
            for call in self.world.calls
            if call["seq"] > after and (not method or call["method"].lower() == method)
        ]

    async def file(self, request: Request) -> Response:
        file = self.world.file(request.query_params.get("id", ""))
        content = self.world.store.content(file.id) if file else None
        if file is None or content is None:
            return _refusal(refuse(404, "file not found"))
        # Shown by the page as picture or sound only; never run as a document of this origin.
        return Response(
            content,
            media_type=file.mime_type,
            headers={"Content-Security-Policy": "sandbox; default-src 'none'"},
        )

    # Doing
    def person(self, body: Json) -> Json:
        known = {"last_name", "username", "phone", "language_code"}
        more = {name: str(body[name]) for name in known if body.get(name)}
        name = str(body.get("first_name") or "").strip()
        if not name:
            raise bad("first_name is empty")
        number = int(body["id"]) if body.get("id") else None
        role = str(body.get("role") or "consumer")
        return asdict(self.world.add_person(name, number=number, role=role, **more))

    def group(self, body: Json) -> Json:
        """``members`` are person ids; ``bot`` true seats the bot at once, without any update."""
        seat = body.get("bot")
        return asdict(
            self.world.add_group(
                str(body.get("title") or "-"),
                number=int(body["id"]) if body.get("id") else None,
                members=[self.world.person(int(member)).id for member in body.get("members", ())],
                kind=str(body.get("type") or ""),
                bot=seat if isinstance(seat, str) else "member" if seat else "left",
            )
        )

    async def act(self, request: Request) -> Response:
        """A person's act as JSON; or multipart with the JSON in ``act`` and files beside it."""
        uploads: list[Upload] = []
        try:
            if request.headers.get("content-type", "").startswith("multipart/"):
                async with request.form(max_part_size=60 * 1024 * 1024) as form:
                    body = json.loads(str(form.get("act") or "{}"))
                    for _, value in form.multi_items():
                        if not isinstance(value, str):
                            name, mime = value.filename or "", value.content_type or ""
                            uploads.append(Upload(name, mime, await value.read()))
            else:
                body = json.loads(await request.body() or b"{}")
        except ValueError:
            return _refusal(bad("can't parse JSON"))
        if body.get("kind") == "link":
            person = self.world.person(int(body["person"]))
            return _shown(lambda: self.people.open_link(person, str(body.get("url", "")), body))
        return _shown(lambda: self.people.act(body, uploads))

    def fault(self, body: Json) -> Json:
        """Orders a Fault; ``migrate`` happens at once."""
        if body.get("kind") == "migrate":
            return asdict(self.world.migrate(int(body["chat"])))
        names = {field.name for field in fields(Fault)}
        unknown = set(body) - names
        if unknown:
            raise bad(f"unknown field {min(unknown)}")
        fault = Fault(**body)
        self.world.faults.order(fault)
        return asdict(fault)

    async def clear_faults(self, _: Request) -> Response:
        self.world.faults.clear()
        return _shown(lambda: True)

    def flood(self, body: Json) -> Json:
        """``on``; ``limits`` {"all" | "chat" | "group": [messages, seconds]}."""
        flood = self.world.flood
        flood.on = bool(body.get("on", flood.on))
        for name, (most, seconds) in dict(body.get("limits", {})).items():
            if name not in flood.limits:
                raise bad(f"unknown limit {name}")
            flood.limits[name] = (int(most), float(seconds))
        return flood.to_json()

    def set_clock(self, body: Json) -> Json:
        """``advance`` or ``offset`` in seconds, or ``now`` as ISO time with its zone."""
        offset = float(self.world.meta["offset"])
        if "now" in body:
            wanted = datetime.fromisoformat(str(body["now"]))
            if wanted.tzinfo is None:
                raise bad("now needs its zone")
            offset += (wanted - self.world.now()).total_seconds()
        offset = float(body.get("offset", offset)) + float(body.get("advance", 0))
        self.world.set("offset", offset)
        self.world.emit("clock")
        return self.clock({})

    def bot(self, body: Json) -> Json:
        """Renames the bot: ``first_name``, ``username``."""
        names = {k: str(body[k]) for k in ("first_name", "username") if body.get(k)}
        self.world.set("bot", self.world.bot | names)
        return self.world.me()

    async def run_process(self, request: Request) -> Response:
        """``action`` kill or start, for the bot's own process."""
        body = json.loads(await request.body() or b"{}")
        action = str(body.get("action"))
        if self.process is None or action not in ("kill", "start"):
            return _refusal(refuse(404, "no such control"))
        result = self.process(action)
        if isinstance(result, Awaitable):
            result = await result
        self.world.emit("process", action=action)
        return _shown(lambda: result)

    # Watching
    async def poll(self, request: Request) -> Response:
        """Events after ``after`` (a seq), waiting up to ``timeout`` seconds for one."""
        after = int(request.query_params.get("after") or 0)
        left = min(float(request.query_params.get("timeout") or 0), 60.0)
        if not self.world.events_after(after) and left > 0:
            await self.world.event_signal.wait(left)
        return _shown(lambda: self.world.events_after(after))

    async def events(self, request: Request) -> Response:
        """Server-sent events; goes on after Last-Event-ID or ``after``, else from now on."""
        asked = request.headers.get("last-event-id") or request.query_params.get("after")
        start = int(asked) if asked else self.world.last_seq

        async def stream() -> AsyncIterator[str]:
            seen = start
            yield ": hello\n\n"
            while not self.world.closed:
                fresh = self.world.events_after(seen)
                for event in fresh:
                    seen = event["seq"]
                    yield f"id: {seen}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
                if not fresh:
                    await self.world.event_signal.wait(KEEP_ALIVE)
                    if not self.world.events_after(seen):
                        yield ": still here\n\n"

        return StreamingResponse(
            stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )


def _refusal(error: ApiError) -> Response:
    return JSONResponse(error.to_json(), status_code=error.code)


def _shown(work: Callable[[], Any]) -> Response:
    """The result of the work as JSON, or its refusal."""
    try:
        return JSONResponse(work(), headers={"Cache-Control": "no-store"})
    except ApiError as error:
        return _refusal(error)
    except (KeyError, TypeError, ValueError) as error:
        return _refusal(bad(f"wrong request: {error}"))
