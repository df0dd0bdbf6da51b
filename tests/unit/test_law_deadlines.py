"""Counting days: moved working days, holidays at the end, years without a table."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.law import deadlines
from bot.law.deadlines import (
    ZONE,
    after_quiet,
    days_after,
    is_holiday,
    is_working_day,
    missing_years,
    working_days_after,
    working_days_before,
)

KNOWN = st.dates(date(2025, 1, 1), date(2026, 10, 31))


def test_seven_working_days_over_national_day_count_the_moved_saturday() -> None:
    # 29, 30 September; the holiday of 1-7 October; 8, 9, Saturday 10 (worked), 12, 13 October.
    assert working_days_after(date(2026, 9, 28), 7) == date(2026, 10, 13)


def test_working_days_are_counted_backwards_over_a_holiday_and_its_moved_saturday() -> None:
    # Monday 12 October, Saturday 10 (worked), 9, 8 October, and 30 September before the holiday.
    assert working_days_before(date(2026, 10, 13), 5) == date(2026, 9, 30)
    assert working_days_before(date(2026, 10, 13), 0) == date(2026, 10, 13)
    with pytest.raises(ValueError, match="working days"):
        working_days_before(date(2026, 10, 13), -1)


@given(KNOWN.filter(is_working_day), st.integers(0, 60))
def test_so_many_working_days_on_and_back_is_where_one_was(day: date, count: int) -> None:
    assert working_days_before(working_days_after(day, count), count) == day


def test_the_first_day_is_not_counted() -> None:
    assert working_days_after(date(2026, 11, 23), 1) == date(2026, 11, 24)
    assert days_after(date(2026, 11, 23), 7) == date(2026, 11, 30)


def test_a_period_begun_on_a_sunday_counts_from_the_next_working_day() -> None:
    assert working_days_after(date(2026, 11, 22), 1) == date(2026, 11, 23)


def test_natural_days_that_end_in_a_holiday_end_after_it() -> None:
    assert days_after(date(2026, 8, 5), 60) == date(2026, 10, 8)


def test_natural_days_that_end_on_a_plain_weekend_end_there() -> None:
    assert date(2026, 11, 28).weekday() == 5
    assert days_after(date(2026, 11, 23), 5) == date(2026, 11, 28)


def test_a_year_without_a_table_counts_the_statutory_days_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deadlines.official.cache_clear()
    with caplog.at_level(logging.WARNING):
        # New Year's Eve to the third day: 2 to 5 February 2030.
        assert working_days_after(date(2030, 2, 1), 1) == date(2030, 2, 6)
        assert days_after(date(2030, 1, 31), 2) == date(2030, 2, 6)
    told = [record for record in caplog.records if "2030" in record.getMessage()]
    assert len(told) == 1, "loudly, but once"
    assert missing_years(date(2029, 12, 20), 60) == [2029, 2030]
    assert missing_years(date(2026, 3, 1), 60) == []


def test_a_year_beyond_every_table_still_counts() -> None:
    assert working_days_after(date(2090, 9, 29), 2) > date(2090, 10, 3)


@given(KNOWN, st.integers(0, 40))
def test_exactly_n_working_days_lie_between(start: date, n: int) -> None:
    end = working_days_after(start, n)
    passed = [start + timedelta(days=i) for i in range(1, (end - start).days + 1)]
    assert sum(map(is_working_day, passed)) == n
    assert n == 0 or is_working_day(end)


@given(KNOWN, st.integers(1, 60))
def test_natural_days_never_end_in_a_holiday_nor_early(start: date, n: int) -> None:
    end = days_after(start, n)
    assert not is_holiday(end)
    assert timedelta(days=n) <= end - start <= timedelta(days=n + 12)


@pytest.mark.parametrize("count", [working_days_after, days_after])
def test_a_negative_duration_is_refused(count: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        count(date(2026, 11, 23), -1)  # type: ignore[operator]


MOMENTS = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(MOMENTS)
def test_nobody_is_reminded_at_night_and_nobody_waits_longer_than_the_night(at: datetime) -> None:
    then = after_quiet(at, time(21), time(8))
    assert time(8) <= then.astimezone(ZONE).time() < time(21)
    assert timedelta() <= then - at <= timedelta(hours=11)
    assert after_quiet(then, time(21), time(8)) == then
