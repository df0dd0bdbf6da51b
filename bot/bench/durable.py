"""Whole durable steps beside a bare loop that runs the same SQL.

The bare loop is given all that was thought out before: what the steps asked of the database, in their
transactions, with its values, and the messages ready to send. It asks the same of the same async ORM on
a copy of the same database, objects as objects, and python-telegram-bot sends. What is left to compare is
the price of everything else: reading updates, the conversation, sealing, rendering, leases and loops.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult, Engine, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session
from telegram import Bot
from telegram.request import BaseRequest, RequestData

from bot import app
from bot.adapters.database import Database
from bot.adapters.telegram import Call, TelegramChannel
from bot.bench.measure import ROUNDS, Measure, words
from bot.ports import Message
from bot.services.queue.deliver import Deliverer, Limits
from bot.services.queue.intake import Worker, accept
from bot.settings import Settings
from handlers.render import render
from models.base import Base

CHATS = 10
SUM = 3_900
TOKEN = "1:bench"
WIDE = Limits(
    per_second=1e6,
    chat_per_second=1e6,
    chat_burst=1_000,
    group_per_minute=1e6,
    paced=frozenset(),
)


class Swallow(BaseRequest):
    """Answers every call at once, as Telegram would: nothing leaves the machine.

    ``heard`` is told of each call that would have reached somebody: the chat, and the call's values.
    """

    read_timeout = 1.0

    def __init__(self) -> None:
        self.numbers = count(1)
        self.heard: Callable[[int, Mapping[str, Any]], None] = lambda _chat, _values: None

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(
        self,
        url: str,
        method: str,  # noqa: ARG002
        request_data: RequestData | None = None,
        *_: Any,
        **_more: Any,
    ) -> tuple[int, bytes]:
        values = request_data.parameters if request_data is not None else {}
        if "chat_id" in values:
            self.heard(int(str(values["chat_id"])), values)
        user = {"id": 1, "is_bot": True, "first_name": "bench", "username": "bench_bot"}
        message = {
            "message_id": next(self.numbers),
            "date": 0,
            "chat": {"id": 1, "type": "private"},
        }
        result = user if url.endswith("getMe") else message
        return 200, json.dumps({"ok": True, "result": result}).encode()


@dataclass(frozen=True, slots=True)
class Flush:
    """What a session wrote of its objects: the new ones, and by its key each that was changed."""

    new: list[tuple[type[Base], dict[str, Any]]]
    changed: list[tuple[Any, dict[str, Any]]]


Statements = list[tuple[Any, Any] | Flush]
"""What a transaction asked of its session: statement and parameters, or a flush."""


@contextlib.contextmanager
def recorded(into: list[Statements]) -> Iterator[Counter[str]]:
    """Note every transaction; what it yields counts the statements that reached the driver.

    What the ORM loads by itself along a relationship is left out, since it does so again.
    """
    counts: Counter[str] = Counter()

    def begun(_session: Session, transaction: Any) -> None:
        if transaction.parent is None:
            into.append([])

    def asked(state: ORMExecuteState) -> None:
        if not state.is_relationship_load and not state.is_column_load:
            into[-1].append((state.statement, state.parameters))

    def flushed(session: Session, *_: Any) -> None:
        if session.deleted:
            raise RuntimeError("the bare loop knows no deletion of an object")
        into[-1].append(
            Flush(
                [(type(row), _columns(row)) for row in session.new],
                [(inspect(row).identity_key, _changes(row)) for row in session.dirty],
            )
        )

    def executed(*_: Any) -> None:
        counts["statements"] += 1

    hooks: list[tuple[Any, str, Callable[..., None]]] = [
        (Session, "after_transaction_create", begun),
        (Session, "do_orm_execute", asked),
        (Session, "after_flush", flushed),
        (Engine, "before_cursor_execute", executed),
    ]
    for hook in hooks:
        event.listen(*hook)
    try:
        yield counts
    finally:
        for hook in hooks:
            event.remove(*hook)


def _columns(row: Base) -> dict[str, Any]:
    state = inspect(row)
    return {
        column.key: state.dict[column.key]
        for column in state.mapper.column_attrs
        if column.key in state.dict
    }


def _changes(row: Base) -> dict[str, Any]:
    state = inspect(row)
    return {
        column.key: state.dict[column.key]
        for column in state.mapper.column_attrs
        if state.attrs[column.key].history.has_changes()
    }


async def replay(db: Database, transactions: Sequence[Statements]) -> None:
    """The bare loop's share of the database's work."""
    for statements in transactions:
        async with db.write() as session:
            held: list[Any] = []
            for step in statements:
                if isinstance(step, Flush):
                    for kind, values in step.new:
                        session.add(row := kind(**values))
                        held.append(row)
                    for key, values in step.changed:
                        row = session.sync_session.identity_map[key]
                        for name, value in values.items():
                            setattr(row, name, value)
                    await session.flush()
                    continue
                result = await session.execute(*step)
                if not isinstance(result, CursorResult) or result.returns_rows:
                    held.append(result.all())


@dataclass(slots=True)
class Shop:
    """The bot's own intake, handler and delivery on one database; every send is swallowed.

    ``said`` are the calls that its messages became.
    """

    house: app.House
    request: Swallow
    bot: Bot
    worker: Worker
    deliverer: Deliverer
    said: list[Call]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def steps(self, chats: Sequence[int], lines: Sequence[str]) -> int:
        """Every chat says each line, about a sum of its own; how many steps that were."""
        done = 0
        for line in lines:
            done += await self.take_in(
                [text_of(next(self.numbers), chat, line.format(sum=SUM + chat)) for chat in chats]
            )
            while sum([await self.worker.drain_once(), await self.deliverer.drain_once()]):
                pass
        return done

    async def take_in(self, updates: Sequence[Mapping[str, Any]]) -> int:
        """Store updates as the poller does; how many were new."""
        async with self.house.db.write() as session:
            return await accept(session, "tg:1", rows_of(updates), now=self.house.clock.now())


@contextlib.asynccontextmanager
async def open_shop(settings: Settings, limits: Limits = WIDE) -> AsyncIterator[Shop]:
    """A shop on a database of its own in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="suda-bench-") as folder:
        async with app.open_house(own_folder(settings, folder), demo=True) as house:
            request = Swallow()
            bot = Bot(TOKEN, request=request, get_updates_request=request)
            said: list[Call] = []

            def show(message: Message, private: bool) -> Sequence[Call]:
                calls = render(message, house.tables.texts, private)
                said.extend(calls)
                return calls

            channel = TelegramChannel(bot, show, house.clock, house.vault)
            application = app.build_application(bot)
            await application.initialize()
            worker = Worker(house.db, house.clock, app.handler(application, channel, house.tables))
            deliverer = Deliverer(house.db, house.clock, {"tg": channel.send}, limits)
            yield Shop(house, request, bot, worker, deliverer, said)
            await application.shutdown()


def steps(settings: Settings) -> list[Measure]:
    """Whole steps a second: update stored, handled in its transaction, answer stored, sent, marked."""
    return asyncio.run(_steps(settings))


async def _steps(settings: Settings) -> list[Measure]:
    ours, theirs, our_work, their_work = [], [], [], []
    chats = (range(at, at + CHATS) for at in count(1, CHATS))
    lines = words()["steps"]
    async with open_shop(settings) as shop:
        await shop.steps(next(chats), lines)
        folder = shop.house.settings.data_dir
        _copy(folder / "bench.db", folder / "before.db")
        warming: list[Statements] = []
        with recorded(warming):
            await shop.steps(next(chats), lines)
        shop.said.clear()
        transactions: list[Statements] = []
        with recorded(transactions) as asked:
            steps = await shop.steps(next(chats), lines)
        messages = list(shop.said)
        if len(messages) < steps:
            raise RuntimeError(f"{len(messages)} messages for {steps} steps")
        for turn in range(ROUNDS + 1):
            _, seconds, work = await _timed(shop.steps(next(chats), lines))
            ours.append(steps / seconds)
            our_work.append(work / steps * 1e3)
            copy = _copy(folder / "before.db", folder / f"copy-{turn}.db")
            db = Database(f"sqlite:///{copy}")
            await replay(db, warming)
            with recorded([]) if not turn else contextlib.nullcontext(asked) as bare:
                _, seconds, work = await _timed(_bare(db, transactions, messages, shop.bot))
            await db.close()
            if bare != asked:
                raise RuntimeError(f"the bare loop ran {bare}, the steps {asked}")
            theirs.append(steps / seconds)
            their_work.append(work / steps * 1e3)
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    what = f"{CHATS} chats side by side"
    return [
        _measure(f"whole steps: stored, handled, answered, sent, marked; {what}", ours, "1/s"),
        _measure("a bare loop: the same SQL, one send a message", theirs, "1/s"),
        _measure("whole steps for one of the bare loop", ratios, "x"),
        _measure("processor time of a whole step", our_work, "ms"),
        _measure("processor time of the bare loop", their_work, "ms"),
        Measure("durable", "statements of a step", asked["statements"] / steps, "", rounds=1),
        Measure("durable", "transactions of a step", len(transactions) / steps, "", rounds=1),
    ]


def _copy(file: Path, to: Path) -> Path:
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM INTO ?", (str(to),))
    return to


async def _bare(
    db: Database, transactions: Sequence[Statements], messages: Sequence[Call], bot: Bot
) -> None:
    await replay(db, transactions)
    for call in messages:
        await bot.send_message(1, **call.params)


async def _timed(work: Awaitable[Any]) -> tuple[Any, float, float]:
    """The result, the seconds that passed, and the seconds of processor time that it took."""
    begun, worked = time.perf_counter(), time.process_time()
    result = await work
    return result, time.perf_counter() - begun, time.process_time() - worked


def _measure(what: str, rounds: Sequence[float], unit: str) -> Measure:
    """The first round warms up."""
    return Measure("durable", what, statistics.median(rounds[1:]), unit)


def own_folder(settings: Settings, folder: str) -> Settings:
    return settings.model_copy(
        update={
            "data_dir": Path(folder),
            "database_url": f"sqlite:///{folder}/bench.db",
            "key_file": Path(folder, "keyring.json"),
        }
    )


def rows_of(updates: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str, Mapping[str, Any]]]:
    return [
        (str(update["update_id"]), update["update_id"], f"tg:{_chat_of(update)}", update)
        for update in updates
    ]


def _chat_of(update: Mapping[str, Any]) -> int:
    message = update.get("message") or update["callback_query"]["message"]
    return int(message["chat"]["id"])


def text_of(number: int, chat: int, line: str) -> dict[str, Any]:
    """An update: somebody says it to the bot."""
    message = {**_message(number, chat), "from": _person(chat), "text": line}
    if line.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(line)}]
    return {"update_id": number, "message": message}


def tap_of(number: int, chat: int, data: str) -> dict[str, Any]:
    """An update: somebody presses a button."""
    query = {"id": f"{number}", "chat_instance": "1", "from": _person(chat), "data": data}
    return {"update_id": number, "callback_query": {**query, "message": _message(number, chat)}}


def _message(number: int, chat: int) -> dict[str, Any]:
    chat_itself = {"id": chat, "type": "private", "first_name": "A"}
    return {"message_id": number, "date": 1_795_000_000, "chat": chat_itself}


def _person(chat: int) -> dict[str, Any]:
    return {"id": chat, "first_name": "A", "is_bot": False}
