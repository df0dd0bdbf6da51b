"""The books: what is counted, how long it took, that chat, workbook and plain SQL agree, and who may do what."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters import charts, fonts, workbook
from bot.adapters.database import Database
from bot.bench import district
from bot.figures import periods
from bot.figures.plots import Bars, Bubbles, Trend
from bot.figures.tally import COUNTED
from bot.ports import Attachment, Press
from bot.services import accounts
from bot.services.books import count, draw_pictures, fill_workbook, rate_points, write_up
from bot.services.privacy import audit
from bot.services.privacy.erase import erase
from models.books import (
    AppealState,
    CaseFigure,
    Outcome,
    RatingAppeal,
    RatingRow,
    WorkEntry,
    WorkPlan,
)
from models.case import Case, CaseKind
from models.lifecycle import Action, CaseStatus
from models.network import Level, LiaisonPoint, Organisation
from models.party import Account
from models.privacy import Act, Audit, Rule
from tests.integration.admin_office import (
    AUNT,
    BOSS,
    GROUP,
    TEACHER,
    Hands,
    Office,
    opened,
    tables_of,
)
from tests.integration.test_staff import COLLEAGUE, OTHER, POINT, STRANGER, STREET

SECOND = "tg:9"
YEAR = periods.year(2026)
PHOTO = Attachment("photo", "file-1", "unique-1")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A street with a group, two points of which COLLEAGUE and STRANGER are staff, an admin and a second."""
    async with opened(tmp_path) as office:
        await office.appoint()
        await office.bind(STREET)
        await office.enlist(POINT, COLLEAGUE)
        await office.enlist(OTHER, STRANGER)
        await office.appoint(SECOND)
        office.tables = replace(office.tables, operator="浦东某单位", basis="单独同意")
        yield office


async def fill(office: Office, cases: int, most: int = 12) -> None:
    """A made-up year at the first points of the network."""
    dice = Random(3)
    async with office.rows() as session:
        points = await district.points_of(session, dice, most)
        await district.add_cases(session, dice, points, YEAR.first.year, cases)
        await district.add_work(session, dice, points, YEAR.first.year, 5)
    async with office.rows() as session:
        assert await write_up.catch_up(session, office.tables) == 0


async def bureau_of(session: AsyncSession) -> Organisation:
    return (
        await session.scalars(select(Organisation).where(Organisation.level == Level.BUREAU))
    ).one()


PLAIN = """
SELECT count(*) AS received, sum(status = 'settled' OR result = 'advice_given') AS solved,
       sum(coalesce(returned_fen, 0)) AS fen, sum(kind = 'complaint') AS complaints
FROM case_file AS one
WHERE filed_at >= :first AND filed_at < :after AND status <> 'merged'
  AND NOT (kind = 'consult' AND EXISTS (
    SELECT 1 FROM case_file AS other WHERE other.account_id = one.account_id
      AND other.kind = 'consult' AND date(other.filed_at, '+8 hours') = date(one.filed_at, '+8 hours')
      AND (other.filed_at, other.id) < (one.filed_at, one.id)))
"""


async def plain(session: AsyncSession, period: periods.Period, more: str = "") -> dict[str, int]:
    """The same asked of the cases themselves, in SQL that knows nothing of the books."""
    local = timedelta(hours=8)
    bounds = {
        "first": str(datetime.combine(period.first, datetime.min.time()) - local),
        "after": str(datetime.combine(period.after().first, datetime.min.time()) - local),
    }
    row = (await session.execute(text(PLAIN + more), bounds)).one()
    return {key: int(value or 0) for key, value in row._mapping.items()}


async def test_chat_workbook_and_plain_sql_say_the_same(office: Office) -> None:
    await fill(office, 200)
    await office.write(BOSS, press=Press("si"))
    march = periods.month(2026, 3)
    for period in (YEAR, march):
        async with office.db.read() as session:
            bureau = await bureau_of(session)
            pages = await fill_workbook.pages(session, office.tables, bureau, period)
            wanted = await plain(session, period)
        assert wanted["received"] > 10
        await office.write(BOSS, press=Press("si", "", "", 1, f"{period.code}.{bureau.serial}.0"))
        told = (await office.last(BOSS)).text
        found = re.search(r"登记 ([\d,]+) 件：投诉 ([\d,]+)", told)
        solved = re.search(r"已解决 ([\d,]+)", told)
        money = re.search(r"退给消费者 ([\d,.]+)元", told)
        assert found
        assert solved
        assert money
        chat = {
            "received": int(found[1].replace(",", "")),
            "solved": int(solved[1].replace(",", "")),
            "fen": round(float(money[1].replace(",", "")) * 100),
            "complaints": int(found[2].replace(",", "")),
        }
        assert chat == wanted
        book = load_workbook(io.BytesIO(workbook.workbook(pages)))
        assert book.sheetnames == [page.name for page in pages]
        for page in pages[:6]:
            head = [cell.value for cell in book[page.name][3]]
            rows = list(book[page.name].iter_rows(min_row=4, values_only=True))
            for name, column in (
                ("received", "登记"),
                ("solved", "已解决"),
                ("complaints", "投诉"),
            ):
                cells = [int(str(row[head.index(column)])) for row in rows]
                assert sum(cells[:-1]) == cells[-1] == wanted[name], (page.name, name)
            yuan = [float(str(row[head.index("退回金额（元）")])) for row in rows]
            assert round(sum(yuan[:-1]) * 100) == round(yuan[-1] * 100) == wanted["fen"]


async def test_every_breakdown_in_chat_adds_up_and_leads_down(office: Office) -> None:
    await fill(office, 120)
    async with office.db.read() as session:
        bureau = await bureau_of(session)
        wanted = await plain(session, YEAR)
    for by in ("desk", "type", "object", "nature"):
        received, page, last = 0, 0, 0
        while page <= last:
            value = f"2026.{bureau.serial}.{page}"
            await office.write(BOSS, press=Press("si", "", by, 1, value))
            shown = (await office.last(BOSS)).text
            received += sum(int(n) for n in re.findall(r"　登记 (\d+)", shown))
            pages = re.search(r"共 (\d+) 页", shown)
            last, page = int(pages[1]) - 1 if pages else 0, page + 1
        assert received == wanted["received"], by
    await office.write(BOSS, press=Press("si", "", "desk", 1, f"2026.{bureau.serial}.0"))
    street = next(label for label in (await office.last(BOSS)).buttons if label.endswith("▸"))
    await office.tap(BOSS, street)
    assert street.removesuffix(" ▸") in (await office.last(BOSS)).text
    await office.tap(BOSS, "按单位")
    assert any(label.endswith("▸") for label in (await office.last(BOSS)).buttons)


async def figures(office: Office, number: str) -> Sequence[CaseFigure]:
    async with office.rows() as session:
        await write_up.catch_up(session, office.tables)
        found = await session.scalars(
            select(CaseFigure)
            .join(Case, Case.id == CaseFigure.case_id)
            .where(Case.number == number)
            .order_by(CaseFigure.id)
        )
        return found.all()


async def waits(office: Office, number: str, desk: Organisation, **fields: Any) -> None:
    """A case of AUNT's that was handed to a desk."""
    await office.case(number, **fields)
    to = {"details": {"code": desk.code}, "desk_id": desk.id}
    await happens(office, number, office.clock.at, Action.HAND_OVER, **to)


async def happens(office: Office, number: str, at: datetime, action: Action, **fields: Any) -> None:
    """An event at a time, as its use case writes it."""
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
        case.apply(action, at=at, by=fields.pop("by", None), details=fields.pop("details", None))
        for name, value in fields.items():
            setattr(case, name, value)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An hour of Shanghai's in November 2026, whose 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


async def test_times_are_office_time_without_what_the_consumer_was_asked(office: Office) -> None:
    office.clock.at = at(20, 16)  # A Friday, an hour before the office closes.
    await waits(office, "PD-1", await office.desk(POINT))
    await happens(office, "PD-1", at(23, 10), Action.TAKE)
    await happens(office, "PD-1", at(23, 11), Action.ASK)
    await happens(office, "PD-1", at(24, 15), Action.ANSWER)
    done = at(24, 16, 30)
    await happens(
        office, "PD-1", done, Action.SETTLE, result="settled", closed_at=done, returned_fen=500
    )
    for score, aspect in ((1, "solved"), (3, "manner"), (3, "solved")):
        details = {"aspect": aspect, "score": score}
        await happens(office, "PD-1", at(25, 9), Action.RATE, details=details)
    (one,) = await figures(office, "PD-1")
    assert (one.day, one.held, one.outcome) == (date(2026, 11, 20), True, Outcome.SOLVED)
    assert one.take_minutes == 60 + 60, "Friday's last hour and Monday's first"
    assert one.prompt is True
    assert one.handle_minutes == 60 + 90
    assert (one.rate_sum, one.rate_count, one.returned_fen) == (6, 2, 500)


async def test_a_desk_that_gives_a_case_away_is_counted_so(office: Office) -> None:
    desk, other = await office.desk(POINT), await office.desk(OTHER)
    for number, reason, outcome in (
        ("PD-1", "return.busy", Outcome.RETURNED),
        ("PD-2", "return.conflict", Outcome.RECUSED),
    ):
        office.clock.at = at(23, 10)
        await waits(office, number, desk)
        details = {"code": desk.code, "reason": {"say": reason, "args": {}}}
        await happens(office, number, at(23, 11), Action.SEND_BACK, details=details, desk_id=None)
        given = {"code": other.code}
        await happens(office, number, at(23, 12), Action.HAND_OVER, details=given, desk_id=other.id)
        first, second = await figures(office, number)
        assert (first.desk_id, first.held, first.outcome) == (desk.id, False, outcome)
        assert first.prompt is False
        assert (second.desk_id, second.held, second.outcome) == (other.id, True, Outcome.OPEN)
    async with office.rows() as session:
        formula = rate_points.load()
        work = await rate_points.works(session, office.tables, YEAR, formula)
    assert (work[desk.id].failed, work[desk.id].handed) == (1, 1), "a recusal counts nowhere"


async def test_what_nobody_took_in_time_and_what_she_chose_otherwise(office: Office) -> None:
    desk, other = await office.desk(POINT), await office.desk(OTHER)
    office.clock.at = at(23, 10)
    for number in ("PD-1", "PD-2"):
        await waits(office, number, desk)
    to = {"details": {"code": other.code}, "desk_id": other.id}
    async with office.rows() as session:
        aunt = await accounts.by_address(session, AUNT)
        assert aunt is not None
    await happens(office, "PD-1", at(25, 10), Action.HAND_OVER, **to)
    await happens(office, "PD-2", at(23, 11), Action.HAND_OVER, by=aunt.id, **to)
    late, held = await figures(office, "PD-1")
    assert (late.desk_id, late.outcome, late.prompt) == (desk.id, Outcome.MOVED, False)
    assert held.held
    (chosen,) = await figures(office, "PD-2")
    assert chosen.desk_id == other.id, "her own choice is nobody's fault"


async def test_one_person_s_consultations_of_a_day_count_once(office: Office) -> None:
    for number, day in (("PD-1", 23), ("PD-2", 23), ("PD-3", 24)):
        office.clock.at = at(day, 10)
        await office.case(number, desk=POINT, kind=CaseKind.CONSULT)
    async with office.rows() as session:
        await write_up.catch_up(session, office.tables)
        told = await count.total(session, periods.month(2026, 11), await bureau_of(session))
    assert (told.received, told.consults, told.complaints) == (2, 2, 0)


async def test_a_case_that_goes_on_is_written_up_anew_and_an_erased_one_stays_counted(
    office: Office,
) -> None:
    office.clock.at = at(23, 10)
    await office.case("PD-1", desk=POINT)
    assert (await figures(office, "PD-1"))[0].outcome is Outcome.OPEN
    now = at(23, 11)
    await happens(office, "PD-1", now, Action.WITHDRAW, closed_at=now)
    async with office.rows() as session:
        cases = (await session.scalars(select(Case))).all()
        await erase(session, office.tables, cases, Rule.ASKED, audit.BOT)
    async with office.db.read() as session:
        (left,) = (await session.scalars(select(CaseFigure))).all()
    assert (left.case_id, left.outcome) == (None, Outcome.WITHDRAWN)


async def test_staff_see_their_own_desk_and_what_is_below_and_nobody_else_anything(
    office: Office,
) -> None:
    point, street = await office.desk(POINT), await office.desk(STREET)
    async with office.db.read() as session:
        bureau = await bureau_of(session)
    for who, desk, allowed in (
        (COLLEAGUE, point, True),
        (COLLEAGUE, street, False),
        (TEACHER, street, True),
        (TEACHER, point, True),
        (TEACHER, bureau, False),
        (AUNT, point, False),
        (BOSS, bureau, True),
    ):
        for question in ("", "desk", "object", "xlsx", "pictures", "late", "range"):
            value = f"2026.{desk.serial}.0"
            toast = await office.write(who, press=Press("si", "", question, 1, value))
            assert ("只有本单位" in toast) is not allowed, (who, desk.name, question, toast)
    await office.write(COLLEAGUE, "/staff")
    await office.tap(COLLEAGUE, "📊 报表")
    assert POINT in (await office.last(COLLEAGUE)).text
    assert "按单位" not in (await office.last(COLLEAGUE)).buttons


async def entries(office: Office) -> Sequence[WorkEntry]:
    async with office.db.read() as session:
        return (await session.scalars(select(WorkEntry).order_by(WorkEntry.made_at))).all()


async def test_three_taps_record_and_a_second_one_records_nothing(office: Office) -> None:
    await office.write(COLLEAGUE, "/staff")
    await office.tap(COLLEAGUE, "📒 记台账")
    await office.tap(COLLEAGUE, "培训")
    await office.tap(COLLEAGUE, "20")
    done = await office.button(COLLEAGUE, "不附照片")
    await office.tap(COLLEAGUE, "", old=done)
    assert await office.tap(COLLEAGUE, "", old=done) == "这一笔已经记过了"
    (one,) = await entries(office)
    assert (one.kind, one.count, one.day) == ("training", 20, date(2026, 11, 23))
    undo = await office.button(COLLEAGUE, "撤销这一笔")
    await office.tap(COLLEAGUE, "", old=undo)
    assert await office.tap(COLLEAGUE, "", old=undo) == "已撤销"
    (one,) = await entries(office)
    assert one.undone_at is not None
    async with office.db.read() as session:
        found = await count.works(session, YEAR, await bureau_of(session))
    assert not found


async def test_a_typed_number_another_day_and_a_photo(office: Office) -> None:
    await office.write(COLLEAGUE, press=Press("sh"))
    await office.tap(COLLEAGUE, "宣传资料")
    for wrong in ("很多", "0", "9999999"):
        await office.write(COLLEAGUE, wrong)
        assert "1 到" in (await office.last(COLLEAGUE)).text
    await office.write(COLLEAGUE, "350份")
    await office.tap(COLLEAGUE, "改日期")
    for wrong in ("明天", "去年", "哪天都行"):
        await office.write(COLLEAGUE, wrong)
        assert "看不懂这个日期" in (await office.last(COLLEAGUE)).text
    await office.write(COLLEAGUE, "11月3日")
    await office.write(COLLEAGUE, "照片在别处")
    assert "不附照片" in (await office.last(COLLEAGUE)).text
    await office.write(COLLEAGUE, files=(PHOTO,))
    (one,) = await entries(office)
    assert (one.count, one.day, one.photo) == (350, date(2026, 11, 3), "file-1")
    await office.write(COLLEAGUE, press=Press("sh"))
    await office.tap(COLLEAGUE, "讲座/活动")
    await office.write(COLLEAGUE, "取消")
    assert "什么都没有记" in (await office.last(COLLEAGUE)).text
    assert len(await entries(office)) == 1


async def test_in_a_group_any_colleague_goes_on_and_a_stranger_does_not(office: Office) -> None:
    await office.write(TEACHER, chat=GROUP, press=Press("sh"))
    training = await office.button(GROUP, "培训")
    assert training.press is not None
    assert (
        await office.write(AUNT, chat=GROUP, press=training.press)
        == "只有本单位和上级单位的工作人员能看、能记。"
    )
    await office.write(TEACHER, chat=GROUP, press=training.press)
    fifty = await office.button(GROUP, "50")
    await office.write(TEACHER, chat=GROUP, press=fifty.press)
    no_photo = await office.button(GROUP, "不附照片")
    await office.write(TEACHER, chat=GROUP, press=no_photo.press)
    (one,) = await entries(office)
    assert (one.count, one.desk_id) == (50, (await office.desk(STREET)).id)


async def test_a_plan_is_set_checked_done_and_its_street_sees_what_is_late(office: Office) -> None:
    point, street = await office.desk(POINT), await office.desk(STREET)
    value = f"2026-11.{point.serial}.0"
    await office.write(COLLEAGUE, press=Press("si", "", "", 1, value))
    await office.tap(COLLEAGUE, "🎯 定下月计划")
    await office.tap(COLLEAGUE, "80%")
    await office.write(COLLEAGUE, "少")
    assert "4 到" in (await office.last(COLLEAGUE)).text
    await office.write(COLLEAGUE, "请店长每周来一次例会")
    await office.write(COLLEAGUE, "上周")
    assert "看不懂" in (await office.last(COLLEAGUE)).text
    await office.tap(COLLEAGUE, "11月30日")
    async with office.db.read() as session:
        (plan,) = (await session.scalars(select(WorkPlan))).all()
    assert (plan.month, plan.target_percent, plan.action, plan.due_on) == (
        date(2026, 12, 1),
        80,
        "请店长每周来一次例会",
        date(2026, 11, 30),
    )
    late = Press("si", "", "late", 1, f"2026-11.{street.serial}.0")
    await office.write(TEACHER, press=late)
    assert "没有过了日期" in (await office.last(TEACHER)).text
    office.clock.at += timedelta(days=10)
    await office.write(TEACHER, press=late)
    assert POINT in (await office.last(TEACHER)).text
    await office.write(COLLEAGUE, press=Press("si", "", "", 1, f"2026-12.{point.serial}.0"))
    assert "本月目标：解决率 80%" in (await office.last(COLLEAGUE)).text
    await office.tap(COLLEAGUE, "✅ 做完了")
    await office.write(TEACHER, press=late)
    assert "没有过了日期" in (await office.last(TEACHER)).text


async def tiers(office: Office) -> dict[str, str | None]:
    async with office.db.read() as session:
        found = await session.execute(select(LiaisonPoint.name, LiaisonPoint.tier))
        return dict(found.all())


async def test_a_rating_is_simulated_adopted_by_two_seen_and_appealed(office: Office) -> None:
    dice = Random(5)
    async with office.rows() as session:
        points = [p for p in await district.points_of(session, dice) if p.code]
        mine = (await office.desk(POINT)).code
        chosen = [replace(p, good=0.97) for p in points if p.code == mine]
        await district.add_cases(session, dice, chosen, 2026, 60)
    before = await tiers(office)
    await office.tap_menu("账本与评定")
    await office.tap(BOSS, "评定")
    await office.tap(BOSS, "试算 2026 年评定")
    shown = (await office.last(BOSS)).text
    assert "参评 1 个" in shown
    assert POINT in shown
    assert await tiers(office) == before, "a simulation changes nothing"
    await office.tap(BOSS, "请第二位管理员复核")
    own = await office.button(SECOND, "同意采用")
    assert own.press is not None
    assert await office.write(BOSS, press=own.press) == "要由另一位管理员来复核"
    assert await tiers(office) == before
    await office.tap(SECOND, "同意采用")
    assert await office.write(SECOND, press=own.press) == "已采用"
    after = await tiers(office)
    assert after[POINT] not in {None, "", before[POINT]}
    assert {name: tier for name, tier in after.items() if name != POINT} == {
        name: tier for name, tier in before.items() if name != POINT
    }
    async with office.db.read() as session:
        frozen = await session.scalar(select(func.count()).select_from(RatingRow))
        acts = (await session.scalars(select(Audit.act))).all()
    assert frozen == len(office.tables.register.points)
    assert acts.count(Act.RATING) == 2
    await office.write(COLLEAGUE, "/staff")
    await office.tap(COLLEAGUE, "本点评定")
    seen = (await office.last(COLLEAGUE)).text
    for words in ("总分", "解决率", "按时接单", "消费者打分", "教育活动", "怎样提高"):
        assert words in seen
    await office.tap(COLLEAGUE, "申诉")
    await office.write(COLLEAGUE, "短")
    await office.write(COLLEAGUE, "三月的讲座没有记进台账，有照片可以补。")
    await office.tap(BOSS, "调整等级")
    await office.tap(BOSS, "优秀")
    await office.write(BOSS, "补记属实，按优秀定级。")
    assert "等级改为 优秀" in (await office.last(COLLEAGUE)).text
    assert (await tiers(office))[POINT] == "excellent"
    serial = str((await office.desk(POINT)).serial)
    again = await office.write(COLLEAGUE, press=Press("sir", "", "appeal", 0, serial))
    assert again == "申诉已经处理过：已调整"
    async with office.db.read() as session:
        (appeal,) = (await session.scalars(select(RatingAppeal))).all()
    assert (appeal.state, appeal.reason) == (AppealState.CHANGED, "补记属实，按优秀定级。")
    assert await office.write(STRANGER, press=Press("sir", "", "", 0, serial)) != ""


async def test_pictures_show_what_is_counted_and_are_drawn_large_enough(office: Office) -> None:
    await fill(office, 120)
    async with office.db.read() as session:
        made = await draw_pictures.pictures(session, office.tables, await bureau_of(session), YEAR)
        wanted = await plain(session, YEAR)
    course, objects, desks, map_ = made
    assert isinstance(course, Trend)
    assert isinstance(objects, Bars)
    assert isinstance(desks, Bars)
    assert isinstance(map_, Bubbles)
    assert sum(value for _, value, _ in desks.rows) == wanted["received"]
    assert map_.mark == "示意图"
    from PIL import Image

    font = fonts.find_font()
    for picture in made:
        image = Image.open(io.BytesIO(charts.png(picture, font)))
        assert image.width == 1080
        assert 250 < image.height < 2400
    assert min(charts.TITLE, charts.LABEL, charts.SMALL) >= 24


async def test_two_processes_write_a_case_up_once(db: Database) -> None:
    """Both look at the same moment, on one file and on a server."""
    clock = Hands()
    tables, now = tables_of(clock, demo=False), clock.now()
    async with db.write() as session:
        person = Account(address=AUNT, created_at=now, seen_at=now, is_admin=False)
        session.add(person)
        await session.flush()
        session.add(
            Case(
                number="PD-20261123-00001",
                status=CaseStatus.TRIAGE,
                kind=CaseKind.COMPLAINT,
                account_id=person.id,
                created_at=now,
                touched_at=now,
                filed_at=now,
            )
        )

    async def look() -> None:
        async with db.write() as session:
            await write_up.catch_up(session, tables)

    async with db.write() as session:
        await write_up.catch_up(session, tables)
        other = asyncio.create_task(look())
        await asyncio.wait({other}, timeout=1)
    await other
    async with db.read() as session:
        assert await session.scalar(select(func.count()).select_from(CaseFigure)) == 1


@pytest.mark.parametrize("by", ["all", "desk", "object", "nature", "month", "facets"])
async def test_minutes_come_out_of_either_database_whole(db: Database, by: str) -> None:
    """Only of what was received; a group without any has none."""
    day, minutes = date(2026, 11, 23), [(1, 5, None), (1, 90, 480), (1, None, 3), (0, 7, 7)]
    async with db.write() as session:
        session.add(Organisation(name="市局", code="bureau", level=Level.BUREAU, serial=1))
        await session.flush()
        session.add_all(
            CaseFigure(
                held=True,
                day=day,
                part="case",
                object="food",
                nature="quality",
                outcome=Outcome.OPEN,
                take_minutes=take,
                handle_minutes=handle,
                **dict.fromkeys(COUNTED, 0) | {"received": received},
            )
            for received, take, handle in minutes
        )
        session.add(
            CaseFigure(
                held=True,
                day=day + timedelta(days=1),
                part="case",
                object="apparel",
                nature="price",
                outcome=Outcome.OPEN,
                **dict.fromkeys(COUNTED, 0) | {"received": 1},
            )
        )
    async with db.read() as session:
        bureau = await session.scalar(select(Organisation).where(Organisation.code == "bureau"))
        assert bureau is not None
        found = await count.tallies(session, periods.month(2026, 11), bureau, by, times=True)
    assert sum(one.received for one in found.values()) == 4
    told = sorted((sorted(one.take), sorted(one.handle)) for one in found.values())
    few = [] if by in {"all", "desk", "month"} else [([], [])]
    assert told == [*few, ([5, 90], [3, 480])]
