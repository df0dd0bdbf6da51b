"""More in a minute than anybody types: one polite word, then silence until it is calm, nothing of a case lost."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from bot.law.policy import load
from bot.ports import Attachment, Incoming, Press
from bot.services.admin.live_policy import LivePolicy
from bot.services.hear import hear
from models.case import Evidence
from models.delivery import Outbox
from models.party import Account
from tests.attack.siege import Siege, besieged
from tests.effort import counted
from tests.integration.admin_office import AUNT, GROUP, Office

in_one_loop = pytest.mark.asyncio(loop_scope="module")

FLOODER = "tg:5001"
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    async with besieged(tmp_path_factory.mktemp("flood")) as siege:
        # An eighth of the real numbers, so that less needs to be sent.
        office = siege.office
        few = replace(office.tables.policy, talk_burst=5, talk_most=25)
        office.tables = replace(office.tables, limits=LivePolicy(few))
        yield siege


async def pour(office: Office, count: int, who: str = FLOODER, **fields: Any) -> None:
    """So many messages within one second, in one commit."""
    async with office.db.write() as session:
        for number in range(count):
            office._updates += 1
            heard = Incoming(
                key=f"tg:{office._updates}",
                chat=who,
                account=who,
                name="某某",
                at=office.clock.at,
                **{"text": f"退钱 {number}", **fields},
            )
            session.info.pop("hushed", None)
            await hear(session, office.tables, heard)


async def owed(office: Office, who: str) -> int:
    async with office.db.read() as session:
        counted = select(func.count()).select_from(Outbox).where(Outbox.target == who)
        return await session.scalar(counted) or 0


@in_one_loop
async def test_a_flood_is_told_once_and_then_heard_in_silence(siege: Siege) -> None:
    office, policy = siege.office, siege.office.tables.policy
    await pour(office, policy.talk_burst)
    answered = await owed(office, FLOODER)
    assert answered >= policy.talk_burst, "a quick hand is answered"
    await pour(office, 60)
    told = [shown.text for shown in await office.read(FLOODER)].count(
        siege.say("flood.told", minutes=1)
    )
    assert told == 1
    assert await owed(office, FLOODER) == answered + 1, "silence after it"


@in_one_loop
async def test_files_are_kept_in_a_flood_and_danger_is_answered(siege: Siege) -> None:
    office = siege.office
    await office.write(FLOODER, "/emergency")
    assert "110" in (await office.last(FLOODER)).text
    before = await owed(office, FLOODER)
    await pour(office, 1, text="他现在拿刀在打我，救命")
    assert await owed(office, FLOODER) > before
    await pour(office, 3, text="", files=(Attachment("photo", "id", "flooded"),))
    async with office.db.read() as session:
        kept = select(func.count()).select_from(Evidence).where(Evidence.unique_id == "flooded")
        assert await session.scalar(kept) == 1


@in_one_loop
async def test_when_it_is_calm_she_is_answered_again(siege: Siege) -> None:
    office = siege.office
    office.clock.at += MINUTE
    before = await owed(office, FLOODER)
    await office.write(FLOODER, press=Press("go", "", "", 0, "resume"))
    assert await owed(office, FLOODER) == before + 1


@in_one_loop
async def test_nobody_else_is_kept_waiting_by_a_flood(siege: Siege) -> None:
    office = siege.office
    await pour(office, 40)
    await office.write(AUNT, "/start")
    assert await owed(office, AUNT) == 1


@in_one_loop
async def test_a_flood_leaves_nothing_in_memory_and_ends(siege: Siege) -> None:
    """Far beyond the most: nothing more is kept of it, and the silence does not grow with it."""
    office = siege.office
    await pour(office, 60)
    tracemalloc.start()
    await pour(office, 30)
    gc.collect()
    settled = tracemalloc.get_traced_memory()[0]
    await pour(office, 120)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - settled
    tracemalloc.stop()
    assert grown < 2_000_000, f"{grown} bytes more"
    async with office.db.read() as session:
        who = (await session.scalars(select(Account).where(Account.address == FLOODER))).one()
        ahead = (who.paced_at or office.clock.at) - office.clock.at
    most = office.tables.policy.talk_most / office.tables.policy.talk_per_minute
    assert ahead <= timedelta(minutes=most), "the silence ends, however much was sent"


async def flood(office: Office, who: str, many: int) -> None:
    """So many messages, 10,000 a minute, by the real limits: answered politely once more than a quick
    hand is, kept small, and no dearer at the end."""
    small, policy = office.tables, load()
    office.tables = replace(small, limits=LivePolicy(policy))
    part = many // 10
    grown = 0
    calls: list[int] = []
    try:
        for number in range(10):
            office.clock.at += MINUTE * part / 10_000
            if number == 8:
                tracemalloc.start()
            gc.collect()
            settled = tracemalloc.get_traced_memory()[0]
            with counted() as effort:
                await pour(office, part, who)
            calls.append(effort.calls)
            if number == 8:
                gc.collect()
                grown = tracemalloc.get_traced_memory()[0] - settled
                tracemalloc.stop()
    finally:
        office.tables = small
    shown = [message.text for message in await office.read(who)]
    assert sum("您发得太快了" in text for text in shown) == 1
    assert len(shown) <= 4 * policy.talk_burst
    assert grown < 3_000_000, f"{grown} bytes more"
    assert calls[-1] < 1.5 * calls[2], f"dearer at the end: {calls}"


@in_one_loop
async def test_ten_thousand_messages_a_minute(siege: Siege) -> None:
    """The first 300 of them; all are sent by the long form, ``tests/torture/test_flood.py``."""
    await flood(siege.office, "tg:5002", 300)


@in_one_loop
async def test_a_group_that_calls_without_end_is_answered_a_few_times(siege: Siege) -> None:
    office = siege.office
    office.clock.at += 10 * MINUTE
    before = await owed(office, GROUP)
    async with office.db.write() as session:
        for number in range(20):
            office._updates += 1
            heard = Incoming(
                key=f"tg:{office._updates}",
                chat=GROUP,
                account=f"tg:{6000 + number}",
                name="某某",
                at=office.clock.at,
                private=False,
                command="help",
            )
            await hear(session, office.tables, heard)
    assert 0 < await owed(office, GROUP) - before <= office.tables.policy.talk_group_burst
