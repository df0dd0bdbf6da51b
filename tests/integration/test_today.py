"""The list of what is to be done today: whose, in what order, and what it must not tell."""

from __future__ import annotations

from datetime import timedelta

from bot.ports import Press
from tests.integration.admin_office import AUNT, GROUP, TEACHER, Office
from tests.integration.desk_office import desk_office  # noqa: F401
from tests.integration.test_staff import COLLEAGUE, OTHER, POINT, STRANGER, STREET, take


async def list_of(office: Office, who: str, chat: str = "") -> str:
    await office.write(who, "/today", chat=chat)
    return (await office.last(chat or who)).text


def order(text: str, *numbers: str) -> bool:
    places = [text.index(number) for number in numbers]
    return places == sorted(places)


async def test_the_longest_due_comes_first_and_what_waits_for_the_consumer_last(
    office: Office,
) -> None:
    await office.case("PD-1", desk=POINT)
    await office.case("PD-2", desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    await office.case("PD-3", desk=POINT)
    await take(office, COLLEAGUE, "PD-3")
    await office.tap(COLLEAGUE, "请消费者补充")
    await office.write(COLLEAGUE, "付款截图还在吗？")
    office.clock.at += timedelta(days=2)
    text = await list_of(office, COLLEAGUE)
    assert "没办完的 3 件，其中超时 1 件" in text
    assert order(text, "PD-2", "PD-1", "PD-3")
    assert "已超时 1 天" in text
    assert "计时暂停" in text


async def test_each_sees_the_cases_of_her_own_desks_and_of_what_is_below(office: Office) -> None:
    await office.enlist(OTHER, STRANGER)
    await office.case("PD-1", desk=POINT)
    await office.case("PD-2", desk=OTHER)
    await office.case("PD-3", desk=STREET)
    assert "没办完的 3 件" in await list_of(office, TEACHER)
    hers = await list_of(office, COLLEAGUE)
    assert "PD-1" in hers
    assert "PD-2" not in hers
    assert "PD-3" not in hers
    assert "没有没办完的案件" in await list_of(office, AUNT)


async def test_the_group_s_list_holds_what_its_cards_hold_and_no_more(office: Office) -> None:
    await office.case("PD-1", desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    text = await list_of(office, COLLEAGUE, GROUP)
    assert "PD-1" in text
    assert "预付卡" in text
    for private in ("王秀英", "13800138000", "健身房关门", "王阿姨"):
        assert private not in text
    assert "没有没办完的案件" in await list_of(office, TEACHER, "tg:-9")


async def test_who_may_act_takes_it_from_the_list_and_nobody_else(office: Office) -> None:
    await office.case("PD-1", desk=POINT)
    await list_of(office, COLLEAGUE)
    button = await office.button(COLLEAGUE, "接单 PD-1")
    assert "还没有登记" in await office.tap(STRANGER, "", old=button)
    assert "接单成功" in await office.tap(COLLEAGUE, "", old=button)
    assert "已由" in await office.tap(TEACHER, "", old=button)


async def test_a_long_list_has_pages_in_one_message(office: Office) -> None:
    for number in range(1, 9):
        await office.case(f"PD-{number}", desk=POINT)
    await office.write(COLLEAGUE, "/staff")
    await office.tap(COLLEAGUE, "今天要办")
    first = await office.last(COLLEAGUE)
    assert "第 1 页，共 2 页" in first.text
    await office.tap(COLLEAGUE, "下一页")
    second = await office.last(COLLEAGUE)
    assert "7. PD-" in second.text
    assert second.slot == first.slot != ""
    await office.write(COLLEAGUE, press=Press("sd", value="99"))
    assert "第 2 页" in (await office.last(COLLEAGUE)).text


async def test_the_card_tells_the_promise_and_that_it_stands_still(office: Office) -> None:
    await office.case("PD-1", desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    assert "约定 12-02 12:00 前有结果" in (await office.last(GROUP)).text
    await office.tap(COLLEAGUE, "请消费者补充")
    await office.write(COLLEAGUE, "付款截图还在吗？")
    assert "暂停计算，等消费者补充" in (await office.last(GROUP)).text
    await office.write(AUNT, "还在，我找一下")
    assert "约定 12-02 12:00 前有结果" in (await office.last(GROUP)).text
