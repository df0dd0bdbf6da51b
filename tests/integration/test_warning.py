"""Early warning on a real database: who hears of a burst, who may turn it into an alert, who reads names, how a
firm becomes public."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.figures import rules
from bot.figures.hot import Filed
from bot.ports import Press
from bot.services.warning import watch_bursts
from bot.services.warning.watch_bursts import by_week
from models.case import Case, CaseKind
from models.delivery import Timer
from models.lifecycle import CaseStatus
from models.network import Office as MarketOffice
from models.network import Organisation
from models.outreach import Notice, NoticeState
from models.party import Account
from models.privacy import Act, Audit
from models.warning import Burst, Release, ReleaseState
from tests.integration.admin_office import AUNT, BOSS, GROUP, Office, opened
from tests.past_cases import past_cases

STREET, TOWN, BUREAU = "花木街道", "川沙新镇", "浦东新区市场监督管理局"
CARD = "预付卡、会员卡"
TEACHER, TOWNS, OFFICER, SECOND = "tg:1002", "tg:1003", "tg:1004", "tg:1005"


@pytest.fixture(name="office")
async def warned_office(tmp_path: Path) -> AsyncIterator[Office]:
    """A street with a group, another town with staff of its own, two officers of the bureau, an old case."""
    async with opened(tmp_path) as office:
        await office.appoint()
        await office.bind(STREET)
        await office.enlist(TOWN, TOWNS)
        await office.enlist(BUREAU, OFFICER, SECOND)
        await filed(office, "食品烟酒", TOWN, 80)
        yield office


async def filed(
    office: Office, what: str, street: str, days: float, people: int = 1, **fields: object
) -> None:
    async with office.rows() as session:
        await past_cases(
            session, office.clock.at - timedelta(days=days), what, street, people, **fields
        )


async def morning(office: Office, days: int = 0) -> None:
    """The watch looks, so many days later."""
    office.clock.at += timedelta(days=days)
    async with office.rows() as session:
        await watch_bursts.look(session, office.tables, Timer())


async def told(office: Office, who: str) -> int:
    return sum("投诉突增" in shown.text for shown in await office.read(who))


async def burst(office: Office) -> Burst:
    async with office.db.read() as session:
        return (await session.scalars(select(Burst))).one()


async def acts(office: Office, act: Act) -> list[str]:
    async with office.db.read() as session:
        found = await session.scalars(select(Audit).where(Audit.act == act).order_by(Audit.seq))
        return [str(line.details.get("what")) for line in found]


async def test_a_burst_is_told_once_to_the_street_and_above_and_not_to_others(
    office: Office,
) -> None:
    await filed(office, CARD, STREET, 3, 8)
    await morning(office)
    assert await told(office, GROUP) == 1
    assert await told(office, OFFICER) == 1, "the bureau has no group: its staff are told"
    assert await told(office, BOSS) == 1
    assert await told(office, TOWNS) == 0
    assert await told(office, AUNT) == 0
    await filed(office, CARD, STREET, 0.5, 3)
    await morning(office, days=1)
    assert await told(office, GROUP) == 1, "still the same burst"
    rest = rules.load().burst.rest_days
    office.clock.at += timedelta(days=rest)
    await filed(office, CARD, STREET, 1, 30)
    await morning(office, days=1)
    assert await told(office, GROUP) == 2


async def test_a_look_that_was_missed_is_made_up_for_and_not_at_night(office: Office) -> None:
    waiting = select(Timer.due_at).where(Timer.kind == watch_bursts.TIMER)
    async with office.rows() as session:
        await watch_bursts.plan(session, office.tables)
        due = await session.scalar(waiting)
    assert due == datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    office.clock.at = due + timedelta(hours=14)
    await filed(office, CARD, STREET, 3, 8)
    async with office.rows() as session:
        await watch_bursts.plan(session, office.tables)
        assert await session.scalar(waiting) == due, "still the one that was missed"
        then = await watch_bursts.look(session, office.tables, Timer())
    assert then == datetime(2026, 11, 25, 0, 0, tzinfo=UTC), "eight in the morning"
    assert await told(office, BOSS) == 0


async def test_eight_complaints_of_one_person_are_no_burst(office: Office) -> None:
    await filed(office, CARD, STREET, 3)
    async with office.rows() as session:
        newest = select(Account.id).order_by(Account.created_at.desc()).limit(1)
        one = await session.scalar(newest)
    await filed(office, CARD, STREET, 3, 8, account_id=one)
    await morning(office)
    assert await told(office, BOSS) == 0


async def test_a_young_installation_knows_no_usual_number(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        await office.appoint()
        await filed(office, CARD, STREET, 20)
        await filed(office, CARD, STREET, 3, 30)
        await morning(office)
        assert await told(office, BOSS) == 0


def test_a_week_begins_and_ends_at_midnight() -> None:
    until = datetime(2026, 11, 23, 16, tzinfo=UTC)
    instant = timedelta(microseconds=1)
    weekly = by_week(
        [
            (until - instant, Filed("food", "a", 1, None)),
            (until - timedelta(days=7), Filed("food", "a", 2, None)),
            (until - timedelta(days=7) - instant, Filed("food", "", 3, None)),
            (until - timedelta(days=21), Filed("food", "b", 4, None)),
        ],
        until,
        2,
    )
    assert weekly == {
        ("food", "a"): [0, 0, 2],
        ("food", "b"): [1, 0, 0],
        ("food", ""): [1, 1, 2],
    }


async def subscribed(office: Office) -> None:
    """A reader who chose the street of the burst."""
    await office.write(AUNT, "/subscribe")
    async with office.rows() as session:
        reader = (await session.scalars(select(Account).where(Account.address == AUNT))).one()
        reader.street_code = (await session.scalars(select(Burst))).one().street_code


async def test_an_alert_is_for_the_streets_own_staff_and_once(office: Office) -> None:
    await filed(office, CARD, STREET, 3, 8)
    await morning(office)
    row = await burst(office)
    send = Press("wa", "", "send", 0, row.id.hex)
    refused = office.tables.texts.raw("toast.not_staff")
    assert await office.write(AUNT, press=send) == refused
    assert await office.write(TOWNS, press=send) == refused
    await office.write(AUNT, "/subscribe")
    assert "没有人会收到" in await office.write(TEACHER, press=send)
    await subscribed(office)
    await office.write(TEACHER, press=send)
    assert await office.write(OFFICER, press=send) == office.tables.texts.raw("alert.already")
    assert await office.tap(TEACHER, "停下") == ""
    await office.write(OFFICER, press=send)
    await office.tap(BOSS, "同意发送")
    async with office.db.read() as session:
        states = (await session.scalars(select(Notice.state).order_by(Notice.created_at))).all()
    assert states == [NoticeState.DROPPED, NoticeState.SENDING]


async def test_an_alert_wants_enough_people_and_somebody_to_look_at_it(office: Office) -> None:
    await filed(office, CARD, STREET, 3, 8)
    await morning(office)
    await subscribed(office)
    send = Press("wa", "", "send", 0, (await burst(office)).id.hex)
    async with office.rows() as session:
        boss = (await session.scalars(select(Account).where(Account.address == BOSS))).one()
        boss.is_admin = False
    office.tables = replace(office.tables, admins=frozenset())
    nobody = office.tables.texts.raw("alert.nobody_to_ask")
    assert await office.write(TEACHER, press=send) == nobody
    async with office.rows() as session:
        (await session.scalars(select(Burst))).one().people = 4
    assert "不到 5 个" in await office.write(TEACHER, press=send)


async def propose(office: Office, who: str, name: str = "上海力奔健身有限公司") -> None:
    await office.write(who, press=Press("wr", "", "new"))
    await office.write(who, name)
    await office.write(who, "收取预付款后停业，未退款")
    await office.write(who, "示例决定书1号")
    await office.tap(who, "交第二个人复核")


async def state(office: Office) -> ReleaseState:
    async with office.db.read() as session:
        return (await session.scalars(select(Release.state))).one()


async def test_a_firm_is_public_after_two_officers_and_no_sooner(office: Office) -> None:
    await propose(office, OFFICER)
    own = await office.button(OFFICER, "收回")
    assert own.press is not None
    yes = Press("wr", "", "yes", 0, own.press.value)
    assert await office.write(OFFICER, press=yes) == office.tables.texts.raw("release.own")
    assert await office.write(TEACHER, press=yes) == office.tables.texts.raw("toast.not_staff")
    assert await office.write(AUNT, press=yes) == office.tables.texts.raw("toast.not_staff")
    await office.write(AUNT, press=Press("lh", "", "named"))
    assert "力奔" not in (await office.last(AUNT)).text
    await office.tap(SECOND, "同意公布")
    again = await office.write(BOSS, press=yes)
    assert again == office.tables.texts.raw("release.state_shown")
    await office.write(AUNT, press=Press("lh", "", "named"))
    assert "力奔" in (await office.last(AUNT)).text
    await office.write(BOSS, press=Press("wr", "", "gone", 0, own.press.value))
    await office.write(AUNT, press=Press("lh", "", "named"))
    assert "力奔" not in (await office.last(AUNT)).text
    assert await state(office) is ReleaseState.WITHDRAWN
    assert await acts(office, Act.RELEASE) == ["ask", "show", "down"]


async def test_a_no_says_why_and_what_is_personal_is_not_taken(office: Office) -> None:
    await office.write(OFFICER, press=Press("wr", "", "new"))
    await office.write(OFFICER, "力奔健身")
    await office.write(OFFICER, "老板电话13800138000，关门了")
    assert "不能有个人信息" in (await office.last(OFFICER)).text
    await office.write(OFFICER, "取消")
    await propose(office, OFFICER)
    await office.tap(SECOND, "不同意")
    await office.write(SECOND, "还没有立案，等决定书")
    assert "还没有立案" in (await office.last(OFFICER)).text
    assert await state(office) is ReleaseState.REFUSED
    assert await acts(office, Act.RELEASE) == ["ask", "refuse"]


async def test_names_are_read_by_officers_of_the_area_and_each_look_is_on_record(
    office: Office,
) -> None:
    rule = rules.load().names
    await filed(office, CARD, STREET, 3, 2, merchant="悦动健身")
    await filed(office, CARD, STREET, 4, 1, merchant="跃动健身")
    await filed(office, CARD, STREET, rule.days + 1, 5, merchant="陈年旧店")
    show = Press("wn")
    assert await office.write(TEACHER, press=show) == office.tables.texts.raw("toast.not_staff")
    assert not await acts(office, Act.NAMES)
    await office.write(OFFICER, press=show)
    text = (await office.last(OFFICER)).text
    assert "悦动健身：2 件" in text
    assert "跃动健身：1 件" in text
    assert "陈年旧店" not in text
    await office.tap(OFFICER, "把两个写法算一家")
    await office.write(OFFICER, "跃动健身=悦动健身")
    await office.write(OFFICER, press=show)
    assert "悦动健身：3 件，3 人" in (await office.last(OFFICER)).text
    assert await acts(office, Act.NAMES) == ["list", "alias", "list"]


async def test_an_office_reads_the_names_of_its_own_streets(office: Office) -> None:
    async with office.rows() as session:
        town = (await session.scalars(select(Organisation).where(Organisation.name == TOWN))).one()
        last = await session.scalar(select(func.max(Organisation.serial))) or 0
        over = MarketOffice(code="o1", name="川沙所", parent_id=town.parent_id, serial=last + 1)
        session.add(over)
        await session.flush()
        town.parent_id = over.id
    await office.enlist("川沙所", "tg:1006")
    await filed(office, CARD, STREET, 3, 2, merchant="悦动健身")
    await filed(office, CARD, TOWN, 3, 2, merchant="阿婆面馆")
    await filed(office, CARD, "", 3, 2, merchant="某某网店")
    await office.write("tg:1006", press=Press("wn"))
    text = (await office.last("tg:1006")).text
    assert "阿婆面馆" in text
    assert "悦动健身" not in text
    assert "某某网店" not in text


async def test_the_hot_list_counts_people_who_complain_and_stands_still_for_a_day(
    office: Office,
) -> None:
    await filed(office, CARD, STREET, 2, 4)
    await filed(office, CARD, STREET, 2, 4, status=CaseStatus.WITHDRAWN)
    await filed(office, CARD, STREET, 2, 4, kind=CaseKind.CLUE)
    await filed(office, CARD, STREET, 0.01, 4)
    hot = Press("lh")
    await office.write(AUNT, press=hot)
    assert "都不到 5 人" in (await office.last(AUNT)).text
    office.clock.at += timedelta(days=1)
    await office.write(AUNT, press=hot)
    assert "5 人以上" in (await office.last(AUNT)).text


async def test_words_of_danger_are_no_search(office: Office) -> None:
    office.tables = replace(office.tables, operator="浦东某单位", basis="单独同意")
    await office.write(AUNT, press=Press("lc", "", "find"))
    await office.write(AUNT, "钱都没了，我不想活了")
    texts = " ".join(shown.text for shown in await office.read(AUNT))
    assert "找到" not in texts
    assert "12356" in texts


async def test_what_was_searched_for_is_not_kept(office: Office) -> None:
    await office.write(AUNT, press=Press("lc", "", "find"))
    await office.write(AUNT, "押金")
    assert any("押金" in label for label in (await office.last(AUNT)).buttons)
    async with office.db.read() as session:
        aunt = (await session.scalars(select(Account).where(Account.address == AUNT))).one()
        assert aunt.awaiting is None


async def test_a_story_typed_there_may_be_filed_but_nothing_is_kept_in_trial(
    office: Office,
) -> None:
    async def search() -> object:
        await office.write(AUNT, press=Press("lc", "", "find"))
        await office.write(AUNT, "健身房办的年卡，店关门了，还剩三千块没退")
        async with office.db.read() as session:
            aunt = (await session.scalars(select(Account).where(Account.address == AUNT))).one()
            return aunt.awaiting

    assert await search() is None
    assert not any("登记投诉" in label for label in (await office.last(AUNT)).buttons)
    office.tables = replace(office.tables, operator="浦东某单位", basis="单独同意")
    assert await search() is not None
    await office.tap(AUNT, "就用这段话登记投诉")
    assert "替您记着" in (await office.last(AUNT)).text


async def test_cards_fit_a_case_of_ones_own_only(office: Office) -> None:
    await office.write(AUNT, "/start")
    await office.case("PD-20261123-00001", desk=STREET)
    async with office.db.read() as session:
        token = await session.scalar(select(Case.token).where(Case.number == "PD-20261123-00001"))
    fit = Press("lc", token or "", "fit")
    await office.write(AUNT, press=fit)
    assert any("办卡" in label for label in (await office.last(AUNT)).buttons)
    assert await office.write(TEACHER, press=fit) == office.tables.texts.raw("toast.stale")


@pytest.mark.parametrize(
    "value", ["", "x", "1.2.3", "1.9.0.1", "1.0.5.1", "1.0.0.0.0", "9999999.0.0.1", "-1.0.0.1"]
)
async def test_a_forged_answer_of_the_quiz_is_stale(office: Office, value: str) -> None:
    for question in ("answer", "next"):
        toast = await office.write(AUNT, press=Press("lz", "", question, 0, value))
        stale = office.tables.texts.raw("toast.stale")
        assert toast == stale or (question == "next" and value == "1.2.3")
