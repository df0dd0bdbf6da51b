"""Bursts: the arithmetic, what a quiet year tells, and what is found when something is the matter."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.figures import bursts, rules
from tests.unit.burst_trial import District, alarms, power

RULE = rules.load().burst
QUIET = [0, 1, 0, 2, 1, 0, 1, 1, 0, 2, 0, 1]
DISTRICT = District(kinds=12, streets=12, weekly=150)


def pmf(count: int, mean: float, size: float) -> float:
    """The negative binomial term by term, without logarithms."""
    product = (size / (size + mean)) ** size
    for n in range(1, count + 1):
        product *= (size + n - 1) / n * mean / (size + mean)
    return product


@pytest.mark.parametrize(("mean", "size"), [(0.05, 0.5), (1.0, 12.5), (30.0, 200.0)])
@pytest.mark.parametrize("people", [0, 1, 5, 40])
def test_the_tail_is_the_sum_of_its_terms(people: int, mean: float, size: float) -> None:
    exact = math.fsum(pmf(n, mean, size) for n in range(people, people + 500))
    assert bursts.at_least(people, mean, size) == pytest.approx(exact, rel=1e-6)


@given(st.integers(0, 200), st.floats(0.01, 50), st.floats(0.1, 500))
def test_a_tail_is_a_chance_and_falls_with_the_people(
    people: int, mean: float, size: float
) -> None:
    here, next_one = (bursts.at_least(n, mean, size) for n in (people, people + 1))
    assert 0 <= next_one <= here + 1e-12 <= 1 + 1e-9


def test_many_in_one_week_after_a_quiet_quarter_are_a_burst() -> None:
    weekly = {("gym", "a"): [*QUIET, 11], ("gym", "b"): [*QUIET, 1], ("shoes", "a"): [*QUIET, 2]}
    (found,) = bursts.find(weekly, 1300, RULE)
    assert found.cell == ("gym", "a")
    assert found.people == 11
    assert 0.4 < found.expected < 1.5
    assert found.chance < RULE.rate / 1300


def test_a_few_are_none_however_rare() -> None:
    weekly = {("gym", "a"): [0] * 12 + [RULE.least - 1]}
    assert not bursts.find(weekly, 1, RULE)


def test_what_rises_everywhere_is_the_season_and_no_burst_of_each_cell() -> None:
    weekly = {(f"k{k}", f"s{s}"): [4] * 12 + [9] for k in range(8) for s in range(8)}
    assert not bursts.find(weekly, 8 * 9, RULE)
    assert bursts.find({("k0", "s0"): [4] * 12 + [26], **dict(list(weekly.items())[1:])}, 72, RULE)


def test_one_mass_of_people_does_not_hide_another() -> None:
    """The false discovery rate, and no bound that the largest sets for all."""
    weekly = {("gym", "a"): [*QUIET, 60], ("shoes", "b"): [*QUIET, 14]}
    weekly |= {("food", f"s{s}"): [3] * 12 + [3] for s in range(20)}
    assert [burst.cell for burst in bursts.find(weekly, 1300, RULE)] == [
        ("gym", "a"),
        ("shoes", "b"),
    ]


def test_a_quiet_year_gives_few_false_alarms() -> None:
    """At most four in a year; with the fair of a week in which twice as many came, and a season."""
    assert len(alarms(DISTRICT, 1, 365)) <= 4


def test_bursts_are_found() -> None:
    """Nine in ten are found by the week's end: of twelve more people where one a week comes, of eight more where
    hardly anybody does. Nothing more, and nothing is found."""
    assert power(DISTRICT, 7, usual=1.0, more=12, tries=30) >= 0.9
    assert power(DISTRICT, 7, usual=0.2, more=8, tries=30) >= 0.9
    assert power(DISTRICT, 7, usual=3.0, more=0, tries=30) <= 0.05
