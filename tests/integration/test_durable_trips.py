"""The driver's short way: one trip to SQLite's thread for what has few rows, none lost for many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.adapters.database import Database
from bot.adapters.sqlite import FEW


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    db = Database(f"sqlite:///{tmp_path / 'x.db'}")
    async with db.write() as session:
        await session.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
        await session.execute(
            text("INSERT INTO t VALUES (:n)"), [{"n": n} for n in range(3 * FEW + 1)]
        )
    yield db
    await db.close()


@pytest.mark.parametrize("most", [0, 1, FEW - 1, FEW, FEW + 1, 3 * FEW + 1])
async def test_no_row_is_lost_whole_or_in_parts(db: Database, most: int) -> None:
    statement = text("SELECT n FROM t WHERE n < :most ORDER BY n")
    async with db.read() as session:
        whole = list((await session.execute(statement, {"most": most})).scalars())
        streamed = await session.stream(statement, {"most": most})
        parts = [row.n async for part in streamed.partitions(77) for row in part]
    assert whole == parts == list(range(most))


async def test_a_stream_left_half_way_leaves_the_connection_well(db: Database) -> None:
    async with db.write() as session:
        streamed = await session.stream(text("SELECT n FROM t"))
        assert await anext(aiter(streamed)) == (0,)
        await streamed.close()
        await session.execute(text("DELETE FROM t WHERE n = 0"))
    async with db.read() as session:
        assert await session.scalar(text("SELECT min(n) FROM t")) == 1


async def test_a_refused_statement_undoes_the_transaction_and_nothing_else(db: Database) -> None:
    async def one_good_one_bad() -> None:
        async with db.write() as session:
            await session.execute(text("DELETE FROM t WHERE n = 1"))
            await session.execute(text("INSERT INTO t VALUES (0)"))

    with pytest.raises(IntegrityError):
        await one_good_one_bad()
    async with db.write() as session:
        assert (await session.execute(text("DELETE FROM t WHERE n < 2"))).rowcount == 2  # type: ignore[attr-defined]
