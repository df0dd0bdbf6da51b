"""One database, SQLite or PostgreSQL, behind ``write()`` and ``read()``.

SQLite takes one writer at a time, so there is one writer connection behind one gate, and BEGIN
IMMEDIATE takes the file's lock at once instead of failing half-way. Reads go through connections
that cannot write. PostgreSQL has ordinary pools.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import AsyncAdaptedQueuePool, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from bot.adapters.courier import QUEUE_TABLE, Embedded, Procrastinate, ServerGone
from bot.adapters.sqlite import COMPILED, DRIVER, connect
from bot.ports import Courier
from models.delivery import WAKES

BUSY_TIMEOUT_MS = 15_000
OLDEST_POSTGRESQL = 14
READERS = 4
SEATS = 539_482_576
"""Any fixed number: the class of the advisory locks that working processes hold, one each."""

FILE_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
    }
)
SERVER_TROUBLE = ("08", "53", "57P")
"""Beginnings of SQLSTATE: no connection, no room, told to stop."""

BEAT_SECONDS = 1.0
CONNECT_SECONDS = 10


class DatabaseProblem(Exception):
    """The database cannot be used; the message is one sentence for the operator."""


def driver_url(url: str) -> URL:
    """``sqlite:///PATH`` and ``postgresql://`` with the driver that this project uses.

    Raises DatabaseProblem on anything else.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseProblem("DATABASE_URL is not a database address") from error
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise DatabaseProblem(
                    "DATABASE_URL needs a file for SQLite: sqlite:///data/suda.db"
                )
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise DatabaseProblem(f"DATABASE_URL names {other}; only sqlite and postgresql will do")


def new_seat() -> int:
    """A number that fits PostgreSQL's integer."""
    return int.from_bytes(os.urandom(4)) >> 1


class Database:
    """Sessions for one database. Make one per process, and :meth:`close` it."""

    def __init__(self, url: str) -> None:
        self.url = driver_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.courier: Courier = Embedded()
        self.seat = new_seat()
        self._gate = asyncio.Lock()
        self._seated: AsyncConnection | None = None
        if self.sqlite:
            assert self.url.database is not None
            make_folder(Path(self.url.database))
            self._writer = _sqlite_engine(self.url, "BEGIN IMMEDIATE", 1)
            self._reader = _sqlite_engine(self.url, "BEGIN", READERS, "PRAGMA query_only=ON")
        else:
            self._writer = create_async_engine(
                self.url,
                hide_parameters=True,
                pool_pre_ping=True,
                connect_args={"connect_timeout": CONNECT_SECONDS},
            )
            self._reader = self._writer

    @property
    def sole(self) -> bool:
        """Whether this process is the only one that works on it: one file has one bot."""
        return self.sqlite

    async def take_seat(self) -> None:
        """Be counted as a working process until this one ends, with a number of its own.

        On PostgreSQL the number is an advisory lock: the server lets go of it when the process dies,
        so that what the dead one held is free at once. Wake-ups then go among all that sit.
        """
        if self.sqlite:
            return
        self.courier = Procrastinate(self.url)
        self._seated = await self._writer.connect()
        await self._seated.execution_options(isolation_level="AUTOCOMMIT")
        take = text("SELECT pg_try_advisory_lock(:seats, :seat)")
        while not (
            await self._seated.execute(take, {"seats": SEATS, "seat": self.seat})
        ).scalar_one():
            self.seat = new_seat()

    async def keep_seat(self, tell: Callable[[datetime], None], stop: asyncio.Event) -> None:
        """Tell the server's time each second, by which several hosts agree. Raises ServerGone when
        the server let go of the seat: what is in hand here belongs to others from then on."""
        while self._seated is not None and not stop.is_set():
            try:
                moment: datetime = (
                    await self._seated.execute(text("SELECT clock_timestamp()"))
                ).scalar_one()
            except (DBAPIError, OSError) as error:
                raise ServerGone(type(error).__name__) from error
            tell(moment.astimezone(UTC))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), BEAT_SECONDS)

    def away(self, error: BaseException) -> bool:
        """Whether the database could not be used for a while, whatever was asked of it."""
        if not isinstance(error, DBAPIError):
            return False
        if self.sqlite:
            return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in FILE_TROUBLE
        return (
            error.connection_invalidated
            # There was no statement: it failed to connect.
            or (isinstance(error, OperationalError) and error.statement is None)
            or (getattr(error.orig, "sqlstate", None) or "").startswith(SERVER_TROUBLE)
        )

    async def living(self) -> set[int] | None:
        """The seats of all working processes; None when this one has none and so cannot tell."""
        if self.sqlite:
            return {self.seat}
        if self._seated is None:
            return None
        async with self.read() as session:
            taken = await session.execute(
                text(
                    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory'"
                    " AND classid = :seats AND objsubid = 2 AND database ="
                    " (SELECT oid FROM pg_database WHERE datname = current_database())"
                ),
                {"seats": SEATS},
            )
            return set(taken.scalars())

    def token(self) -> UUID:
        """A new fencing token, which tells the seat of whoever holds it."""
        return UUID(bytes=self.seat.to_bytes(4) + os.urandom(12))

    async def orphans(self, tokens: Iterable[UUID]) -> list[UUID]:
        """Those of ``tokens`` (read before this call) whose holder is no more."""
        living = await self.living()
        if living is None:
            return []
        return [token for token in tokens if int.from_bytes(token.bytes[:4]) not in living]

    def listen(self, kind: str, wake: Callable[[], None]) -> None:
        """Call ``wake`` after commits that wrote work of this kind."""
        self.courier.listen(kind, wake)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end, or rolls back and raises."""
        if self.sqlite:
            async with self._gate, self._write() as session:
                yield session
        else:
            async with self._write() as session:
                yield session
        for kind in session.info.pop(WAKES, ()):
            self.courier.wake(kind)

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that sees one state of the database and cannot change it."""
        async with AsyncSession(self._reader, expire_on_commit=False) as session:
            if not self.sqlite:
                await session.execute(
                    text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                )
            yield session

    async def probe(self, revision: str | None = None) -> None:
        """Raise DatabaseProblem unless it answers, can be written, and stands at ``revision``."""
        try:
            async with self.write() as session:
                if self.sqlite:
                    # A write that changes nothing: BEGIN alone does not find a read-only file.
                    await session.execute(text("PRAGMA user_version=0"))
                else:
                    version = (await session.execute(text("SHOW server_version_num"))).scalar_one()
                    if int(version) < OLDEST_POSTGRESQL * 10_000:
                        raise DatabaseProblem(
                            f"the PostgreSQL server is too old: {OLDEST_POSTGRESQL} or newer is needed"
                        )
                if revision is not None:
                    await _expect_revision(session, revision, queue=not self.sqlite)
        except DBAPIError as error:
            raise explain(error, self.url) from error
        except OSError as error:
            raise DatabaseProblem(f"the database cannot be reached: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._seated is not None:
            with contextlib.suppress(DBAPIError, OSError):
                await self._seated.close()
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


def make_folder(file: Path) -> None:
    """Make the folder of a database file. Raises DatabaseProblem."""
    if str(file).startswith("file:"):
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseProblem(
            f"the folder {file.parent} cannot be made: {error.strerror}"
        ) from error


def _sqlite_engine(url: URL, begin: str, connections: int, *pragmas: str) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername=DRIVER),
        execution_options={"compiled_cache": COMPILED},
        hide_parameters=True,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={
            "timeout": BUSY_TIMEOUT_MS / 1000,
            "async_creator_fn": connect,
        },
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: _begin does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode")
        # Kept in the file; to ask again would not wait for another process that is writing.
        if cursor.fetchone() != ("wal",):
            cursor.execute("PRAGMA journal_mode=WAL")
        for pragma in (
            f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
            "PRAGMA synchronous=FULL",
            "PRAGMA foreign_keys=ON",
            *pragmas,
        ):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.connection.driver_connection.begin(begin)

    return engine


async def _expect_revision(session: AsyncSession, revision: str, queue: bool) -> None:
    missing = "the database is behind the program; run: python -m bot migrate"
    try:
        found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalars()
    except (OperationalError, ProgrammingError) as error:
        raise DatabaseProblem(missing) from error
    if list(found) != [revision]:
        raise DatabaseProblem(missing)
    if queue and await session.scalar(text("SELECT to_regclass(:t)"), {"t": QUEUE_TABLE}) is None:
        raise DatabaseProblem(missing)


def explain(error: DBAPIError, url: URL) -> DatabaseProblem:
    """A driver's error as one sentence."""
    said = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
    where = url.database if url.get_backend_name() == "sqlite" else f"{url.host or 'localhost'}"
    if "readonly" in said or "read-only" in said:
        return DatabaseProblem(f"the database {where} is read-only")
    if "disk is full" in said or "No space left" in said:
        return DatabaseProblem(f"there is no room left on the disk for the database {where}")
    if "unable to open" in said:
        return DatabaseProblem(f"the database file {where} cannot be opened")
    if "not a database" in said:
        return DatabaseProblem(f"the file {where} is not a database")
    return DatabaseProblem(f"the database at {where} cannot be used: {said}")
