"""What a person is shown of a desk: no more exact than it is known, hours told and never deciding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.route.offer import away, hours_words, line, opening
from bot.route.region import load_region
from bot.route.register import Desk, Register
from bot.texts.catalogue import Say
from bot.texts.catalogue import load as load_texts

STREET = "310115005"  # 陆家嘴街道
MALL = Desk(
    "M1", "正大广场联络点", "point", STREET, type="mall", tier="model", lat=31.2370, lon=121.4990,
    precision="surveyed", hours="work 09:00-11:30,13:00-17:00", staffed=True, street_code=STREET,
    fast_return_minutes=15, prepay_fen=500_00,
)  # fmt: skip
COMMITTEE = Desk("C1", "东方居委会", "point", STREET, lat=31.23769, lon=121.51569,
                 precision="street_centre", street_code=STREET)  # fmt: skip
REGISTER = Register([*load_region("pudong").desks, MALL, COMMITTEE])
PIN = (31.2398, 121.4990)  # 311 metres north of the mall


def words(said: Say) -> str:
    return load_texts().plain(said)


def test_a_distance_is_as_exact_as_the_place_is_known() -> None:
    assert words(away(MALL, REGISTER, PIN, STREET)) == "约310米"
    typed = replace(MALL, precision="address")
    assert words(away(typed, REGISTER, PIN, STREET)) == "约300米"
    assert words(away(typed, REGISTER, (31.2371, 121.4991), STREET)) == "100米以内"
    assert words(away(MALL, REGISTER, (31.2270, 121.4990), STREET)) == "约1.1公里"


def test_what_stands_only_at_the_centre_of_its_street_has_no_distance() -> None:
    assert words(away(COMMITTEE, REGISTER, PIN, STREET)) == "本街镇内"
    assert words(away(COMMITTEE, REGISTER, PIN, "310115004")) == "在陆家嘴街道"
    assert words(away(MALL, REGISTER, None, STREET)) == "本街镇内"


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (datetime(2026, 11, 24, 2, 0, tzinfo=UTC), "现在开着，可以直接过去"),
        (datetime(2026, 11, 24, 4, 0, tzinfo=UTC), "现在没有人值班，11月24日13:00上班后会看到"),
        (datetime(2026, 11, 27, 10, 0, tzinfo=UTC), "现在没有人值班，11月30日09:00上班后会看到"),
    ],
)
def test_when_it_will_be_looked_at(at: datetime, told: str) -> None:
    assert words(opening(MALL, at)) == told


def test_unknown_hours_are_said_to_be_unknown() -> None:
    assert words(opening(COMMITTEE, datetime(2026, 11, 24, tzinfo=UTC))) == "值班时间没有登记"


def test_a_line_says_what_it_is_known_for() -> None:
    shown = words(line(MALL, REGISTER, PIN, STREET, datetime(2026, 11, 24, 2, 0, tzinfo=UTC)))
    assert shown == (
        "• 正大广场联络点（商场，市级示范，15分钟快速退货，可先行赔付，最多500元）："
        "约310米，现在开着，可以直接过去"
    )


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ("1-5 09:00-17:00", "周一至周五 9:00–17:00"),
        ("1-3,5,7 9:00-17:00", "周一至周三、周五、周日 9:00–17:00"),
        ("6,7 10:00-16:00", "周六、周日 10:00–16:00"),
        ("4 10:00-16:00", "周四 10:00–16:00"),
        ("1-7 10:00-16:00", "每天 10:00–16:00"),
    ],
)
def test_days_of_the_week_are_one_line_of_words(hours: str, told: str) -> None:
    assert [load_texts().plain(line) for line in hours_words(hours)] == [told]
