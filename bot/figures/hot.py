"""What is complained about most (投诉热点), told so that nobody is recognised: of fewer than k people nothing is
said, and counts are rounded down to multiples of k, so that two lists tell nobody who came between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
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


def persons(filed: Sequence[Filed]) -> dict[Hashable, Hashable]:
    """Who is behind each account: two accounts with one telephone number are one person, and so are the
    numbers of one account."""
    parent: dict[Hashable, Hashable] = {case.account: case.account for case in filed}
    first: dict[Hashable, Hashable] = {}

    def root(one: Hashable) -> Hashable:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for case in filed:
        if case.phone is not None:
            other = first.setdefault(case.phone, case.account)
            if other != case.account:
                parent[root(case.account)] = root(other)
    return {account: root(account) for account in parent}


def people(filed: Sequence[Filed]) -> int:
    """How many different persons."""
    return len(set(persons(filed).values()))


def hot(now: Sequence[Filed], before: Sequence[Filed], rule: HotRule) -> Hot:
    """The list for a period, with trends against the period before it."""
    who = persons(now)
    was = persons(before)

    def lines(cell: Callable[[Filed], tuple[str, str]], placed: bool) -> tuple[Line, ...]:
        counts = _counted(now, who, cell, placed)
        return _lines(counts, _counted(before, was, cell, placed), rule)

    return Hot(
        lines(lambda case: (case.object, ""), False),
        lines(lambda case: ("", case.street), True),
        lines(lambda case: (case.object, case.street), True),
    )


def rounded(count: int, k: int) -> int:
    """A count as it may be told: the greatest multiple of k that it reaches."""
    return count - count % k


def _lines(
    counts: Mapping[tuple[str, str], int], was: Mapping[tuple[str, str], int], rule: HotRule
) -> tuple[Line, ...]:
    lines = [
        Line(*where, rounded(count, rule.k), _trend(count, was.get(where, 0), rule))
        for where, count in counts.items()
        if count >= rule.k
    ]
    lines.sort(key=lambda line: (-line.people, line.object, line.street))
    return tuple(lines[: rule.shown])


def _counted(
    filed: Iterable[Filed],
    who: Mapping[Hashable, Hashable],
    cell: Callable[[Filed], tuple[str, str]],
    placed: bool,
) -> dict[tuple[str, str], int]:
    """Persons of each cell; with ``placed`` only of complaints that have a street."""
    cells: defaultdict[tuple[str, str], set[Hashable]] = defaultdict(set)
    for case in filed:
        if case.street or not placed:
            cells[cell(case)].add(who[case.account])
    return {where: len(inside) for where, inside in cells.items()}


def _trend(count: int, was: int, rule: HotRule) -> Trend:
    """Against too few to be told of, any count that may be told is more, and only that is said."""
    if was < rule.k or count >= was * (1 + rule.step):
        return "up"
    return "down" if count <= was * (1 - rule.step) else "same"
