"""Periods of the books (统计期): a month, a quarter, a year, or any days from one to another."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_CODE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{1,2})|[qQ](?P<quarter>[1-4]))?"
    r"|(?P<first>[0-9]{8})-(?P<last>[0-9]{8})",
    re.ASCII,
)
YEARS = range(2000, 2100)


@dataclass(frozen=True, slots=True)
class Period:
    """Days in Shanghai, both inclusive; ``kind`` is month, quarter, year or range."""

    kind: str
    first: date
    last: date

    @property
    def code(self) -> str:
        """As it is written in a button and typed: 2026-10, 2026q4, 2026, 20261001-20261115."""
        match self.kind:
            case "month":
                return f"{self.first:%Y-%m}"
            case "quarter":
                return f"{self.first.year}q{(self.first.month + 2) // 3}"
            case "year":
                return f"{self.first.year}"
        return f"{self.first:%Y%m%d}-{self.last:%Y%m%d}"

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def months(self) -> float:
        """Its length in months, for what is expected each month."""
        return self.days / 30.4375

    def before(self) -> Period:
        """The one before, of the same kind; of a range, as many days."""
        return self._beside(-1)

    def after(self) -> Period:
        """The next one, of the same kind."""
        return self._beside(1)

    def _beside(self, by: int) -> Period:
        match self.kind:
            case "month":
                return month(self.first.year, self.first.month + by)
            case "quarter":
                return quarter(self.first.year, (self.first.month + 2) // 3 + by)
            case "year":
                return year(self.first.year + by)
        gap = timedelta(days=by * self.days)
        return Period("range", self.first + gap, self.last + gap)


def month(of: int, number: int) -> Period:
    """A month; numbers outside of 1 to 12 run into the years beside."""
    of, number = of + (number - 1) // 12, (number - 1) % 12 + 1
    return Period("month", date(of, number, 1), date(of, number, monthrange(of, number)[1]))


def quarter(of: int, number: int) -> Period:
    """A quarter; numbers outside of 1 to 4 run into the years beside."""
    first = month(of, number * 3 - 2)
    return Period("quarter", first.first, month(of, number * 3).last)


def year(of: int) -> Period:
    """A year."""
    return Period("year", date(of, 1, 1), date(of, 12, 31))


def around(day: date, kind: str) -> Period:
    """The month, quarter or year that a day lies in."""
    match kind:
        case "quarter":
            return quarter(day.year, (day.month + 2) // 3)
        case "year":
            return year(day.year)
    return month(day.year, day.month)


def read(code: str) -> Period | None:
    """What ``Period.code`` wrote; None for anything else, and for years out of all reason."""
    found = _CODE.fullmatch(code.strip())
    if found is None:
        return None
    if found["first"]:
        try:
            first = date.fromisoformat(found["first"])
            last = date.fromisoformat(found["last"])
        except ValueError:
            return None
        made = Period("range", first, last) if first <= last else None
    else:
        of, number = int(found["year"]), int(found["month"] or 1)
        if of not in YEARS or not 1 <= number <= 12:
            return None
        if found["month"]:
            made = month(of, number)
        else:
            made = quarter(of, int(found["quarter"])) if found["quarter"] else year(of)
    return made if made and {made.first.year, made.last.year} <= set(YEARS) else None
