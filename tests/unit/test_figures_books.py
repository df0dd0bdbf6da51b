"""Periods, medians and the formula of the rating: what must hold whatever the numbers are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from statistics import median_low
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.figures import periods
from bot.figures.rating import Work, load, parse, rate, score
from bot.figures.tally import quantiles

FORMULA = load()
YEAR = 12.0
COUNT = st.integers(0, 500)


@st.composite
def works(draw: st.DrawFn) -> Work:
    solved, failed, unasked = draw(COUNT), draw(COUNT), draw(COUNT)
    handed = solved + failed + unasked
    rated = draw(st.integers(0, solved + failed))
    return Work(
        solved,
        failed,
        draw(st.integers(solved, solved + failed)),
        handed,
        draw(st.integers(0, handed)),
        draw(st.integers(rated, 3 * rated)),
        rated,
        draw(st.integers(0, 366)),
    )


def total(work: Work) -> float:
    return score(FORMULA, work, YEAR).total


@given(works())
def test_a_score_lies_between_0_and_100_and_is_the_sum_of_its_parts(work: Work) -> None:
    got = score(FORMULA, work, YEAR)
    assert 0 <= got.total <= 100
    assert got.total == pytest.approx(sum(got.parts.values()), abs=0.01)
    for part, points in got.parts.items():
        assert 0 <= points <= FORMULA.weights[part]


@given(works())
def test_one_more_solved_never_lowers_it(work: Work) -> None:
    more = replace(work, solved=work.solved + 1, ended_here=work.ended_here + 1)
    assert total(more) >= total(work)
    taken = replace(more, handed=work.handed + 1, prompt=work.prompt + 1)
    assert total(taken) >= total(work)
    if work.failed:
        assert total(replace(more, failed=work.failed - 1)) >= total(work)


@given(works(), st.booleans())
def test_giving_a_case_away_never_raises_it(work: Work, taken_first: bool) -> None:
    """Neither against not having had it, nor against having failed with it, nor against having solved it."""
    away = replace(
        work,
        failed=work.failed + 1,
        handed=work.handed + 1,
        prompt=work.prompt + taken_first,
    )
    kept_and_failed = replace(away, ended_here=work.ended_here + 1, prompt=work.prompt + 1)
    assert total(replace(away, prompt=work.prompt)) <= total(work)
    assert total(away) <= total(kept_and_failed)
    assert total(away) <= total(
        replace(kept_and_failed, failed=work.failed, solved=work.solved + 1)
    )


@given(works(), st.integers(2, 20))
def test_size_alone_is_worth_nothing(work: Work, times: int) -> None:
    """The same shares of many times as many cases: each part only comes nearer to its own share."""
    many = Work(*(times * number for number in vars_of(work)[:-1]), work.education_days)
    for part, good, of in (
        ("solved", work.solved, work.solved + work.failed),
        ("prompt", work.prompt, work.handed),
        ("satisfied", (work.marks - work.rated) / 2, work.rated),
    ):
        if of:
            share = FORMULA.weights[part] * good / of
            few = score(FORMULA, work, YEAR).parts[part]
            lots = score(FORMULA, many, YEAR).parts[part]
            assert abs(lots - share) <= abs(few - share) + 0.011


def vars_of(work: Work) -> list[int]:
    return [getattr(work, name) for name in Work.__dataclass_fields__]


def test_teaching_every_day_is_worth_no_more_than_once_a_month() -> None:
    once, daily = Work(education_days=12), Work(education_days=365)
    assert total(once) == total(daily)
    assert total(Work(education_days=6)) < total(once)


def good(n: int = 40) -> Work:
    return Work(n, 0, n, n, n, 3 * n, n, 12)


def test_seats_are_kept_and_a_point_without_a_sample_keeps_its_tier() -> None:
    few = Work(2, 0, 2, 2, 2, 6, 2, 12)
    seats = FORMULA.tiers[0].seats
    all_ = [(f"P{n:03d}", "basic", good(40 + n)) for n in range(seats + 5)]
    made = rate(FORMULA, [*all_, ("KEPT", "model", few), ("NEW", "", few)], YEAR)
    by_code = {one.code: one for one in made}
    assert by_code["KEPT"].tier == "model"
    assert by_code["KEPT"].score is None
    assert by_code["NEW"].tier == ""
    assert Counter(one.tier for one in made)["model"] == seats
    assert by_code["P000"].tier == "hundred", "the seats go by score, and one was kept"


def test_nobody_gets_a_seat_below_its_floor() -> None:
    poor = Work(0, 40, 40, 40, 0, 40, 40, 0)
    (one,) = rate(FORMULA, [("P", "model", poor)], YEAR)
    assert one.tier == "basic"


@given(st.lists(works(), max_size=30))
def test_a_rating_does_not_depend_on_the_order(all_: list[Work]) -> None:
    rows = [(f"P{n}", "basic", work) for n, work in enumerate(all_)]
    assert rate(FORMULA, rows, YEAR) == rate(FORMULA, rows[::-1], YEAR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"part": {"solved": 50, "prompt": 25, "satisfied": 20, "education": 10}},
        {"tier": [{"code": "a", "seats": 0, "floor": 10}]},
        {"tier": [{"code": "a", "seats": 1, "floor": 0}, {"code": "b", "seats": 0, "floor": 5}]},
    ],
)
def test_a_formula_that_does_not_add_up_is_refused(wrong: dict[str, Any]) -> None:
    table: dict[str, Any] = {
        "version": "x",
        "source": "a test",
        "checked_on": "2026-11-28",
        "sample_per_year": 12,
        "sample_least": 5,
        "prior_cases": 10,
        "open_days": 60,
        "uncounted": [],
        "education_days_per_month": 1,
        "appeal_days": 30,
        "part": {"solved": 45, "prompt": 25, "satisfied": 20, "education": 10},
        "tier": [{"code": "a", "seats": 0, "floor": 0}],
    } | wrong
    table["part"] = {key: {"weight": weight} for key, weight in table["part"].items()}
    with pytest.raises(ValueError, match="rating"):
        parse(table)


@given(st.lists(st.integers(0, 3000), min_size=1))
def test_the_median_is_that_of_the_values_one_by_one(values: list[int]) -> None:
    assert quantiles(values, 0.5, 1) == [median_low(values), max(values)]


def test_of_nothing_there_is_no_median() -> None:
    assert quantiles([], 0.5, 0.9) == [None, None]


@given(
    st.dates(date(2001, 1, 1), date(2098, 12, 31)), st.sampled_from(("month", "quarter", "year"))
)
def test_a_period_is_read_back_and_follows_the_one_before(day: date, kind: str) -> None:
    period = periods.around(day, kind)
    assert period.first <= day <= period.last
    assert periods.read(period.code) == period
    assert period.before().last + timedelta(days=1) == period.first
    assert period.before().after() == period


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_a_period(text: str) -> None:
    found = periods.read(text)
    assert found is None or periods.read(found.code) == found


def test_days_from_one_to_another() -> None:
    found = periods.read("20261001-20261115")
    assert found is not None
    assert (found.first, found.last, found.days) == (date(2026, 10, 1), date(2026, 11, 15), 46)
    assert found.before().last == date(2026, 9, 30)
    assert periods.read("20261115-20261001") is None
    assert periods.read("2026-13") is None
