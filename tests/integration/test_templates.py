"""Texts that staff send often: filled, seen, then sent; changed by an admin, and only as far as they work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.staff import templates
from tests.integration.admin_office import AUNT, BOSS, Office
from tests.integration.desk_office import desk_office  # noqa: F401
from tests.integration.test_staff import COLLEAGUE, POINT, take


async def choose(office: Office, title: str) -> None:
    await office.tap(COLLEAGUE, "更多")
    await office.tap(COLLEAGUE, "常用话")
    await office.tap(COLLEAGUE, title)


async def test_a_text_is_filled_seen_and_sent_and_not_before(office: Office) -> None:
    await office.case("PD-1", desk=POINT, merchant="顺风健身")
    await take(office, COLLEAGUE, "PD-1")
    before = len(await office.read(AUNT))
    await choose(office, "联系过商家")
    assert "已经联系顺风健身" in (await office.last(COLLEAGUE)).text
    assert len(await office.read(AUNT)) == before
    await office.tap(COLLEAGUE, "发给消费者")
    assert "11月23日已经联系顺风健身" in (await office.last(AUNT)).text


async def test_what_the_case_does_not_know_must_be_written_by_hand(office: Office) -> None:
    await office.case("PD-1", desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    await choose(office, "联系过商家")
    shown = await office.last(COLLEAGUE)
    assert templates.BLANK in shown.text
    assert not any("发给消费者" in label for label in shown.buttons)
    await office.tap(COLLEAGUE, "改一改再发")
    await office.write(COLLEAGUE, "今天联系了健身房，说要商量。")
    assert "说要商量" in (await office.last(AUNT)).text


async def test_an_admin_s_text_is_refused_seen_kept_and_taken_back(office: Office) -> None:
    await office.tap_menu("常用话")
    await office.tap(BOSS, "加一条")
    await office.write(BOSS, "请来一趟")
    await office.write(BOSS, "请您来{单位地址}一趟")
    assert "单位地址" in (await office.last(BOSS)).text
    await office.write(BOSS, "请您来{单位}一趟，带上{编号}的票据")
    assert "请您来某某联络点一趟，带上PD261124-0001的票据" in (await office.last(BOSS)).text
    await office.tap(BOSS, "就这样，保存")
    assert "版本 1，共 6 条" in (await office.last(BOSS)).text
    await office.case("PD-1", desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    await choose(office, "请来一趟")
    assert f"请您来{POINT}一趟，带上PD-1的票据" in (await office.last(COLLEAGUE)).text
    held = await office.button(COLLEAGUE, "发给消费者")
    await office.tap_menu("常用话")
    await office.tap(BOSS, "退回上一版")
    assert "版本 2，共 5 条" in (await office.last(BOSS)).text
    before = len(await office.read(AUNT))
    assert "过期" in await office.tap(COLLEAGUE, "", old=held)
    assert len(await office.read(AUNT)) == before


def test_the_packaged_texts_hold_only_known_fields() -> None:
    for one in templates.packaged():
        assert templates.unknown(one.text) == []
        whole = templates.fill(one.text, dict.fromkeys(templates.fields(), "甲"))
        assert whole[1]
        assert "{" not in whole[0]


@pytest.mark.parametrize(
    "text", ["{编号", "编号}", "{}", "{编号.real}", "{0}", "{{编号}}", "{编号!r}"]
)
def test_what_is_no_field_is_found(text: str) -> None:
    assert templates.unknown(text)


@given(st.text(alphabet="甲乙{}编号对方 ", max_size=30), st.text(max_size=10))
def test_a_text_without_unknown_fields_is_filled_without_remains(text: str, value: str) -> None:
    if not templates.unknown(text):
        filled, whole = templates.fill(text, dict.fromkeys(templates.fields(), value))
        assert whole is (bool(value) or "{" not in text)
        assert "{" not in filled.replace(value, "")
