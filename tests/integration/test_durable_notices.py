"""A notice to all subscribers: each gets it once, whatever dies; answers go first; never too fast."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.clock import SystemClock
from bot.adapters.database import Database
from bot.ports import Message
from bot.services.outreach import copies
from bot.services.outreach.notice_board import duration
from bot.services.outreach.readers import readers
from bot.services.queue.deliver import Deliverer, Limits, Row, owe
from bot.services.queue.undeliverable import moved
from models.base import uuid7
from models.delivery import OutboxState, Refused, Timer
from models.outreach import OUTCOMES, Delivery, Notice, NoticeState
from models.party import Account
from tests.integration.durable import REAL, START, WIDE, HandClock, Outside, text

READERS = 5_000
CHUNK = 700


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def outside() -> Outside:
    return Outside()


async def subscribed(db: Database, count: int) -> UUID:
    """``count`` subscribers, one person who is none, and a notice about to be sent to them."""
    person = {"is_admin": False, "created_at": START, "seen_at": START, "consent_version": ""}
    people = [
        {"id": uuid7(), "address": f"tg:{1000 + n}", "subscribed": n < count, "blocked": False}
        for n in range(count + 1)
    ]
    notice = Notice(
        author_id=people[-1]["id"],
        body="",
        message=text("news").to_json(),
        state=NoticeState.SENDING,
        created_at=START,
        sent_at=START,
    )
    async with db.write() as session:
        await session.execute(insert(Account), [{**person, **one} for one in people])
        session.add(notice)
    return notice.id


async def spread(db: Database, notice: UUID, chunk: int = CHUNK) -> None:
    more = True
    while more:
        async with db.write() as session:
            more = await copies.spread(session, await session.get_one(Notice, notice), START, chunk)


async def on_the_way(db: Database, count: int) -> UUID:
    notice = await subscribed(db, count)
    await spread(db, notice)
    return notice


async def unsubscribe(session: AsyncSession, row: Row, refusal: Refused) -> None:
    await session.execute(
        update(Account)
        .where(Account.address == row.target)
        .values(blocked=refusal.blocked, subscribed=not refusal.blocked)
    )


def deliverer(
    db: Database, clock: HandClock | SystemClock, outside: Outside, limits: Limits = WIDE
) -> Deliverer:
    return Deliverer(db, clock, {"tg": outside}, limits, on_dead=unsubscribe, on_moved=moved)


async def told(db: Database, notice: UUID) -> dict[str, int]:
    """The notice's counts, once they were found to be those of its copies."""
    async with db.read() as session:
        row = await session.get_one(Notice, notice)
        rows = Counter(
            await session.scalars(select(Delivery.state).where(Delivery.notice_id == notice))
        )
    assert rows.total() == row.total
    assert rows[OutboxState.SENT] == row.sent
    assert rows[OutboxState.UNKNOWN] == row.unknown
    assert rows[OutboxState.DEAD] == row.blocked + row.failed + row.left
    assert rows[OutboxState.DUE] + rows[OutboxState.LEASED] == row.waiting
    return {name: getattr(row, name) for name in OUTCOMES if getattr(row, name)}


async def drain(*workers: Deliverer) -> None:
    while any(await asyncio.gather(*(worker.drain_once() for worker in workers))):
        pass


async def test_everybody_gets_one_copy_though_every_chunk_is_interrupted(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    notice = await subscribed(db, READERS)

    async def chunk(*, dies: bool) -> bool:
        async with db.write() as session:
            row = await session.get_one(Notice, notice, with_for_update=True)
            more = await copies.spread(session, row, START, CHUNK)
            if dies:
                raise ConnectionAbortedError
            return more

    more = True
    while more:
        with pytest.raises(ConnectionAbortedError):
            await chunk(dies=True)
        more = await chunk(dies=False)
    assert await told(db, notice) == {}
    async with db.read() as session:
        wanted = set(await session.scalars(readers()))
        assert set(await session.scalars(select(Delivery.account_id))) == wanted
        assert (await session.get_one(Notice, notice)).waiting == READERS == len(wanted)


async def test_of_several_workers_one_sends_each_copy(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    notice = await on_the_way(db, 600)
    await drain(*(deliverer(db, clock, outside) for _ in range(4)))
    assert Counter(outside.texts()) == {"news": 600}
    assert len({target for target, _, _ in outside.arrived}) == 600
    assert await told(db, notice) == {"sent": 600}


async def test_a_paused_notice_goes_on_where_it_stopped_and_a_stopped_one_does_not(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    notice = await on_the_way(db, 200)
    worker = deliverer(db, clock, outside)

    async def turn(state: NoticeState) -> int:
        async with db.write() as session:
            (await session.get_one(Notice, notice)).state = state
        return len(outside.arrived)

    await worker.drain_once()
    paused = await turn(NoticeState.PAUSED)
    assert 0 < paused < 200
    await drain(worker)
    assert len(outside.arrived) == paused
    await turn(NoticeState.SENDING)
    await worker.drain_once()
    stopped = await turn(NoticeState.STOPPED)
    assert stopped > paused
    await drain(worker)
    assert await told(db, notice) == {"sent": stopped}
    await turn(NoticeState.SENDING)
    await drain(worker)
    assert Counter(target for target, _, _ in outside.arrived).most_common(1)[0][1] == 1
    assert await told(db, notice) == {"sent": 200}


async def test_each_outcome_is_counted_and_nothing_unknown_is_sent_again(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    notice = await on_the_way(db, 8)
    absent = Refused("Bad Request: chat not found", blocked=True)
    outside.refusals = {
        "tg:1000": [Refused("Forbidden: bot was blocked by the user", final=True, blocked=True)],
        "tg:1001": [absent],
        "tg:1002": [absent, absent],
        "tg:1003": [Refused("ReadTimeout", unknown=True)],
        "tg:1004": [Refused("upgraded", migrate_to="tg:-1009")],
        "tg:1005": [Refused("Too Many Requests", retry_after=timedelta(seconds=7))],
        "tg:1006": [Refused("Bad Request: of no use", final=True)],
    }
    worker = deliverer(db, clock, outside)
    for _ in range(20):
        await drain(worker)
        clock.pass_(minutes=1)
    assert await told(db, notice) == {"sent": 4, "blocked": 2, "failed": 1, "unknown": 1}
    assert sorted(outside.texts()) == ["news"] * 4
    assert outside.texts("tg:-1009") == ["news"]
    assert outside.texts("tg:1003") == []
    async with db.read() as session:
        gone = select(Account.address).where(Account.blocked, Account.subscribed.is_(False))
        assert sorted(await session.scalars(gone)) == ["tg:1000", "tg:1002"]
        assert await session.scalar(select(Timer.kind)) == copies.PROGRESS, "the end is shown"


async def test_what_a_dead_process_had_in_hand_is_set_aside(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    notice = await on_the_way(db, 100)
    lost, _ = await deliverer(db, clock, outside).claim(20)
    worker = deliverer(db, clock, outside)
    await drain(worker)
    assert await told(db, notice) == {"sent": 80}
    await worker.take_back([item.token for item in lost])
    assert await told(db, notice) == {"sent": 80, "unknown": 20}
    for item in lost:
        await deliverer(db, clock, outside).work(item)
    assert await told(db, notice) == {"sent": 80, "unknown": 20}, "the lease is another's by then"


async def test_who_leaves_or_shuts_the_bot_out_while_it_waits_gets_no_copy(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    notice = await on_the_way(db, 10)
    async with db.write() as session:
        people = (await session.scalars(select(Account).order_by(Account.address))).all()
        people[0].subscribed = False
        await copies.take_away(session, people[0], START)
        people[0].subscribed = True
        people[1].subscribed = False
        people[2].blocked = True
        await session.delete(people[3])
    assert await told(db, notice) == {"left": 1}, "it is taken away at once"
    await drain(deliverer(db, clock, outside))
    assert await told(db, notice) == {"sent": 6, "left": 3, "blocked": 1}
    assert not {"tg:1000", "tg:1001", "tg:1002", "tg:1003"} & {to for to, _, _ in outside.arrived}


async def test_several_workers_share_one_pace_and_let_answers_pass(
    db: Database, outside: Outside
) -> None:
    notice = await on_the_way(db, 300)
    times: list[float] = []

    async def send(target: str, message: Message, _edit: Sequence[Any] | None, /) -> list[Any]:
        times.append(time.monotonic())
        return await outside(target, message, None)

    stop = asyncio.Event()
    workers = [Deliverer(db, SystemClock(), {"tg": send}, REAL) for _ in range(3)]
    running = [asyncio.create_task(worker.run(stop)) for worker in workers]
    for number in range(3):
        await asyncio.sleep(1)
        async with db.write() as session:
            await owe(session, f"tg:{5000 + number}", text("answer"), now=SystemClock().now())
    async with asyncio.timeout(60):
        while outside.texts().count("answer") < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*running)
    assert max(sum(first <= at < first + 1 for at in times) for first in times) <= 30
    news = outside.texts().count("news")
    assert 0 < news < 300, "the answers did not wait for the end of the notice"
    assert await told(db, notice) == {"sent": news}


async def test_answers_go_before_notices(db: Database, clock: HandClock, outside: Outside) -> None:
    await on_the_way(db, 300)
    worker = deliverer(db, clock, outside)
    await worker.drain_once()
    async with db.write() as session:
        for n in range(10):
            await owe(session, f"tg:{5000 + n}", text("answer"), now=clock.now())
    claimed, _ = await worker.claim(30)
    assert [item.row.target for item in claimed[:10]] == [f"tg:{5000 + n}" for n in range(10)]
    assert {item.row.priority for item in claimed[10:]} == {2}


async def test_a_chat_keeps_its_own_pace(db: Database, clock: HandClock, outside: Outside) -> None:
    for _ in range(3):
        notice = await subscribed_again(db, clock)
    narrow = Limits(per_second=29, chat_per_second=1, chat_burst=1, group_per_minute=20)
    worker = deliverer(db, clock, outside, narrow)
    for sent in (1, 1, 2, 2, 3):
        await worker.drain_once()
        assert len(outside.arrived) == sent
        clock.pass_(seconds=0.6)
    assert await told(db, notice) == {"sent": 1}


async def subscribed_again(db: Database, clock: HandClock) -> UUID:
    """One more notice to a single subscriber."""
    async with db.write() as session:
        reader = await session.scalar(select(Account).where(Account.subscribed))
        if reader is None:
            reader = Account(address="tg:1000", created_at=START, seen_at=START, subscribed=True)
            session.add(reader)
            await session.flush()
        notice = Notice(
            author_id=reader.id,
            body="",
            message=text("news").to_json(),
            state=NoticeState.SENDING,
            created_at=clock.now(),
            sent_at=clock.now(),
        )
        session.add(notice)
        await session.flush()
        await copies.spread(session, notice, clock.now())
    return notice.id


async def test_who_got_an_old_notice_is_forgotten_and_how_many_is_not(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    notice = await on_the_way(db, 30)
    await drain(deliverer(db, clock, outside))
    keep = timedelta(hours=48)
    async with db.write() as session:
        (await session.get_one(Notice, notice)).ended_at = START
        assert await copies.forget(session, START + keep, keep, keep) == 0
        assert await copies.forget(session, START + keep + timedelta(seconds=1), keep, keep) == 30
        assert await copies.forget(session, START + keep + timedelta(seconds=1), keep, keep) == 0
        assert (await session.get_one(Notice, notice)).sent == 30


def test_a_million_take_nine_hours_and_a_half_at_twenty_nine_a_second() -> None:
    assert duration(1_000_000, 29) == timedelta(hours=9, minutes=34, seconds=43)
    assert round(duration(1_000_000, 29) / timedelta(hours=1), 1) == 9.6
    assert duration(0, 29) == timedelta()
    assert duration(1, 29) == timedelta(seconds=1)
