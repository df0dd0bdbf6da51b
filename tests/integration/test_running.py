"""Running it by menu: people and their rights, promises and limits, the audit, exports, offices, the digest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from bot.services import accounts
from bot.services.admin import confirm_law, digest, take_out
from bot.services.network import load_register
from bot.services.privacy import audit
from models.delivery import Outbox, OutboxState, Timer
from models.lifecycle import CaseStatus
from models.network import Level, Organisation, Staff
from models.party import Account, Restriction
from models.privacy import Act, Audit
from models.warning import Burst
from tests.integration.admin_office import AUNT, BOSS, TEACHER, Office, opened

SECOND = "tg:2"
NUMBER = "PD261123-0001"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path, demo=True) as office:
        await office.appoint(BOSS)
        yield office


async def account(office: Office, who: str) -> Account:
    async with office.db.read() as session:
        found = await accounts.by_address(session, who)
        assert found is not None
        return found


async def second_admin(office: Office) -> None:
    """An admin whom the settings do not name."""
    await office.write(SECOND, "/start")
    async with office.rows() as session:
        one = await accounts.by_address(session, SECOND)
        assert one is not None
        one.is_admin = True


async def acts(office: Office, *wanted: Act) -> list[str]:
    async with office.db.read() as session:
        found = await session.scalars(
            select(Audit).where(Audit.act.in_([a.value for a in wanted])).order_by(Audit.seq)
        )
        return [f"{line.act}:{line.details.get('how', '')}" for line in found]


async def restrict(office: Office, kind: str, reason: str = "辱骂", days: str = "7 天") -> None:
    await office.case(NUMBER, desk="花木街道")
    await office.tap_menu("人员与权限")
    await office.write(BOSS, NUMBER)
    await office.tap(BOSS, kind)
    await office.tap(BOSS, reason)
    await office.tap(BOSS, days)
    await office.tap(BOSS, f"确定{kind}")


# Ban and mute


async def test_a_banned_person_is_told_why_and_until_when_and_help_stays_open(
    office: Office,
) -> None:
    await restrict(office, "封禁")
    told = (await office.last(AUNT)).text
    for words in ("暂停使用", "2026-11-30", "辱骂", "申诉"):
        assert words in told
    before = len(await office.read(AUNT))
    await office.write(AUNT, "我要投诉健身房不退卡")
    assert "暂停使用" in (await office.last(AUNT)).text
    await office.write(AUNT, "/emergency")
    assert "110" in (await office.last(AUNT)).text
    await office.write(AUNT, "/hotlines")
    assert "12315" in (await office.last(AUNT)).text
    await office.write(AUNT, "/mydata")
    assert "我的数据" in (await office.last(AUNT)).text
    await office.write(AUNT, "/status")
    assert NUMBER in (await office.last(AUNT)).text
    await office.write(AUNT, "我不想活了")
    assert any("12356" in shown.text for shown in (await office.read(AUNT))[before:])
    assert await acts(office, Act.RESTRICT) == ["restrict:"]


async def test_the_admin_sees_no_name_of_a_consumer(office: Office) -> None:
    await office.case(NUMBER, desk="花木街道")
    await office.write(AUNT, "/start")
    await office.tap_menu("人员与权限")
    await office.write(BOSS, NUMBER)
    card = (await office.last(BOSS)).text
    assert "消费者" in card
    assert "王" not in card


async def test_a_ban_ends_by_itself(office: Office) -> None:
    await restrict(office, "封禁", days="1 天")
    office.clock.at += timedelta(days=1, minutes=1)
    await office.write(AUNT, "/start")
    assert "诉达" in (await office.last(AUNT)).text


async def test_an_appeal_is_answered_by_another_admin_and_only_once(office: Office) -> None:
    await second_admin(office)
    await restrict(office, "封禁")
    await office.tap(AUNT, "申诉")
    await office.write(AUNT, "我没有骂人，是孩子拿了手机")
    assert "孩子拿了手机" in (await office.last(SECOND)).text
    assert all("孩子拿了手机" not in shown.text for shown in await office.read(BOSS))
    grant = await office.button(SECOND, "解除")
    assert "另一位" in await office.tap(BOSS, "", old=grant)
    await office.tap(SECOND, "", old=grant)
    assert "恢复" in (await office.last(AUNT)).text
    await office.write(AUNT, "/start")
    assert "诉达" in (await office.last(AUNT)).text
    assert "处理过" in await office.tap(SECOND, "", old=grant)
    assert await acts(office, Act.APPEAL) == ["appeal:asked", "appeal:granted"]


async def test_an_appeal_refused_leaves_the_ban_and_cannot_be_made_again(office: Office) -> None:
    await restrict(office, "封禁")
    ask = await office.button(AUNT, "申诉")
    await office.tap(AUNT, "", old=ask)
    await office.write(AUNT, "弄错了")
    await office.tap(BOSS, "维持")  # she is the only admin
    assert "12345" in (await office.last(AUNT)).text
    await office.tap(AUNT, "", old=ask)
    assert "申诉已经收到" in (await office.last(AUNT)).text
    async with office.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Restriction)) == 1


async def test_who_is_muted_does_all_but_write_to_staff(office: Office) -> None:
    await restrict(office, "静音")
    async with office.rows() as session:
        one = await accounts.by_address(session, AUNT)
        assert one is not None
        one.awaiting = {"verb": "talk", "case": ""}
    await office.write(AUNT, "你们什么时候办")
    assert "不会转给工作人员" in (await office.last(AUNT)).text
    await office.write(AUNT, "/start")
    await office.tap(AUNT, "我要投诉")
    assert "不会转给" not in (await office.last(AUNT)).text


# Admins


async def test_a_second_admin_is_made_with_a_typed_word_and_a_third_by_another(
    office: Office,
) -> None:
    await office.write(SECOND, "/start")
    await office.tap_menu("人员与权限")
    await office.write(BOSS, "2")
    await office.tap(BOSS, "请他做管理员")
    assert not (await account(office, SECOND)).is_admin
    await office.write(BOSS, "好")
    assert "只发" in (await office.last(BOSS)).text
    await office.write(BOSS, "确认")
    assert (await account(office, SECOND)).is_admin
    assert "您现在是管理员" in (await office.last(SECOND)).text

    await office.tap_menu("人员与权限")
    await office.tap(BOSS, "邀请一位管理员")
    link = (await office.last(BOSS)).text.partition("start=")[2].split()[0]
    await office.write(AUNT, f"/start {link}")
    assert not (await account(office, AUNT)).is_admin
    yes = await office.button(SECOND, "同意")
    assert "不能由您" in await office.tap(BOSS, "", old=yes)
    assert "只给管理员" in await office.tap(AUNT, "", old=yes)
    await office.tap(SECOND, "", old=yes)
    assert (await account(office, AUNT)).is_admin
    assert "处理过" in await office.tap(SECOND, "", old=yes)
    await office.write(TEACHER, f"/start {link}")
    assert not (await account(office, TEACHER)).is_admin


async def test_the_last_admin_and_those_of_the_settings_stay(office: Office) -> None:
    await office.tap_menu("人员与权限")
    await office.tap(BOSS, "管理员老周")
    await office.tap(BOSS, "撤掉管理员")
    assert "ADMIN_IDS" in (await office.last(BOSS)).text
    office.tables = replace(office.tables, admins=frozenset())
    await office.tap(BOSS, "撤掉管理员")
    assert "最后一位" in (await office.last(BOSS)).text
    assert (await account(office, BOSS)).is_admin


async def test_an_admin_is_unmade_and_banned_only_by_two(office: Office) -> None:
    await second_admin(office)
    await office.write("tg:3", "/start")
    async with office.rows() as session:
        third = await accounts.by_address(session, "tg:3")
        assert third is not None
        third.is_admin = True
    await office.tap_menu("人员与权限")
    await office.write(BOSS, "2")
    await office.tap(BOSS, "封禁")
    await office.tap(BOSS, "冒充")
    await office.tap(BOSS, "1 天")
    await office.tap(BOSS, "确定封禁")
    assert (await account(office, SECOND)).restricted_until is None
    await office.tap("tg:3", "同意")
    assert (await account(office, SECOND)).restricted_until is not None
    await office.tap_menu("人员与权限")
    await office.write(BOSS, "2")
    await office.tap(BOSS, "撤掉管理员")
    await office.tap("tg:3", "不同意")
    assert (await account(office, SECOND)).is_admin
    assert "没有同意" in (await office.last(BOSS)).text


async def test_staff_are_moved_with_what_they_hold_put_back(office: Office) -> None:
    await office.enlist("花木街道", TEACHER)
    await office.case(NUMBER, desk="花木街道")
    async with office.rows() as session:
        from models.case import Case
        from models.lifecycle import Action

        case = (await session.scalars(select(Case))).one()
        teacher = await accounts.by_address(session, TEACHER)
        assert teacher is not None
        case.apply(Action.TAKE, at=office.clock.at, by=teacher.id)
        case.taker_id = teacher.id
    await office.tap_menu("人员与权限")
    await office.write(BOSS, "李老师")
    await office.tap(BOSS, "调到别的单位")
    await office.write(BOSS, "塘桥街道")
    await office.tap(BOSS, "塘桥街道")
    async with office.db.read() as session:
        now = (await session.scalars(select(Staff).where(Staff.left_at.is_(None)))).all()
        assert [one.organisation_id for one in now] == [(await office.desk("塘桥街道")).id]
        case = (await session.scalars(select(Case))).one()
        assert case.taker_id is None
        assert case.status is not CaseStatus.HANDLING
    assert "塘桥街道" in (await office.last(TEACHER)).text


# Promises and limits


async def change(office: Office, value: str) -> None:
    await office.tap_menu("承诺与限额")
    await office.tap(BOSS, "答应消费者的时限")
    await office.tap(BOSS, "办结后多少天里可以请求再办")
    await office.tap(BOSS, "改这个数字")
    await office.write(BOSS, value)


async def test_a_limit_is_changed_within_bounds_seen_live_and_taken_back(office: Office) -> None:
    assert office.tables.policy.reopen_days == 30
    await change(office, "3650")
    assert "7 到 365" in (await office.last(BOSS)).text
    await office.write(BOSS, "六十")
    assert "7 到 365" in (await office.last(BOSS)).text
    await office.write(BOSS, "60")
    assert "30 天 → 60 天" in (await office.last(BOSS)).text
    await office.tables.limits.refresh(office.db)
    assert office.tables.policy.reopen_days == 30, "nothing holds before it is kept"
    keep = await office.button(BOSS, "就这样改")
    await office.tap(BOSS, "", old=keep)
    await office.tables.limits.refresh(office.db)
    assert office.tables.policy.reopen_days == 60
    assert office.tables.policy.take_hours == office.tables.limits.packaged.take_hours
    await office.tap(BOSS, "", old=keep)  # a doubled tap
    await office.tap_menu("承诺与限额")
    await office.tap(BOSS, "退回上一版")
    assert "60 天 → 30 天" in (await office.last(BOSS)).text
    await office.tap(BOSS, "确认退回")
    await office.tables.limits.refresh(office.db)
    assert office.tables.policy.reopen_days == 30
    async with office.db.read() as session:
        lines = await session.scalars(select(Audit).where(Audit.act == Act.LIMIT.value))
        assert [(line.details.get("old"), line.details.get("new")) for line in lines] == [
            (30, 60),
            (None, None),
        ]


async def test_what_was_checked_long_ago_is_told_once_a_week(office: Office) -> None:
    office.tables = replace(office.tables, demo=False)
    timer = Timer(about_id=uuid4(), kind=confirm_law.TIMER, due_at=office.clock.at)
    before = len(await office.read(BOSS))
    async with office.rows() as session:
        due = await confirm_law.report(session, office.tables, timer)
    assert len(await office.read(BOSS)) == before, "nothing is overdue, nothing is said"
    assert due > office.clock.at
    office.clock.at += timedelta(days=200)
    async with office.rows() as session:
        await confirm_law.report(session, office.tables, timer)
        await confirm_law.report(session, office.tables, timer)
    assert len(await office.read(BOSS)) == before + 1
    await office.tap(BOSS, "去核对")
    old = int((await office.last(BOSS)).text.partition("有 ")[2].split()[0])
    first = next(iter((await office.last(BOSS)).buttons))
    await office.tap(BOSS, first)
    await office.tap(BOSS, "我看过原文")
    await office.tap(BOSS, "过期（")
    assert old
    assert first not in (await office.last(BOSS)).buttons


async def test_limits_and_texts_of_the_staff_are_looked_through_like_the_law(
    office: Office,
) -> None:
    office.tables = replace(office.tables, demo=False)
    timer = Timer(about_id=uuid4(), kind=confirm_law.TIMER, due_at=office.clock.at)
    office.clock.at += timedelta(days=200)
    await office.tap_menu("常用话")
    assert "核对日期 2026-11-23" in (await office.last(BOSS)).text
    await office.tap(BOSS, "我核对过")
    assert f"{office.clock.at:%Y-%m-%d} 核对过" in (await office.last(BOSS)).text
    async with office.rows() as session:
        await confirm_law.report(session, office.tables, timer)
    told = await office.last(BOSS)
    assert "承诺与限额，上次核对 2026-11-23" in told.text
    assert "常用话" not in told.text, "it was looked through just now"
    await office.tap(BOSS, "承诺与限额")
    await office.tap(BOSS, "我核对过")
    office.clock.at += timedelta(days=190)
    async with office.rows() as session:
        await confirm_law.report(session, office.tables, timer)
    told = await office.last(BOSS)
    assert told.text.count("上次核对") == 2
    await office.tap(BOSS, "常用话")
    assert "出处" in (await office.last(BOSS)).text


# The audit and exports


async def test_the_audit_is_searched_by_case_and_act_and_searching_is_a_line(
    office: Office,
) -> None:
    await restrict(office, "封禁")
    await office.tap_menu("审计查询")
    await office.write(BOSS, "1001")
    found = (await office.last(BOSS)).text
    assert "封禁与静音" in found
    assert "管理员老周 1" in found
    await office.tap(BOSS, "按行为找")
    await office.tap(BOSS, "工作人员加入")
    assert "没有找到" in (await office.last(BOSS)).text
    await office.write(BOSS, "昨天吧")
    assert "没有认出来" in (await office.last(BOSS)).text
    await office.write(BOSS, "2020-01-01 2020-02-01")
    assert "0 条" in (await office.last(BOSS)).text
    async with office.db.read() as session:
        searches = await session.scalar(
            select(func.count()).select_from(Audit).where(Audit.act == Act.SEARCH.value)
        )
        assert searches == 4
        assert not (await audit.verify(session)).wrong


async def test_tables_are_taken_out_as_an_errand_and_everything_by_two(office: Office) -> None:
    await second_admin(office)
    await office.case(NUMBER, desk="花木街道")
    await office.tap_menu("导出表格")
    await office.tap(BOSS, "最近 30 天的案件")
    assert "已经在做" in await office.tap(BOSS, "最近 30 天的案件")
    await office.tap(BOSS, "全部（")
    async with office.db.read() as session:
        assert await session.scalar(_owed()) == 1
    await office.tap(SECOND, "同意")
    made: list[tuple[str, int]] = []
    kept: dict[str, bytes] = {}

    class Drawer:
        async def put(self, key: str, content: bytes) -> None:
            kept[key] = content

        async def get(self, key: str) -> bytes:
            return kept[key]

        async def drop(self, key: str) -> None:
            del kept[key]

    async def write(headings: object, rows: object) -> bytes:
        table = list(rows)  # type: ignore[call-overload]
        made.append((str(headings), len(table)))
        assert "王秀英" not in str(table)
        assert "13800138000" not in str(table)
        return b"x"

    work = take_out.exporter(office.db, office.tables, Drawer(), write)
    async with office.db.read() as session:
        owed = (await session.scalars(select(Outbox).where(Outbox.kind == take_out.ERRAND))).all()
    assert len(owed) == 2
    for row in owed:
        finish = await work(row.payload)
        assert finish is not None
        async with office.rows() as session:
            await finish(session)
    assert [count for _, count in made] == [1, 1, len(office.tables.register.points), 0]
    assert len(kept) == 4
    assert "3 个" in (await office.last(BOSS)).text
    async with office.db.read() as session:
        lines = (await session.scalars(select(Audit).where(Audit.act == Act.EXPORT.value))).all()
    assert [(line.about, bool(line.details["second"])) for line in lines] == [
        ("table:cases_month", False),
        ("table:all", True),
    ]


def _owed() -> object:
    return select(func.count()).select_from(Outbox).where(Outbox.kind == take_out.ERRAND)


# Offices


async def test_an_office_is_added_to_a_running_installation(office: Office) -> None:
    await office.tap_menu("市场监管所")
    await office.tap(BOSS, "新设一个")
    await office.write(BOSS, "花木街道")
    assert "已经有一个" in (await office.last(BOSS)).text
    await office.write(BOSS, "花木市场监督管理所")
    await office.tap(BOSS, "负责的街镇")
    while "▫️ 花木街道" not in (await office.last(BOSS)).buttons:
        await office.tap(BOSS, "下一页")
    await office.tap(BOSS, "花木街道")
    assert "✅ 花木街道" in (await office.last(BOSS)).buttons
    await office.tables.network.refresh(office.db)
    street = office.tables.register.named("花木街道")[0]
    over = office.tables.register.get(street.parent_code or "")
    assert over is not None
    assert (over.level, over.name) == ("office", "花木市场监督管理所")
    async with office.db.read() as session:
        row = (
            await session.scalars(select(Organisation).where(Organisation.level == Level.OFFICE))
        ).one()
        assert await load_register.version(session) >= 2
    await office.tap(BOSS, "✅ 花木街道")
    await office.tables.network.refresh(office.db)
    assert office.tables.register.named("花木街道")[0].parent_code != row.code


# The digest


async def test_the_digest_tells_a_street_its_own_and_nothing_when_there_is_nothing(
    office: Office,
) -> None:
    await office.enlist("花木街道", TEACHER)
    office.tables = replace(office.tables, demo=False)
    timer = Timer(about_id=uuid4(), kind=digest.TIMER, due_at=office.clock.at)

    async def send() -> None:
        async with office.rows() as session:
            for row in await session.scalars(select(Outbox)):
                row.state = OutboxState.SENT
            due = await digest.send(session, office.tables, timer)
            assert due > office.clock.at

    quiet = len(await office.read(TEACHER)), len(await office.read(BOSS))
    await send()
    assert (len(await office.read(TEACHER)), len(await office.read(BOSS))) == quiet
    await office.case(NUMBER, desk="花木街道")
    await office.case("PD261123-0002")
    async with office.rows() as session:
        day = office.clock.at.date()
        found = {"since": day, "until": day, "people": 8, "expected": 0.2, "chance": 0.001}
        session.add(Burst(object="food", street_code="", found_at=office.clock.at, **found))
    await send()
    mine = (await office.last(TEACHER)).text
    assert "新登记 1 件" in mine
    assert "等人接单 1 件" in mine
    assert "待分派" not in mine
    everything = (await office.last(BOSS)).text
    assert "新登记 2 件" in everything
    assert "待分派：1 件" in everything
    assert "投诉突增：1 处" in everything
    assert "投诉突增" not in mine
    await office.tap(TEACHER, "不要每日简报")
    seen = len(await office.read(TEACHER))
    office.clock.at += timedelta(days=1)
    await send()
    assert len(await office.read(TEACHER)) == seen
