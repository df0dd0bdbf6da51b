"""Which matters bring up sensitive personal information (敏感个人信息, PIPL art. 28), as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: where it is to be expected, and the ``answers`` that hold it.

    ``groups`` and ``objects`` are of the taxonomy; ``yes`` are questions whose yes brings it up.
    """

    name: str
    groups: frozenset[str]
    objects: frozenset[str]
    yes: frozenset[str]
    fraud: bool
    answers: tuple[str, ...]


@cache
def kinds() -> tuple[Kind, ...]:
    """The packaged kinds. Raises KeyError when a row lacks its answers."""
    table = tomllib.loads(files("bot.law").joinpath("sensitive.toml").read_text("utf-8"))
    return tuple(
        Kind(
            name,
            frozenset(row.get("groups", ())),
            frozenset(row.get("objects", ())),
            frozenset(row.get("yes", ())),
            bool(row.get("fraud")),
            tuple(row["answers"]),
        )
        for name, row in table.items()
        if isinstance(row, dict)
    )


def found(
    code: str, group: str, fraud: bool, answers: Mapping[str, Mapping[str, Any]]
) -> tuple[Kind, ...]:
    """The kinds that a matter of this category, with these answers, brings up."""
    said_yes = {key for key, record in answers.items() if record.get("v") == "yes"}
    return tuple(
        kind
        for kind in kinds()
        if group in kind.groups
        or code in kind.objects
        or kind.yes & said_yes
        or (fraud and kind.fraud)
    )
