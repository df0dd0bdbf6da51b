"""A case changes hands: to a colleague, back with a reason, for ties to the merchant, into another case."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.services.chain import hand_over
from models.case import Case
from models.lifecycle import CaseStatus
from models.party import Account
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office
from tests.integration.desk_office import desk_office  # noqa: F401
from tests.integration.test_staff import COLLEAGUE, POINT, place_of, take


async def taken(office: Office, number: str = "PD-1", **fields: str) -> None:
    await office.case(number, desk=POINT, **fields)
    assert "接单成功" in await take(office, COLLEAGUE, number)


async def status_of(office: Office, number: str) -> CaseStatus:
    return (await place_of(office, number))[0]


async def taker_of(office: Office, number: str) -> str:
    async with office.rows() as session:
        found = await session.scalar(
            select(Account.address)
            .join(Case, Case.taker_id == Account.id)
            .where(Case.number == number)
        )
        return found or ""


async def more(office: Office, who: str, label: str) -> str:
    await office.tap(who, "更多")
    return await office.tap(who, label)


async def test_a_case_is_passed_on_after_a_second_look_and_everybody_knows(office: Office) -> None:
    await taken(office)
    await more(office, COLLEAGUE, "转给同事")
    await office.tap(COLLEAGUE, "李老师")
    assert await taker_of(office, "PD-1") == COLLEAGUE
    sure = await office.button(COLLEAGUE, "确定转过去")
    await office.tap(COLLEAGUE, "", old=sure)
    assert await taker_of(office, "PD-1") == TEACHER
    assert "PD-1" in (await office.last(TEACHER)).text
    assert "由李老师接着为您办" in (await office.last(AUNT)).text
    assert "李老师" in (await office.last(GROUP)).text
    assert "不在您手上" in await office.tap(COLLEAGUE, "", old=sure)


async def test_what_is_missing_is_asked_and_nothing_goes_back(office: Office) -> None:
    await taken(office)
    await office.tap(COLLEAGUE, "退回")
    await office.tap(COLLEAGUE, "缺材料")
    await office.write(COLLEAGUE, "请发一下办卡的合同")
    assert await status_of(office, "PD-1") is CaseStatus.ASKING
    assert "办卡的合同" in (await office.last(AUNT)).text


async def test_only_her_own_word_withdraws(office: Office) -> None:
    await taken(office)
    await office.tap(COLLEAGUE, "退回")
    await office.tap(COLLEAGUE, "已撤诉")
    assert await status_of(office, "PD-1") is CaseStatus.HANDLING
    yes = await office.button(AUNT, "确认撤回")
    await office.tap(AUNT, "不撤回，接着办")
    assert "没有撤回" in (await office.last(COLLEAGUE)).text
    assert await status_of(office, "PD-1") is CaseStatus.HANDLING
    await office.tap(COLLEAGUE, "", old=yes)
    assert await status_of(office, "PD-1") is CaseStatus.HANDLING
    await office.tap(AUNT, "", old=yes)
    assert await status_of(office, "PD-1") is CaseStatus.WITHDRAWN


async def test_who_has_ties_gives_it_to_a_colleague_and_never_has_it_again(office: Office) -> None:
    await taken(office)
    await office.tap(COLLEAGUE, "退回")
    await office.tap(COLLEAGUE, "利害关系")
    await office.tap(COLLEAGUE, "交给李老师")
    assert await taker_of(office, "PD-1") == TEACHER
    assert "工作人员回避，改由李老师" in (await office.last(AUNT)).text
    await office.tap(TEACHER, "看材料")
    await more(office, TEACHER, "转给同事")
    assert "没有能接手的同事" in (await office.last(TEACHER)).text
    await office.tap(TEACHER, "退回")
    await office.tap(TEACHER, "人手不够")
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == "PD-1"))).one()
        boss = (await session.scalars(select(Account).where(Account.address == BOSS))).one()
        await hand_over.assign(session, office.tables, case, await office.desk(POINT), boss)
    assert "已经回避" in await take(office, COLLEAGUE, "PD-1")


async def test_a_desk_with_ties_gives_it_to_another_desk(office: Office) -> None:
    await taken(office)
    await more(office, COLLEAGUE, "回避")
    await office.tap(COLLEAGUE, "换一处")
    status, name = await place_of(office, "PD-1")
    assert name != POINT
    assert status in {CaseStatus.WAITING, CaseStatus.TRIAGE}
    assert "利害关系" in (await office.last(AUNT)).text


async def test_what_was_filed_twice_is_merged_told_read_together_and_taken_apart(
    office: Office,
) -> None:
    await taken(office, "PD-1", merchant="顺风健身")
    await taken(office, "PD-2", merchant="顺风健身")
    await office.case("PD-3", desk=POINT, merchant="别的店")
    details = await office.last(COLLEAGUE)
    assert "可能重复" in details.text
    assert "PD-3" not in details.text
    await office.tap(COLLEAGUE, "重复、合并")
    await office.tap(COLLEAGUE, "这件并到 PD-1")
    assert await status_of(office, "PD-2") is CaseStatus.MERGED
    undo = await office.button(COLLEAGUE, "撤销合并")
    assert "由 PD-1 接着办" in (await office.last(AUNT)).text
    assert "已合并" in (await office.last(GROUP)).text
    await office.tap(COLLEAGUE, "看材料")
    assert "并进来的 PD-2" in (await office.last(COLLEAGUE)).text
    await office.tap(AUNT, "查进度")
    assert "并进这件一起办的：PD-2" in (await office.last(AUNT)).text
    await office.tap(AUNT, "不是同一件事")
    assert await status_of(office, "PD-2") is CaseStatus.WAITING
    assert "单独办理" in (await office.last(COLLEAGUE)).text
    assert "不能撤销" in await office.tap(COLLEAGUE, "", old=undo)
    assert "接单成功" in await take(office, COLLEAGUE, "PD-2")


async def test_a_merger_can_be_undone_for_some_days_only_and_by_no_stranger(office: Office) -> None:
    await taken(office, "PD-1")
    await taken(office, "PD-2")
    await office.tap(COLLEAGUE, "退回")
    await office.tap(COLLEAGUE, "重复")
    await office.tap(COLLEAGUE, "把 PD-1 并进来")
    undo = await office.button(COLLEAGUE, "撤销合并")
    assert "不在您手上" in await office.tap(TEACHER, "", old=undo)
    office.clock.at += timedelta(days=office.tables.policy.merge_undo_days, minutes=1)
    assert "不能撤销" in await office.tap(COLLEAGUE, "", old=undo)
    await office.tap(AUNT, "不是同一件事")
    assert "重新登记" in (await office.last(AUNT)).text
    assert await status_of(office, "PD-1") is CaseStatus.MERGED


async def test_another_s_case_is_not_merged_away(office: Office) -> None:
    await taken(office, "PD-1")
    await office.case("PD-2", desk=POINT)
    assert "接单成功" in await take(office, TEACHER, "PD-2")
    await office.tap(TEACHER, "重复、合并")
    labels = (await office.last(TEACHER)).buttons
    assert any("这件并到 PD-1" in label for label in labels)
    assert not any("把 PD-1 并进来" in label for label in labels)
