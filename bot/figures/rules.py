"""The parameters of the early warning (``warning.toml``): one file, read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import time
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class HotRule:
    """``k`` people at least; ``days`` are the windows offered, ``shown`` lines of each part, ``step`` the share
    of change that is a trend."""

    k: int
    days: list[int]
    shown: int
    step: float


@dataclass(frozen=True, slots=True)
class BurstRule:
    """As the file says; weeks, days and people as the names tell, ``at`` in Shanghai."""

    window_days: int
    weeks: int
    least_weeks: int
    prior_people: float
    prior_weeks: float
    least: int
    rate: float
    season_low: float
    season_high: float
    season_people: float
    dispersion_most: float
    rest_days: int
    at: time


@dataclass(frozen=True, slots=True)
class NamesRule:
    """``alike`` of 100; the lengths in characters."""

    days: int
    rows: int
    shown: int
    alike: float
    least_alike: int
    least_branch: int


@dataclass(frozen=True, slots=True)
class ReleaseRule:
    """Characters at most; ``least`` of a reason and a source."""

    name: int
    reason: int
    source: int
    least: int


@dataclass(frozen=True, slots=True)
class Rules:
    """All parts of the file."""

    hot: HotRule
    burst: BurstRule
    names: NamesRule
    release: ReleaseRule


@cache
def load() -> Rules:
    """The packaged parameters. Raises TypeError when one is missing or unknown."""
    data = tomllib.loads(files("bot.figures").joinpath("warning.toml").read_text("utf-8"))
    return Rules(
        HotRule(**data["hot"]),
        BurstRule(**data["burst"]),
        NamesRule(**data["names"]),
        ReleaseRule(**data["release"]),
    )
