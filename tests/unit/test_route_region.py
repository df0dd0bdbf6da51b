"""Another region is another folder: nothing of Pudong is in the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.law import book
from bot.route.decide import Dispute, Where, decide
from bot.route.region import load_region
from bot.route.register import Register
from bot.services.network.load_register import gazetteer

HEWAN = load_region(str(Path(__file__).parent / "region_hewan"))
REGISTER = Register(HEWAN.desks)
PLACES = gazetteer(REGISTER, HEWAN.words)


@pytest.mark.parametrize(
    ("said", "street"),
    [
        ("河湾区柳桥街道", "柳桥街道"),
        ("柳桥一村", "柳桥街道"),
        ("柳桥路5号", "柳桥街道"),
        ("老青石那边", "青石镇"),
        ("柳乔街道", "柳桥街道"),
        ("以前的上河镇", "下河镇"),
        ("上河乡", "下河镇"),
    ],
)
def test_its_places_are_known_by_its_own_words(said: str, street: str) -> None:
    assert [PLACES.streets[found.street_code].name for found in PLACES.find(said)] == [street]


@pytest.mark.parametrize("said", ["陆家嘴", "张江镇", "世纪大道1号", "南汇区"])
def test_nothing_of_pudong_is_known_there(said: str) -> None:
    assert PLACES.find(said) == []


def test_its_own_name_is_too_wide_and_says_who_lives_outside() -> None:
    assert PLACES.too_wide("河湾区")
    assert not PLACES.too_wide("浦东")
    assert not PLACES.too_wide("河湾区柳桥街道")
    assert all(PLACES.says_outside(f"{said}河湾") for said in ("我不住", "不住在", "不在"))
    assert not PLACES.says_outside("我不住浦东")


def test_the_case_climbs_its_tree_to_the_first_office_with_staff() -> None:
    dispute = Dispute(object="apparel", where=Where("address", committee_code="990001101001"))
    held = {
        staffed: decide(dispute, REGISTER.with_staff(frozenset(staffed)), book.load()).held_by
        for staffed in (
            ("990001101001", "990001101"),
            ("990001101", "990001-A1"),
            ("990001-A1", "990001-A"),
            ("990001-A",),
            ("990001",),
            (),
        )
    }
    assert list(held.values()) == ["990001101001", "990001101", "990001-A1", "990001-A", None, None]


def test_a_pin_finds_its_own_points_and_streets() -> None:
    route = decide(
        Dispute(object="apparel", where=Where("pin", lat=28.1011, lon=112.9011)),
        REGISTER.with_staff(None),
        book.load(),
    )
    assert route.desk_code == "HW1"
    assert REGISTER.street_of("990001103") is REGISTER.get("990001103")
