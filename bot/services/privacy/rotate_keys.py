"""Seal anew what older keys sealed (换密钥), in batches, while the bot runs; nothing is lost if it stops.

What is left to do is seen from the rows themselves: everything sealed begins with the id of its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple, Protocol

from sqlalchemy import Column, ColumnElement, LargeBinary, Table, func, select, update

from bot.services.queue.drain import Store
from models.base import Base, cipher

BATCH = 200
ENDING = "_sealed"


class Files(Protocol):
    """The vault, as a keeper of sealed files."""

    def reseal(self, prefix: bytes) -> AsyncIterator[bool]: ...
    async def holds(self, prefix: bytes) -> bool: ...


class Resealed(NamedTuple):
    """How much was sealed anew."""

    rows: int
    files: int


def sealed_columns() -> Iterator[tuple[Table, Column[bytes]]]:
    """Every sealed column there is."""
    for table in Base.metadata.sorted_tables:
        for column in table.c:
            if column.name.endswith(ENDING):
                yield table, column


async def reseal(
    db: Store, files: Files, prefix: bytes, tick: Callable[[], None] = lambda: None
) -> Resealed:
    """One pass over all rows and files; ``prefix`` begins what the present key sealed. ``tick`` is
    called for each of them. Raises what the cipher raises."""
    rows = 0
    for table, column in sealed_columns():
        rows += await _column(db, table, column, prefix, tick)
    count = 0
    async for changed in files.reseal(prefix):
        tick()
        count += changed
    return Resealed(rows, count)


async def _column(
    db: Store, table: Table, column: Column[bytes], prefix: bytes, tick: Callable[[], None]
) -> int:
    key = table.c.id
    wanted = (
        select(key, column)
        .where(column.is_not(None), _begins(column, prefix) != prefix)
        .order_by(key)
        .limit(BATCH)
    )
    done, last = 0, None
    while True:
        async with db.write() as session:
            page = wanted if last is None else wanted.where(key > last)
            found = (await session.execute(page)).all()
            for row_id, sealed in found:
                aad = f"{table.name}.{column.name}.{row_id}"
                fresh = cipher().seal(cipher().unseal(sealed, aad), aad)
                # Only what is still as it was read: a newer value is sealed with the present key.
                await session.execute(
                    update(table).where(key == row_id, column == sealed).values({column: fresh})
                )
                tick()
        done += len(found)
        if len(found) < BATCH:
            return done
        last = found[-1][0]
        await asyncio.sleep(0)


async def in_use(db: Store, files: Files, prefix: bytes) -> bool:
    """Whether anything is left that begins with ``prefix``."""
    async with db.read() as session:
        for table, column in sealed_columns():
            wanted = select(table.c.id).where(_begins(column, prefix) == prefix).limit(1)
            if await session.scalar(wanted) is not None:
                return True
    return await files.holds(prefix)


def _begins(column: Column[bytes], prefix: bytes) -> ColumnElement[bytes]:
    return func.substr(column, 1, len(prefix), type_=LargeBinary())
