"""Pictures of figures (图) as plain data: what is drawn, in words that need no catalogue any more.

A picture is read on a phone: few marks, large words, one thing to see. ``note`` stands small below it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bars:
    """Lying bars, the longest first; each row is a label, its value, and the value as it is written."""

    title: str
    note: str
    rows: tuple[tuple[str, float, str], ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """Lines over the same steps; each series is a name with a value for every step."""

    title: str
    note: str
    steps: tuple[str, ...]
    series: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True, slots=True)
class Bubble:
    """A circle at a place (WGS-84 degrees), its area as ``value``."""

    label: str
    lat: float
    lon: float
    value: float


@dataclass(frozen=True, slots=True)
class Bubbles:
    """A schematic map: places and sizes only, no borders; ``mark`` says so in its corner."""

    title: str
    note: str
    mark: str
    bubbles: tuple[Bubble, ...]


Picture = Bars | Trend | Bubbles

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A native chart of a spreadsheet: columns ``values`` over the column ``labels``, counted from 0, of the
    first ``rows`` rows."""

    kind: str
    title: str
    labels: int
    values: tuple[int, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet of a workbook: a note above, headings, rows; ``shares`` are columns shown as per cent."""

    name: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shares: tuple[int, ...] = ()
    chart: Chart | None = None
