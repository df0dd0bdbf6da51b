"""Binding a work group by a one-time link, and losing it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.ports import Press
from models.case import Case
from models.delivery import Meta
from models.lifecycle import CaseStatus
from tests.integration.admin_office import (
    BOSS,
    GROUP,
    OTHER_GROUP,
    TEACHER,
    Office,
    opened,
)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        await office.appoint()
        yield office


async def test_every_street_is_on_the_list_once_and_pages_turn_in_place(office: Office) -> None:
    await office.tap_menu("绑定工作群")
    names: list[str] = []
    places = set()
    while True:
        page = await office.last(BOSS)
        places.add(page.slot)
        streets = [words[1:].strip() for words in page.buttons if words[0] in "✅▫"]
        assert 0 < len(streets) <= 12
        names += streets
        if "下一页" not in page.buttons:
            break
        await office.tap(BOSS, "下一页")
    assert len(names) == len(set(names)) == len(office.tables.register.streets)
    assert len(places) == 1
    assert places != {""}
    await office.tap(BOSS, "上一页")
    assert "下一页" in (await office.last(BOSS)).buttons
    await office.tap_menu("绑定工作群")
    assert (await office.last(BOSS)).slot not in places


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("花木", "花木街道"),
        ("花木街道办事处", "花木街道"),
        ("张江镇", "张江镇"),
        (" 潍坊 新村 街道 ", "潍坊新村街道"),
        ("潍坊一村", "潍坊一村居委会"),
        ("区市场监督管理局", "浦东新区市场监督管理局"),
        ("陆家嘴街道市新居委会", "市新居委会（陆家嘴街道）"),
        ("芦潮港农场", "南汇新城镇"),
    ],
)
async def test_a_typed_name_is_found_first(office: Office, typed: str, wanted: str) -> None:
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, typed)
    matches = [words for words in (await office.last(BOSS)).buttons if words[0] in "✅▫"]
    assert 1 <= len(matches) <= 3
    assert wanted in matches[0]


async def test_a_point_is_shown_with_its_street(office: Office) -> None:
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, "潍坊一村居委会")
    assert "潍坊一村居委会（潍坊新村街道）" in next(iter((await office.last(BOSS)).buttons))


async def test_a_name_typed_in_full_leaves_only_desks_of_that_name(office: Office) -> None:
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, "新华居委会")
    matches = [words for words in (await office.last(BOSS)).buttons if words[0] in "✅▫"]
    assert matches
    assert all("新华居委会（" in words for words in matches)


@pytest.mark.parametrize("typed", ["火星第三殖民地", "   ", "%"])
async def test_an_unknown_name_is_asked_for_again(office: Office, typed: str) -> None:
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, typed)
    assert "没有找到" in (await office.last(BOSS)).text
    await office.write(BOSS, "花木街道")
    assert any("花木街道" in words for words in (await office.last(BOSS)).buttons)


async def test_the_link_binds_one_group_once(office: Office) -> None:
    await office.tap_menu("绑定工作群")
    await office.tap(BOSS, "下一页")
    street = next(w for w in (await office.last(BOSS)).buttons if w.startswith("▫"))
    name = street[1:].lstrip("️ ")
    await office.tap(BOSS, street)
    offer = await office.last(BOSS)
    assert name in offer.text
    assert "14 天" in offer.text
    assert "12 月 7 日" in offer.text
    link = offer.buttons["选群并绑定"].link
    found = re.fullmatch(r"https://t\.me/suda_bot\?startgroup=([A-Za-z0-9_-]{22,64})", link)
    assert found
    async with office.rows() as session:
        stored = [(row.key, str(row.value)) for row in await session.scalars(select(Meta))]
    assert found[1] not in str(stored)

    assert (await office.desk(name)).chat is None
    await office.write(TEACHER, f"/start {found[1]}", chat=GROUP, extra={"title": "维权值班群"})
    desk = await office.desk(name)
    assert desk.chat == GROUP
    assert desk.confirmed_at is not None
    assert not desk.simulated
    hello = (await office.last(GROUP)).text
    assert name in hello
    assert "没有当事人的姓名和电话" in hello
    told = await office.last(BOSS)
    for words in (name, "维权值班群", "李老师"):
        assert words in told.text

    await office.write(TEACHER, f"/start {found[1]}", chat=OTHER_GROUP)
    assert "已经用过" in (await office.last(OTHER_GROUP)).text
    await office.write(TEACHER, f"/start {found[1]}", chat=GROUP)
    assert "不用再绑定" in (await office.last(GROUP)).text
    assert (await office.desk(name)).chat == GROUP


async def test_a_wrong_link_binds_nothing(office: Office) -> None:
    await office.write(TEACHER, "/start AAAAAAAAAAAAAAAAAAAAAA", chat=GROUP)
    assert "链接不对" in (await office.last(GROUP)).text
    await office.write(TEACHER, "/start", chat=OTHER_GROUP)
    assert "还没有绑定" in (await office.last(OTHER_GROUP)).text


@pytest.mark.parametrize(("days", "bound"), [(13.9, True), (14.1, False)])
async def test_a_link_lives_fourteen_days(office: Office, days: float, bound: bool) -> None:
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, "花木街道")
    await office.tap(BOSS, "花木街道")
    token = await office.token()
    office.clock.at += timedelta(days=days)
    await office.write(TEACHER, f"/start {token}", chat=GROUP)
    assert ((await office.desk("花木街道")).chat == GROUP) is bound
    assert ("已绑定" in (await office.last(GROUP)).text) is bound
    assert ("已经失效" in (await office.last(GROUP)).text) is not bound


async def test_a_new_group_takes_the_old_one_s_place(office: Office) -> None:
    await office.bind("花木街道")
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, "花木街道")
    assert any(words.startswith("✅") for words in (await office.last(BOSS)).buttons)
    await office.tap(BOSS, "花木街道")
    assert "已经有工作群" in (await office.last(BOSS)).text
    await office.write(TEACHER, f"/start {await office.token()}", chat=OTHER_GROUP)
    assert (await office.desk("花木街道")).chat == OTHER_GROUP
    assert "不再是花木街道的工作群" in (await office.last(GROUP)).text


async def test_one_group_may_serve_two_desks(office: Office) -> None:
    await office.bind("花木街道")
    await office.bind("张江镇")
    assert (await office.desk("花木街道")).chat == (await office.desk("张江镇")).chat == GROUP
    await office.write(TEACHER, "/start", chat=GROUP)
    assert "花木街道、张江镇" in (await office.last(GROUP)).text


async def test_removed_from_its_group_the_bot_gives_waiting_cases_back(office: Office) -> None:
    await office.bind("花木街道")
    await office.case("PD-1", desk="花木街道")
    await office.write(TEACHER, chat=GROUP, extra={"member": "left"})
    assert (await office.desk("花木街道")).chat is None
    assert (await office.desk("花木街道")).confirmed_at is None
    async with office.rows() as session:
        case = (await session.scalars(select(Case))).one()
        assert case.status is CaseStatus.TRIAGE
        assert case.desk_id is None
    lost = next(m for m in await office.read(BOSS) if "移出" in m.text)
    assert "花木街道" in lost.text
    assert "1 件" in lost.text
    assert any("PD-1" in m.text for m in await office.read(BOSS))
    await office.tap(BOSS, "重新绑定", old=lost.buttons["重新绑定"])
    assert "选群并绑定" in (await office.last(BOSS)).buttons


async def test_leaving_a_strange_group_or_joining_one_says_nothing(office: Office) -> None:
    before = len(await office.read(BOSS))
    await office.write(TEACHER, chat=OTHER_GROUP, extra={"member": "left"})
    await office.write(TEACHER, chat=OTHER_GROUP, extra={"member": "joined"})
    assert len(await office.read(BOSS)) == before
    assert not await office.read(OTHER_GROUP)


async def test_an_admin_can_let_a_group_go(office: Office) -> None:
    await office.bind("花木街道")
    await office.case("PD-1", desk="花木街道")
    release = await office.button(BOSS, "解除绑定")
    await office.tap(BOSS, "解除绑定", old=release)
    assert (await office.desk("花木街道")).chat is None
    assert "不再是花木街道的工作群" in (await office.last(GROUP)).text
    assert "没有工作群" in await office.tap(BOSS, "解除绑定", old=release)
    await office.tap_menu("待分派")
    assert "PD-1" in (await office.last(BOSS)).text


@pytest.mark.parametrize("value", ["", "0", "99999", "-1", "x", "9" * 40])
async def test_a_button_that_means_no_desk_does_no_harm(office: Office, value: str) -> None:
    assert await office.write(BOSS, press=Press("mb", question="desk", value=value))
    await office.write(BOSS, press=Press("mb", question="page", value=value))
    assert "街镇" in (await office.last(BOSS)).text
