"""A joint complaint beyond its play: the code as people type it, two representatives, the end of a code, and what
officers and operators are told of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.ports import Press
from bot.services.admin import export_cases
from bot.services.consumer import joint
from models.case import Case
from models.joint import Joint, JointPart
from models.lifecycle import Action
from models.party import Account
from tests.integration.admin_office import AUNT, OTHER_GROUP, TEACHER, Office, opened
from tests.integration.test_chain import BUREAU_GROUP, OFFICER, STREET, papers, peopled, referred

PEOPLE = {AUNT: "PD261123-0001", "tg:2001": "PD261123-0002", "tg:2002": "PD261123-0003"}
SECOND, THIRD, LATE = "tg:2001", "tg:2002", "tg:2003"
NAMES = {SECOND: "张建国", THIRD: "李月"}
CODE = re.compile(r"邀请码 ([A-Z0-9]{5}-[A-Z0-9]{5}) ")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Three people who each have a case about the same thing; AUNT has the code of a joint complaint."""
    async with opened(tmp_path) as office:
        await peopled(office)
        office.tables = replace(office.tables, operator="浦东某单位", basis="单独同意")
        for who, number in PEOPLE.items():
            await office.write(who, "/start")
            await office.case(number, desk=STREET)
            async with office.rows() as session:
                case = (await session.scalars(select(Case).where(Case.number == number))).one()
                account = await session.scalar(select(Account).where(Account.address == who))
                assert account is not None
                case.account_id = account.id
                case.merchant = "力健健身"
                if who in NAMES:
                    case.answers = {**case.answers, "name": {"v": NAMES[who], "by": "person"}}
        yield office


async def of(office: Office, number: str) -> Case:
    async with office.db.read() as session:
        return (await session.scalars(select(Case).where(Case.number == number))).one()


async def press(office: Office, who: str, question: str = "", value: str = "") -> str:
    """Her own button 和别人一起投诉, or one behind it."""
    case = await of(office, PEOPLE[who])
    return await office.write(who, press=Press(joint.VERB, case.token, question, 0, value))


async def begun(office: Office) -> str:
    """AUNT begins one; the code as she reads it."""
    await press(office, AUNT, "begin", "named")
    return read_code(await said(office, AUNT))


def read_code(text: str) -> str:
    found = CODE.search(text)
    assert found, text
    return found[1]


async def said(office: Office, who: str) -> str:
    return (await office.last(who)).text


async def brought(office: Office, code: str, *who: str) -> None:
    """They type the code and bring the case that each has."""
    for person in who:
        await office.write(person, code)
        await office.tap(person, f"把我的 {PEOPLE[person]} 加进去")


async def inside(office: Office) -> set[str]:
    """Who is in, by the number of her case."""
    async with office.db.read() as session:
        found = await session.scalars(
            select(Case.number)
            .join(JointPart, JointPart.case_id == Case.id)
            .where(JointPart.left_at.is_(None))
        )
        return {number or "" for number in found}


TYPED = ("{0}-{1}", "{0}{1}", "{0} {1}", "{0}－{1}", "{0}—{1}", "  {0}-{1}\n")


async def test_the_code_is_read_as_people_type_it(office: Office) -> None:
    first, second = (await begun(office)).split("-")
    for typed, letters in product(TYPED, (str.upper, str.lower)):
        await office.write(SECOND, letters(typed.format(first, second)))
        shown = await office.last(SECOND)
        assert "有人请您一起投诉" in shown.text
        assert "力健健身" in shown.text
        assert not {"王秀英", "13800138000", "健身房关门"} & set(re.split(r"\W", shown.text))
    assert await inside(office) == {PEOPLE[AUNT]}, "to look is not to join"


async def test_a_mistyped_code_opens_nothing_and_says_so(office: Office) -> None:
    code = await begun(office)
    wrong = code[:-1] + ("3" if code[-1] != "3" else "4")
    await office.write(SECOND, wrong)
    assert "一起投诉" not in await said(office, SECOND)
    assert (await office.last(SECOND)).buttons, "and leaves a way on"
    await office.write(SECOND, press=Press("y", "", "", 0, wrong.replace("-", "")))
    assert "停用或过期，也可能打错了" in await said(office, SECOND)
    assert await inside(office) == {PEOPLE[AUNT]}


async def test_two_represent_at_most_and_a_third_may_when_one_steps_back(office: Office) -> None:
    await brought(office, await begun(office), SECOND, THIRD)
    await press(office, AUNT, "stand")
    await press(office, SECOND, "stand")
    await press(office, SECOND, "stand")
    await press(office, THIRD, "stand")
    assert "已经有 2 位愿意当代表人" in await said(office, THIRD)
    async with office.db.read() as session:
        size = await joint.size(session, await of(office, PEOPLE[THIRD]))
    assert size == joint.Size(people=3, standing=2)
    await press(office, AUNT, "sit")
    await press(office, THIRD, "stand")
    assert "已记下：您愿意当代表人" in await said(office, THIRD)
    await press(office, THIRD, "left")
    async with office.db.read() as session:
        assert await joint.size(session, await of(office, PEOPLE[THIRD])) is None
        size = await joint.size(session, await of(office, PEOPLE[AUNT]))
    assert size == joint.Size(people=2, standing=1), "who leaves stands no longer"


async def test_a_code_ends_by_itself_by_a_newer_one_and_with_its_beginner(office: Office) -> None:
    old = await begun(office)
    await press(office, AUNT, "new")
    newer = read_code(await said(office, AUNT))
    await office.write(SECOND, old)
    assert "一起投诉" not in await said(office, SECOND), "the older one is nobody's any more"
    await brought(office, newer, SECOND)
    office.clock.at += timedelta(days=office.tables.policy.joint_code_days, minutes=1)
    await office.write(THIRD, newer)
    assert "已经停用或过期" in await said(office, THIRD)
    await press(office, SECOND)
    assert "已经在里面的不受影响" in await said(office, SECOND)
    await press(office, AUNT, "new")
    last = read_code(await said(office, AUNT))
    # Read before its end and pressed after it: the yes comes too late.
    await office.write(THIRD, last)
    asks = await office.button(THIRD, "加进去")
    await press(office, AUNT, "left")
    await office.tap(THIRD, "", old=asks)
    assert "已经停用或过期" in await said(office, THIRD)
    assert await inside(office) == {PEOPLE[SECOND]}
    async with office.db.read() as session:
        assert (await session.scalars(select(Joint))).one().ended_at is not None


async def test_who_withdraws_no_longer_counts(office: Office) -> None:
    await brought(office, await begun(office), SECOND, THIRD)
    async with office.rows() as session:
        third = (await session.scalars(select(Case).where(Case.number == PEOPLE[THIRD]))).one()
        third.apply(Action.WITHDRAW, at=office.clock.at)
    async with office.db.read() as session:
        sizes = await joint.sizes(session)
        assert {size.people for size in sizes.values()} == {2}
        assert third.id not in sizes


async def test_the_packet_and_the_lists_tell_how_many_and_nobody(office: Office) -> None:
    await brought(office, await begun(office), SECOND, THIRD)
    await press(office, AUNT, "stand")
    await press(office, THIRD, "stand")
    await referred(office)
    (paper,) = await papers(office)
    words = str(paper)
    assert "一共 3 人，愿意当代表人的 2 位" in words
    for other in (*NAMES.values(), PEOPLE[SECOND], PEOPLE[THIRD]):
        assert other not in words
    async with office.rows() as session:
        found = {one["number"]: one["joint"] for one in await export_cases.find(session)}
        assert found == {number: {"people": 3, "standing": 2} for number in PEOPLE.values()}
        shown = await export_cases.show(session, office.tables, PEOPLE[SECOND])
        assert shown is not None
        assert shown["joint"] == {"people": 3, "standing": 2}
        assert NAMES[THIRD] not in str(shown)
        headings = office.tables.texts.raw("cli.case.headings").split("|")
        for row in await export_cases.rows(session, office.tables, "a test"):
            told = dict(zip(headings, row, strict=True))
            assert (told["共同投诉人数"], told["愿意当代表人"]) == (3, 2)
    for chat in (TEACHER, OFFICER, OTHER_GROUP, BUREAU_GROUP):
        for message in await office.read(chat):
            assert not any(name in message.text for name in NAMES.values())
