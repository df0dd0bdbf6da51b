"""The admin's menu, the first admin, the trial, and the network's seed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.services.admin import administer
from bot.services.network import seed_network
from models.case import Case
from models.delivery import Inbox, InboxState, Meta, Outbox, OutboxState
from models.network import Level, Organisation
from models.outreach import Notice
from models.party import Account
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office, opened, photo


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        yield office


async def test_the_seed_is_the_whole_tree_and_is_sown_once(office: Office) -> None:
    async with office.rows() as session:
        assert await seed_network.seed(session, office.tables) == 0
        everyone = (await session.scalars(select(Organisation).order_by(Organisation.serial))).all()
    assert [desk.serial for desk in everyone] == list(range(1, len(office.tables.register) + 1))
    assert everyone[0].level is Level.BUREAU
    assert everyone[0].parent_id is None
    by_id = {desk.id: desk for desk in everyone}
    for desk in everyone[1:]:
        assert desk.parent_id is not None
        assert by_id[desk.parent_id].serial < desk.serial
    assert {desk.chat for desk in everyone} == {None}
    assert {desk.confirmed_at for desk in everyone} == {None}
    huamu = await office.desk("花木街道")
    assert huamu.level is Level.STREET
    committees = [d for d in everyone if d.level is Level.POINT and d.parent_id == huamu.id]
    assert len(committees) > 20


async def test_a_lost_network_comes_back_whole(office: Office) -> None:
    async with office.rows() as session:
        for level in (Level.POINT, Level.STREET, Level.BUREAU):
            for row in await session.scalars(
                select(Organisation).where(Organisation.level == level)
            ):
                await session.delete(row)
            await session.flush()
        count = await seed_network.seed(session, office.tables)
    assert count == len(office.tables.register) > 1500


async def test_the_first_link_makes_one_admin_and_then_no_other(office: Office) -> None:
    async with office.rows() as session:
        lost = await administer.first_admin_link(session)
        token = await administer.first_admin_link(session)
        kept = [row.value for row in await session.scalars(select(Meta))]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,58}", token)
    assert token not in str(kept)

    await office.write(AUNT, f"/start admin_{lost}")
    assert "不能用" in (await office.last(AUNT)).text
    await office.write(BOSS, f"/start admin_{token}")
    assert "您现在是管理员了" in (await office.last(BOSS, 2)).text
    assert set((await office.last(BOSS)).buttons) == {
        "待分派",
        "通知与活动",
        "预警",
        "账本与评定",
        "名册与人员",
        "词表与法条",
        "运行",
    }
    await office.write(TEACHER, f"/start admin_{token}")
    assert "不能用" in (await office.last(TEACHER)).text
    async with office.rows() as session:
        assert await administer.first_admin_link(session) == ""


async def test_a_used_link_stays_used_when_its_admin_is_gone(office: Office) -> None:
    async with office.rows() as session:
        token = await administer.first_admin_link(session)
    await office.write(BOSS, f"/start admin_{token}")
    async with office.rows() as session:
        boss = (await session.scalars(select(Account).where(Account.address == BOSS))).one()
        boss.is_admin = False
    await office.write(AUNT, f"/start admin_{token}")
    assert "不能用" in (await office.last(AUNT)).text


async def test_a_link_made_before_another_became_admin_is_worth_nothing(office: Office) -> None:
    async with office.rows() as session:
        token = await administer.first_admin_link(session)
    await office.appoint(BOSS)
    await office.write(AUNT, f"/start admin_{token}")
    assert "不能用" in (await office.last(AUNT)).text
    await office.write(AUNT, "/admin")
    assert "只给管理员" in (await office.last(AUNT)).text


async def test_strangers_are_refused_politely_and_learn_nothing(office: Office) -> None:
    await office.appoint()
    await office.tap_menu("系统状态")
    await office.write(AUNT, "/admin")
    refusal = await office.last(AUNT)
    assert "只给管理员" in refusal.text
    assert not refusal.buttons
    before = len(await office.read(AUNT))
    for label in ("系统状态", "写通知", "绑定工作群", "待分派"):
        await office.tap_menu(label)
        button = await office.button(BOSS, label)
        assert "只给管理员" in await office.tap(AUNT, label, old=button)
    assert len(await office.read(AUNT)) == before


async def test_one_who_is_no_longer_admin_cannot_go_on(office: Office) -> None:
    await office.appoint()
    await office.tap_menu("写通知")
    office.tables = replace(office.tables, admins=frozenset())
    async with office.rows() as session:
        boss = (await session.scalars(select(Account).where(Account.address == BOSS))).one()
        boss.is_admin = False
    await office.write(BOSS, "请大家提防保健品讲座")
    async with office.rows() as session:
        assert await session.scalar(select(func.count()).select_from(Notice)) == 0


async def test_the_trial_tells_what_is_missing_until_nothing_is(office: Office) -> None:
    await office.appoint()
    menu = await office.last(BOSS)
    for lacking in ("运营单位：", "工作群：", "数据出境"):
        assert lacking in menu.text

    await office.tap_menu("运营单位")
    await office.write(BOSS, "  浦东新区某街道  消保委联络站 ")
    assert "浦东新区某街道 消保委联络站" in (await office.last(BOSS)).text
    await office.bind("花木街道")
    await office.tap_menu("系统状态")
    status = (await office.last(BOSS)).text
    assert "试运行" in status
    assert "数据出境" in status
    assert "运营单位：还没有" not in status
    assert "有人在岗的街镇：1 个" in status

    office.tables = replace(office.tables, basis="个人信息出境标准合同备案")
    await office.tap_menu("系统状态")
    status = (await office.last(BOSS)).text
    assert "正式运行" in status
    assert "消保委联络站" in status
    await office.write(BOSS, "/admin")
    assert "试运行" not in (await office.last(BOSS)).text


@pytest.mark.parametrize(
    ("chat", "joined", "simulated", "staffed"),
    [
        (GROUP, True, False, 1),
        (GROUP, True, True, 0),
        (GROUP, False, False, 0),
        (None, True, False, 0),
    ],
)
async def test_only_real_staff_who_joined_make_a_street_staffed(
    office: Office, chat: str | None, joined: bool, simulated: bool, staffed: int
) -> None:
    async with office.rows() as session:
        street = await session.get_one(Organisation, (await office.desk("花木街道")).id)
        street.chat, street.simulated = chat, simulated
        street.confirmed_at = office.clock.at if joined else None
    await office.enlist("花木街道")
    await office.appoint()
    assert ("工作群：还没有" in (await office.last(BOSS)).text) is (staffed == 0)
    await office.tap_menu("系统状态")
    assert f"有人在岗的街镇：{staffed} 个" in (await office.last(BOSS)).text


async def test_in_trial_a_visitor_reads_where_to_turn_and_leaves_no_trace(office: Office) -> None:
    await office.write(AUNT, "我在健身房办的卡退不了，找谁？")
    card = (await office.last(AUNT)).text
    for words in ("试运行", "不是官方渠道", "没有登记", "不保存", "110", "12315", "12345"):
        assert words in card
    async with office.rows() as session:
        assert await session.scalar(select(func.count()).select_from(Case)) == 0
        aunt = (await session.scalars(select(Account).where(Account.address == AUNT))).one()
        assert aunt.name is None


async def test_a_demonstration_is_live_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, demo=True) as office:
        await office.appoint()
        assert "试运行" not in (await office.last(BOSS)).text
        await office.tap_menu("系统状态")
        assert "演示" in (await office.last(BOSS)).text


async def test_the_operator_of_the_settings_cannot_be_renamed_in_chat(office: Office) -> None:
    office.tables = replace(office.tables, operator="浦东新区消保委")
    await office.appoint()
    await office.tap_menu("运营单位")
    told = await office.last(BOSS)
    assert "浦东新区消保委" in told.text
    assert "配置文件" in told.text


@pytest.mark.parametrize("name", ["", "字" * 121])
async def test_an_operator_without_a_proper_name_is_asked_again(office: Office, name: str) -> None:
    await office.appoint()
    await office.tap_menu("运营单位")
    await office.write(BOSS, name, files=() if name else photo())
    assert "1 到 120 个字" in (await office.last(BOSS)).text
    await office.write(BOSS, "花木街道消保委分会")
    assert "花木街道消保委分会" in (await office.last(BOSS)).text


async def test_the_status_counts_cases_and_what_is_stuck(office: Office) -> None:
    await office.appoint()
    await office.bind("花木街道")
    await office.case("PD-1")
    await office.case("PD-2")
    await office.case("PD-3", desk="花木街道")
    async with office.rows() as session:
        rows = (await session.scalars(select(Outbox))).all()
        for row in rows:
            row.state = OutboxState.SENT
        rows[0].state = OutboxState.DEAD
        session.add(
            Inbox(
                source="tg:9",
                key="1",
                seq=1,
                chat_key=AUNT,
                state=InboxState.DEAD,
                received_at=office.clock.at,
                run_at=office.clock.at,
            )
        )
    await office.write(AUNT, "/subscribe")
    await office.tap_menu("系统状态")
    status = (await office.last(BOSS)).text
    assert "没有办结的：3 件" in status
    assert re.search(r"：2 件\n.*：1 件|：1 件\n.*：2 件", status)
    assert "消息排队：3 条" in status  # her confirmation, the menu and its group
    assert "没有送到：1 条" in status
    assert "放在一边的来信：1 条" in status
    assert "订阅通知的人：1 人" in status


async def test_the_menu_is_not_shown_in_a_group(office: Office) -> None:
    await office.appoint()
    await office.write(BOSS, "/admin", chat=GROUP)
    assert all("通知与活动" not in shown.buttons for shown in await office.read(GROUP))


async def test_cancel_is_heard_as_a_button_and_as_a_word(office: Office) -> None:
    await office.appoint()
    for say_so in ("button", "word"):
        await office.tap_menu("写通知")
        if say_so == "button":
            await office.tap(BOSS, "取消")
        else:
            await office.write(BOSS, "取消")
        assert "已经停下" in (await office.last(BOSS)).text
    async with office.rows() as session:
        assert await session.scalar(select(func.count()).select_from(Notice)) == 0
