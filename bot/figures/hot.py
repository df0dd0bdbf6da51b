"""What is complained about most (投诉热点), told so that nobody is recognised: of fewer than k people nothing is
said, and counts are rounded down to multiples of k, so that two lists tell nobody who came between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bot.figures.rules import HotRule

Trend = Literal["up", "same", "down"]


class Filed(NamedTuple):
    """A complaint: its kind, its street ("" when it has none), and by whom."""

    object: str
    street: str
    account: Hashable
    phone: Hashable


class Line(NamedTuple):
    """``people`` at least; an ``object`` or ``street`` of "" is all of them."""

    object: str
    street: str
    people: int
    trend: Trend


@dataclass(frozen=True, slots=True)
class Hot:
    """Kinds in the whole district, streets with all kinds, and kinds in a street; each the most first."""

    kinds: tuple[Line, ...]
    streets: tuple[Line, ...]
    cells: tuple[Line, ...]


def people(filed: Iterable[Filed]) -> int:
    """How many different persons: two accounts with one telephone number are one, and so are two numbers of one
    account."""
    parent: dict[Hashable, Hashable] = {}

    def root(one: Hashable) -> Hashable:
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for case in filed:
        account = root(("account", case.account))
        if case.phone is not None:
            parent[account] = root(("phone", case.phone))
    return len({root(one) for one in parent})


def hot(now: Sequence[Filed], before: Sequence[Filed], rule: HotRule) -> Hot:
    """The list for a period, with trends against the period before it."""
    return Hot(
        _lines(now, before, rule, lambda case: (case.object, "")),
        _lines([c for c in now if c.street], before, rule, lambda case: ("", case.street)),
        _lines([c for c in now if c.street], before, rule, lambda case: (case.object, case.street)),
    )


def rounded(count: int, k: int) -> int:
    """A count as it may be told: the greatest multiple of k that it reaches."""
    return count - count % k


def _lines(
    now: Iterable[Filed],
    before: Iterable[Filed],
    rule: HotRule,
    cell: Callable[[Filed], tuple[str, str]],
) -> tuple[Line, ...]:
    was = _counted(before, cell)
    lines = [
        Line(*where, rounded(count, rule.k), _trend(count, was.get(where, 0), rule))
        for where, count in _counted(now, cell).items()
        if count >= rule.k
    ]
    lines.sort(key=lambda line: (-line.people, line.object, line.street))
    return tuple(lines[: rule.shown])


def _counted(
    filed: Iterable[Filed], cell: Callable[[Filed], tuple[str, str]]
) -> dict[tuple[str, str], int]:
    cells: defaultdict[tuple[str, str], list[Filed]] = defaultdict(list)
    for case in filed:
        cells[cell(case)].append(case)
    return {where: people(inside) for where, inside in cells.items()}


def _trend(count: int, was: int, rule: HotRule) -> Trend:
    """Against too few to be told of, any count that may be told is more, and only that is said."""
    if was < rule.k or count >= was * (1 + rule.step):
        return "up"
    return "down" if count <= was * (1 - rule.step) else "same"
