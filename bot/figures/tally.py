"""What was done in a period, added up (统计): counts, shares of them, and times as medians.

Everything is about the cases filed in the period, whatever became of them since: so what was taken or solved
is part of what came in, and a share is never above one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

BEST = 3
"""Of a mark from 1 to 3 that a consumer gives."""


@dataclass(slots=True)
class Tally:
    """Cases by what they are and what became of them; money in fen; ``take`` and ``handle``: minutes, in no order.

    ``received`` is the sum of complaints, clues and consultations; merged cases and a person's further
    consultations of a day are in none of them. ``closed``: solved, unsolved or withdrawn. ``gave_up``: given
    back, passed on or lost to another desk, counted there and not among ``received`` here.
    """

    received: int = 0
    complaints: int = 0
    clues: int = 0
    consults: int = 0
    taken: int = 0
    solved: int = 0
    unsolved: int = 0
    withdrawn: int = 0
    open: int = 0
    gave_up: int = 0
    returned_fen: int = 0
    rate_sum: int = 0
    rate_count: int = 0
    take: list[int] = field(default_factory=list)
    handle: list[int] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in another's figures."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.take += other.take
        self.handle += other.handle

    @property
    def solved_share(self) -> float | None:
        """Solved among those that came to an end with or without a solution; None when there is none."""
        ended = self.solved + self.unsolved
        return self.solved / ended if ended else None

    @property
    def mark(self) -> float | None:
        """The mean mark from 1 to 3; None when nobody gave one."""
        return self.rate_sum / self.rate_count if self.rate_count else None


COUNTED = tuple(one.name for one in fields(Tally) if one.name not in {"take", "handle"})
"""The plain figures, in the order in which they are read from the books."""


def quantiles(values: Iterable[int], *shares: float) -> list[int | None]:
    """For each share the smallest value that at least so many of all do not exceed (nearest rank); None of none."""
    ordered = sorted(values)
    if not ordered:
        return [None] * len(shares)
    return [ordered[max(0, math.ceil(share * len(ordered)) - 1)] for share in shares]
