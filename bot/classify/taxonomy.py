"""The codes of the three axes. What a code means stands in ``rules/taxonomy.csv``.

Object codes (对象) are fixed; natures (性质) are the ten kinds by which the China Consumers
Association counts complaints; channels (渠道) are where the deal was made.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

OUT_OF_SCOPE = "out_of_scope"
OTHER = "other_consumer"

NATURES = (
    "quality",
    "safety",
    "price",
    "measurement",
    "false_advertising",
    "counterfeit",
    "contract",
    "after_sales",
    "dignity",
    "other",
)
CHANNELS = ("shop", "platform", "live_stream", "door_to_door", "social_group", "phone", "unknown")


@dataclass(frozen=True, slots=True)
class Kind:
    """One object code: its Chinese name, its group (finance, goods, services, none), its meaning."""

    code: str
    name: str
    group: str
    means: str


@cache
def kinds() -> dict[str, Kind]:
    """Every object code in the order of the table."""
    text = files("bot.classify").joinpath("rules", "taxonomy.csv").read_text("utf-8")
    return {
        row["code"]: Kind(row["code"], row["name_zh"], row["group"], row["means"])
        for row in csv.DictReader(text.splitlines())
    }


def codes() -> tuple[str, ...]:
    """The 36 object codes."""
    return tuple(kinds())


def group_of(code: str) -> str:
    """``finance``, ``goods``, ``services`` or ``none``. Raises KeyError on an unknown code."""
    return kinds()[code].group


FINANCE = frozenset(code for code, kind in kinds().items() if kind.group == "finance")
