"""Names of one business, joined; others stay apart."""

from __future__ import annotations

import pytest

from bot.facts.joined_names import Joined, join, packaged
from bot.figures import rules

RULE = rules.load().names


def joined(*names: str, **also: str) -> list[Joined]:
    return join(
        names,
        {**packaged(), **also},
        alike=RULE.alike,
        least_alike=RULE.least_alike,
        least_branch=RULE.least_branch,
    )


@pytest.mark.parametrize(
    "names",
    [
        ("力奔健身", "力奔健身有限公司", "上海力奔健身（花木店）"),
        ("小南国饺子馆", "小南国饺子馆世纪大道店"),
        ("阿芙罗黛美容会所", "阿芙罗代美容会所"),
        ("KFC", "肯德基", "肯德基金桥店"),
        ("Starbucks", "星巴克"),
    ],
)
def test_spellings_of_one_business_are_one(names: tuple[str, ...]) -> None:
    (one,) = joined(*names)
    assert len(one.keys) == len(names)
    assert {spelling for spelling, _ in one.spellings} == set(names)


@pytest.mark.parametrize(
    "names",
    [
        ("王记面馆", "李记面馆"),
        ("悦动健身", "跃动健身"),
        ("第一百货", "第二百货"),
        ("张先生", "张女士"),
    ],
)
def test_names_that_only_look_alike_stay_apart(names: tuple[str, str]) -> None:
    assert len(joined(*names)) == 2


def test_an_officers_alias_joins_what_the_program_does_not() -> None:
    (one,) = joined("悦动健身", "跃动健身", "跃动健身", 跃动健身="悦动健身")
    assert one.name == "跃动健身", "the spelling most written is shown"
    assert one.spellings == (("跃动健身", 2), ("悦动健身", 1))


def test_the_most_named_come_first_and_nameless_ones_not_at_all() -> None:
    assert [one.name for one in joined("甲乙丙丁店", "天地人和馆", "天地人和馆", "", " ")] == [
        "天地人和馆",
        "甲乙丙丁店",
    ]
