"""The seeded network of the region, and what it does not claim to know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.route.region import load_region
from bot.route.register import Desk, Register


@pytest.fixture(scope="module")
def pudong() -> Register:
    return Register(load_region("pudong").desks)


def test_the_tree_is_bureau_streets_points(pudong: Register) -> None:
    assert pudong.bureau is not None
    assert pudong.bureau.name == "浦东新区市场监督管理局"
    assert len(pudong.streets) == 36
    assert len([p for p in pudong.points if p.type in ("committee", "zone")]) == 1526
    for desk in pudong:
        if desk is not pudong.bureau:
            assert pudong.get(desk.parent_code) is not None
    for point in pudong.points:
        street = pudong.street_of(point.code)
        assert street is not None or point.street_code == ""


def test_nothing_seeded_is_staffed_confirmed_or_placed(pudong: Register) -> None:
    for desk in pudong:
        assert not desk.staffed
        assert not desk.confirmed
        assert not desk.placed
        assert pudong.holder_of(desk) is None
    assert len(pudong.placed_points) == 0


@pytest.mark.parametrize(
    ("zone", "street"),
    [
        ("310115401", "南汇新城镇"),
        ("芦潮港农场", "南汇新城镇"),
        ("310115403", "祝桥镇"),
        ("张江高科", "张江镇"),
        ("金桥开发区", "金桥镇"),
    ],
)
def test_a_zone_without_a_street_is_served_by_one(zone: str, street: str, pudong: Register) -> None:
    desk = pudong.get(zone)
    assert desk is not None
    assert desk.name == street
    served = pudong.street_of(zone)
    assert served == desk


def test_a_committee_of_a_zone_lies_under_the_serving_street(pudong: Register) -> None:
    street = pudong.street_of("310115402598")
    assert street is not None
    assert street.name == "老港镇"


def test_the_points_of_the_news_have_no_place(pudong: Register) -> None:
    named = [p for p in pudong.points if p.code.startswith("PDE")]
    assert len(named) == 5
    for point in named:
        assert point.lat is None
        assert pudong.street_of(point.code) is None
        assert point.merchants


def test_a_name_that_several_committees_bear_finds_them_all(pudong: Register) -> None:
    assert len(pudong.named("东南居委会")) >= 2
    assert pudong.get("东南居委会") is None


def test_a_case_is_held_by_the_desk_or_else_its_street(pudong: Register) -> None:
    point, street = "310115004001", "310115004"
    nobody = pudong.with_staff(frozenset())
    only_street = pudong.with_staff(frozenset({street}))
    both = pudong.with_staff(frozenset({point, street}))
    assert nobody.holder_of(nobody.get(point)) is None
    assert only_street.holder_of(only_street.get(point)) == only_street.get(street)
    assert both.holder_of(both.get(point)) == both.get(point)
    assert pudong.with_staff(None).get(point).staffed  # type: ignore[union-attr]


def test_a_code_stands_once() -> None:
    desk = Desk("1", "一", "point")
    with pytest.raises(ValueError, match="twice"):
        Register([desk, replace(desk, name="二")])


def test_a_tree_that_runs_in_a_circle_is_survived() -> None:
    register = Register([Desk("a", "a", "office", "b"), Desk("b", "b", "office", "a")])
    assert register.street_of("a") is None
    assert register.holder_of(register.get("a")) is None


def test_a_region_that_is_not_packaged_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        load_region("atlantis")


def test_few_eligible_points_have_an_index_of_their_own_and_many_share_one() -> None:
    points = [
        Desk(f"P{n:03}", f"{n}", "point", lat=31 + n / 1000, lon=121.5, precision="surveyed",
             takes=frozenset({"food"} if n % 50 == 0 else {"apparel"}), staffed=n % 100 == 0)
        for n in range(200)
    ]  # fmt: skip
    register = Register(points)
    food = register.eligible("food", staffed=False)
    assert sorted(place.code for place in food) == ["P000", "P050", "P100", "P150"]
    assert [place.code for place in register.eligible("food", staffed=True)] == ["P000", "P100"]
    assert register.eligible("apparel", staffed=False) is register.placed_points
    assert register.eligible("food", staffed=False) is food, "built once"
