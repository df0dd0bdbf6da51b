"""Events: the last place goes to one, who waits moves up, who came is counted once; staff hold their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import fires
from bot.ports import Press
from bot.services.queue.timers import Scanner
from bot.texts.catalogue import say
from models.books import WorkEntry, WorkKind
from models.outreach import Activity, ActivityState, Notice, NoticeState, SignUp, SignUpState
from tests.integration.admin_office import AUNT, BOSS, TEACHER, Office, opened

UNCLE = "tg:1003"
STREET = "花木街道"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        await office.appoint()
        await office.enlist(STREET)
        yield office


async def made(office: Office, places: int = 1) -> Activity:
    """An event of the street's, tomorrow at ten, made by its staff."""
    await office.write(TEACHER, press=Press("uo"))
    await office.tap(TEACHER, f"办一场（{STREET}）")
    for said in ("防骗讲座", "文化中心", "明天 10:00", str(places)):
        await office.write(TEACHER, said)
    return await the_event(office)


async def the_event(office: Office) -> Activity:
    async with office.rows() as session:
        return (await session.scalars(select(Activity))).one()


async def press(office: Office, who: str, verb: str, act: str, event: Activity) -> str:
    return await office.write(who, press=Press(verb, question=act, value=event.id.hex))


async def states(office: Office) -> list[SignUpState]:
    async with office.rows() as session:
        return list(await session.scalars(select(SignUp.state).order_by(SignUp.at)))


async def test_of_two_who_want_the_last_place_one_waits_and_moves_up(office: Office) -> None:
    event = await made(office)
    got = await asyncio.gather(*(press(office, who, "ue", "join", event) for who in (AUNT, UNCLE)))
    assert sorted(got) == ["已候补", "报名成功"]
    going, waiting = (AUNT, UNCLE) if got[0] == "报名成功" else (UNCLE, AUNT)
    assert "已经报过名" in await press(office, going, "ue", "join", event)
    assert await press(office, going, "ue", "leave", event) == "已取消报名"
    assert "有位子了" in (await office.last(waiting)).text
    assert "不在名单" in await press(office, going, "ue", "leave", event)
    assert await press(office, going, "ue", "join", event) == "已候补"


async def test_who_came_is_counted_once_with_or_without_a_name_on_the_list(office: Office) -> None:
    event = await made(office)
    await press(office, AUNT, "ue", "join", event)
    await office.write(UNCLE, f"/start ev_{event.code}")
    assert "不能签到" in (await office.last(UNCLE)).text
    office.clock.at = event.starts_at
    for who in (AUNT, UNCLE, AUNT):
        await office.write(who, f"/start ev_{event.code}")
    assert "已经签到过" in (await office.last(AUNT)).text
    await press(office, TEACHER, "uo", "count", event)
    await office.write(TEACHER, "很多")
    assert "请写一个数" in (await office.last(TEACHER)).text
    await office.write(TEACHER, "25")
    office.clock.at += timedelta(hours=13)
    await Scanner(office.db, office.clock, fires(office.tables)).drain_once()
    event = await the_event(office)
    assert (event.state, event.came, event.walk_ins) == (ActivityState.HELD, 2, 25)
    async with office.rows() as session:
        (line,) = await session.scalars(select(WorkEntry))
        assert (line.desk_id, line.kind, line.count) == (event.desk_id, WorkKind.LECTURE, 27)
    office.clock.at += timedelta(days=30)
    await Scanner(office.db, office.clock, fires(office.tables)).drain_once()
    assert await states(office) == [], "names are of no more use then"
    assert (await the_event(office)).came == 2


async def test_the_reminder_goes_to_who_has_a_place_and_follows_another_time(
    office: Office,
) -> None:
    event = await made(office, places=2)
    await press(office, AUNT, "ue", "join", event)
    await press(office, TEACHER, "uo", "starts", event)
    await office.write(TEACHER, "后天 10:00")
    assert "改了时间" in (await office.last(AUNT)).text
    timers = Scanner(office.db, office.clock, fires(office.tables))
    office.clock.at = event.starts_at - timedelta(hours=1)
    await timers.drain_once()
    assert "快到了" not in (await office.last(AUNT)).text
    office.clock.at = event.starts_at + timedelta(minutes=1)
    await timers.drain_once()
    assert "快到了" in (await office.last(AUNT)).text


async def test_staff_announce_theirs_to_their_street_after_an_admins_yes(office: Office) -> None:
    event = await made(office)
    await press(office, TEACHER, "uo", "announce", event)
    assert "没有这样的人" in (await office.last(TEACHER)).text
    await office.write(AUNT, "/subscribe")
    await office.write(UNCLE, "/subscribe")
    code = (await office.desk(STREET)).code
    await office.write(AUNT, press=Press("us", question="street", value=code))
    await press(office, TEACHER, "uo", "announce", event)
    assert "现在有 1 人" in (await office.last(TEACHER)).text
    await office.tap(TEACHER, "请管理员同意")
    await office.tap(BOSS, "同意发送")
    assert list((await office.last(AUNT)).buttons) == ["我要报名", "退订"]
    async with office.rows() as session:
        notice = (
            await session.scalars(select(Notice).where(Notice.state == NoticeState.SENDING))
        ).one()
        assert notice.total == 1
    assert "正在发送" in await press(office, TEACHER, "uo", "announce", event)


async def test_nobody_else_steers_an_event(office: Office) -> None:
    event = await made(office)
    await press(office, AUNT, "ue", "join", event)
    refused = office.tables.texts.plain(say("toast.not_yours_to_manage"))
    for act in ("open", "list", "code", "cancel_yes", "held", "announce", "starts", "count"):
        assert await press(office, UNCLE, "uo", act, event) == refused, act
    async with office.rows() as session:
        row = (await session.scalars(select(SignUp))).one()
    tick = Press("uo", question="came", value=row.id.hex)
    assert await office.write(UNCLE, press=tick) == refused
    assert (await the_event(office)).came == 0
    assert (await the_event(office)).state is ActivityState.OPEN


async def test_what_is_called_off_is_told_and_takes_nobody_in(office: Office) -> None:
    event = await made(office)
    await press(office, AUNT, "ue", "join", event)
    await press(office, TEACHER, "uo", "cancel", event)
    await office.tap(TEACHER, "取消，告诉大家")
    assert "取消了" in (await office.last(AUNT)).text
    assert "已取消" in await press(office, UNCLE, "ue", "join", event)
    assert await states(office) == [SignUpState.GOING]
