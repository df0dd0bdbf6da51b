"""A case filed at the desk for somebody, and the one-time code by which it becomes hers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.services.consumer import codes
from models.case import TOKEN_LETTERS, Case, CaseCode, token_shown
from models.lifecycle import Action
from models.party import Account
from tests.integration.admin_office import AUNT, Office
from tests.integration.desk_office import desk_office  # noqa: F401
from tests.integration.test_staff import COLLEAGUE, STRANGER, take

STORY = "昨天在潍坊新村街道的顺风健身办了卡，花了两千六，今天关门了，我要退钱，我的电话19900001001"


async def filed(office: Office) -> str:
    """Filed by the colleague at her point; returns the code on the slip."""
    await office.write(COLLEAGUE, "/staff")
    await office.tap(COLLEAGUE, "代登记")
    await office.tap(COLLEAGUE, "已签名")
    await office.write(COLLEAGUE, STORY)
    for _ in range(8):
        shown = await office.last(COLLEAGUE)
        if "✅ 提交" in shown.buttons:
            break
        await office.write(
            COLLEAGUE, "王秀英" if "称呼" in shown.text or "姓名" in shown.text else "不知道"
        )
    await office.tap(COLLEAGUE, "提交")
    return await code_in(office)


async def code_in(office: Office) -> str:
    text = (await office.last(COLLEAGUE)).text
    return text.partition("查询码：")[2].split("\n")[0].strip()


async def case_of(office: Office) -> tuple[Case, Account]:
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.entered_by_id.is_not(None)))).one()
        return case, await session.get_one(Account, case.account_id)


async def test_a_few_questions_a_slip_and_no_account_of_the_staff_s(office: Office) -> None:
    before = len(await office.read(COLLEAGUE))
    code = await filed(office)
    asked = len(await office.read(COLLEAGUE)) - before
    assert asked <= 12, "a short interview"
    case, owner = await case_of(office)
    assert codes.on_paper(owner)
    assert case.number in (await office.last(COLLEAGUE)).text
    assert "王秀英" in (await office.last(COLLEAGUE)).text
    async with office.rows() as session:
        staff = (await session.scalars(select(Account).where(Account.address == COLLEAGUE))).one()
        assert staff.consented_at is None
        row = (await session.scalars(select(CaseCode))).one()
        assert code.replace("-", "") not in row.code_hash


TAP_SECONDS, CHARACTER_SECONDS, READ_SECONDS = 1.5, 0.7, 2.0
"""What we take a hand at the desk to need: a tap, a character typed on a phone (85 a minute), and a look at
each new message. Assumed, not measured on people."""

TWO_MINUTES = 120.0
ORDINARY: dict[str, tuple[str, dict[str, str]]] = {
    "shoes": (
        "川沙新镇顺风鞋店，皮鞋穿一天开胶，320元，要退钱",
        {"name": "王秀英", "phone": "19900001001"},
    ),
    "a fitness card": (
        "潍坊新村街道顺风健身办卡，花了2600元，店关门了，要退钱",
        {"name": "李建国", "phone": "19900001002"},
    ),
    "milk": (
        "张江镇幸福来超市的牛奶过期了，128元，要赔偿",
        {"name": "陆月芳", "phone": "19900001003"},
    ),
}
"""What a staff member writes while somebody tells it, and what is then still asked."""


@pytest.mark.parametrize("what", ORDINARY)
async def test_an_ordinary_case_is_written_down_in_two_minutes(office: Office, what: str) -> None:
    story, further = ORDINARY[what]
    taps, characters, looks = 0, 0, 0

    async def tap(label: str) -> None:
        nonlocal taps, looks
        await office.tap(COLLEAGUE, label)
        taps, looks = taps + 1, looks + 1

    async def types(words: str) -> None:
        nonlocal characters, looks
        await office.write(COLLEAGUE, words)
        characters, looks = characters + len(words) + 1, looks + 1

    await office.write(COLLEAGUE, "/staff")
    await tap("代登记")
    await tap("已签名")
    await types(story)
    while "✅ 提交" not in (await office.last(COLLEAGUE)).buttons:
        async with office.db.read() as session:
            draft = (await session.scalars(select(Case).where(Case.filed_at.is_(None)))).one()
        assert draft.asking in further, (
            f"{draft.asking} is asked though it was said, or need not be"
        )
        await types(further[draft.asking])
    await tap("提交")
    case, owner = await case_of(office)
    assert codes.on_paper(owner)
    assert case.number in (await office.last(COLLEAGUE)).text
    took = taps * TAP_SECONDS + characters * CHARACTER_SECONDS + looks * READ_SECONDS
    assert took <= TWO_MINUTES, f"{taps} taps, {characters} characters, {looks} messages: {took} s"
    assert (taps, looks) <= (3, 7)


async def test_her_code_links_it_once_and_to_no_staff(office: Office) -> None:
    code = await filed(office)
    await office.write(COLLEAGUE, code)
    assert "消费者自己的账号" in (await office.last(COLLEAGUE)).text
    await office.write(AUNT, f"/start code_{code.replace('-', '')}")
    await office.tap(AUNT, "关联到这个账号")
    case, owner = await case_of(office)
    assert owner.address == AUNT
    assert case.events[-1].action is Action.LINK
    assert "代您登记" in (await office.last(AUNT)).text
    await office.write(STRANGER, code.lower())
    assert "已经用过" in (await office.last(STRANGER)).text
    assert (await case_of(office))[1].address == AUNT


async def test_to_who_has_no_telegram_nothing_is_asked_in_a_chat(office: Office) -> None:
    await filed(office)
    case, owner = await case_of(office)
    await take(office, COLLEAGUE, case.number or "")
    for label in ("请消费者补充", "对话"):
        await office.tap(COLLEAGUE, label)
        assert "19900001001" in (await office.last(COLLEAGUE)).text
    await office.tap(COLLEAGUE, "代为补充")
    await office.write(COLLEAGUE, "她说合同也在")
    case, _ = await case_of(office)
    assert (case.events[-1].details or {})["text"] == "她说合同也在"
    assert owner.address.startswith("paper:")


async def test_a_lost_account_s_case_comes_back_and_the_old_account_hears_of_it(
    office: Office,
) -> None:
    first = await filed(office)
    await office.write(AUNT, first)
    await office.tap(AUNT, "关联到这个账号")
    case, _ = await case_of(office)
    await take(office, COLLEAGUE, case.number or "")
    await office.tap(COLLEAGUE, "更多")
    await office.tap(COLLEAGUE, "补发查询码")
    await office.tap(COLLEAGUE, "已当面核对")
    second = await code_in(office)
    assert second != first
    assert "补发了一张查询码" in (await office.last(AUNT)).text
    assert second not in (await office.last(AUNT)).text
    await office.write(STRANGER, second)
    await office.tap(STRANGER, "关联到这个账号")
    assert (await case_of(office))[1].address == STRANGER
    assert "换到另一个账号" in (await office.last(AUNT)).text
    await office.write(AUNT, second)
    assert "已经用过" in (await office.last(AUNT)).text


async def test_a_code_ends_with_its_days_and_with_a_newer_one(office: Office) -> None:
    code = await filed(office)
    office.clock.at += timedelta(days=office.tables.policy.case_code_days, minutes=1)
    await office.write(AUNT, code)
    assert "已经过期" in (await office.last(AUNT)).text
    await office.write(AUNT, "ABCDE-FGHJK")
    assert "没有这个查询码" in (await office.last(AUNT)).text


@given(st.text(TOKEN_LETTERS, min_size=10, max_size=10), st.sampled_from(["-", " ", "", "－"]))
def test_a_code_is_read_however_it_is_typed(code: str, dash: str) -> None:
    assert codes.read(f" {code[:5].lower()}{dash}{code[5:]} ") == code
    assert codes.read(token_shown(code)) == code
    assert codes.read(f"{code}2") == ""
