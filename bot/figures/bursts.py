"""Bursts (突增): cells of kind and street where more people complained than the weeks before let expect.

A cell's weekly rate has a gamma prior; with what ``weeks`` weeks brought, the number of people in the next one is
negative binomial, wider still when people everywhere vary by more than chance (pooled dispersion). The mean moves with
what everybody else did this week, so that a holiday or the fair of 3·15 is no burst of each cell. The chance of so
many or more is held against the false discovery rate over all cells (Benjamini & Hochberg 1995).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.figures.rules import BurstRule

Cell = tuple[str, str]
"""Kind (code of the taxonomy) and street (code); the street "" is the whole district."""


@dataclass(frozen=True, slots=True)
class Burst:
    """``people`` where ``expected`` were to be expected; ``chance`` of so many or more, if nothing is the matter."""

    cell: Cell
    people: int
    expected: float
    chance: float


def find(weekly: Mapping[Cell, Sequence[int]], cells: int, rule: BurstRule) -> list[Burst]:
    """The bursts among ``cells`` cells, the least likely first.

    ``weekly`` has the people of each week, oldest first, the week in question last: ``rule.weeks`` + 1
    numbers. A cell in which nobody ever complained may be left out; whole districts are cells too.
    """
    totals = _totals(weekly, rule.weeks + 1)
    wide = _dispersion(weekly, rule)
    found = []
    for cell, counts in weekly.items():
        people = counts[-1]
        if people < rule.least:
            continue
        mean, size = _expected(counts, totals, wide, rule)
        found.append(Burst(cell, people, mean, at_least(people, mean, size)))
    found.sort(key=lambda burst: (burst.chance, burst.cell))
    last = max(
        (at for at, b in enumerate(found, 1) if b.chance <= at * rule.rate / cells), default=0
    )
    return found[:last]


def at_least(people: int, mean: float, size: float) -> float:
    """P(X >= people) of a negative binomial with this mean and size (variance mean + mean²/size)."""
    whole = math.log(size) - math.log(size + mean)
    part = math.log(mean) - math.log(size + mean)
    below = (
        math.exp(
            math.lgamma(size + n) - math.lgamma(size) - math.lgamma(n + 1) + size * whole + n * part
        )
        for n in range(people)
    )
    rest = 1.0 - math.fsum(below)
    if rest > 1e-9:
        return rest
    # Too near to one to be subtracted: the tail itself, whose terms soon shrink by a constant share.
    term = math.exp(
        math.lgamma(size + people)
        - math.lgamma(size)
        - math.lgamma(people + 1)
        + size * whole
        + people * part
    )
    tail, n = 0.0, people
    while term > tail * 1e-12 and n < people + 10_000:
        tail += term
        term *= (size + n) / (n + 1) * mean / (size + mean)
        n += 1
    return tail


def _totals(weekly: Mapping[Cell, Sequence[int]], weeks: int) -> list[int]:
    """People of each week in the streets' cells; the district's own would count them twice."""
    totals = [0] * weeks
    for (_, street), counts in weekly.items():
        if street:
            for week, count in enumerate(counts):
                totals[week] += count
    return totals


def _dispersion(weekly: Mapping[Cell, Sequence[int]], rule: BurstRule) -> float:
    """Variance over mean of the weeks before, pooled over the streets' cells; between 1 and the most believed."""
    spread = mean = 0.0
    for (_, street), counts in weekly.items():
        if street:
            before = counts[:-1]
            usual = sum(before) / len(before)
            spread += sum((count - usual) ** 2 for count in before) / (len(before) - 1)
            mean += usual
    return min(max(spread / mean, 1.0), rule.dispersion_most) if mean else 1.0


def _expected(
    counts: Sequence[int], totals: Sequence[int], wide: float, rule: BurstRule
) -> tuple[float, float]:
    """Mean and size of the negative binomial from which this week's people would come."""
    sum_before = sum(counts[:-1])
    others = [max(total - own, 0) for total, own in zip(totals, counts, strict=True)]
    usual = sum(others[:-1]) / rule.weeks
    season = (others[-1] + rule.season_people) / (usual + rule.season_people)
    season = min(max(season, rule.season_low), rule.season_high)
    believed = rule.prior_people + sum_before
    mean = believed / (rule.prior_weeks + rule.weeks) * season
    size = 1 / (1 / believed + (wide - 1) / mean)
    return mean, size
