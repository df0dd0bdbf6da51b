"""Every update that was acknowledged is handled, once, in its chat's order, come what may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.clock import SystemClock
from bot.adapters.database import Database, new_seat
from bot.services.queue import drain as drains
from bot.services.queue.deliver import owe
from bot.services.queue.intake import LEASE, Worker, accept, sweep_inbox
from models.delivery import Inbox, InboxState, Meta, Outbox
from tests.integration.durable import HandClock, inbox, opened, outbox, queries, read_whole, text

SOURCE = "tg:7"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


class Life:
    """A handler whose effects are rows: each chat's list of what was handled, and a reply owed."""

    def __init__(self, clock: HandClock | SystemClock) -> None:
        self.clock = clock
        self.faults: dict[int, int] = {}

    async def __call__(self, session: AsyncSession, payload: Mapping[str, Any]) -> None:
        chat, seq = payload["chat"], payload["seq"]
        done = await session.get(Meta, chat)
        if done is None:
            session.add(Meta(key=chat, value=[seq]))
        else:
            done.value = [*done.value, seq]
        await owe(session, chat, text(f"{seq}"), now=self.clock.now())
        if self.faults.get(seq, 0) > 0:
            self.faults[seq] -= 1
            raise ValueError("王秀英 13800138000")


def updates(*numbered: tuple[str, int]) -> list[tuple[str, int, str, dict[str, Any]]]:
    return [(f"{seq}", seq, chat, {"chat": chat, "seq": seq}) for chat, seq in numbered]


async def arrive(db: Database, clock: Any, *numbered: tuple[str, int], **more: Any) -> int:
    async with db.write() as session:
        return await accept(session, SOURCE, updates(*numbered), now=clock.now(), **more)


async def handled(db: Database) -> dict[str, list[int]]:
    async with db.read() as session:
        rows = await session.execute(select(Meta))
        return {row.key: row.value for row in rows.scalars()}


async def drain(worker: Worker) -> int:
    total = 0
    while done := await worker.drain_once():
        total += done
    return total


async def test_updates_are_handled_once_and_in_each_chats_order(
    db: Database, clock: HandClock
) -> None:
    assert await arrive(db, clock, ("a", 3), ("b", 2), ("a", 1), ("a", 5), ("b", 4)) == 5
    assert await arrive(db, clock, ("a", 5), ("b", 4), ("a", 6)) == 1
    await drain(Worker(db, clock, Life(clock)))
    assert await arrive(db, clock, ("a", 1), ("b", 2)) == 0
    await drain(Worker(db, clock, Life(clock)))
    assert await handled(db) == {"a": [1, 3, 5, 6], "b": [2, 4]}
    assert len(await outbox(db)) == 6


async def test_a_handled_update_is_emptied_at_once_and_forgotten_after_two_days(
    db: Database, clock: HandClock
) -> None:
    await arrive(db, clock, ("a", 1))
    (row,) = await inbox(db)
    assert row.payload == {"chat": "a", "seq": 1}
    await drain(Worker(db, clock, Life(clock)))
    (row,) = await inbox(db)
    assert (row.state, row.payload_sealed) == (InboxState.DONE, None)
    for hours, left in ((47, 1), (2, 0)):
        clock.pass_(hours=hours)
        async with db.write() as session:
            await sweep_inbox(session, clock.now(), timedelta(hours=48))
        assert len(await inbox(db)) == left
    assert await arrive(db, clock, ("a", 1)) == 1, "ids that start anew are new updates"


async def test_a_claim_reads_no_table_from_end_to_end(db: Database, clock: HandClock) -> None:
    await arrive(db, clock, *[(f"{n % 50}", n) for n in range(200)])
    worker = Worker(db, clock, Life(clock))
    async with queries(db) as made:
        claimed, _ = await worker.claim(16)
    assert len(claimed) == 16
    assert await read_whole(db, made, "inbox") == []


async def test_a_failure_undoes_everything_and_is_tried_again(
    db: Database, clock: HandClock
) -> None:
    life = Life(clock)
    life.faults[1] = 2
    await arrive(db, clock, ("a", 1), ("a", 2))
    worker = Worker(db, clock, life)
    await worker.drain_once()
    assert await handled(db) == {}
    assert await outbox(db) == []
    for _ in range(10):
        await drain(worker)
        clock.pass_(seconds=1)
    assert await handled(db) == {"a": [1, 2]}
    assert len(await outbox(db)) == 2


async def test_a_poisoned_update_is_set_aside_shown_and_blocks_nobody(
    db: Database, clock: HandClock
) -> None:
    life = Life(clock)
    life.faults[1] = 99

    async def on_dead(session: AsyncSession, row: Inbox) -> None:
        session.add(Meta(key="shown to the admin", value=[row.key, row.last_error]))

    await arrive(db, clock, ("a", 1), ("a", 2), ("b", 3))
    worker = Worker(db, clock, life, on_dead=on_dead)
    await drain(worker)
    assert (await handled(db))["b"] == [3], "another chat never waits"
    for _ in range(10):
        clock.pass_(seconds=1)
        await drain(worker)
    done = await handled(db)
    assert done["a"] == [2]
    key, error = done["shown to the admin"]
    assert key == "1"
    assert str(error).startswith("ValueError at test_durable_inbox.py")
    assert "王秀英" not in str(error), "an error's words may be a person's"
    poisoned = (await inbox(db))[0]
    assert (poisoned.state, poisoned.attempts) == (InboxState.DEAD, 3)
    assert poisoned.payload == {"chat": "a", "seq": 1}


async def test_an_unreadable_update_is_set_aside_too(db: Database, clock: HandClock) -> None:
    await arrive(db, clock, ("a", 1), ("b", 2))
    async with db.write() as session:
        row = (await session.execute(select(Inbox).where(Inbox.seq == 1))).scalar_one()
        row.payload_sealed = b"not what was sealed"
    worker = Worker(db, clock, Life(clock))
    for _ in range(6):
        await drain(worker)
        clock.pass_(seconds=5)
    assert [row.state for row in await inbox(db)] == [InboxState.DEAD, InboxState.DONE]


async def test_an_update_that_ends_the_process_is_counted_and_no_other_is_blamed(
    db: Database, clock: HandClock
) -> None:
    await arrive(db, clock, *[(chat, n) for n, chat in enumerate("abcdefgh")])
    for _ in range(8):
        # A process lives until it meets update 3, which ends it with all that it holds.
        db.seat = new_seat()
        worker = Worker(db, clock, Life(clock))
        await worker.recover()
        while True:
            claimed, _ = await worker.claim(16)
            fatal = any(item.row.seq == 3 for item in claimed)
            if fatal or not claimed:
                break
            for item in claimed:
                await worker.work(item)
        clock.pass_(seconds=10)
    rows = await inbox(db)
    assert [row.seq for row in rows if row.state == InboxState.DEAD] == [3]
    assert all(row.state == InboxState.DONE for row in rows if row.seq != 3)


async def test_a_handler_that_hangs_is_cut_off(db: Database, clock: HandClock) -> None:
    async def hang(_session: AsyncSession, payload: Mapping[str, Any]) -> None:
        if payload["seq"] == 1:
            await asyncio.sleep(60)

    await arrive(db, clock, ("a", 1), ("b", 2))
    worker = Worker(db, clock, hang, patience=timedelta(seconds=0.2))
    async with asyncio.timeout(50):
        for _ in range(5):
            await drain(worker)
            clock.pass_(seconds=5)
    assert [row.state for row in await inbox(db)] == [InboxState.DEAD, InboxState.DONE]


async def test_a_late_worker_whose_lease_ended_changes_nothing(
    db: Database, clock: HandClock
) -> None:
    await arrive(db, clock, ("a", 1))
    life = Life(clock)
    slow, other = Worker(db, clock, life), Worker(db, clock, life)
    claimed, _ = await slow.claim(1)
    assert await drain(other) == 0
    clock.moment += LEASE + timedelta(seconds=1)
    assert await drain(other) == 1
    await slow.work(claimed[0])
    assert await handled(db) == {"a": [1]}


async def test_a_webhook_update_waits_a_moment_for_the_one_before_it(
    db: Database, clock: HandClock
) -> None:
    wait = timedelta(milliseconds=300)
    worker = Worker(db, clock, Life(clock))
    await arrive(db, clock, ("a", 1), wait_for_gap=wait)
    await arrive(db, clock, ("a", 3), ("b", 4), wait_for_gap=wait)
    await drain(worker)
    assert await handled(db) == {"a": [1], "b": [4]}
    clock.pass_(milliseconds=200)
    await arrive(db, clock, ("a", 2), wait_for_gap=wait)
    await drain(worker)
    clock.pass_(milliseconds=200)
    await drain(worker)
    assert await handled(db) == {"a": [1, 2, 3], "b": [4]}


async def test_the_running_worker_is_woken_by_the_commit_and_stops_when_told(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "LONGEST_NAP", 3600.0)
    clock, stop = SystemClock(), asyncio.Event()
    life = Life(clock)
    life.faults = {2: 1, 9: 2}
    worker = Worker(db, clock, life, retry=timedelta(milliseconds=50))
    running = asyncio.create_task(worker.run(stop))
    await asyncio.sleep(0.1)
    await arrive(db, clock, *[(f"chat {n % 4}", n) for n in range(20)])
    async with asyncio.timeout(50):
        while sum(map(len, (await handled(db)).values())) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    stop.set()
    async with asyncio.timeout(50):
        await running
    assert await handled(db) == {f"chat {n}": list(range(n, 20, 4)) for n in range(4)}


class Intake(RuleBasedStateMachine):
    """Any mixture of arrivals, repeats, failures, crashes and ended leases."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.context = opened(Path(self.folder.name))
        self.db = self.do(self.context.__aenter__())
        self.clock = HandClock()
        self.life = Life(self.clock)
        self.worker = Worker(self.db, self.clock, self.life, attempts=1000)
        self.lost: list[Any] = []
        self.sent: list[tuple[str, int]] = []

    def do(self, what: Any) -> Any:
        return self.runner.run(what)

    def teardown(self) -> None:
        self.life.faults = {}
        for _ in range(3):
            self.clock.moment += LEASE + timedelta(seconds=1)
            self.do(drain(self.worker))
        done = self.do(handled(self.db))
        for chat in "abc":
            assert sorted(done.get(chat, [])) == [seq for to, seq in self.sent if to == chat]
        self.do(self.context.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    @rule(chats=st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
    def new_updates(self, chats: list[str]) -> None:
        fresh = [(chat, len(self.sent) + n) for n, chat in enumerate(chats)]
        self.sent += fresh
        self.do(arrive(self.db, self.clock, *reversed(fresh)))

    @rule(last=st.integers(1, 5))
    def telegram_repeats(self, last: int) -> None:
        assert self.do(arrive(self.db, self.clock, *self.sent[-last:])) == 0

    @rule(seq=st.integers(0, 30), times=st.integers(1, 2))
    def one_will_fail(self, seq: int, times: int) -> None:
        self.life.faults[seq] = times

    @rule()
    def work(self) -> None:
        self.do(self.worker.drain_once())

    @rule()
    def crash_with_a_batch_in_hand(self) -> None:
        claimed, _ = self.do(self.worker.claim(8))
        self.lost += claimed
        self.worker = Worker(self.db, self.clock, self.life, attempts=1000)

    @rule()
    def restart(self) -> None:
        self.worker = Worker(self.db, self.clock, self.life, attempts=1000)
        self.do(self.worker.recover())

    @rule()
    def a_process_thought_dead_goes_on(self) -> None:
        for item in self.lost:
            self.do(self.worker.work(item))
        self.lost = []

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_(seconds=seconds)

    @invariant()
    def effects_are_single_and_in_order(self) -> None:
        done = self.do(handled(self.db))
        for seqs in done.values():
            assert seqs == sorted(set(seqs))

    @invariant()
    def each_effect_has_its_reply(self) -> None:
        async def count() -> int:
            async with self.db.read() as session:
                found = await session.execute(select(func.count()).select_from(Outbox))
                return int(found.scalar_one())

        assert self.do(count()) == sum(len(seqs) for seqs in self.do(handled(self.db)).values())


TestIntake = Intake.TestCase
TestIntake.settings = settings(max_examples=15, stateful_step_count=25)
