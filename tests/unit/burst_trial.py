"""A district made up by chance, day by day, in which bursts are looked for: how many alarms are false, and
how many true bursts are found. ``python -m tests.unit.burst_trial`` prints what docs/early-warning.md tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bot.figures import bursts, rules
from bot.figures.bursts import Cell

WEEK = 7


@dataclass(frozen=True)
class District:
    """``weekly`` people in all; with ``clumped`` each brings half so many others along, so that numbers vary by more than
    chance; a year's season of ±30 % and one week of twice as many."""

    kinds: int
    streets: int
    weekly: float
    clumped: float = 0.0
    season: float = 0.3
    fair: int | None = 40

    @property
    def cells(self) -> int:
        return self.kinds * (self.streets + 1)


def shares(count: int) -> list[float]:
    """Few have much and many have little, as kinds and streets do."""
    weights = [1 / (place + 2) for place in range(count)]
    return [weight / sum(weights) for weight in weights]


def poisson(chance: Random, mean: float) -> int:
    """Knuth's way, for the small means of a day."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def days(district: District, seed: int, length: int) -> dict[Cell, list[int]]:
    """People of each street's cell and day."""
    chance = Random(seed)
    made = {}
    for k, kind in enumerate(shares(district.kinds)):
        for s, street in enumerate(shares(district.streets)):
            usual = district.weekly * kind * street / WEEK
            made[f"k{k}", f"s{s}"] = [_day(district, chance, usual, day) for day in range(length)]
    return made


def _day(district: District, chance: Random, usual: float, day: int) -> int:
    mean = usual * (1 + district.season * math.sin(2 * math.pi * day / 365))
    if district.fair is not None and day // WEEK == district.fair:
        mean *= 2
    if district.clumped:
        # One who complains brings others along: a Poisson number of groups, each of one and a few more.
        more = district.clumped / 2
        groups = poisson(chance, mean / (1 + more))
        return groups + sum(poisson(chance, more) for _ in range(groups))
    return poisson(chance, mean)


def week_sums(daily: Mapping[Cell, Sequence[int]], until: int, weeks: int) -> dict[Cell, list[int]]:
    """Weekly sums up to the day ``until``, the district's cells among them."""
    sums: dict[Cell, list[int]] = {}
    for (kind, street), counts in daily.items():
        own = [
            sum(counts[until - (week + 1) * WEEK : until - week * WEEK])
            for week in range(weeks, -1, -1)
        ]
        sums[kind, street] = own
        whole = sums.setdefault((kind, ""), [0] * (weeks + 1))
        sums[kind, ""] = [a + b for a, b in zip(whole, own, strict=True)]
    return sums


def alarms(district: District, seed: int, nights: int) -> list[tuple[int, Cell]]:
    """What is told in so many nights of a quiet district: each cell rests after it was told."""
    rule = rules.load().burst
    first = (rule.weeks + 1) * WEEK
    daily = days(district, seed, first + nights)
    rests: dict[Cell, int] = {}
    told = []
    for night in range(first, first + nights):
        for burst in bursts.find(week_sums(daily, night, rule.weeks), district.cells, rule):
            if night >= rests.get(burst.cell, 0):
                rests[burst.cell] = night + rule.rest_days
                told.append((night, burst.cell))
    return told


def power(district: District, seed: int, usual: float, more: int, tries: int) -> float:
    """The share of bursts of ``more`` people within a week that are found by its end, in a cell of ``usual`` a week."""
    rule = rules.load().burst
    length = (rule.weeks + 1) * WEEK
    chance = Random(seed)
    daily = days(district, seed, length)
    found = 0
    for _ in range(tries):
        cell = ("k0", "s0")
        own = [poisson(chance, usual / WEEK) for _ in range(length)]
        for _ in range(more):
            own[length - 1 - chance.randrange(WEEK)] += 1
        sums = week_sums({**daily, cell: own}, length, rule.weeks)
        found += cell in {burst.cell for burst in bursts.find(sums, district.cells, rule)}
    return found / tries


def main() -> None:
    years = 3
    for name, district in {
        "2,000 people a week": District(35, 36, 2000),
        "400 people a week": District(35, 36, 400),
        "2,000, clumped (variance 1.45 times the mean)": District(35, 36, 2000, clumped=0.5),
    }.items():
        told = [len(alarms(district, seed, 365)) for seed in range(years)]
        print(f"{name}: alarms in each of {years} quiet years (seeds 0-{years - 1}): {told}")  # noqa: T201
    district = District(35, 36, 2000)
    for usual in (0.2, 1.0, 3.0):
        line = [(more, power(district, 7, usual, more, 40)) for more in (5, 6, 8, 10, 12, 15)]
        print(f"usual {usual} a week, found of 40 (seed 7):", line)  # noqa: T201


if __name__ == "__main__":
    main()
