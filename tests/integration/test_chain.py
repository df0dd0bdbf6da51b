"""The chain of three: up with consent and papers, the authority's decisions and clocks, down with a date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.ports import Document, Press
from bot.services.chain import group_event, hand_over, refer, remind
from bot.services.chain.overdue import overdue
from bot.services.mediation import documents
from bot.services.tables import SHANGHAI
from models.case import Case, CaseKind
from models.delivery import Outbox, Timer, TimerState
from models.lifecycle import Action, CaseStatus, NotPossible
from models.network import Organisation
from models.party import Account
from tests.integration.admin_office import AUNT, BOSS, OTHER_GROUP, TEACHER, Office, opened
from tests.integration.mediation_desk import fire

STREET, BUREAU = "花木街道", "浦东新区市场监督管理局"
OFFICER, BUREAU_GROUP = "tg:1009", "tg:-100900"
NUMBER = "PD261123-0001"
MONDAY = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


async def peopled(office: Office) -> None:
    """A street and the bureau with a group and one person each, and a consumer."""
    await office.appoint()
    await office.bind(STREET, OTHER_GROUP)
    async with office.rows() as session:
        bureau = await session.scalar(select(Organisation).where(Organisation.level == "bureau"))
        assert bureau is not None
        bureau.chat = BUREAU_GROUP
    await office.enlist(BUREAU, OFFICER)
    await office.write(AUNT, "/start")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Everybody there, and a case that waits at the street's desk."""
    async with opened(tmp_path) as office:
        await peopled(office)
        await office.case(NUMBER, desk=STREET)
        yield office


async def press(office: Office, who: str, verb: str, question: str = "", value: str = "") -> str:
    async with office.db.read() as session:
        token = (await session.scalars(select(Case.token).where(Case.number == NUMBER))).one()
    chat = ""
    if verb == "st":
        chat = OTHER_GROUP if who == TEACHER else BUREAU_GROUP
    return await office.write(who, press=Press(verb, token, question, 0, value), chat=chat)


async def now(office: Office) -> Case:
    async with office.db.read() as session:
        return (await session.scalars(select(Case).where(Case.number == NUMBER))).one()


async def said(office: Office, who: str) -> str:
    return (await office.last(who)).text


async def papers(office: Office) -> list[Document]:
    async with office.db.read() as session:
        rows = await session.scalars(select(Outbox).where(Outbox.kind == documents.ERRAND))
        return [Document.from_json(row.payload["document"]) for row in rows if row.payload]


async def referred(office: Office) -> None:
    """The street's taker hands it up, the consumer agrees, the bureau's officer takes it."""
    await press(office, TEACHER, "st")
    await press(office, TEACHER, "su")
    await press(office, AUNT, "tg", "yes")
    await press(office, OFFICER, "st")


async def test_up_only_with_her_word_and_the_receipt_starts_the_clock(office: Office) -> None:
    await press(office, TEACHER, "st")
    await press(office, TEACHER, "su")
    assert "您同意吗" in await said(office, AUNT)
    assert (await now(office)).status is CaseStatus.HANDLING
    await press(office, TEACHER, "su")
    assert "还在等回话" in await said(office, TEACHER)
    await press(office, AUNT, "tg", "no")
    assert "不同意移送" in await said(office, TEACHER)
    assert await press(office, AUNT, "tg", "yes"), "an old button changes nothing"
    await press(office, TEACHER, "su")
    await press(office, AUNT, "tg", "yes")
    case = await now(office)
    assert (case.status, case.taker_id) == (CaseStatus.WAITING, None)
    card = await said(office, BUREAU_GROUP)
    assert NUMBER in card
    for secret in ("王秀英", "13800138000", "健身房"):
        assert secret not in card
    assert await press(office, TEACHER, "sv") == "这件事不在您手上，不能操作"
    await press(office, OFFICER, "st")
    told = await said(office, AUNT)
    assert "12月2日前" in told, "seven working days after 23 November"
    assert "决定是否受理" in told
    (paper,) = await papers(office)
    words = str(paper)
    for needed in ("王秀英", "13800138000", "健身房关门不退卡", "移送", "第十条"):
        assert needed in words


async def test_taken_up_and_ended_with_the_laws_reasons(office: Office) -> None:
    await referred(office)
    assert "先决定受理" in await press(office, OFFICER, "ss")
    assert "先决定受理" in await press(office, OFFICER, "se")
    await press(office, OFFICER, "so", "accept")
    assert "已决定受理" in await said(office, OFFICER), "shown before it is said"
    assert "已决定受理" not in await said(office, AUNT)
    await press(office, OFFICER, "so", "accept:yes")
    assert "已决定受理" in await said(office, AUNT)
    assert "1月22日前" in await said(office, AUNT), "sixty days after 23 November"
    assert await press(office, OFFICER, "so", "accept:yes") == "现在这一步做不了"
    assert "不能直接退回" in await press(office, OFFICER, "sr")
    await press(office, OFFICER, "so", "appraise:yes")
    await press(office, OFFICER, "sol")
    assert "⏸" in await said(office, OFFICER)
    office.clock.at += timedelta(days=10)
    await press(office, OFFICER, "so", "appraised:yes")
    await press(office, OFFICER, "sol")
    assert "🟢 PD261123-0001　调解：2月1日，还有 60 天" in await said(office, OFFICER)
    await press(office, OFFICER, "so", "terminate")
    assert "第二十三条" in await said(office, OFFICER)
    await press(office, OFFICER, "so", "terminate:yes", "no_agreement")
    told = await said(office, AUNT)
    assert "双方达不成一致" in told
    assert "别的路" in told
    assert (await now(office)).status is CaseStatus.CONCLUDED
    await press(office, OFFICER, "sol")
    assert "没有在走" in await said(office, OFFICER)


async def test_not_taken_up_names_the_item_and_the_other_ways(office: Office) -> None:
    await referred(office)
    await press(office, OFFICER, "so", "refuse")
    assert "第十六条" in await said(office, OFFICER)
    await press(office, OFFICER, "so", "refuse:yes", "elsewhere")
    told = await said(office, AUNT)
    assert "不予受理" in told
    assert "第十六条" in told
    assert "别的路" in told


async def test_nobody_of_a_point_or_street_decides(office: Office) -> None:
    await press(office, TEACHER, "st")
    for what in ("accept", "refuse", "terminate", "appraise", "checked"):
        assert await press(office, TEACHER, "so", f"{what}:yes", "elsewhere") == "现在这一步做不了"
    assert await press(office, TEACHER, "sud")
    assert "还没有登记" in await press(office, TEACHER, "sol")
    assert (await now(office)).status is CaseStatus.HANDLING


async def test_down_with_a_date_and_back_with_words_while_the_clock_runs(office: Office) -> None:
    await referred(office)
    await press(office, OFFICER, "so", "accept:yes")
    await press(office, OFFICER, "sud")
    street = await office.desk(STREET)
    assert STREET in str((await office.last(OFFICER)).buttons)
    await press(office, OFFICER, "sud", street.code)
    await press(office, OFFICER, "sud", street.code, "3")
    assert "请在11月26日前" in await said(office, OTHER_GROUP)
    assert STREET in await said(office, AUNT)
    await press(office, TEACHER, "st")
    assert "上级交办" in await press(office, TEACHER, "se")
    # The day passes: both groups hear it once.
    office.clock.at = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
    async with office.rows() as session:
        timer = (await session.scalars(select(Timer).where(Timer.kind == refer.TIMER))).one()
        assert await refer.overdue(session, office.tables, timer) is TimerState.FIRED
    assert "答复的日子到了" in await said(office, BUREAU_GROUP)
    await press(office, TEACHER, "srr", value="other")
    await office.write(TEACHER, "商家两次没有来，谈不成")
    case = await now(office)
    bureau = await office.desk(BUREAU)
    assert (case.status, case.desk_id) == (CaseStatus.WAITING, bureau.id)
    await press(office, OFFICER, "st")
    await press(office, OFFICER, "sol")
    assert "1月22日" in await said(office, OFFICER), "the sixty days went on"
    assert "不予受理" not in str((await office.last(OFFICER)).buttons)


async def heard(office: Office, chat: str, day: datetime) -> list[str]:
    """What falls due by then, as a chat hears it."""
    before = len(await office.read(chat))
    office.clock.at = day.astimezone(UTC)
    await fire(office)
    return [shown.text for shown in (await office.read(chat))[before:]]


def morning(year: int, month: int, day: int, minute: int = 0) -> datetime:
    """When the office opens, in Shanghai, and so many minutes."""
    return datetime(year, month, day, 9, tzinfo=SHANGHAI) + timedelta(minutes=minute)


async def test_an_officer_is_reminded_before_a_limit_of_the_law_and_her_office_after_it(
    office: Office,
) -> None:
    await referred(office)
    # Seven working days after 23 November are over with 2 December; two before it is the 30th.
    assert not await heard(office, OFFICER, morning(2026, 11, 30, -1))
    (told,) = await heard(office, OFFICER, morning(2026, 11, 30))
    assert f"{NUMBER}：决定是否受理的法定期限到12月2日为止，还有 2 天" in told
    assert not await heard(office, BUREAU_GROUP, morning(2026, 12, 3, -1)), "she has it herself"
    before = len(await office.read(OFFICER))
    (told,) = await heard(office, BUREAU_GROUP, morning(2026, 12, 3))
    assert "决定是否受理的法定期限12月2日已经过了" in told
    assert "已经过了" in (await office.read(OFFICER))[before].text
    assert not await heard(office, OFFICER, morning(2026, 12, 4)), "once"
    for secret in ("王秀英", "13800138000", "健身房"):
        assert secret not in told


async def test_what_was_decided_in_time_is_not_reminded_of_and_an_appraisal_moves_the_day(
    office: Office,
) -> None:
    await referred(office)
    await press(office, OFFICER, "so", "accept:yes")
    assert not await heard(office, OFFICER, morning(2026, 12, 3)), "it was decided"
    await press(office, OFFICER, "so", "appraise:yes")
    office.clock.at = morning(2026, 12, 13).astimezone(UTC)
    await press(office, OFFICER, "so", "appraised:yes")
    # Sixty days after 23 November are 22 January, and ten of appraisal make 1 February; five working days before
    # that Monday is the Monday before.
    assert not await heard(office, OFFICER, morning(2027, 1, 25, -1))
    (told,) = await heard(office, OFFICER, morning(2027, 1, 25))
    assert "调解的法定期限到2月1日为止，还有 7 天" in told
    assert "估算" in told, "the holidays of 2027 are not announced"
    await press(office, OFFICER, "so", "terminate:yes", "limit")
    assert not await heard(office, BUREAU_GROUP, morning(2027, 2, 3))


async def test_the_office_is_reminded_while_a_street_has_its_case(office: Office) -> None:
    await referred(office)
    await press(office, OFFICER, "so", "accept:yes")
    street = await office.desk(STREET)
    await press(office, OFFICER, "sud", street.code, "10")
    await press(office, TEACHER, "st")
    (_, told) = await heard(office, BUREAU_GROUP, morning(2027, 1, 15))
    assert "调解的法定期限到1月22日为止" in told, "after the street's own day"
    assert "1月22日" in await said(office, TEACHER)


async def test_a_desk_that_never_answers_is_passed_by_rung_by_rung(office: Office) -> None:
    """Street, office, bureau, admins; the office stands between once the tree has one."""
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == NUMBER))).one()
        await remind.plan(session, office.tables, case)
    seen = []
    for _ in range(6):
        async with office.rows() as session:
            timer = await session.scalar(
                select(Timer).where(Timer.state == TimerState.WAITING).order_by(Timer.due_at)
            )
            assert timer is not None
            office.clock.at = max(office.clock.at, timer.due_at)
            then = await overdue(session, office.tables, timer)
            if isinstance(then, TimerState):
                timer.state = then
            else:
                timer.due_at = then
        case = await now(office)
        async with office.db.read() as session:
            desk = await session.get(Organisation, case.desk_id) if case.desk_id else None
        seen.append((timer.kind, desk.level.value if desk else "", await said(office, AUNT)))
    assert [(kind, level) for kind, level, _ in seen] == [
        (remind.DESK, "street"),
        (remind.NEXT, "bureau"),
        (remind.DESK, "bureau"),
        (remind.NEXT, ""),
        (remind.TRIAGE, ""),
        (remind.TRIAGE, ""),
    ]
    assert "已经转给浦东新区市场监督管理局" in seen[1][2]
    assert "已经转给管理人员" in seen[3][2]
    assert "消费者在等" in await said(office, BOSS)


async def test_names_stay_with_the_taker(office: Office) -> None:
    """What any group was ever shown holds nothing of the person's."""
    await referred(office)
    await press(office, OFFICER, "so", "accept:yes")
    for group in (OTHER_GROUP, BUREAU_GROUP):
        for shown in await office.read(group):
            for secret in ("王秀英", "13800138000", "健身房"):
                assert secret not in shown.text
    async with office.db.read() as session:
        actions = [e.action for e in (await session.scalars(select(Case))).one().events]
        assert Action.VIEW in actions
        assert await session.scalar(select(Account).where(Account.address == OFFICER))


async def test_a_clue_is_split_and_nobody_of_the_point_learns_of_it(office: Office) -> None:
    async with office.rows() as session:
        case = (await session.scalars(select(Case))).one()
        story = {"v": "健身房关门不退卡，我是王秀英，电话13800138000", "by": "person"}
        case.answers = {**case.answers, "story": story}
    await press(office, TEACHER, "st")
    before = len(await office.read(TEACHER)), len(await office.read(OTHER_GROUP))
    await press(office, AUNT, "tk")
    assert "第九条" in await said(office, AUNT)
    await press(office, AUNT, "tk", "unnamed")
    await press(office, AUNT, "tk", "unnamed")
    assert "已经登记过了" in await said(office, AUNT), "a second tap makes no second clue"
    async with office.db.read() as session:
        complaint, clue = await session.scalars(select(Case).order_by(Case.created_at))
        assert (clue.kind, clue.linked_id) == (CaseKind.CLUE, complaint.id)
        assert "13800138000" not in str(clue.answers)
        assert "王秀英" not in str(clue.answers)
        assert "健身房关门不退卡" in str(clue.answers)
        token = clue.token
        assert all(clue.number not in str(event.details) for event in complaint.events)
    assert (len(await office.read(TEACHER)), len(await office.read(OTHER_GROUP))) == before
    card = await said(office, BUREAU_GROUP)
    assert "线索" in card
    await office.write(OFFICER, press=Press("st", token), chat=BUREAU_GROUP)
    assert "12月14日前核查" in await said(office, AUNT), "fifteen working days"
    for shown in await office.read(OFFICER):
        assert "王秀英" not in shown.text
    # It never goes down, and closes only with what was found.
    assert await office.write(OFFICER, press=Press("sud", token)) == "这个按钮已经过期"
    assert await office.write(OFFICER, press=Press("se", token))
    # Three working days before 14 December.
    assert not await heard(office, OFFICER, morning(2026, 12, 9, -1))
    (told,) = await heard(office, OFFICER, morning(2026, 12, 9))
    assert "核查线索的法定期限到12月14日为止" in told
    await office.write(OFFICER, press=Press("so", token, "extend:yes"))
    assert not await heard(office, BUREAU_GROUP, morning(2026, 12, 15)), "fifteen more"
    await office.write(OFFICER, press=Press("so", token, "checked:yes", 0, "filed_case"))
    assert "已另行立案" in await said(office, AUNT)


async def test_a_clue_is_given_to_no_street(office: Office) -> None:
    street = await office.desk(STREET)
    async with office.rows() as session:
        clue = (await session.scalars(select(Case))).one()
        clue.kind = CaseKind.CLUE
        with pytest.raises(NotPossible):
            await hand_over.give(session, office.tables, clue, street)
        await session.rollback()


async def test_the_third_person_about_one_merchant_is_told_once(office: Office) -> None:
    names = ("力健健身（川沙店）", "力健健身有限公司", "力健健身", "上海力健健身店")
    for number, name in enumerate(names, 2):
        await office.write(f"tg:20{number}", "/start")
        await office.case(f"PD261123-000{number}", desk=STREET, merchant=name)
        async with office.rows() as session:
            case = await session.scalar(select(Case).where(Case.number == f"PD261123-000{number}"))
            owner = await session.scalar(select(Account).where(Account.address == f"tg:20{number}"))
            assert case is not None
            assert owner is not None
            case.account_id = owner.id
            await group_event.watch(session, office.tables, case)
    for group in (OTHER_GROUP, BUREAU_GROUP):
        told = [s.text for s in await office.read(group) if "投诉同一商家" in s.text]
        assert len(told) == 1
        assert "有 3 个人" in told[0]
        assert "力健" not in told[0]
    assert any("力健健身" in shown.text for shown in await office.read(BOSS))


async def test_many_complaints_are_shown_to_the_officer_alone(office: Office) -> None:
    for number in range(2, 12):
        await office.case(f"PD261123-{number:04}", desk=STREET)
    await referred(office)
    assert any("第十七条" in shown.text for shown in await office.read(OFFICER))
    for other in (AUNT, TEACHER, BUREAU_GROUP, OTHER_GROUP):
        assert not any("第十七条" in shown.text for shown in await office.read(other))
