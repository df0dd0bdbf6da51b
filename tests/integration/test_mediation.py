"""Agreements, payments in advance and fast refunds: who may what, what falls due, and what ends what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.services.mediation import ledger
from models.case import SIGNED, Evidence
from models.lifecycle import CaseStatus
from models.mediation import AdvanceState, Recourse, SettlementState
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office, photo
from tests.integration.mediation_desk import (
    COLLEAGUE,
    NUMBER,
    STRANGER,
    agreed,
    asks_advance,
    fire,
    of,
    payments,
    press_of,
    settlements,
    staffed,
    taken,
    waits,
)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with staffed(tmp_path) as office:
        yield office


async def status(office: Office) -> CaseStatus:
    async with office.rows() as session:
        return (await of(session)).status


# Agreements


async def test_the_court_is_named_only_where_a_people_s_committee_sealed_it(office: Office) -> None:
    await taken(office)
    await agreed(office)
    assert "司法确认" not in "".join(shown.text for shown in await office.read(AUNT))
    await office.tap(AUNT, "查进度")
    await office.tap(AUNT, "没有")
    await agreed(office, under="人民调解委员会")
    told = (await office.last(AUNT)).text
    assert "司法确认" in told
    assert "12月23日前" in told, "thirty days after 11-23 (人民调解法 art. 33)"


async def test_what_she_sees_is_asked_on_the_day_and_never_at_night(office: Office) -> None:
    await taken(office)
    await agreed(office)
    office.clock.at += timedelta(days=3, hours=5, minutes=50)  # 17:50 in Shanghai on the day
    await fire(office)
    assert "钱到了吗" not in (await office.last(AUNT)).text
    office.clock.at += timedelta(minutes=15)
    await fire(office)
    assert "钱到了吗" in (await office.last(AUNT)).text


async def test_without_reminders_she_is_asked_once_and_the_taker_is_told(office: Office) -> None:
    await taken(office)
    await agreed(office)
    await office.write(AUNT, "不要提醒我")
    await office.tap(AUNT, "不要提醒我")
    for _ in range(4):
        office.clock.at += timedelta(days=3)
        await fire(office)
    asked = [shown for shown in await office.read(AUNT) if "钱到了吗" in shown.text]
    assert len(asked) == 1
    assert "没有回答" in (await office.last(TEACHER)).text
    assert await status(office) is CaseStatus.AGREED, "either side can still say"


async def test_an_earlier_agreement_s_day_asks_nothing_after_a_new_one(office: Office) -> None:
    await taken(office)
    await agreed(office)
    await office.tap(AUNT, "查进度")
    await office.tap(AUNT, "没有")
    await agreed(office, due="15 天内")
    office.clock.at += timedelta(days=5)
    await fire(office)
    assert not [shown for shown in await office.read(AUNT) if "钱到了吗" in shown.text]
    states = [row.state for row in await settlements(office)]
    assert states == [SettlementState.BROKEN, SettlementState.OPEN]


async def test_withdrawn_it_is_void_and_nobody_is_asked(office: Office) -> None:
    await taken(office)
    await agreed(office)
    await office.tap(AUNT, "查进度")
    await office.tap(AUNT, "撤回")
    await office.tap(AUNT, "确认撤回")
    (row,) = await settlements(office)
    assert row.state is SettlementState.DROPPED
    office.clock.at += timedelta(days=9)
    before = len(await office.read(AUNT))
    await fire(office)
    assert len(await office.read(AUNT)) == before


async def test_the_taker_s_word_ends_it_and_she_may_differ(office: Office) -> None:
    await taken(office)
    await agreed(office)
    await office.write(TEACHER, press=await press_of(office, "szf", NUMBER, "kept"))
    assert await status(office) is CaseStatus.AGREED, "asked back first"
    await office.tap(TEACHER, "确定，已经兑现")
    assert await status(office) is CaseStatus.SETTLED
    await office.tap(AUNT, "没解决，请继续处理")
    assert await status(office) is CaseStatus.WAITING
    assert (await settlements(office))[0].state is SettlementState.KEPT


async def test_a_signed_paper_is_no_evidence_of_hers(office: Office) -> None:
    await taken(office)
    await agreed(office)
    await office.tap(TEACHER, "上传签好的协议")
    await office.write(TEACHER, files=photo())
    async with office.rows() as session:
        case = await of(session)
        (kept,) = (await session.scalars(select(Evidence))).all()
        assert kept.extra["at"] == SIGNED
        assert "evidence" not in case.answers
    assert (await office.last(AUNT)).text.startswith("📄")


async def test_what_was_half_written_waits(office: Office) -> None:
    await taken(office)
    await office.write(TEACHER, press=await press_of(office, "szg", NUMBER, "open"))
    await office.write(TEACHER, "320")
    async with office.rows() as session:
        assert (await of(session)).papers == {"agreement": {"money": 320_00}}
    await office.write(TEACHER, press=await press_of(office, "sv"))
    await office.write(TEACHER, press=await press_of(office, "szg", NUMBER, "open"))
    assert "接着写" in (await office.last(TEACHER)).text
    assert await office.write(STRANGER, press=await press_of(office, "szg", NUMBER, "open")) != ""


# Payment in advance


async def test_a_small_sum_needs_nobody_else(office: Office) -> None:
    await taken(office)
    await asks_advance(office, "80")
    (row,) = await payments(office)
    assert (row.state, row.second, row.decided_by_id) == (AdvanceState.APPROVED, False, None)
    assert row.due_at - row.asked_at == timedelta(hours=1)
    assert "先付给您 80元" in (await office.last(AUNT)).text


async def test_a_large_one_is_decided_by_somebody_else(office: Office) -> None:
    await taken(office)
    await asks_advance(office, "400")
    look = await press_of(office, "szq", NUMBER, "look")
    yes = await press_of(office, "szq", NUMBER, "yes")
    assert "申请人自己" in await office.write(TEACHER, chat=GROUP, press=look)
    assert "申请人自己" in await office.write(TEACHER, press=yes)
    assert "还没有登记" in await office.write(STRANGER, press=yes)
    assert "还没有登记" in await office.write(AUNT, press=yes)
    (row,) = await payments(office)
    assert row.state is AdvanceState.ASKED
    group = [shown.text for shown in await office.read(GROUP)][-1]
    assert "100～500 元" in group
    assert "400" not in group, "the group learns the band alone"
    await office.write(COLLEAGUE, chat=GROUP, press=look)
    assert "400元" in (await office.last(COLLEAGUE)).text
    await office.tap(COLLEAGUE, "同意")
    (row,) = await payments(office)
    assert row.state is AdvanceState.APPROVED
    assert row.decided_by_id not in {None, row.by_id}


async def test_an_admin_may_refuse_with_a_reason_and_it_can_be_asked_anew(office: Office) -> None:
    await taken(office)
    await asks_advance(office, "400")
    await office.tap(BOSS, "我来看看")
    await office.tap(BOSS, "不同意")
    await office.write(BOSS, "不")
    await office.write(BOSS, "凭据里没有付款记录")
    assert "凭据里没有付款记录" in (await office.last(TEACHER)).text
    await asks_advance(office, "80")
    assert [row.state for row in await payments(office)] == [
        AdvanceState.REFUSED,
        AdvanceState.APPROVED,
    ]


async def test_late_is_told_to_both(office: Office) -> None:
    await taken(office)
    await asks_advance(office, "80")
    office.clock.at += timedelta(hours=2)
    await fire(office)
    assert "还没有记为付出" in (await office.last(AUNT)).text
    assert "约定的时间到了" in (await office.last(TEACHER)).text


async def test_paid_it_stands_in_the_ledger_of_those_whose_it_is(office: Office) -> None:
    await taken(office)
    await asks_advance(office, "80")
    for label in ("已经付了", "确定，已付", "追回一部分"):
        await office.tap(TEACHER, label)
    await office.write(TEACHER, "30")
    (row,) = await payments(office)
    assert (row.recourse, row.recovered_fen) == (Recourse.PARTLY, 30_00)
    for reader in (TEACHER, BOSS):
        await office.write(reader, "/staff")
        await office.tap(reader, "先行赔付台账")
        book = (await office.last(reader)).text
        assert "1 笔，共 80元；追回 30元；还没追回 50元" in book
    await office.tap(BOSS, "上一个月")
    assert "没有付出" in (await office.last(BOSS)).text
    button = await office.button(TEACHER, "上一个月")
    assert button.press is not None
    assert button.press.verb == ledger.VERB
    assert "还没有登记" in await office.write(STRANGER, press=button.press)
    assert "追" not in (await office.last(AUNT)).text


async def test_given_back_an_approved_payment_is_off_and_she_is_told(office: Office) -> None:
    await taken(office)
    await asks_advance(office, "80")
    await office.write(TEACHER, press=await press_of(office, "srr", NUMBER, "", "duplicate"))
    (row,) = await payments(office)
    assert row.state is AdvanceState.DROPPED
    assert [shown for shown in await office.read(AUNT) if "不算数" in shown.text]


# A fast refund


async def clocks(office: Office, chat: str) -> list[str]:
    return [shown.text for shown in await office.read(chat) if shown.slot.startswith("fast:")]


async def evidence(office: Office) -> None:
    async with office.rows() as session:
        case = await of(session)
        case.evidence.append(
            Evidence(
                number=1, source_key="x", kind="photo", file_id="f", unique_id="u", mime="", size=1,
                added_at=office.clock.at, extra={},
            )
        )  # fmt: skip


async def test_without_proof_there_is_no_clock(office: Office) -> None:
    await taken(office)
    assert await clocks(office, AUNT) == []


async def test_the_clock_is_one_message_in_coarse_steps_and_late_is_said(office: Office) -> None:
    await waits(office)
    await evidence(office)
    await office.write(TEACHER, chat=GROUP, press=await press_of(office, "st"))
    for _ in range(20):
        office.clock.at += timedelta(minutes=1)
        await fire(office)
    shown = await clocks(office, AUNT)
    for text, left in zip(shown, (15, 10, 5, 2), strict=False):
        assert f"还有约 {left} 分钟" in text
    assert "仍在办" in shown[4]
    assert len(shown) == 5, "five states of one message in twenty minutes"
    assert "实话告诉您" in (await office.last(AUNT)).text
    assert len({one.slot for one in await office.read(AUNT) if one.slot.startswith("fast:")}) == 1


async def test_it_stops_when_she_withdraws(office: Office) -> None:
    await waits(office)
    await evidence(office)
    await office.write(TEACHER, chat=GROUP, press=await press_of(office, "st"))
    await office.write(AUNT, press=await press_of(office, "twy"))
    office.clock.at += timedelta(minutes=30)
    await fire(office)
    shown = await clocks(office, AUNT)
    assert "停了" in shown[-1]
    assert not [one for one in await office.read(AUNT) if "实话" in one.text]
