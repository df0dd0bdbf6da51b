"""A timer fires once, with its effects, whoever claims it, whatever dies and however the clock jumps."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.database import Database
from bot.services.queue.timers import FAILURES_TO_GIVE_UP, LEASE, Fire, Scanner, arm
from models.base import uuid7
from models.delivery import Meta, Timer, TimerState
from tests.integration.durable import START, HandClock

CASE = uuid7()
LATER = START + timedelta(hours=1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def note(session: AsyncSession, timer: Timer) -> TimerState:
    """An effect that shows how often it took place."""
    found = await session.get(Meta, f"{timer.about_id}", with_for_update=True)
    if found is None:
        session.add(Meta(key=f"{timer.about_id}", value=[timer.generation]))
    else:
        found.value = [*found.value, timer.generation]
    return TimerState.FIRED


def scanner(db: Database, clock: HandClock, fire: Fire = note) -> Scanner:
    return Scanner(db, clock, {"look": fire})


async def armed(db: Database, due: datetime, generation: int = 0, about: UUID = CASE) -> None:
    async with db.write() as session:
        await arm(session, about, "look", due, generation=generation)


async def effects(db: Database, about: UUID = CASE) -> list[int]:
    async with db.read() as session:
        found = await session.get(Meta, f"{about}")
        return list(found.value) if found else []


async def states(db: Database) -> list[TimerState]:
    async with db.read() as session:
        return list(await session.scalars(select(Timer.state).order_by(Timer.id)))


async def test_it_fires_when_due_and_not_before(db: Database, clock: HandClock) -> None:
    await armed(db, LATER)
    worker = scanner(db, clock)
    assert await worker.claim(9) == ([], LATER)
    clock.pass_(hours=1)
    assert await worker.drain_once() == 1
    assert await worker.drain_once() == 0
    assert await effects(db) == [0]
    assert await states(db) == [TimerState.FIRED]


async def test_of_many_scanners_one_fires_each(db: Database, clock: HandClock) -> None:
    cases = [uuid7() for _ in range(30)]
    for case in cases:
        await armed(db, START, about=case)
    workers = [scanner(db, clock) for _ in range(4)]
    for _ in range(4):
        await asyncio.gather(*(worker.drain_once() for worker in workers))
    assert [await effects(db, case) for case in cases] == [[0]] * 30


async def test_a_doubled_firing_does_nothing(db: Database, clock: HandClock) -> None:
    await armed(db, START)
    slow, quick = scanner(db, clock), scanner(db, clock)
    (held,), _ = await slow.claim(1)
    assert await quick.claim(1) == ([], None), "it is in another's hands"
    clock.moment += LEASE + timedelta(seconds=1)
    assert await quick.drain_once() == 1
    await slow.work(held)
    assert await effects(db) == [0]


async def test_what_a_dead_process_held_is_free_again(db: Database, clock: HandClock) -> None:
    await armed(db, START)
    (held,), _ = await scanner(db, clock).claim(1)
    await scanner(db, clock).take_back([held.token])
    assert await scanner(db, clock).drain_once() == 1
    assert await effects(db) == [0]


async def test_a_failure_undoes_the_effect_and_is_tried_again(
    db: Database, clock: HandClock
) -> None:
    failing = True

    async def fire(session: AsyncSession, timer: Timer) -> TimerState:
        done = await note(session, timer)
        if failing:
            raise RuntimeError("not now")
        return done

    await armed(db, START)
    worker = scanner(db, clock, fire)
    assert await worker.drain_once() == 1
    assert await effects(db) == []
    assert await worker.drain_once() == 0, "not at once"
    failing = False
    clock.pass_(minutes=6)
    assert await worker.drain_once() == 1
    assert await effects(db) == [0]


async def test_one_that_always_fails_is_set_aside_and_stops_no_other(
    db: Database, clock: HandClock
) -> None:
    poison, other = uuid7(), uuid7()

    async def fire(session: AsyncSession, timer: Timer) -> TimerState:
        if timer.about_id == poison:
            raise RuntimeError("never")
        return await note(session, timer)

    await armed(db, START, about=poison)
    await armed(db, START, about=other)
    worker = scanner(db, clock, fire)
    for _ in range(FAILURES_TO_GIVE_UP):
        await worker.drain_once()
        clock.pass_(minutes=6)
    assert await effects(db, other) == [0]
    assert await states(db) == [TimerState.DEAD, TimerState.FIRED]
    assert await worker.drain_once() == 0


async def test_a_later_generation_cancels_the_earlier_one(db: Database, clock: HandClock) -> None:
    await armed(db, START, 3)
    await armed(db, START, 7)
    worker = scanner(db, clock)
    while await worker.drain_once():
        pass
    assert await effects(db) == [7]
    assert await states(db) == [TimerState.CANCELLED, TimerState.FIRED]


async def test_one_that_waits_is_moved_and_one_that_fired_stays_so(
    db: Database, clock: HandClock
) -> None:
    await armed(db, START)
    await armed(db, LATER)
    worker = scanner(db, clock)
    assert await worker.drain_once() == 0
    clock.pass_(hours=1)
    assert await worker.drain_once() == 1
    await armed(db, clock.now())
    assert await worker.drain_once() == 0
    assert await effects(db) == [0]


async def test_the_same_timer_may_wait_once_more(db: Database, clock: HandClock) -> None:
    async def fire(session: AsyncSession, timer: Timer) -> datetime | TimerState:
        await note(session, timer)
        return LATER if clock.now() < LATER else TimerState.FIRED

    await armed(db, START)
    worker = scanner(db, clock, fire)
    assert await worker.drain_once() == 1
    assert await worker.drain_once() == 0
    clock.pass_(hours=1)
    assert await worker.drain_once() == 1
    assert await effects(db) == [0, 0]
    assert await states(db) == [TimerState.FIRED]


async def test_a_clock_set_back_keeps_nothing_waiting(db: Database, clock: HandClock) -> None:
    await armed(db, START)
    clock.pass_(days=3)
    (held,), _ = await scanner(db, clock).claim(1)
    clock.pass_(days=-3)
    quick = scanner(db, clock)
    assert await quick.drain_once() == 1, "no lease lies three days ahead"
    await scanner(db, clock).work(held)
    assert await effects(db) == [0]
