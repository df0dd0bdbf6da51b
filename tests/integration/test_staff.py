"""Who may take a case where, and who may invite whom: looked up in the services, each time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.facts.dates import coming_days
from bot.ports import Press
from bot.services import accounts
from bot.services.chain import hand_over
from bot.services.network import enlist, leave
from models.case import Case
from models.delivery import Timer, TimerState
from models.lifecycle import Action, CaseStatus
from models.network import Invitation, Staff
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office, opened

STREET, POINT, OTHER = "潍坊新村街道", "潍坊一村居委会", "潍坊二村居委会"
COLLEAGUE, STRANGER = "tg:1003", "tg:1004"
TODAY = date(2026, 11, 23)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A street with a group and one teacher; nothing at its points."""
    async with opened(tmp_path) as office:
        await office.appoint()
        await office.bind(STREET)
        yield office


async def take(office: Office, who: str, number: str, chat: str = GROUP) -> str:
    async with office.rows() as session:
        token = (await session.scalars(select(Case.token).where(Case.number == number))).one()
    return await office.write(who, chat=chat, press=Press("st", token))


async def place_of(office: Office, number: str) -> tuple[CaseStatus, str]:
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
        desk = await hand_over.desk_of(session, case)
        return case.status, desk.name if desk else ""


async def test_a_point_has_staff_of_its_own_in_its_street_s_group(office: Office) -> None:
    async with office.rows() as session:
        codes = await accounts.staffed(session, TODAY)
        assert codes == {(await office.desk(STREET)).code}
    await office.enlist(POINT, COLLEAGUE)
    async with office.rows() as session:
        assert (await office.desk(POINT)).code in await accounts.staffed(session, TODAY)
    await office.case("PD-1", desk=POINT)
    assert "还没有登记" in await take(office, STRANGER, "PD-1")
    assert "不在您手上" in await take(office, COLLEAGUE, "PD-1", chat="tg:-1")
    assert "接单成功" in await take(office, COLLEAGUE, "PD-1")


async def test_a_point_s_staff_take_no_other_point_s_case_and_the_street_s_do(
    office: Office,
) -> None:
    await office.enlist(OTHER, COLLEAGUE)
    await office.case("PD-1", desk=POINT)
    assert "还没有登记" in await take(office, COLLEAGUE, "PD-1")
    assert "接单成功" in await take(office, TEACHER, "PD-1")


async def test_the_last_one_leaves_and_her_cases_go_to_the_street(office: Office) -> None:
    await office.enlist(POINT, COLLEAGUE)
    for number in ("PD-1", "PD-2"):
        await office.case(number, desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    await office.write(COLLEAGUE, "/staff")
    await office.tap(COLLEAGUE, "不再当")
    await office.tap(COLLEAGUE, "确定")
    for number in ("PD-1", "PD-2"):
        assert await place_of(office, number) == (CaseStatus.WAITING, STREET)
    assert "有变动" in (await office.last(AUNT)).text


async def test_without_anybody_at_the_street_they_wait_to_be_assigned(office: Office) -> None:
    await office.case("PD-1", desk=STREET)
    await take(office, TEACHER, "PD-1")
    await office.write(TEACHER, "/staff")
    await office.tap(TEACHER, "不再当")
    await office.tap(TEACHER, "确定")
    assert await place_of(office, "PD-1") == (CaseStatus.TRIAGE, "")
    assert "重新安排" in (await office.last(AUNT)).text
    assert "PD-1" in (await office.last(BOSS)).text


async def test_a_substitute_acts_for_the_days_of_the_leave_and_no_longer(office: Office) -> None:
    await office.enlist(POINT, COLLEAGUE)
    await office.enlist(OTHER, STRANGER)
    await office.case("PD-1", desk=POINT)
    async with office.rows() as session:
        stand_in = await accounts.by_address(session, STRANGER)
        away = await accounts.by_address(session, COLLEAGUE)
        assert stand_in is not None
        assert away is not None
        duty = (await session.scalars(select(Staff).where(Staff.account_id == away.id))).one()
        duty.away_from, duty.away_until = TODAY, TODAY + timedelta(days=1)
        duty.substitute_id = stand_in.id
    assert "还没有登记" in await take(office, COLLEAGUE, "PD-1")
    assert "接单成功" in await take(office, STRANGER, "PD-1")
    office.clock.at += timedelta(days=2)
    await office.case("PD-2", desk=POINT)
    assert "还没有登记" in await take(office, STRANGER, "PD-2")
    async with office.rows() as session:
        over = await leave.turn(session, office.tables, Timer(about_id=duty.id, kind=leave.TIMER))
    assert over is TimerState.FIRED
    assert "回来上班" in (await office.last(STRANGER)).text
    assert "接单成功" in await take(office, COLLEAGUE, "PD-2")
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == "PD-1"))).one()
        passed = [event for event in case.events if event.action is Action.PASS]
        assert passed == [], "what the substitute took herself stays with her"


async def test_a_token_is_not_kept_and_no_stranger_decides(office: Office) -> None:
    async with office.rows() as session:
        desk = await office.desk(POINT)
        boss = await accounts.by_address(session, BOSS)
        token, row = await enlist.invite(session, office.tables, desk, boss, "张老师")
        assert token not in row.token_hash
        assert "张老师".encode() not in bytes(row.label_sealed or b"")
    await office.write(COLLEAGUE, f"/start join_{token}")
    yes = await office.button(BOSS, "是，同意")
    for who in (COLLEAGUE, STRANGER):
        assert "不归您管" in await office.tap(who, "", old=yes)
    await office.tap(BOSS, "", old=yes)
    assert "已经处理过" in await office.tap(BOSS, "", old=yes)
    async with office.rows() as session:
        assert (await session.scalars(select(Invitation.state))).all() == ["approved"]
        assert len((await session.scalars(select(Staff))).all()) == 2  # with the street's teacher


async def test_an_inviter_who_has_left_is_not_asked(office: Office) -> None:
    async with office.rows() as session:
        teacher = await accounts.by_address(session, TEACHER)
        token, _ = await enlist.invite(session, office.tables, await office.desk(POINT), teacher)
        duty = (await session.scalars(select(Staff))).one()
        duty.left_at = office.clock.at
    before = len(await office.read(TEACHER))
    await office.write(COLLEAGUE, f"/start join_{token}")
    assert len(await office.read(TEACHER)) == before
    assert "您请的那一位" in (await office.last(BOSS)).text


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("12月1日到12月5日", (date(2026, 12, 1), date(2026, 12, 5))),
        ("12月1号至5号", (date(2026, 12, 1), date(2026, 12, 5))),
        ("12-30 到 1-3", (date(2026, 12, 30), date(2027, 1, 3))),
        ("11.23", (date(2026, 11, 23), date(2026, 11, 23))),
        ("2027年2月6日—2027年2月12日", (date(2027, 2, 6), date(2027, 2, 12))),
        ("1月1日", (date(2027, 1, 1), date(2027, 1, 1))),
        ("12月5日到12月1日", None),
        ("13月1日", None),
        ("2月30日", None),
        ("2026年1月1日", None),
        ("下周", None),
    ],
)
def test_days_to_come(said: str, days: tuple[date, date] | None) -> None:
    assert coming_days(said, TODAY) == days


@given(st.text(max_size=20))
def test_whatever_is_typed_gives_days_in_order_or_none(text: str) -> None:
    days = coming_days(text, TODAY)
    assert days is None or TODAY <= days[0] <= days[1]
