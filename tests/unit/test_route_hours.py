"""Duty hours in Shanghai time."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.route.hours import after_duty, open_at, read_hours

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = "1-5 09:00-11:30,13:00-17:00; 6 09:00-12:00"


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("when", "on_duty"),
    [
        (at(11, 23, 9), True),
        (at(11, 23, 8, 59), False),
        (at(11, 23, 11, 30), False),
        (at(11, 23, 13), True),
        (at(11, 28, 10), True),
        (at(11, 28, 13), False),
        (at(11, 29, 10), False),
    ],
)
def test_a_week_with_a_lunch_break(when: datetime, on_duty: bool) -> None:
    assert open_at(OFFICE, when) is on_duty


def test_certain_days_go_before_holidays_and_those_before_the_rest() -> None:
    hours = f"{OFFICE}; holiday 10:00-12:00; 2026-10-03 closed; 2026-12-07..2026-12-08 20:00-21:00"
    assert open_at(hours, at(10, 2, 9, 30)) is False  # a Friday in the holiday
    assert open_at(hours, at(10, 2, 11)) is True
    assert open_at(hours, at(10, 3, 11)) is False
    assert open_at(hours, at(12, 8, 20)) is True
    assert open_at(hours, at(12, 8, 10)) is False
    assert open_at(hours, at(12, 9, 10)) is True


def test_hours_are_shanghai_hours_whatever_the_clock() -> None:
    assert open_at(OFFICE, datetime(2026, 11, 23, 1, 30, tzinfo=UTC)) is True
    assert open_at(OFFICE, datetime(2026, 11, 23, 9, 30, tzinfo=UTC)) is False


def test_working_days_follow_the_moved_days() -> None:
    assert open_at("work 09:00-17:00", at(10, 10, 10)) is True  # a Saturday worked
    assert open_at("work 09:00-17:00", at(10, 5, 10)) is False  # a Monday in the holiday


def test_past_midnight() -> None:
    assert open_at("5 20:00-02:00", at(11, 27, 23)) is True
    assert open_at("5 20:00-02:00", at(11, 28, 1, 59)) is True
    assert open_at("5 20:00-02:00", at(11, 28, 2)) is False
    assert open_at("5 20:00-02:00", at(11, 27, 1)) is False
    assert open_at("daily 00:00-24:00", at(11, 27, 23, 59)) is True


@pytest.mark.parametrize("hours", ["", " ", ";"])
def test_unknown_hours_are_neither_open_nor_closed(hours: str) -> None:
    assert open_at(hours, at(11, 23, 10)) is None


@pytest.mark.parametrize(
    "hours",
    [
        "9-5",
        "1-5",
        "1-5 9-17",
        "8 09:00-10:00",
        "1 25:00-26:00",
        "1 09:60-10:00",
        "1 09:00-09:00",
        "5-1 09:00-10:00",
        "周一 09:00-10:00",
    ],
)
def test_hours_that_make_no_sense_are_refused_and_shown_as_unknown(hours: str) -> None:
    with pytest.raises(ValueError, match="duty"):
        read_hours(hours)
    assert open_at(hours, at(11, 23, 10)) is None


@given(st.text(max_size=60), st.datetimes(timezones=st.just(SHANGHAI)))
def test_any_text_is_survived(hours: str, when: datetime) -> None:
    assert open_at(hours, when) in (True, False, None)


DAY = time(8), time(21)
USUAL = "work 09:00-17:00"
WITH_LUNCH = "work 09:00-11:30,13:00-17:00"


@pytest.mark.parametrize(
    ("hours", "since", "minutes", "due"),
    [
        # Eight hours of an office are a working day.
        (USUAL, at(11, 24, 10, 30), 480, at(11, 25, 10, 30)),
        (USUAL, at(11, 24, 22), 480, at(11, 25, 17)),
        (USUAL, at(11, 27, 10), 480, at(11, 30, 10)),
        (USUAL, at(11, 28, 23), 480, at(11, 30, 17)),
        # The break at noon does not count.
        (WITH_LUNCH, at(11, 24, 11), 60, at(11, 24, 13, 30)),
        # A market that is open in the evening answers in the evening, and not after nine.
        ("daily 09:00-22:00", at(11, 24, 20, 30), 120, at(11, 25, 10, 30)),
        ("daily 00:00-24:00", at(11, 24, 3), 60, at(11, 24, 9)),
        # National Day, 1 to 7 October: from Wednesday the 30th to Thursday the 8th.
        (USUAL, at(9, 30, 16), 480, at(10, 8, 16)),
        # Saturday 10 October is worked for it.
        (USUAL, at(10, 9, 16), 480, at(10, 10, 16)),
        # Spring Festival, 15 to 23 February, with Saturday the 14th worked before it.
        (USUAL, at(2, 13, 16), 480, at(2, 14, 16)),
        (USUAL, at(2, 14, 16), 480, at(2, 24, 16)),
        # Closed for repairs longer than is looked at, or hours that nobody can read: the usual ones.
        ("1-7 09:00-17:00; 2026-11-01..2026-12-31 closed", at(11, 24, 9), 60, at(11, 24, 10)),
        ("whenever", at(11, 24, 9), 60, at(11, 24, 10)),
        ("", at(11, 24, 9), 60, at(11, 24, 10)),
    ],
)
def test_a_promise_counts_duty_alone(
    hours: str, since: datetime, minutes: int, due: datetime
) -> None:
    assert after_duty(hours, since, minutes, USUAL, DAY) == due


@given(
    st.sampled_from(
        [
            USUAL,
            WITH_LUNCH,
            OFFICE,
            "daily 20:00-04:00",
            "daily 00:00-24:00",
            "work 09:00-12:00; 1-7 10:00-14:00",
        ]
    ),
    st.integers(0, 300 * 24 * 60),
    st.integers(1, 2000),
)
def test_a_promise_ends_by_day_on_duty_and_later_for_more(
    hours: str, since: int, minutes: int
) -> None:
    begun = datetime(2026, 1, 5, tzinfo=SHANGHAI) + timedelta(minutes=since)
    due = after_duty(hours, begun, minutes, USUAL, DAY)
    assert due - begun >= timedelta(minutes=minutes)
    assert open_at(hours, due - timedelta(minutes=1))
    assert time(8) <= due.time() <= time(21)
    assert after_duty(hours, begun, minutes + 1, USUAL, DAY) > due
