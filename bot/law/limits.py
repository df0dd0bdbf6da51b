"""Which promises and limits of the policy may be changed while the product runs, and how far (``limits.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from bot.law.policy import Policy


@dataclass(frozen=True, slots=True)
class Limit:
    """``name`` is the policy's field, with ``.key`` for one value of a table (``take_hours.mall``); ``group``
    is promise, reminder or limit; the value is a whole number of ``unit`` from ``least`` to ``most``."""

    name: str
    group: str
    unit: str
    least: int
    most: int

    def fits(self, value: object) -> bool:
        return isinstance(value, int) and self.least <= value <= self.most


@cache
def limits() -> Mapping[str, Limit]:
    """By name, in the file's order. Raises KeyError or TypeError on a broken file."""
    table = tomllib.loads(files("bot.law").joinpath("limits.toml").read_text("utf-8"))
    found = {}
    for field, row in table.items():
        for key in row.pop("keys", ("",)):
            name = f"{field}.{key}" if key else field
            found[name] = Limit(name=name, **row)
    return found


def value(policy: Policy, name: str) -> int:
    """What a limit is in this policy. Raises AttributeError or KeyError when there is no such value."""
    field, _, key = name.partition(".")
    found = getattr(policy, field)
    return int(found[key] if key else found)


def changed(policy: Policy, values: Mapping[str, object]) -> Policy:
    """The policy with these values; what is no limit any more, or out of its bounds, is left as it was."""
    fields: dict[str, Any] = {}
    for name, wanted in values.items():
        limit = limits().get(name)
        if limit is None or not limit.fits(wanted):
            continue
        field, _, key = name.partition(".")
        if key:
            fields[field] = {**(fields.get(field) or getattr(policy, field)), key: wanted}
        else:
            fields[field] = wanted
    return replace(policy, **fields)
