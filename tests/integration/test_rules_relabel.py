"""Staff correct a category; the consumer is told, and admins are offered the words."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.ports import Press
from models.case import Case
from models.lifecycle import Action
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office, opened
from tests.integration.durable import walk
from tests.integration.test_rules_admin import run_errands

STORY = "王秀英在川沙的星光舞蹈房交了钱学编钟，排箫也是骗人的，老师跑了，电话 13800138000"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path, demo=True) as office:
        await office.appoint()
        await office.bind("花木街道")
        yield office


async def taken(office: Office, number: str, story: str = STORY) -> None:
    """A case of AUNT's that TEACHER has taken."""
    await office.case(number, desk="花木街道")
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
        case.answers = {
            **case.answers,
            "story": {"v": story, "by": "person"},
            "merchant": {"v": "星光舞蹈房", "by": "person"},
        }
        token = case.token
    await office.write(TEACHER, chat=GROUP, press=Press("st", token))


async def relabel(office: Office, group: str, name: str) -> str:
    await office.tap(TEACHER, "改类别")
    await office.tap(TEACHER, group)
    return await office.tap(TEACHER, name)


async def the_case(office: Office, number: str = "PD-1") -> Case:
    async with office.db.read() as session:
        return (await session.scalars(select(Case).where(Case.number == number))).one()


async def told(office: Office, who: str) -> str:
    return (await office.last(who)).text


async def test_the_consumer_is_told_who_changed_what_to_what(office: Office) -> None:
    await taken(office, "PD-1")
    await office.tap(TEACHER, "改类别")
    assert "现在的类别是“预付卡、会员卡”" in await told(office, TEACHER)
    await office.tap(TEACHER, "服务")
    assert await office.tap(TEACHER, "教育培训") == "已改类别"
    case = await the_case(office)
    assert case.object == "education"
    event = case.events[-1]
    assert event.action is Action.RELABEL
    assert (event.details["from"], event.details["to"]) == ("prepaid_card", "education")
    assert event.was is event.status is case.status
    words = await told(office, AUNT)
    assert "PD-1" in words
    assert "李老师" in words
    assert "从“预付卡、会员卡”改成“教育培训”" in words
    assert "不用再填" in words
    assert "从“预付卡、会员卡”改成“教育培训”" in await told(office, TEACHER)
    assert "教育培训" in await told(office, GROUP)
    await office.tap(AUNT, "查进度")
    assert "李老师把类别从“预付卡、会员卡”改成“教育培训”" in await told(office, AUNT)


async def test_another_authority_is_named_with_its_door(office: Office) -> None:
    await taken(office, "PD-1")
    await relabel(office, "服务", "教育培训")
    assert "另有部门" not in await told(office, AUNT)
    await relabel(office, "金融", "银行服务")
    words = await told(office, AUNT)
    assert "另有部门管" in words
    assert "12378" in words


def test_a_migrated_database_takes_every_action(tmp_path: Path) -> None:
    walk(f"sqlite:///{tmp_path}/migrated.db")
    with closing(sqlite3.connect(tmp_path / "migrated.db")) as database:
        (table,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'event'").fetchone()
    assert [action for action in Action if f"'{action}'" not in table] == []


async def test_the_same_category_changes_nothing(office: Office) -> None:
    await taken(office, "PD-1")
    before = len(await office.read(AUNT))
    assert "没有改" in await relabel(office, "服务", "预付卡、会员卡")
    assert len(await office.read(AUNT)) == before
    assert Action.RELABEL not in [event.action for event in (await the_case(office)).events]


async def test_only_the_taker_may(office: Office) -> None:
    await taken(office, "PD-1")
    token = (await the_case(office)).token
    press = Press("sl", token, "code", 0, "education")
    for who in (AUNT, BOSS, "tg:1099"):
        assert await office.write(who, press=press) != "已改类别"
    assert (await the_case(office)).object == "prepaid_card"
    await office.write(TEACHER, press=Press("sl", token, "code", 0, "no_such_code"))
    assert (await the_case(office)).object == "prepaid_card"


async def test_a_case_given_back_is_relabelled_no_more(office: Office) -> None:
    await taken(office, "PD-1")
    await office.tap(TEACHER, "改类别")
    await office.tap(TEACHER, "服务")
    late = await office.button(TEACHER, "教育培训")
    await office.tap(TEACHER, "退回")
    await office.tap(TEACHER, "不属本职")
    assert await office.tap(TEACHER, "", old=late) != "已改类别"
    assert (await the_case(office)).object == "prepaid_card"


async def suggestions(office: Office) -> str:
    await office.tap_menu("词表建议")
    await run_errands(office)
    return await told(office, BOSS)


async def test_the_words_of_relabelled_stories_are_proposed_without_the_person(
    office: Office,
) -> None:
    for number in ("PD-1", "PD-2"):
        await taken(office, number)
        await relabel(office, "服务", "教育培训")
    words = await suggestions(office)
    assert "改了 2 件的类别" in words
    assert "“预付卡、会员卡”→“教育培训”：2 件" in words
    assert "编钟（2 件" in words
    shown = words + "".join((await office.last(BOSS)).buttons)
    for private in ("王秀英", "13800138000", "星光", "舞蹈房", "川沙"):
        assert private not in shown
    await office.tap(BOSS, "编钟→教育培训")
    assert "“编钟”对“教育培训”有多大分量" in await told(office, BOSS)
    await office.tap(BOSS, "强")
    await office.write(BOSS, "交了钱学编钟，老师跑了")
    await office.write(BOSS, "工作人员常改")
    await run_errands(office)
    await office.tables.classifier.refresh(office.db)
    assert office.tables.classifier.number == 1
    assert "编钟" not in await suggestions(office)


async def test_only_the_last_week_and_only_what_stayed_changed_is_proposed(office: Office) -> None:
    assert "没有人改过类别" in await suggestions(office)
    await taken(office, "PD-1")
    await relabel(office, "服务", "教育培训")
    await relabel(office, "服务", "预付卡、会员卡")
    assert "没有人改过类别" in await suggestions(office)
    await taken(office, "PD-2")
    await relabel(office, "服务", "旅游出行")
    assert "“旅游出行”：1 件" in await suggestions(office)
    office.clock.at += timedelta(days=8)
    assert "没有人改过类别" in await suggestions(office)
