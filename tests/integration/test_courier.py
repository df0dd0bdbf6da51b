"""Both couriers keep one promise; processes on PostgreSQL know who lives; workers share the work."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text

from bot.adapters import courier, migrate
from bot.adapters.clock import SystemClock
from bot.adapters.courier import Embedded, Procrastinate, ServerGone
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database, driver_url
from bot.ports import Courier, Message
from bot.services.queue.deliver import HORIZON, Deliverer, owe
from models.base import install_cipher
from models.delivery import Outbox, Priority, RateSlot
from tests.integration.durable import REAL
from tests.integration.durable import text as say_text
from tests.torture.checks import settled
from tests.torture.people import people_of
from tests.torture.postgres import one_more, postgresql
from tests.torture.process import town

SOON = 60


@pytest.fixture(scope="module")
def server(server: str) -> str:
    """The same, migrated."""
    migrate.upgrade(server)
    return server


class Loop:
    """Something that looks when it is woken."""

    def __init__(self) -> None:
        self.looks = 0
        self._looked = asyncio.Event()

    def __call__(self) -> None:
        self.looks += 1
        self._looked.set()

    async def looks_again(self) -> None:
        async with asyncio.timeout(SOON):
            await self._looked.wait()
        self._looked.clear()


@asynccontextmanager
async def running(courier: Courier) -> AsyncIterator[None]:
    stop = asyncio.Event()
    carrying = asyncio.create_task(courier.run(stop))
    yield
    stop.set()
    async with asyncio.timeout(SOON):
        await carrying


@dataclass
class Way:
    """From a process that commits to one that looks; the same process for the embedded courier."""

    here: Courier
    there: Courier


@pytest.fixture(params=["embedded", "procrastinate"])
def way(request: pytest.FixtureRequest) -> Way:
    if request.param == "embedded":
        one = Embedded()
        return Way(one, one)
    url = driver_url(request.getfixturevalue("server"))
    return Way(Procrastinate(url), Procrastinate(url))


async def test_a_wake_up_reaches_those_who_work_on_its_kind_and_nobody_else(way: Way) -> None:
    inbox, outbox = Loop(), Loop()
    way.there.listen("inbox", inbox)
    way.there.listen("outbox", outbox)
    async with running(way.there), running(way.here):
        way.here.wake("inbox")
        await inbox.looks_again()
        assert outbox.looks == 0
        way.here.wake("outbox")
        await outbox.looks_again()


async def test_after_the_last_of_many_wake_ups_somebody_looks(way: Way) -> None:
    """They may become fewer; what was committed before the last must be seen."""
    seen: set[int] = set()
    committed: set[int] = set()
    all_seen = asyncio.Event()

    def look() -> None:
        seen.update(committed)
        if len(seen) == 200:
            all_seen.set()

    way.there.listen("inbox", look)
    async with running(way.there), running(way.here):
        for number in range(200):
            committed.add(number)
            way.here.wake("inbox")
            if number % 10 == 0:
                await asyncio.sleep(0)
        async with asyncio.timeout(SOON):
            await all_seen.wait()


async def test_a_kind_that_nobody_works_on_holds_up_no_other(way: Way) -> None:
    inbox = Loop()
    way.there.listen("inbox", inbox)
    async with running(way.there), running(way.here):
        way.here.wake("timer")
        way.here.wake("timer")
        way.here.wake("inbox")
        await inbox.looks_again()


async def test_a_wake_up_before_anybody_runs_is_carried_later(way: Way) -> None:
    """As at a start: the first commit comes before the loops."""
    inbox = Loop()
    way.there.listen("inbox", inbox)
    way.here.wake("inbox")
    async with running(way.there), running(way.here):
        await inbox.looks_again()


async def test_it_stops_when_told(way: Way) -> None:
    way.there.listen("inbox", Loop())
    async with running(way.there):
        await asyncio.sleep(0.2)


# On PostgreSQL


async def jobs(db: Database) -> list[tuple[str, str]]:
    async with db.read() as session:
        found = await session.execute(text("SELECT lock, status::text FROM procrastinate_jobs"))
        return [(lock, status) for lock, status in found]


async def test_a_carried_wake_up_leaves_nothing_behind(server: str) -> None:
    db = Database(server)
    here, loop = Procrastinate(db.url), Loop()
    here.listen("kind", loop)
    async with running(here):
        for _ in range(3):
            here.wake("kind")
            await loop.looks_again()
        async with asyncio.timeout(SOON):
            while ("kind", "doing") in await jobs(db):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert "kind" not in dict(await jobs(db))
    await db.close()


async def test_a_wake_up_that_died_with_its_process_holds_up_nobody(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "STALLED_SECONDS", 1.0)
    db = Database(server)
    async with db.write() as session:
        await session.execute(
            text(
                "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - interval '1 minute') RETURNING id)"
                " INSERT INTO procrastinate_jobs"
                " (queue_name, task_name, lock, queueing_lock, args, status, worker_id)"
                " SELECT 'stuck', 'look', 'stuck', 'stuck', '{\"kind\": \"stuck\"}', 'doing', id FROM dead"
            )
        )
    here, loop = Procrastinate(db.url), Loop()
    here.listen("stuck", loop)
    async with running(here):
        await loop.looks_again()
    await db.close()


async def test_a_process_ends_when_the_server_goes_away() -> None:
    with postgresql() as (url, _):
        migrate.upgrade(url)
        db = Database(url)
        db.listen("inbox", Loop())
        await db.take_seat()
        stop = asyncio.Event()
        sitting = asyncio.create_task(db.keep_seat(lambda _moment: None, stop))
        carrying = asyncio.create_task(db.courier.run(stop))
        await asyncio.sleep(0.5)
        assert not sitting.done()
        assert not carrying.done()
    async with asyncio.timeout(SOON):
        with pytest.raises(ServerGone, match="nothing is lost"):
            await sitting
        with pytest.raises(ServerGone):
            await carrying
    await db.close()


async def test_what_a_dead_process_held_is_told_from_what_a_living_one_holds(server: str) -> None:
    first, second, third = Database(server), Database(server), Database(server)
    await first.take_seat()
    await second.take_seat()
    tokens = [first.token(), second.token(), third.token()]
    assert await third.orphans(tokens) == [], "who has no seat cannot tell"
    assert await first.orphans(tokens) == [tokens[2]]
    await second.close()
    async with asyncio.timeout(SOON):
        while await first.orphans(tokens) != tokens[1:]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await first.close()
    await third.close()


async def test_workers_share_the_work_and_one_that_is_killed_holds_up_nobody(
    cluster: tuple[str, Path], tmp_path: Path
) -> None:
    with one_more(cluster[0]) as url:
        migrate.upgrade(url)
        async with town(tmp_path, url) as (world, bot):
            workers = [bot.worker(number) for number in (1, 2)]
            consumers = people_of(world, 1, 2, seed=11)
            try:
                await bot.start()
                await bot.polls(world)
                for worker in workers:
                    await worker.start()
                async with asyncio.TaskGroup() as group:
                    talks = [group.create_task(consumer.complain()) for consumer in consumers]
                    await asyncio.sleep(3)
                    await workers[0].kill()
                    assert not all(talk.done() for talk in talks), (
                        "the kill came too late to matter"
                    )
                await settled(bot, world, consumers)
                assert await workers[1].stop() == 0
            finally:
                for worker in workers:
                    await worker.kill()


async def test_workers_keep_one_pace_though_each_is_held_up_now_and_then(
    server: str, tmp_path: Path
) -> None:
    """Telegram takes 30 a second; the replies go before the notices that wait."""
    install_cipher(Keyring.open(tmp_path / "keyring.json"))
    bases = [Database(server) for _ in range(3)]
    clock = SystemClock()
    sent: list[tuple[float, str]] = []

    async def send(_to: str, message: Message, _ids: Sequence[Any] | None, /) -> list[Any]:
        sent.append((time.monotonic(), message.parts[0].key))
        await asyncio.sleep(0.03)
        return [1]

    async def hold_up() -> None:
        while True:
            await asyncio.sleep(0.3)
            time.sleep(0.1)  # noqa: ASYNC251

    async with bases[0].write() as session:
        for chat in range(115):
            await owe(
                session, f"tg:{chat}", say_text("notice"), now=clock.now(), priority=Priority.NOTICE
            )
    stop = asyncio.Event()
    holding = asyncio.create_task(hold_up())
    working = [
        asyncio.create_task(Deliverer(b, clock, {"tg": send}, REAL).run(stop)) for b in bases
    ]
    try:
        await asyncio.sleep(0.5)
        async with bases[0].write() as session:
            for chat in range(5):
                await owe(session, f"tg:{1000 + chat}", say_text("reply"), now=clock.now())
        async with asyncio.timeout(60):
            while len(sent) < 120:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        holding.cancel()
        await asyncio.gather(*working)
        for base in bases:
            await base.close()
        install_cipher(None)
    times = [moment for moment, _ in sorted(sent)]
    assert max(bisect_left(times, t + 1) - at for at, t in enumerate(times)) <= 30
    assert [key for _, key in sorted(sent)][-10:] == ["notice"] * 10


async def test_a_send_slot_that_another_took_meanwhile_is_not_given_twice(
    server: str, tmp_path: Path
) -> None:
    install_cipher(Keyring.open(tmp_path / "keyring.json"))
    db, clock = Database(server), SystemClock()

    class Slow(Deliverer):
        """Another claims a message between its look at the budget and its reservation."""

        async def _candidates(self, *asked: Any) -> Sequence[Outbox]:
            await Deliverer(db, clock, {"tg": swallow}, REAL).claim(1)
            return await super()._candidates(*asked)

    async def swallow(_to: str, _message: Message, _ids: Sequence[Any] | None, /) -> list[Any]:
        return [1]

    async with db.write() as session:
        await session.execute(delete(Outbox))
        await session.execute(delete(RateSlot))
        session.add(RateSlot(key="tg", tat=clock.now() + HORIZON / 2))
        for chat in (1, 2):
            await owe(session, f"tg:{chat}", say_text("x"), now=clock.now())
    async with db.read() as session:
        before = await session.get_one(RateSlot, "tg")
    claimed, _ = await Slow(db, clock, {"tg": swallow}, REAL).claim(1)
    async with db.read() as session:
        after = await session.get_one(RateSlot, "tg")
    await db.close()
    install_cipher(None)
    assert len(claimed) == 1
    assert after.tat - before.tat >= 2 * timedelta(seconds=1 / REAL.per_second)
