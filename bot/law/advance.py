"""Tiers and limits of payment in advance (先行赔付) and of fast refunds (``advance.toml``). Sums in fen."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Advance:
    """``tiers``: up to a sum, within so many hours, the smallest first. ``proofs`` are codes of what must be
    at hand. Above ``second_above_fen`` a second person decides. ``fast_left`` are minutes left."""

    source: str
    proofs: tuple[str, ...]
    second_above_fen: int
    tiers: tuple[tuple[int, int], ...]
    fast_up_to_fen: int
    fast_left: tuple[int, ...]

    def most(self, point_fen: int | None) -> int:
        """The most that a point with this limit of its own may pay; 0 when it pays nothing in advance."""
        return min(point_fen or 0, self.tiers[-1][0])

    def due(self, fen: int, since: datetime) -> datetime:
        """By when a sum is to be paid. Raises ValueError above the last tier."""
        for up_to, hours in self.tiers:
            if fen <= up_to:
                return since + timedelta(hours=hours)
        raise ValueError(f"{fen} fen is above every tier")

    def needs_second(self, fen: int) -> bool:
        """Whether a second person has to decide."""
        return fen > self.second_above_fen

    def missing(self, proofs: list[str]) -> list[str]:
        """The proofs that are not at hand."""
        return [proof for proof in self.proofs if proof not in proofs]

    def fast(self, fen: int | None, minutes: int | None, files: int) -> bool:
        """Whether the point's promise of a fast refund holds for a case: a sum within the limit, and
        something to show for it."""
        return bool(minutes and fen and fen <= self.fast_up_to_fen and files)


def parse(table: dict[str, Any]) -> Advance:
    """Raises ValueError when the tiers do not rise."""
    tiers = tuple((tier["up_to_fen"], tier["hours"]) for tier in table["tier"])
    if not tiers or list(tiers) != sorted(set(tiers)):
        raise ValueError(f"the tiers of payment in advance do not rise: {tiers}")
    return Advance(
        source=table["source"],
        proofs=tuple(table["proofs"]),
        second_above_fen=table["second_above_fen"],
        tiers=tiers,
        fast_up_to_fen=table["fast"]["up_to_fen"],
        fast_left=tuple(sorted(table["fast"]["left_minutes"], reverse=True)),
    )


@cache
def load() -> Advance:
    """The packaged tiers."""
    return parse(tomllib.loads(files("bot.law").joinpath("advance.toml").read_text("utf-8")))
