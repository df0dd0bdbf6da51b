"""Tiers of payment in advance and the promise of a fast refund: hand-computed, and true for every sum."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.law.advance import Advance, load, parse

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture
def packaged() -> Advance:
    return load()


@pytest.mark.parametrize(
    ("fen", "hours"), [(1, 1), (100_00, 1), (100_01, 12), (300_00, 12), (300_01, 24), (500_00, 24)]
)
def test_luoyang_s_tiers(packaged: Advance, fen: int, hours: int) -> None:
    assert packaged.due(fen, NOON) == NOON + timedelta(hours=hours)


def test_above_the_last_tier_nothing_is_due(packaged: Advance) -> None:
    with pytest.raises(ValueError, match="above every tier"):
        packaged.due(500_01, NOON)


@pytest.mark.parametrize(("own", "most"), [(None, 0), (0, 0), (200_00, 200_00), (900_00, 500_00)])
def test_a_point_pays_no_more_than_its_own_limit_and_the_last_tier(
    packaged: Advance, own: int | None, most: int
) -> None:
    assert packaged.most(own) == most


@given(st.integers(1, 500_00), st.integers(1, 500_00))
def test_a_larger_sum_never_has_less_time_nor_fewer_people(one: int, other: int) -> None:
    rules, (low, high) = load(), sorted((one, other))
    assert rules.due(low, NOON) <= rules.due(high, NOON)
    assert rules.needs_second(low) <= rules.needs_second(high)


def test_each_proof_is_missed(packaged: Advance) -> None:
    assert packaged.missing(list(packaged.proofs)) == []
    for proof in packaged.proofs:
        assert packaged.missing([one for one in packaged.proofs if one != proof]) == [proof]


@pytest.mark.parametrize(
    ("fen", "minutes", "files", "holds"),
    [
        (320_00, 15, 1, True),
        (500_00, 15, 1, True),
        (500_01, 15, 1, False),
        (320_00, 15, 0, False),
        (320_00, None, 1, False),
        (None, 15, 1, False),
        (0, 15, 1, False),
    ],
)
def test_a_fast_refund_wants_a_promise_a_small_sum_and_something_to_show(
    packaged: Advance, fen: int | None, minutes: int | None, files: int, holds: bool
) -> None:
    assert packaged.fast(fen, minutes, files) is holds


def test_tiers_that_do_not_rise_are_refused() -> None:
    tier = [{"up_to_fen": 200, "hours": 1}, {"up_to_fen": 100, "hours": 2}]
    with pytest.raises(ValueError, match="do not rise"):
        parse({"tier": tier})
