"""A coming day and time, as an admin types it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.classify.taxonomy import codes
from bot.facts.moments import ZONE, parse_moment
from bot.law import policy, topics
from bot.services.outreach import nights, when

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""A Tuesday, ten in the morning in Shanghai."""


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("明天 9:30", "2026-11-25 09:30"),
        ("明天9点半", "2026-11-25 09:30"),
        ("今晚7点", "2026-11-24 19:00"),
        ("今天 下午 3 点 20 分", "2026-11-24 15:20"),
        ("后天中午12点", "2026-11-26 12:00"),
        ("大后天 08:05", "2026-11-27 08:05"),
        ("3月15日 上午9点", "2027-03-15 09:00"),
        ("3月15号9时", "2027-03-15 09:00"),
        ("12-1 9:00", "2026-12-01 09:00"),
        ("2027-03-15 19:00", "2027-03-15 19:00"),
        ("2027年3月15日晚上8点", "2027-03-15 20:00"),
        ("周五 14：00", "2026-11-27 14:00"),
        ("周一 9:00", "2026-11-30 09:00"),
        ("下周三下午2点", "2026-12-02 14:00"),
    ],
)
def test_what_people_write(said: str, means: str) -> None:
    found = parse_moment(said, NOW)
    assert found is not None
    assert f"{found.astimezone(ZONE):%Y-%m-%d %H:%M}" == means


@pytest.mark.parametrize(
    "said",
    ["", "明天", "9:30", "今天 9:00", "2026-11-23 9:00", "2028-01-01 9:00", "明天 25:00", "明天 9:75", "2月30日 9:00", "下个月", "明天9:30:00"],
)  # fmt: skip
def test_what_is_no_coming_time(said: str) -> None:
    assert parse_moment(said, NOW) is None


@given(st.text(max_size=40))
def test_anything_is_read_or_not(said: str) -> None:
    found = parse_moment(said, NOW)
    assert found is None or NOW < found <= NOW + timedelta(days=366)


@given(st.integers(1, 60 * 24 * 340))
def test_a_full_time_is_read_back(minutes: int) -> None:
    at = (NOW + timedelta(minutes=minutes)).astimezone(ZONE)
    assert parse_moment(f"{at:%Y-%m-%d %H:%M}", NOW) == at


@given(st.integers(0, 60 * 60 * 30), st.integers(0, 60 * 24))
def test_work_that_rests_at_night_takes_its_time_by_day_alone(takes: int, later: int) -> None:
    """Minute by minute, as a slow hand would count it."""
    rules = policy.load()
    at = NOW + timedelta(minutes=later)
    end = nights.end(rules, at, timedelta(seconds=takes))
    worked, moment = 0, at
    while moment + timedelta(minutes=1) <= end:
        worked += 60 if nights.wakes(rules, moment) == moment else 0
        moment += timedelta(minutes=1)
    assert abs(worked + (end - moment).total_seconds() - takes) < 60 or takes == 0
    assert nights.wakes(rules, end - timedelta(seconds=1)) <= end or takes == 0


@pytest.mark.parametrize(
    ("at", "repeat", "means"),
    [
        ("2026-03-15 09:00", "yearly", "2027-03-15 09:00"),
        ("2028-02-29 09:00", "yearly", "2029-02-28 09:00"),
        ("2026-12-31 19:00", "monthly", "2027-01-31 19:00"),
        ("2027-01-31 19:00", "monthly", "2027-02-28 19:00"),
    ],
)
def test_a_repetition_keeps_its_day_where_the_month_has_it(
    at: str, repeat: str, means: str
) -> None:
    first = datetime.fromisoformat(at).replace(tzinfo=ZONE)
    assert f"{when.following(first, repeat):%Y-%m-%d %H:%M}" == means


def test_each_object_belongs_to_one_topic_or_is_nothing_to_tell_about() -> None:
    named = [code for each in topics.load().values() for code in each]
    assert len(named) == len(set(named))
    assert set(codes()) - set(named) == {"commercial", "hard_case", "out_of_scope"}
    assert set(named) <= set(codes())
