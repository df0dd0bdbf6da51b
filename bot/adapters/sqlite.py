"""aiosqlite with one trip to its thread for most statements, instead of four.

A trip costs more than most statements do: SQLAlchemy makes one to open a cursor, one to execute,
one to fetch and one to close, and one more to roll back what was already committed. A transaction
begins in the trip of its first statement.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence
from typing import Any, Self

import aiosqlite
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

FEW = 200
"""Rows that come with the first trip; where there are more, the rest is fetched as it is asked for."""

DRIVER = "sqlite+suda"
COMPILED: LRUCache[Any, Any] = LRUCache(1000)
"""The ``compiled_cache`` of all engines: to make a statement of a query takes longer than to run it."""


class Dialect(SQLiteDialect_aiosqlite):
    """All are one: in a process there is one SQLite library, and one way in which we use it."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register(DRIVER.replace("+", "."), __name__, Dialect.__name__)


class _Cursor:
    """Executes, fetches the first rows and, when these were all, closes, in one trip."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        await self._connection.there(self._begin, lambda cursor: cursor.execute(sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        await self._connection.there(
            self._begin, lambda cursor: cursor.executemany(sql, parameters)
        )
        return self

    async def fetchall(self) -> list[Any]:
        return await self.fetchmany(sys.maxsize)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        size = size or self.arraysize
        if self._open is not None and len(self._rows) < size:
            await self._connection.there(self._more, self._open, size)
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchone(self) -> Any:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def close(self) -> None:
        if self._open is not None:
            cursor, self._open = self._open, None
            await self._connection.there(lambda _connection: cursor.close())

    def _begin(
        self, connection: sqlite3.Connection, work: Callable[[sqlite3.Cursor], object]
    ) -> None:
        self._open = cursor = connection.cursor()
        try:
            work(cursor)
            self.description = cursor.description
            self._more(connection, cursor, FEW)
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        except BaseException:
            self._open = None
            cursor.close()
            raise

    def _more(self, _connection: sqlite3.Connection, cursor: sqlite3.Cursor, size: int) -> None:
        wanted = size - len(self._rows)
        found = cursor.fetchall() if size == sys.maxsize else cursor.fetchmany(wanted)
        self._rows += found
        if size == sys.maxsize or len(found) < wanted:
            self._open = None
            cursor.close()


class Connection(aiosqlite.Connection):
    """What SQLAlchemy gets in place of aiosqlite's own."""

    _to_begin: str | None = None

    def begin(self, how: str) -> None:
        """Begin a transaction by this statement, in front of the next one."""
        self._to_begin = how

    def cursor(self) -> _Cursor:  # type: ignore[override]
        return _Cursor(self)

    async def there(self, work: Callable[..., None], *more: Any) -> None:
        """Run ``work(connection, ...)`` in the connection's thread."""
        await self._execute(lambda: self._there(work, *more))  # type: ignore[no-untyped-call]

    def _there(self, work: Callable[..., None], *more: Any) -> None:
        if self._to_begin is not None:
            # While it does not succeed, nothing else may be run.
            self._conn.execute(self._to_begin)
            self._to_begin = None
        work(self._conn, *more)

    async def commit(self) -> None:
        """Where no statement was run there is nothing to commit."""
        self._to_begin = None
        if self.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        """The pool rolls back whatever it gets back, mostly a connection with nothing open."""
        self._to_begin = None
        if self.in_transaction:
            await super().rollback()


async def connect(database: str, **more: Any) -> Connection:
    """The ``async_creator_fn`` of an engine."""
    connection = Connection(lambda: sqlite3.connect(database, **more), iter_chunk_size=64)
    connection._thread.daemon = True
    await connection
    return connection
