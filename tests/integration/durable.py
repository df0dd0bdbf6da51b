"""What the durable tests share: a database with its keyring, a clock moved by hand, an outside."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from sqlalchemy import create_engine, event, select

from bot.adapters import migrate
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database, driver_url
from bot.ports import Message
from bot.services.queue.deliver import Limits
from bot.texts.catalogue import say
from models.base import Base, install_cipher
from models.delivery import Inbox, Outbox, Refused

START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WIDE = Limits(per_second=29_000, chat_per_second=1_000, chat_burst=5_000, group_per_minute=20_000)
REAL = Limits(per_second=29, chat_per_second=1, chat_burst=5, group_per_minute=20)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def pass_(self, **time: float) -> None:
        self.moment += timedelta(**time)


class Outside:
    """A channel's far end: keeps what arrived, and refuses as told.

    ``refusals[target]`` are used up one by one; ``arrived`` holds (target, text key, edited ids).
    """

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str, list[Any] | None]] = []
        self.tried: list[tuple[str, str]] = []
        self.refusals: dict[str, list[Refused]] = {}
        self._last_id = 100

    async def __call__(
        self, target: str, message: Message, edit_ids: Sequence[Any] | None, /
    ) -> list[Any]:
        key = message.parts[0].key
        self.tried.append((target, key))
        waiting = self.refusals.get(target)
        if waiting:
            raise waiting.pop(0)
        self.arrived.append((target, key, list(edit_ids) if edit_ids else None))
        if edit_ids:
            return list(edit_ids)
        self._last_id += 1
        return [self._last_id]

    def texts(self, target: str | None = None) -> list[str]:
        return [key for to, key, _ in self.arrived if target in (None, to)]


def text(key: str) -> Message:
    """A message whose only part is the text ``key``; nobody renders it here."""
    return Message((say(key),))


@cache
def _template() -> bytes:
    """An empty database with the tables, made once: making them takes longer than most tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "template.db"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            Base.metadata.create_all(connection)
        engine.dispose()
        return file.read_bytes()


def create_database(file: Path) -> str:
    """An empty database with its tables; its address."""
    file.write_bytes(_template())
    return f"sqlite:///{file}"


def walk(url: str) -> None:
    """Bring an empty database the way of one that was there from the beginning: by every migration."""
    with migrate._connection(url) as connection:
        command.upgrade(migrate._config(connection), "+1")
    assert migrate.current(url) not in ("", migrate.head())
    migrate.upgrade(url)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    """A fresh database in ``folder``, with a keyring installed."""
    install_cipher(Keyring.open(folder / "keyring.json"))
    db = Database(create_database(folder / "suda.db"))
    try:
        yield db
    finally:
        await db.close()
        install_cipher(None)


async def outbox(db: Database) -> list[Outbox]:
    async with db.read() as session:
        return list((await session.execute(select(Outbox).order_by(Outbox.id))).scalars())


async def inbox(db: Database) -> list[Inbox]:
    async with db.read() as session:
        return list((await session.execute(select(Inbox).order_by(Inbox.seq))).scalars())


@asynccontextmanager
async def opened_on(server: str, folder: Path) -> AsyncIterator[Database]:
    """The tables of a PostgreSQL server, emptied."""
    install_cipher(Keyring.open(folder / "keyring.json"))
    engine = create_engine(driver_url(server))
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")
    engine.dispose()
    db = Database(server)
    try:
        yield db
    finally:
        await db.close()
        install_cipher(None)


Query = tuple[str, Any]
"""SQL as the driver gets it, and its parameters."""


@asynccontextmanager
async def queries(db: Database) -> AsyncIterator[list[Query]]:
    """Every SELECT that the database is asked meanwhile."""
    made: list[Query] = []

    def note(_c: Any, _cursor: Any, sql: str, parameters: Any, _x: Any, _many: bool) -> None:
        if sql.lstrip().startswith("SELECT"):
            made.append((sql, parameters))

    async with db.write() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def read_whole(db: Database, made: Sequence[Query], table: str) -> list[str]:
    """The steps in which these queries read ``table`` from end to end, as SQLite plans them."""
    assert made
    found = []
    async with db.read() as session:
        connection = await session.connection()
        for sql, parameters in made:
            steps = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
            found += [str(step[-1]) for step in steps]
    assert any(table in step for step in found), found
    whole = re.compile(rf"SCAN (?!.* INDEX)({table}|{table}_\d+)\b")
    return [step for step in found if whole.search(step)]
