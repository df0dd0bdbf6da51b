"""The database goes away in the middle of the same work, again and again: nothing is given up for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.database import Database
from bot.ports import Message
from bot.services.queue.deliver import DEFECTS_TO_GIVE_UP, Deliverer, owe, owe_errand
from bot.services.queue.intake import CRASHES, Worker, accept
from bot.services.queue.timers import FAILURES_TO_GIVE_UP, Scanner, arm
from models.base import uuid7
from models.delivery import InboxState, Meta, OutboxState, Timer, TimerState
from tests.integration.durable import WIDE, HandClock, inbox, outbox
from tests.integration.durable import text as words

TIMES = 2 + max(CRASHES, DEFECTS_TO_GIVE_UP, FAILURES_TO_GIVE_UP)
"""Oftener than anything is tried that fails by itself."""


class Away:
    """Work in a transaction under which the database goes away so many times."""

    def __init__(self, db: Database) -> None:
        self._sqlite = db.sqlite
        self.left = TIMES

    async def work(self, session: AsyncSession) -> None:
        if self.left:
            self.left -= 1
            await (self._fill if self._sqlite else self._cut)(session)
        session.add(Meta(key="done", value=1))

    async def _fill(self, session: AsyncSession) -> None:
        """There is no more room on the disk."""
        connection = await session.connection()
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        try:
            await connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(1000000)")
        finally:
            await connection.exec_driver_sql("PRAGMA max_page_count=1000000")

    async def _cut(self, session: AsyncSession) -> None:
        """The server ends our connection, as it does when it is stopped at once."""
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def away(db: Database) -> Away:
    return Away(db)


async def again_and_again(worker: Any, clock: HandClock) -> None:
    for _ in range(3 * TIMES):
        await worker.drain_once()
        clock.pass_(minutes=1)


async def done(db: Database) -> list[str]:
    async with db.read() as session:
        return list(await session.scalars(select(Meta.key)))


async def test_no_update_is_set_aside_for_it(db: Database, clock: HandClock, away: Away) -> None:
    async def handle(session: AsyncSession, _payload: Mapping[str, Any]) -> None:
        await away.work(session)

    async with db.write() as session:
        await accept(session, "tg:7", [("1", 1, "tg:1", {"text": "退钱"})], now=clock.now())
    await again_and_again(Worker(db, clock, handle), clock)
    assert away.left == 0
    assert [row.state for row in await inbox(db)] == [InboxState.DONE]
    assert await done(db) == ["done"]


async def test_no_errand_is_given_up_for_it(db: Database, clock: HandClock, away: Away) -> None:
    async def fetch(_payload: Mapping[str, Any]) -> None:
        async with db.write() as session:
            await away.work(session)

    async with db.write() as session:
        await owe_errand(session, "fetch", {}, now=clock.now())
    await again_and_again(Deliverer(db, clock, {}, WIDE, errands={"fetch": fetch}), clock)
    assert away.left == 0
    assert [row.state for row in await outbox(db)] == [OutboxState.SENT]
    assert await done(db) == ["done"]


async def test_no_chat_waits_longer_for_it(db: Database, clock: HandClock, away: Away) -> None:
    """It is no trouble of the messenger, which rests after some."""

    async def send(_to: str, _message: Message, _ids: Sequence[Any] | None, /) -> list[Any]:
        async with db.write() as session:
            await away.work(session)
        return [1]

    async with db.write() as session:
        await owe(session, "tg:1", words("answer"), now=clock.now())
    sending = Deliverer(db, clock, {"tg": send}, WIDE)
    for _ in range(TIMES + 1):
        await sending.drain_once()
        clock.pass_(seconds=2)
    assert away.left == 0
    assert [row.state for row in await outbox(db)] == [OutboxState.SENT]


async def test_no_timer_is_set_aside_for_it(db: Database, clock: HandClock, away: Away) -> None:
    async def fire(session: AsyncSession, _timer: Timer) -> TimerState:
        await away.work(session)
        return TimerState.FIRED

    async with db.write() as session:
        await arm(session, uuid7(), "look", clock.now())
    await again_and_again(Scanner(db, clock, {"look": fire}), clock)
    assert away.left == 0
    async with db.read() as session:
        assert list(await session.scalars(select(Timer.state))) == [TimerState.FIRED]
    assert await done(db) == ["done"]


async def test_what_is_wrong_with_a_statement_is_no_absence(db: Database) -> None:
    with pytest.raises(Exception, match="nowhere") as wrong:
        async with db.write() as session:
            await session.execute(text("SELECT * FROM nowhere"))
    assert not db.away(wrong.value)
    assert not db.away(ValueError("nowhere"))
