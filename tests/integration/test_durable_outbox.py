"""What is owed arrives: in order, once where it can be told, and never lost in silence."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, insert
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.clock import SystemClock
from bot.adapters.database import Database, new_seat
from bot.services.queue import drain as drains
from bot.services.queue.deliver import Deliverer, Limits, owe, owe_errand, send_again, sweep_outbox
from models.base import uuid7
from models.delivery import Meta, Outbox, OutboxState, Priority, RateSlot, Refused
from tests.integration.durable import (
    REAL,
    WIDE,
    HandClock,
    Outside,
    opened,
    outbox,
    queries,
    read_whole,
    text,
)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def outside() -> Outside:
    return Outside()


def deliverer(
    db: Database, clock: HandClock, outside: Outside, limits: Limits = WIDE, **more: Any
) -> Deliverer:
    return Deliverer(db, clock, {"tg": outside}, limits, **more)


async def owed(db: Database, clock: HandClock, *messages: tuple[str, str], **more: Any) -> None:
    async with db.write() as session:
        for target, key in messages:
            await owe(session, target, text(key), now=clock.now(), **more)


async def drain(worker: Deliverer) -> int:
    total = 0
    while done := await worker.drain_once():
        total += done
    return total


async def until(done: Callable[[], bool]) -> None:
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def test_a_chat_gets_its_messages_in_the_order_they_were_owed(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    await owed(db, clock, *[(f"tg:{n % 3}", f"{n}") for n in range(30)])
    assert await drain(deliverer(db, clock, outside)) == 30
    for chat in range(3):
        assert outside.texts(f"tg:{chat}") == [f"{n}" for n in range(30) if n % 3 == chat]


async def test_what_was_sent_is_emptied_and_keeps_its_message_ids(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    await owed(db, clock, ("tg:1", "hello"))
    (row,) = await outbox(db)
    assert row.payload_sealed
    await drain(deliverer(db, clock, outside))
    (row,) = await outbox(db)
    assert (row.state, row.payload_sealed, row.message_ids) == (OutboxState.SENT, None, [101])
    assert row.sent_at == clock.now()


async def test_what_arrived_together_is_marked_together(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    await owed(db, clock, *[(f"tg:{n}", f"{n}") for n in range(20)])
    async with db.write() as session:
        engine = session.get_bind()
    commits: list[Any] = []
    note = commits.append
    event.listen(engine, "commit", note)
    assert await deliverer(db, clock, outside).drain_once() == 20
    event.remove(engine, "commit", note)
    assert {row.state for row in await outbox(db)} == {OutboxState.SENT}
    assert sorted(row.message_ids[0] for row in await outbox(db) if row.message_ids) == [
        *range(101, 121)
    ]
    assert len(commits) == 3, "one that claims, the first one's mark, and the marks of all others"


async def test_what_is_rolled_back_is_not_owed(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    async def change() -> None:
        async with db.write() as session:
            await owe(session, "tg:1", text("never"), now=clock.now())
            raise RuntimeError("after owing")

    with pytest.raises(RuntimeError, match="after owing"):
        await change()
    assert await drain(deliverer(db, clock, outside)) == 0
    assert outside.arrived == []


async def test_owing_twice_under_one_key_sends_once_and_the_newer_words(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    later = clock.now() + timedelta(seconds=1.5)
    await owed(db, clock, ("tg:1", "one photo"), key="album:7", run_at=later)
    await owed(db, clock, ("tg:1", "two photos"), key="album:7", run_at=later)
    worker = deliverer(db, clock, outside)
    assert await drain(worker) == 0
    clock.pass_(seconds=2)
    assert await drain(worker) == 1
    await owed(db, clock, ("tg:1", "three photos"), key="album:7")
    assert await drain(worker) == 0
    assert outside.texts() == ["two photos"]


async def test_replies_go_before_hand_overs_and_those_before_notices(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    for priority in (Priority.NOTICE, Priority.HAND_OVER, Priority.REPLY):
        await owed(
            db,
            clock,
            *[(f"tg:{priority}{n}", f"{priority}") for n in range(5)],
            priority=priority,
        )
    worker = deliverer(db, clock, outside, REAL)
    while outside.texts().count("2") < 5:
        await worker.drain_once()
        clock.pass_(seconds=0.1)
    assert outside.texts() == ["0"] * 5 + ["1"] * 5 + ["2"] * 5


async def test_a_reply_does_not_wait_behind_a_notice_that_is_held_up(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    outside.refusals["tg:1"] = [Refused("bad gateway")]
    await owed(db, clock, ("tg:1", "notice"), priority=Priority.NOTICE)
    worker = deliverer(db, clock, outside)
    await drain(worker)
    await owed(db, clock, ("tg:1", "reply"))
    await drain(worker)
    assert outside.texts() == ["reply"]


async def test_the_same_slot_edits_the_last_message(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    worker = deliverer(db, clock, outside)
    await owed(db, clock, ("tg:1", "card"), ("tg:2", "card"), slot="case:7")
    await drain(worker)
    await owed(db, clock, ("tg:1", "card, taken"), slot="case:7")
    await drain(worker)
    await owed(db, clock, ("tg:1", "card, done"), slot="case:7")
    await owed(db, clock, ("tg:1", "another card"), slot="case:8")
    await drain(worker)
    first = next(row.message_ids for row in await outbox(db) if row.target == "tg:1")
    assert [entry for entry in outside.arrived if entry[0] == "tg:1"] == [
        ("tg:1", "card", None),
        ("tg:1", "card, taken", first),
        ("tg:1", "card, done", first),
        ("tg:1", "another card", None),
    ]


async def test_a_refused_edit_is_sent_anew_and_edited_from_then_on(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    worker = deliverer(db, clock, outside)
    await owed(db, clock, ("tg:1", "card"), slot="s")
    await drain(worker)
    outside.refusals["tg:1"] = [Refused("message to edit not found", final=True)]
    await owed(db, clock, ("tg:1", "card 2"), slot="s")
    await drain(worker)
    await owed(db, clock, ("tg:1", "card 3"), slot="s")
    await drain(worker)
    assert outside.arrived == [
        ("tg:1", "card", None),
        ("tg:1", "card 2", None),
        ("tg:1", "card 3", [102]),
    ]


async def test_a_flood_halt_is_kept_to_the_second_and_holds_that_chat_alone(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    outside.refusals["tg:1"] = [Refused("429", retry_after=timedelta(seconds=17))]
    await owed(db, clock, ("tg:1", "a"), ("tg:1", "b"), ("tg:2", "c"))
    worker = deliverer(db, clock, outside)
    await drain(worker)
    assert outside.texts() == ["c"]
    clock.pass_(seconds=16.9)
    assert await drain(worker) == 0
    clock.pass_(seconds=0.2)
    await drain(worker)
    assert outside.texts("tg:1") == ["a", "b"]


async def test_halts_in_several_chats_halt_the_channel(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    for chat in "123":
        outside.refusals[f"tg:{chat}"] = [Refused("429", retry_after=timedelta(seconds=30))]
    await owed(db, clock, ("tg:1", "a"), ("tg:2", "b"), ("tg:3", "c"))
    worker = deliverer(db, clock, outside)
    await drain(worker)
    await owed(db, clock, ("tg:4", "d"))
    clock.pass_(seconds=29)
    assert await drain(worker) == 0
    clock.pass_(seconds=2)
    await drain(worker)
    assert sorted(outside.texts()) == ["a", "b", "c", "d"]


async def test_a_server_error_is_tried_again_later_and_later(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    outside.refusals["tg:1"] = [Refused("bad gateway") for _ in range(30)]
    await owed(db, clock, ("tg:1", "card"), priority=Priority.HAND_OVER)
    worker = deliverer(db, clock, outside)
    waits = []
    while not outside.arrived:
        await drain(worker)
        (row,) = await outbox(db)
        if row.state == OutboxState.DUE:
            waits.append((row.run_at - clock.now()).total_seconds())
            clock.moment = row.run_at + timedelta(seconds=61)
    assert len(waits) == 30, "a hand-over never dies of failures that may pass"
    assert 4 <= waits[0] <= 6
    assert 8 <= waits[1] <= 12
    assert waits[0] < waits[2] < waits[4]
    assert 24 * 60 <= max(waits) <= 36 * 60


async def test_a_row_in_trouble_holds_its_chat_a_minute_and_then_lets_it_go_on(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    outside.refusals["tg:1"] = [Refused("bad gateway") for _ in range(5)]
    await owed(db, clock, ("tg:1", "stuck"), ("tg:1", "next"))
    worker = deliverer(db, clock, outside)
    for _ in range(59):
        await drain(worker)
        clock.pass_(seconds=1)
    assert ("tg:1", "next") not in outside.tried
    clock.pass_(seconds=2)
    outside.refusals["tg:1"] = []
    await drain(worker)
    assert "next" in outside.texts()


async def test_a_reply_that_never_gets_through_dies_after_four_hours_and_is_shown(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    dead: list[str] = []

    async def on_dead(_session: AsyncSession, row: Outbox, refusal: Refused) -> None:
        dead.append(f"{row.target} {refusal.reason}")

    outside.refusals["tg:1"] = [Refused("bad gateway") for _ in range(100)]
    await owed(db, clock, ("tg:1", "reply"))
    worker = deliverer(db, clock, outside, on_dead=on_dead)
    for _ in range(5 * 12):
        await drain(worker)
        clock.pass_(minutes=5)
        if dead:
            break
    (row,) = await outbox(db)
    assert row.state == OutboxState.DEAD
    assert dead == ["tg:1 bad gateway"]
    assert timedelta(hours=4) < clock.now() - row.created_at < timedelta(hours=5)


@pytest.mark.parametrize("blocked", [True, False])
async def test_a_final_refusal_is_told_in_the_commit_that_buries_the_row(
    db: Database, clock: HandClock, outside: Outside, blocked: bool
) -> None:
    case_id = uuid4()

    async def on_dead(session: AsyncSession, row: Outbox, refusal: Refused) -> None:
        assert row.case_id == case_id
        session.add(Meta(key=f"gave up {row.target}", value=refusal.blocked))
        await owe(session, "tg:9", text("to the next point"), now=clock.now(), case_id=case_id)

    outside.refusals["tg:1"] = [Refused("403 or 400", final=True, blocked=blocked)]
    await owed(db, clock, ("tg:1", "card"), priority=Priority.HAND_OVER, case_id=case_id)
    await drain(deliverer(db, clock, outside, on_dead=on_dead))
    assert outside.arrived == [("tg:9", "to the next point", None)]
    dead, _ = await outbox(db)
    assert (dead.state, dead.last_error) == (OutboxState.DEAD, "403 or 400")
    async with db.read() as session:
        told = await session.get(Meta, "gave up tg:1")
        assert told is not None
        assert told.value is blocked


async def test_a_hook_that_fails_leaves_the_row_alive(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    calls = 0

    async def on_dead(session: AsyncSession, _row: Outbox, _refusal: Refused) -> None:
        nonlocal calls
        calls += 1
        session.add(Meta(key=f"half {calls}", value=1))
        if calls == 1:
            raise RuntimeError("a defect in the hook")

    outside.refusals["tg:1"] = [Refused("403", final=True), Refused("403", final=True)]
    await owed(db, clock, ("tg:1", "card"), priority=Priority.HAND_OVER)
    worker = deliverer(db, clock, outside, on_dead=on_dead)
    await drain(worker)
    clock.pass_(minutes=3)
    await drain(worker)
    (row,) = await outbox(db)
    assert row.state == OutboxState.DEAD
    async with db.read() as session:
        assert await session.get(Meta, "half 1") is None
        assert await session.get(Meta, "half 2") is not None


async def test_a_chat_that_is_not_found_gets_a_second_try(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    absent = [Refused("chat not found", blocked=True) for _ in range(2)]
    outside.refusals = {"tg:1": absent[:1], "tg:2": absent}
    await owed(db, clock, ("tg:1", "a"), ("tg:2", "b"))
    worker = deliverer(db, clock, outside)
    for _ in range(10):
        await drain(worker)
        clock.pass_(seconds=5)
    assert outside.texts() == ["a"]
    assert {row.target: row.state for row in await outbox(db)} == {
        "tg:1": OutboxState.SENT,
        "tg:2": OutboxState.DEAD,
    }


async def test_a_group_that_moved_is_followed_with_all_that_is_owed_to_it(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    moves: list[tuple[str, str]] = []

    async def on_moved(_session: AsyncSession, old: str, new: str) -> None:
        moves.append((old, new))

    outside.refusals["tg:-1"] = [Refused("moved", migrate_to="tg:-1001")]
    await owed(db, clock, ("tg:-1", "a"), ("tg:-1", "b"))
    await drain(deliverer(db, clock, outside, on_moved=on_moved))
    assert outside.arrived == [("tg:-1001", "a", None), ("tg:-1001", "b", None)]
    assert moves == [("tg:-1", "tg:-1001")]


@pytest.mark.parametrize(
    ("priority", "arrivals", "state"),
    [
        (Priority.HAND_OVER, 1, OutboxState.SENT),
        (Priority.REPLY, 0, OutboxState.UNKNOWN),
        (Priority.NOTICE, 0, OutboxState.UNKNOWN),
    ],
)
async def test_what_may_have_arrived_is_sent_again_only_where_that_is_wanted(
    db: Database,
    clock: HandClock,
    outside: Outside,
    priority: int,
    arrivals: int,
    state: OutboxState,
) -> None:
    outside.refusals["tg:1"] = [Refused("timed out", unknown=True) for _ in range(2)]
    await owed(db, clock, ("tg:1", "x"), priority=priority)
    worker = deliverer(db, clock, outside)
    for _ in range(30):
        await drain(worker)
        clock.pass_(seconds=5)
    (row,) = await outbox(db)
    assert len(outside.tried) == {0: 2, 1: 3, 2: 1}[priority]
    assert (len(outside.arrived), row.state) == (arrivals, state)


async def test_no_connection_halts_the_channel_and_costs_no_message_a_try(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    terminal = Outside()
    down = [Refused("ConnectError", down=True) for _ in range(50)]
    outside.refusals = {f"tg:{n}": list(down) for n in range(20)}
    await owed(db, clock, *[(f"tg:{n}", "x") for n in range(20)], ("term:a", "y"))
    worker = Deliverer(db, clock, {"tg": outside, "term": terminal}, WIDE)
    for _ in range(120):
        await drain(worker)
        clock.pass_(seconds=5)
    assert terminal.texts() == ["y"]
    assert len(outside.tried) < 60, "one probe a minute, not a storm"
    outside.refusals = {}
    clock.pass_(seconds=61)
    await drain(worker)
    await drain(worker)
    assert Counter(outside.texts()) == {"x": 20}
    assert all(row.attempts <= 1 for row in await outbox(db))


async def test_what_a_dead_process_held_is_sent_by_the_next(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    await owed(db, clock, ("tg:1", "reply"))
    await owed(db, clock, ("tg:2", "hand-over"), priority=Priority.HAND_OVER)
    await owed(db, clock, ("tg:3", "notice"), priority=Priority.NOTICE)
    claimed, _ = await deliverer(db, clock, outside).claim(10)
    assert len(claimed) == 3
    db.seat = new_seat()
    after = deliverer(db, clock, outside)
    assert await drain(after) == 0
    await after.recover()
    await drain(after)
    assert sorted(outside.texts()) == ["hand-over", "reply"]
    assert [row.state for row in await outbox(db) if row.target == "tg:3"] == [OutboxState.UNKNOWN]


async def test_another_worker_waits_for_the_lease_and_a_late_one_marks_nothing(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    await owed(db, clock, ("tg:1", "reply"))
    slow, other = deliverer(db, clock, outside), deliverer(db, clock, outside)
    ((late), _) = await slow.claim(10)
    assert await drain(other) == 0
    clock.pass_(minutes=3)
    claimed, _ = await other.claim(10)
    assert len(claimed) == 1
    await slow.work(late[0])
    (row,) = await outbox(db)
    assert row.state == OutboxState.LEASED
    assert row.lease_token == claimed[0].token


async def test_an_errand_and_what_follows_it_are_marked_in_one_commit(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    tries = 0

    async def fetch(payload: Mapping[str, Any]) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Refused("bad gateway")

        async def finish(session: AsyncSession) -> None:
            session.add(Meta(key="fetched", value=payload["file_id"]))

        return finish

    async with db.write() as session:
        await owe_errand(session, "fetch", {"file_id": "F"}, now=clock.now(), key="fetch:1")
        await owe_errand(session, "fetch", {"file_id": "F"}, now=clock.now(), key="fetch:1")
        await owe_errand(session, "unknown", {}, now=clock.now())
    worker = deliverer(db, clock, outside, errands={"fetch": fetch})
    await drain(worker)
    clock.pass_(seconds=7)
    assert await drain(worker) == 1
    async with db.read() as session:
        fetched = await session.get(Meta, "fetched")
        assert fetched is not None
        assert fetched.value == "F"
    assert [row.state for row in await outbox(db)] == [OutboxState.SENT, OutboxState.DUE]


async def test_our_own_mistake_is_set_aside_after_three_tries(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    async def broken(_payload: Mapping[str, Any]) -> None:
        raise ValueError("王秀英 13800138000")

    async with db.write() as session:
        await owe_errand(session, "broken", {}, now=clock.now())
    worker = deliverer(db, clock, outside, errands={"broken": broken})
    for _ in range(10):
        await drain(worker)
        clock.pass_(minutes=1)
    (row,) = await outbox(db)
    assert (row.state, row.attempts) == (OutboxState.DEAD, 3)
    assert "ValueError" in row.last_error
    assert "王秀英" not in row.last_error


async def test_one_chat_gets_five_at_once_and_then_one_a_second(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    await owed(db, clock, *[("tg:1", f"{n}") for n in range(8)])
    worker = deliverer(db, clock, outside, REAL)
    counts = []
    for _ in range(5):
        await drain(worker)
        counts.append(len(outside.arrived))
        clock.pass_(seconds=1)
    assert counts == [5, 6, 7, 8, 8]
    assert outside.texts() == [f"{n}" for n in range(8)]


async def test_a_group_gets_no_more_than_twenty_in_any_minute(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    await owed(db, clock, *[("tg:-1", f"{n}") for n in range(60)])
    worker = deliverer(db, clock, outside, REAL)
    times = []
    for _ in range(130):
        before = len(outside.arrived)
        await drain(worker)
        times += [clock.now()] * (len(outside.arrived) - before)
        clock.pass_(seconds=1)
    busiest = max(sum(t <= u < t + timedelta(seconds=60) for u in times) for t in times)
    assert busiest <= 20
    assert len(times) >= 35


async def test_all_chats_together_stay_within_the_budget(db: Database, outside: Outside) -> None:
    real = SystemClock()
    times: list[float] = []

    async def send(target: str, message: Any, edit_ids: Any, /) -> list[Any]:
        times.append(time.monotonic())
        return await outside(target, message, edit_ids)

    async with db.write() as session:
        for n in range(60):
            await owe(session, f"tg:{n}", text("x"), now=real.now())
    stop = asyncio.Event()
    worker = Deliverer(db, real, {"tg": send}, REAL)
    running = asyncio.create_task(worker.run(stop))
    await until(lambda: len(times) == 60)
    stop.set()
    await running
    busiest = max(sum(t <= u < t + 1 for u in times) for t in times)
    assert busiest <= 32
    assert times[-1] - times[0] > 1.7


async def test_a_claim_reads_no_table_from_end_to_end(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    row = {
        "channel": "tg",
        "kind": "message",
        "slot": "",
        "priority": Priority.NOTICE,
        "state": OutboxState.DUE,
        "attempts": 0,
        "created_at": clock.now(),
        "run_at": clock.now(),
        "last_error": "",
    }
    names = [f"tg:{n}" for n in range(200)]
    async with db.write() as session:
        await session.execute(
            insert(Outbox),
            [
                {"id": uuid7(), "dedupe_key": n, "target": n, "ordering_key": n, **row}
                for n in names
            ],
        )
    worker = deliverer(db, clock, outside, REAL)
    async with queries(db) as made:
        claimed, _ = await worker.claim(64)
    assert len(claimed) == 9
    assert await read_whole(db, made, "outbox") == [], "it would take the square of a backlog"


async def test_a_commit_wakes_the_sender_at_once(
    db: Database, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "LONGEST_NAP", 3600.0)
    real = SystemClock()
    stop = asyncio.Event()
    running = asyncio.create_task(Deliverer(db, real, {"tg": outside}, WIDE).run(stop))
    await asyncio.sleep(0.2)
    for n in range(5):
        async with db.write() as session:
            await owe(session, "tg:1", text(f"{n}"), now=real.now())
        await until(lambda: len(outside.arrived) > n)  # noqa: B023
    stop.set()
    await running


async def test_nothing_waits_for_the_second_look_behind_what_is_in_hand(
    db: Database, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "LONGEST_NAP", 3600.0)
    real = SystemClock()
    limits = replace(WIDE, first_retry=timedelta(milliseconds=50))
    chats = [f"tg:{n}" for n in range(30)]
    outside.refusals = {chat: [Refused("502")] for chat in chats[::7]}
    stop = asyncio.Event()
    running = asyncio.create_task(Deliverer(db, real, {"tg": outside}, limits).run(stop))
    for part in range(3):
        async with db.write() as session:
            for chat in chats:
                for line in range(3):
                    await owe(session, chat, text(f"{part * 3 + line}"), now=real.now())
    await until(lambda: len(outside.arrived) == 9 * len(chats))
    stop.set()
    await running
    assert all(outside.texts(chat) == [f"{n}" for n in range(9)] for chat in chats)


async def test_an_admin_can_send_again_what_was_given_up_until_it_is_blanked(
    db: Database, clock: HandClock, outside: Outside
) -> None:
    outside.refusals = {f"tg:{n}": [Refused("403", final=True)] for n in (1, 2, 3)}
    await owed(db, clock, ("tg:1", "reply"), ("tg:2", "reply 2"))
    await owed(db, clock, ("tg:3", "hand-over"), priority=Priority.HAND_OVER)
    worker = deliverer(db, clock, outside)
    await drain(worker)
    async with db.write() as session:
        row = (await session.get(Outbox, (await outbox(db))[0].id)) or pytest.fail("gone")
        await send_again(session, row, clock.now())
    await drain(worker)
    assert outside.texts() == ["reply"]
    clock.pass_(hours=49)
    async with db.write() as session:
        await sweep_outbox(session, clock.now(), timedelta(hours=48))
    payloads = {row.target: row.payload_sealed is not None for row in await outbox(db)}
    assert payloads == {"tg:1": False, "tg:2": False, "tg:3": True}
    async with db.write() as session:
        row = (await session.get(Outbox, (await outbox(db))[1].id)) or pytest.fail("gone")
        with pytest.raises(ValueError, match="nothing is left"):
            await send_again(session, row, clock.now())
        assert await session.get(RateSlot, "tg") is None
