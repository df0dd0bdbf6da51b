"""A word in advance on order 121 art. 16: said plainly, never a refusal, silent where nothing is seen."""

from __future__ import annotations

from datetime import date

import pytest

from bot.law.book import load
from bot.route.precheck import precheck, with_ways
from bot.texts.catalogue import load as load_texts

LAW = load()
TODAY = date(2026, 11, 24)


def said(story: str, when: date | None = None, known: bool = True, code: str = "food") -> str:
    found = precheck(story, when, TODAY, LAW.doors(code), known)
    return "\n".join(
        load_texts().plain(part) for part in with_ways(found, LAW.statute("five_ways"))
    )


def test_nothing_seen_nothing_said() -> None:
    assert said("超市的牛奶过期了，不肯退", date(2026, 11, 1)) == ""


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("去年已经起诉过，法院判他赔，他不给", "法院"),
        ("上个月消保委调解过，没谈成", "消费者协会"),
        ("我进货买了两百箱，是坏的", "不算生活消费"),
    ],
)
def test_what_may_stand_in_the_way_is_said_with_the_other_ways(story: str, told: str) -> None:
    words = said(story)
    assert told in words
    assert "照样可以提交" in words
    assert "仲裁" in words
    assert "受理" not in words


@pytest.mark.parametrize("story", ["我还没有起诉", "我想起诉他", "不是进货，自己家吃的"])
def test_what_is_denied_or_only_planned_is_not_held_against_her(story: str) -> None:
    assert said(story) == ""


def test_three_years_and_an_unknown_merchant() -> None:
    assert "3 年" in said("退款", date(2023, 11, 23))
    assert said("退款", date(2023, 11, 24)) == ""
    assert "招牌" in said("退款", None, known=False)


def test_another_authoritys_matter_has_a_door_of_its_own() -> None:
    assert said("已经起诉了", code="insurance") == ""
