"""Import liaison points (导入联络点): judge every row of a table, then write all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import kinds
from bot.facts.datum import DATUMS, to_wgs84
from bot.route.decide import load_policy
from bot.route.hours import read_hours
from bot.route.register import Desk, Precision, Register
from bot.services.load_register import PRECISIONS
from bot.texts.catalogue import Catalogue, Say, say
from models.network import LiaisonPoint, Organisation

COLUMNS = (
    "code",
    "name",
    "type",
    "tier",
    "street",
    "address",
    "lat",
    "lon",
    "datum",
    "precision",
    "hours",
    "takes",
    "merchants",
)
TIERS = ("model", "hundred", "excellent", "basic")
LONGEST = {"name": 120, "type": 40, "address": 200, "hours": 200}
"""Characters in a cell, as many as the columns of models.network hold."""

CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
SHORTENED = re.compile(r"[0-9.]+E\+[0-9]+", re.IGNORECASE)
"""A long code that a spreadsheet program took for a number."""

DEGREE_DIGITS = 7
"""Decimals kept of a converted coordinate: a centimetre."""

What = Literal["new", "changed", "same", "refused"]
Lines = Iterable[tuple[int, Mapping[str, str]]]


class NotAPointList(Exception):
    """The table as a whole cannot be a list of points; ``why`` says so in words."""

    def __init__(self, why: Say) -> None:
        super().__init__(why.key)
        self.why = why


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one row: new, changed, same (nothing to do) or refused, and why.

    ``because`` holds the reasons of a refusal, or what is worth a look; ``changed`` the columns that
    change; ``desk`` is the point as it would be, None when refused.
    """

    line: int
    code: str
    name: str
    what: What
    because: tuple[Say, ...] = ()
    changed: tuple[str, ...] = ()
    desk: Desk | None = None


def judge(
    headings: Sequence[str], lines: Lines, register: Register, texts: Catalogue
) -> list[Fate]:
    """The fate of every row, in order; nothing is written.

    Points are known by their code. A column that is not there leaves things as they are, an empty
    cell empties them. Raises NotAPointList.
    """
    unknown = [name for name in headings if name not in COLUMNS]
    if unknown:
        raise NotAPointList(say("cli.points.unknown_columns", names=unknown, known=list(COLUMNS)))
    if not {"code", "name"} <= set(headings):
        raise NotAPointList(say("cli.points.needed_columns"))
    if ("lat" in headings) != ("lon" in headings):
        raise NotAPointList(say("cli.points.half_place"))
    known = {desk.code: desk for desk in register}
    seen: set[str] = set()
    fates = []
    for number, cells in lines:
        row = _Row(number, cells, known, register, texts)
        fates.append(row.fate(twice=row.code in seen))
        seen.add(row.code)
    return fates


class _Row:
    """One row while it is judged; ``wrong`` collects every reason against it."""

    def __init__(
        self,
        line: int,
        cells: Mapping[str, str],
        known: Mapping[str, Desk],
        register: Register,
        texts: Catalogue,
    ) -> None:
        self.line = line
        self.cells = cells
        self.code = cells.get("code", "")
        self.before = known.get(self.code)
        self.register = register
        self.texts = texts
        self.wrong: list[Say] = []
        self.notes: list[Say] = []

    def fate(self, twice: bool) -> Fate:
        name = self.cells.get("name", "")
        self._check_code(twice)
        if "" in self.cells:
            self.wrong.append(say("cli.points.too_many_cells"))
        if not name:
            self.wrong.append(say("cli.points.no_name"))
        bureau = self.register.bureau
        old = self.before or Desk(
            self.code, name, "point", parent_code=bureau.code if bureau else None
        )
        changes = {**self._words(), **self._street(), **self._lists()}
        changes |= self._place(replace(old, **changes), old)
        new = replace(old, **changes)
        if self.wrong:
            return Fate(self.line, self.code, name, "refused", tuple(self.wrong))
        changed = tuple(c for c in COLUMNS if c != "datum" and _column(old, c) != _column(new, c))
        what: What = "new" if self.before is None else "changed" if changed else "same"
        return Fate(self.line, self.code, name, what, tuple(self.notes), changed, new)

    def _check_code(self, twice: bool) -> None:
        if not self.code:
            self.wrong.append(say("cli.points.no_code"))
        elif SHORTENED.fullmatch(self.code):
            self.wrong.append(say("cli.points.code_shortened", code=self.code))
        elif not CODE.fullmatch(self.code):
            self.wrong.append(say("cli.points.code_wrong", code=self.code))
        elif twice:
            self.wrong.append(say("cli.points.code_twice", code=self.code))
        elif self.before is not None and self.before.level != "point":
            self.wrong.append(say("cli.points.not_a_point", name=self.before.name))

    def _words(self) -> dict[str, Any]:
        """name, type, tier, address, hours."""
        found = {key: self.cells[key] for key in LONGEST if key in self.cells}
        for key, text in found.items():
            if len(text) > LONGEST[key]:
                self.wrong.append(say("cli.points.too_long", column=key, most=LONGEST[key]))
        try:
            read_hours(found.get("hours", ""))
        except ValueError:
            self.wrong.append(say("cli.points.hours", text=found["hours"]))
        if "tier" in self.cells:
            tier = self.cells["tier"]
            words = dict(zip(self.texts.raw("cli.points.tiers").split("|"), TIERS, strict=True))
            found["tier"] = words.get(tier, tier)
            if tier and found["tier"] not in TIERS:
                self.wrong.append(say("cli.points.tier", text=tier, known=[*TIERS, *words]))
        return found

    def _street(self) -> dict[str, Any]:
        if "street" not in self.cells:
            return {}
        said = self.cells["street"]
        if not said:
            bureau = self.register.bureau
            return {"street_code": "", "parent_code": bureau.code if bureau else None}
        named = self.register.get(said) or next(iter(self.register.named(said)), None)
        if named is None or named.level != "street":
            self.wrong.append(say("cli.points.street", text=said))
            return {}
        return {"street_code": named.code, "parent_code": named.code}

    def _lists(self) -> dict[str, Any]:
        """takes: codes or names of the taxonomy; merchants: any names."""
        found: dict[str, Any] = {}
        if "takes" in self.cells:
            by_name = {self.texts.plain(say(f"object.{code}")): code for code in kinds()}
            by_name |= {kind.name: code for code, kind in kinds().items()}
            said = _split(self.cells["takes"])
            strange = [word for word in said if word not in kinds() and word not in by_name]
            if strange:
                self.wrong.append(say("cli.points.takes", names=strange))
            found["takes"] = frozenset(by_name.get(word, word) for word in said)
        if "merchants" in self.cells:
            found["merchants"] = _split(self.cells["merchants"])
        return found

    def _place(self, new: Desk, old: Desk) -> dict[str, Any]:
        """lat, lon and precision. A point without a place of its own stands at its street's centre."""
        lat, lon = self.cells.get("lat", ""), self.cells.get("lon", "")
        if not lat and not lon:
            estimated = old.precision == "street_centre" and new.street_code != old.street_code
            if "lat" in self.cells or self.before is None or estimated:
                return self._centre(new)
            return {}
        place = self._degrees(lat, lon)
        precision = self._precision()
        return {} if place is None else {"lat": place[0], "lon": place[1], "precision": precision}

    def _centre(self, new: Desk) -> dict[str, Any]:
        if self.cells.get("precision", "") not in ("", "street_centre", "unknown"):
            self.wrong.append(say("cli.points.precise_nowhere"))
        street = self.register.get(new.street_code)
        nowhere = self.cells.get("precision") == "unknown"
        if nowhere or street is None or street.lat is None:
            return {"lat": None, "lon": None, "precision": "unknown"}
        return {"lat": street.lat, "lon": street.lon, "precision": "street_centre"}

    def _precision(self) -> Precision:
        said = self.cells.get("precision", "") or "address"
        if said not in PRECISIONS:
            self.wrong.append(say("cli.points.precision", text=said, known=list(PRECISIONS)))
        return cast(Precision, said)

    def _degrees(self, lat: str, lon: str) -> tuple[float, float] | None:
        """WGS-84 degrees; the datum must be said, since guessing it wrong moves a point by 500 m."""
        datum = self.cells.get("datum", "").lower().replace("-", "")
        try:
            north, east = float(lat), float(lon)
        except ValueError:
            self.wrong.append(say("cli.points.no_number", lat=lat, lon=lon))
            return None
        if not (-90 <= north <= 90 and -180 <= east <= 180):
            self.wrong.append(say("cli.points.off_globe", lat=lat, lon=lon))
            return None
        if datum not in DATUMS:
            self.wrong.append(say("cli.points.datum", known=list(DATUMS)))
            return None
        if datum != "wgs84":
            north, east = (round(d, DEGREE_DIGITS) for d in to_wgs84(north, east, datum))
        near = self.register.street_centres.nearest(north, east)
        if near and near[0].distance_m > load_policy().outside_m:
            self.notes.append(say("cli.points.far", km=f"{near[0].distance_m / 1000:.0f}"))
        return north, east


def _split(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))


def _column(desk: Desk, column: str) -> Any:
    return desk.street_code if column == "street" else getattr(desk, column)


async def write(session: AsyncSession, fates: Iterable[Fate], source: str) -> int:
    """Write what is new or changed; how many rows. ``source`` says where they came from."""
    wanted = [f.desk for f in fates if f.desk is not None and f.what in ("new", "changed")]
    there = {row.code: row for row in await session.scalars(select(Organisation))}
    serial = await session.scalar(select(func.max(Organisation.serial))) or 0
    for desk in wanted:
        row = there.get(desk.code)
        if row is None:
            serial += 1
            row = LiaisonPoint(code=desk.code, serial=serial, simulated=False)
            session.add(row)
        parent = there.get(desk.parent_code or "")
        for name, value in _values(desk).items():
            setattr(row, name, value)
        row.parent_id = parent.id if parent else None
        row.source = source  # type: ignore[attr-defined]
    await session.flush()
    return len(wanted)


def _values(desk: Desk) -> dict[str, Any]:
    return {
        "name": desk.name,
        "type": desk.type,
        "tier": desk.tier,
        "address": desk.address,
        "lat": desk.lat,
        "lon": desk.lon,
        "precision": desk.precision,
        "hours": desk.hours,
        "takes": sorted(desk.takes),
        "merchants": list(desk.merchants),
    }
