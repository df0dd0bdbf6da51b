"""What a bench gives, and the words that the benches read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """``value`` (None: not measured) is the median of ``rounds``, in ``unit``; ``what`` says what was measured.

    ``times``: how many times as good as the baseline of the same run, the row whose ``times`` is 1.
    """

    bench: str
    what: str
    value: float | None
    unit: str
    rounds: int = ROUNDS
    times: float | None = None
    goal: str = ""


@cache
def words() -> Mapping[str, Any]:
    """``texts``: complaints of about 200 characters; ``steps``: what a person types in turn;
    ``today``: the day on which the complaints are read."""
    return tomllib.loads(files("bot.bench").joinpath("words.toml").read_text("utf-8"))
