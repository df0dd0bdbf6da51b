"""The rating of liaison points (评定): a published formula as data (``rating.toml``), and what follows from it.

Shares decide, never how many cases a point had; a share of few cases is drawn towards the usual one (a
Beta prior), so that neither luck nor bad luck of three cases ranks anybody. Whatever a desk gives away counts
as not solved and, not taken, as not prompt: refusing a case never raises a score.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

PARTS = ("solved", "prompt", "satisfied", "education")


@dataclass(frozen=True, slots=True)
class Work:
    """What a point did with complaints in a period: counts.

    ``failed`` holds all that ended otherwise than solved, was given away, or lies open too long; of
    ``handed`` complaints ``prompt`` were taken in time. ``marks`` from 1 to 3 add up over ``rated`` answers.
    """

    solved: int = 0
    failed: int = 0
    ended_here: int = 0
    handed: int = 0
    prompt: int = 0
    marks: int = 0
    rated: int = 0
    education_days: int = 0


@dataclass(frozen=True, slots=True)
class Tier:
    """``seats`` 0: as many as reach the floor."""

    code: str
    seats: int
    floor: float


@dataclass(frozen=True, slots=True)
class Formula:
    """The weights add up to 100; ``tiers`` from the highest down, the last without a floor."""

    version: str
    source: str
    checked_on: str
    sample_per_year: int
    sample_least: int
    prior_cases: int
    open_days: int
    uncounted: frozenset[str]
    education_days_per_month: float
    appeal_days: int
    weights: Mapping[str, int]
    usual: Mapping[str, float]
    tiers: tuple[Tier, ...]

    def sample(self, months: float) -> int:
        """Complaints ended at a point below which it is not rated."""
        return max(self.sample_least, round(self.sample_per_year * months / 12))


@dataclass(frozen=True, slots=True)
class Score:
    """From 0 to 100, two decimals; ``parts`` are its points by part, at most the weight of each."""

    total: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rated:
    """A point's place: ``score`` None when it had too few cases and keeps its tier."""

    code: str
    score: Score | None
    former: str
    tier: str


def score(formula: Formula, work: Work, months: float) -> Score:
    """What a point gets for its work over so many months."""
    # Marks run from 1 to 3: the worst counts nothing, the best everything.
    shares = {
        "solved": _drawn(formula, "solved", work.solved, work.solved + work.failed),
        "prompt": _drawn(formula, "prompt", work.prompt, work.handed),
        "satisfied": _drawn(formula, "satisfied", (work.marks - work.rated) / 2, work.rated),
        "education": min(
            1.0, work.education_days / max(1.0, formula.education_days_per_month * months)
        ),
    }
    parts = {key: round(formula.weights[key] * shares[key], 2) for key in PARTS}
    return Score(round(sum(parts.values()), 2), parts)


def _drawn(formula: Formula, part: str, good: float, of: int) -> float:
    """A share, drawn towards the usual one as if ``prior_cases`` more had gone the usual way."""
    prior = formula.prior_cases
    return (good + prior * formula.usual[part]) / (of + prior)


def rate(
    formula: Formula, works: Iterable[tuple[str, str, Work]], months: float
) -> tuple[Rated, ...]:
    """Every point (code, present tier, its work) with its score and tier, the best first.

    Points without a sample keep their tier, and a seat that they hold is not given to another. Equal scores
    are parted by their parts in the order of PARTS, then by code.
    """
    least = formula.sample(months)
    ranked: list[tuple[str, str, Score]] = []
    kept: list[Rated] = []
    for code, former, work in works:
        if work.ended_here < least:
            kept.append(Rated(code, None, former, former))
        else:
            ranked.append((code, former, score(formula, work, months)))
    ranked.sort(key=lambda one: (-one[2].total, *(-one[2].parts[key] for key in PARTS), one[0]))
    taken = Counter(one.tier for one in kept)
    made: list[Rated] = []
    for code, former, got in ranked:
        tier = next(
            each
            for each in formula.tiers
            if got.total >= each.floor and (not each.seats or taken[each.code] < each.seats)
        )
        taken[tier.code] += 1
        made.append(Rated(code, got, former, tier.code))
    return (*made, *sorted(kept, key=lambda one: one.code))


def parse(table: Mapping[str, Any]) -> Formula:
    """Raises ValueError when the weights are not 100 in all, or the tiers' floors do not fall to 0."""
    weights = {key: table["part"][key]["weight"] for key in PARTS}
    if sum(weights.values()) != 100 or min(weights.values()) < 0:
        raise ValueError(f"the weights of the rating are not 100 in all: {weights}")
    tiers = tuple(Tier(one["code"], one["seats"], one["floor"]) for one in table["tier"])
    floors = [tier.floor for tier in tiers]
    if not tiers or floors != sorted(floors, reverse=True) or tiers[-1].floor or tiers[-1].seats:
        raise ValueError(f"the tiers of the rating do not fall to 0: {tiers}")
    return Formula(
        version=table["version"],
        source=table["source"],
        checked_on=str(table["checked_on"]),
        sample_per_year=table["sample_per_year"],
        sample_least=table["sample_least"],
        prior_cases=table["prior_cases"],
        open_days=table["open_days"],
        uncounted=frozenset(table["uncounted"]),
        education_days_per_month=table["education_days_per_month"],
        appeal_days=table["appeal_days"],
        weights=weights,
        usual={key: table["part"][key]["usual"] for key in PARTS if "usual" in table["part"][key]},
        tiers=tiers,
    )


@cache
def load() -> Formula:
    """The packaged formula."""
    return parse(tomllib.loads(files("bot.figures").joinpath("rating.toml").read_text("utf-8")))
