"""The triage queue: read, open, give to a desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.case import Case, CaseKind
from models.lifecycle import CaseStatus
from tests.integration.admin_office import AUNT, BOSS, GROUP, Office, opened


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        await office.appoint()
        yield office


async def status(office: Office, number: str) -> CaseStatus:
    async with office.rows() as session:
        return (await session.scalars(select(Case.status).where(Case.number == number))).one()


async def test_an_empty_queue_says_so(office: Office) -> None:
    await office.tap(BOSS, "待分派")
    assert "没有等待分派" in (await office.last(BOSS)).text


async def test_the_queue_is_oldest_first_with_what_is_needed_to_choose(office: Office) -> None:
    await office.case("PD-OLD", street_code="", amount_fen=None)
    office.clock.at += timedelta(days=2)
    await office.case("PD-FRAUD", fraud=True, kind=CaseKind.CLUE, object="rogue_platform")
    office.clock.at += timedelta(hours=5)
    await office.case("PD-NEW", object="")
    await office.write(BOSS, "/admin")
    assert "3 件" in (await office.last(BOSS)).text
    await office.tap(BOSS, "待分派")
    queue = await office.last(BOSS)
    assert "待分派：3 件" in queue.text
    old, fraud, new = (queue.text.index(n) for n in ("PD-OLD", "PD-FRAUD", "PD-NEW"))
    assert old < fraud < new
    assert "已等 2 天" in queue.text[old:fraud]
    assert "花木街道" not in queue.text[old:fraud]
    assert "疑似诈骗" in queue.text[fraud:new]
    assert "花木街道" in queue.text[fraud:new]
    assert "已等 5 小时" in queue.text[fraud:new]
    assert "类别不明" in queue.text[new:]
    assert "刚刚登记" in queue.text[new:]
    assert "疑似诈骗" not in queue.text[:fraud] + queue.text[new:]
    assert [w for w in queue.buttons if "PD-" in w] == [
        "分派 PD-OLD",
        "分派 PD-FRAUD",
        "分派 PD-NEW",
    ]


async def test_a_long_queue_turns_its_pages_in_place(office: Office) -> None:
    for n in range(10, 29):
        await office.case(f"PD-{n}")
    await office.tap(BOSS, "待分派")
    first = await office.last(BOSS)
    seen = [w for w in first.buttons if "PD-" in w]
    await office.tap(BOSS, "第 2 页")
    second = await office.last(BOSS)
    assert second.slot == first.slot != ""
    await office.tap(BOSS, "第 3 页")
    third = await office.last(BOSS)
    seen += [w for m in (second, third) for w in m.buttons if "PD-" in w]
    assert seen == [f"分派 PD-{n}" for n in range(10, 29)]


async def test_an_opened_case_shows_nothing_of_the_person(office: Office) -> None:
    await office.case("PD-1", merchant="某某健身花木店")
    await office.tap(BOSS, "待分派")
    await office.tap(BOSS, "PD-1")
    shown = "".join(m.text for m in await office.read(BOSS))
    assert "某某健身花木店" in shown
    for private in ("王秀英", "13800138000", "王阿姨", "退卡", AUNT):
        assert private not in shown


async def test_a_street_picked_from_the_list_gets_the_case_and_the_person_is_told(
    office: Office,
) -> None:
    await office.bind("三林镇")
    await office.case("PD-1")
    await office.tap_menu("待分派")
    await office.tap(BOSS, "PD-1")
    page = await office.last(BOSS)
    while "✅ 三林镇" not in page.buttons:
        await office.tap(BOSS, "下一页")
        page = await office.last(BOSS)
    assert await office.tap(BOSS, "✅ 三林镇") == "已转交"
    done = (await office.last(BOSS)).text
    assert "PD-1" in done
    assert "三林镇" in done
    assert "没有等待分派" in done
    assert await status(office, "PD-1") is CaseStatus.WAITING
    assert "PD-1" in (await office.last(GROUP)).text
    assert "三林镇" in (await office.last(AUNT)).text


async def test_the_street_and_the_point_that_the_case_speaks_of_come_first(office: Office) -> None:
    point = await office.desk("潍坊一村居委会")
    await office.case("PD-1", meant_code=point.code)
    await office.tap(BOSS, "待分派")
    await office.tap(BOSS, "PD-1")
    assert list((await office.last(BOSS)).buttons)[:2] == ["▫️ 潍坊一村居委会", "▫️ 花木街道"]


async def test_a_typed_name_gives_the_case_to_a_point(office: Office) -> None:
    await office.bind("潍坊一村居委会")
    await office.case("PD-1")
    await office.case("PD-2")
    await office.tap_menu("待分派")
    await office.tap(BOSS, "PD-2")
    await office.write(BOSS, "潍坊一村")
    await office.tap(BOSS, "✅ 潍坊一村居委会")
    assert await status(office, "PD-2") is CaseStatus.WAITING
    assert await status(office, "PD-1") is CaseStatus.TRIAGE
    assert "待分派：1 件" in (await office.last(BOSS)).text


async def test_a_desk_without_a_group_gets_nothing(office: Office) -> None:
    await office.case("PD-1")
    await office.tap_menu("待分派")
    await office.tap(BOSS, "PD-1")
    await office.write(BOSS, "张江镇")
    assert "没有交" in await office.tap(BOSS, "▫️ 张江镇")
    assert await status(office, "PD-1") is CaseStatus.TRIAGE
    assert not await office.read(AUNT)
    await office.tap(BOSS, "给它绑定工作群")
    assert "张江镇" in (await office.last(BOSS)).text
    assert "选群并绑定" in (await office.last(BOSS)).buttons


async def test_in_a_demonstration_any_desk_will_do(tmp_path: Path) -> None:
    async with opened(tmp_path, demo=True) as office:
        await office.appoint()
        await office.case("PD-1")
        await office.tap_menu("待分派")
        await office.tap(BOSS, "PD-1")
        await office.write(BOSS, "张江镇")
        await office.tap(BOSS, "张江镇")
        assert await status(office, "PD-1") is CaseStatus.WAITING


async def test_a_case_assigned_meanwhile_is_not_given_twice(office: Office) -> None:
    await office.bind("花木街道")
    await office.bind("张江镇")
    await office.case("PD-1")
    await office.tap_menu("待分派")
    await office.tap(BOSS, "PD-1")
    await office.write(BOSS, "张江镇")
    late = await office.button(BOSS, "✅ 张江镇")
    await office.write(BOSS, "花木街道")
    await office.tap(BOSS, "✅ 花木街道")
    cards = len(await office.read(GROUP))
    assert "不在待分派" in await office.tap(BOSS, "", old=late)
    assert len(await office.read(GROUP)) == cards
    assert "没有等待分派" in (await office.last(BOSS)).text


async def test_a_name_typed_for_a_case_that_is_gone_is_not_used(office: Office) -> None:
    await office.bind("花木街道")
    await office.case("PD-1")
    await office.tap_menu("待分派")
    await office.tap(BOSS, "PD-1")
    async with office.rows() as session:
        case = (await session.scalars(select(Case))).one()
        case.status = CaseStatus.WITHDRAWN
    await office.write(BOSS, "花木街道")
    assert any("不在待分派" in m.text for m in await office.read(BOSS))
    assert await status(office, "PD-1") is CaseStatus.WITHDRAWN
