"""Import liaison points (导入联络点): judge every row of a table, then write all of it or nothing.

Rows stream: of a table of any length, only the codes seen stay in memory.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, Literal, cast

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import kinds
from bot.facts.datum import DATUMS, to_wgs84
from bot.route.decide import load_policy
from bot.route.hours import read_hours
from bot.route.register import TYPES, Desk, Precision, Register
from bot.services.network.load_register import PRECISIONS, changed
from bot.texts.catalogue import Catalogue, Say, say
from models.base import uuid7
from models.network import Level, LiaisonPoint

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
    "origin",
    "precision",
    "hours",
    "contacts",
    "languages",
    "takes",
    "prepay",
    "fast_return",
    "substitute",
    "merchants",
)
FIELDS = {"street": "street_code", "origin": "datum", "prepay": "prepay_fen"}
FIELDS |= {"fast_return": "fast_return_minutes"}
"""The columns that a Desk calls otherwise. ``datum`` is the coordinate system of the cells, ``origin``
the one in which the place was once taken."""

CHUNK = 1000
"""Rows written in one go."""

TIERS = ("model", "hundred", "excellent", "basic")
LONGEST = {"name": 120, "type": 40, "address": 200, "hours": 200, "substitute": 40}
"""Characters in a cell, as many as the columns of models.network hold."""

LISTED, LIST_LONGEST = 8, 60
"""Contacts and languages of one point, and characters of each."""

PREPAY_FEN = 100_000_00
"""More than that, in fen, is a slip: the largest pledge known is far below 100,000 yuan."""

FAST_MINUTES = 24 * 60
PHONE = re.compile(r"[0-9]{3,}")
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
) -> Iterator[Fate]:
    """The fate of every row, in order and as it is asked for; nothing is written.

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
    return _judged(lines, _Known(register, texts))


def _judged(lines: Lines, known: _Known) -> Iterator[Fate]:
    for number, cells in lines:
        row = _Row(number, cells, known)
        yield row.fate(twice=row.code in known.above)
        known.above.add(row.code)


class _Known:
    """What every row is held against: the register, the codes of the rows above it, and the words that
    stand for codes."""

    def __init__(self, register: Register, texts: Catalogue) -> None:
        self.register = register
        self.above: set[str] = set()
        self.desks = {desk.code: desk for desk in register}
        self.tiers = dict(zip(texts.raw("cli.points.tiers").split("|"), TIERS, strict=True))
        self.types = {texts.plain(say(f"point_type.{code}")): code for code in TYPES}
        self.objects = {texts.plain(say(f"object.{code}")): code for code in kinds()}
        self.objects |= {kind.name: code for code, kind in kinds().items()}


class _Row:
    """One row while it is judged; ``wrong`` collects every reason against it."""

    def __init__(self, line: int, cells: Mapping[str, str], known: _Known) -> None:
        self.line = line
        self.cells = cells
        self.code = cells.get("code", "")
        self.before = known.desks.get(self.code)
        self.known = known
        self.register = known.register
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
        changes = {**self._words(), **self._street(), **self._lists(), **self._promises()}
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
        """name, type, tier, address, hours, substitute."""
        found = {key: self.cells[key] for key in LONGEST if key in self.cells}
        for key, text in found.items():
            if len(text) > LONGEST[key]:
                self.wrong.append(say("cli.points.too_long", column=key, most=LONGEST[key]))
        try:
            read_hours(found.get("hours", ""))
        except ValueError:
            self.wrong.append(say("cli.points.hours", text=found["hours"]))
        if "tier" in self.cells:
            said = self.cells["tier"]
            found["tier"] = self.known.tiers.get(said, said)
            if said and found["tier"] not in TIERS:
                words = _words(self.known.tiers)
                self.wrong.append(say("cli.points.tier", text=said, known=words))
        if "type" in self.cells:
            said = self.cells["type"]
            found["type"] = self.known.types.get(said, said)
            if said and found["type"] not in TYPES:
                words = _words(self.known.types)
                self.wrong.append(say("cli.points.type", text=said, known=words))
        other = found.get("substitute", "")
        if other and other == self.code:
            self.wrong.append(say("cli.points.own_substitute"))
        elif other and other not in self.known.desks and other not in self.known.above:
            self.notes.append(say("cli.points.substitute", code=other))
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
        """takes: codes or names of the taxonomy; contacts: each with a phone; others: any words."""
        found: dict[str, Any] = {}
        if "takes" in self.cells:
            by_name = self.known.objects
            said = _split(self.cells["takes"])
            strange = [word for word in said if word not in kinds() and word not in by_name]
            if strange:
                self.wrong.append(say("cli.points.takes", names=strange))
            found["takes"] = frozenset(by_name.get(word, word) for word in said)
        if "merchants" in self.cells:
            found["merchants"] = _split(self.cells["merchants"])
        for column in ("contacts", "languages"):
            if column in self.cells:
                found[column] = _split(self.cells[column])
                if len(found[column]) > LISTED or any(len(t) > LIST_LONGEST for t in found[column]):
                    most = {"many": LISTED, "most": LIST_LONGEST}
                    self.wrong.append(say("cli.points.list_long", column=column, **most))
        if any(not PHONE.search(text) for text in found.get("contacts", ())):
            self.wrong.append(say("cli.points.no_phone", text=self.cells["contacts"]))
        return found

    def _promises(self) -> dict[str, Any]:
        """prepay in yuan, at most two decimals; fast_return in whole minutes; empty is no promise."""
        found: dict[str, Any] = {}
        if "prepay" in self.cells:
            said = self.cells["prepay"]
            found["prepay_fen"] = fen = _fen(said)
            if said and (fen is None or not 0 < fen <= PREPAY_FEN):
                self.wrong.append(say("cli.points.prepay", text=said, most=PREPAY_FEN // 100))
        if "fast_return" in self.cells:
            said = self.cells["fast_return"]
            minutes = int(said) if said.isdecimal() and len(said) < 6 else None
            found["fast_return_minutes"] = minutes
            if said and (minutes is None or not 0 < minutes <= FAST_MINUTES):
                self.wrong.append(say("cli.points.fast_return", text=said, most=FAST_MINUTES))
        return found

    def _place(self, new: Desk, old: Desk) -> dict[str, Any]:
        """lat, lon, precision, origin. A point without a place of its own stands at its street's centre."""
        lat, lon = self.cells.get("lat", ""), self.cells.get("lon", "")
        if not lat and not lon:
            estimated = old.precision == "street_centre" and new.street_code != old.street_code
            if "lat" in self.cells or self.before is None or estimated:
                return self._centre(new)
            return {}
        place = self._degrees(lat, lon)
        precision = self._precision()
        if place is None:
            return {}
        return {
            "lat": place[0],
            "lon": place[1],
            "precision": precision,
            "datum": self._origin(place, old),
        }

    def _origin(self, place: tuple[float, float], old: Desk) -> str:
        """The coordinate system in which the place was taken: as said, else that of the cells; a place
        that stays where it was keeps its own."""
        said = _datum(self.cells.get("origin", ""))
        if said and said not in DATUMS:
            self.wrong.append(say("cli.points.datum", known=list(DATUMS)))
        if said:
            return said
        stays = (old.lat, old.lon) == place
        return old.datum if stays else _datum(self.cells.get("datum", ""))

    def _centre(self, new: Desk) -> dict[str, Any]:
        if self.cells.get("precision", "") not in ("", "street_centre", "unknown"):
            self.wrong.append(say("cli.points.precise_nowhere"))
        street = self.register.get(new.street_code)
        nowhere = self.cells.get("precision") == "unknown"
        if nowhere or street is None or street.lat is None:
            return {"lat": None, "lon": None, "precision": "unknown", "datum": ""}
        return {"lat": street.lat, "lon": street.lon, "precision": "street_centre", "datum": ""}

    def _precision(self) -> Precision:
        said = self.cells.get("precision", "") or "address"
        if said not in PRECISIONS:
            self.wrong.append(say("cli.points.precision", text=said, known=list(PRECISIONS)))
        return cast(Precision, said)

    def _degrees(self, lat: str, lon: str) -> tuple[float, float] | None:
        """WGS-84 degrees; the datum must be said, since guessing it wrong moves a point by 500 m."""
        datum = _datum(self.cells.get("datum", ""))
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
    return getattr(desk, FIELDS.get(column, column))


def _words(codes: Mapping[str, str]) -> list[str]:
    """Codes with their words, as they may be written."""
    return [f"{code}（{word}）" for word, code in codes.items()]


def _datum(cell: str) -> str:
    """``GCJ-02`` as ``gcj02``."""
    return cell.lower().replace("-", "")


def _fen(cell: str) -> int | None:
    """Yuan as fen; None for what is no amount of money."""
    try:
        fen = Decimal(cell) * 100
    except InvalidOperation:
        return None
    return int(fen) if fen.is_finite() and fen == fen.to_integral_value() else None


async def write(
    session: AsyncSession, desks: Iterable[tuple[Desk, bool]], source: str, now: datetime
) -> int:
    """Write points, each new or changed (True) or only confirmed (False); how many were written.

    ``source`` says where they came from.
    """
    table = LiaisonPoint.__table__
    above = await session.execute(
        select(table.c.code, table.c.id).where(table.c.level != Level.POINT)
    )
    parents: dict[str | None, uuid.UUID] = dict(above.all())
    serial = await session.scalar(select(func.max(table.c.serial))) or 0
    written = 0
    rest = iter(desks)
    while part := list(islice(rest, CHUNK)):
        seen = [desk.code for desk, _ in part]
        confirmed = update(table).where(table.c.code.in_(seen)).values(checked_at=now)  # type: ignore[arg-type]
        await session.execute(confirmed)
        some = [desk for desk, anew in part if anew]
        codes = [desk.code for desk in some]
        there = set(await session.scalars(select(table.c.code).where(table.c.code.in_(codes))))
        new, old = [], []
        for desk in some:
            row = {**values(desk), "parent_id": parents.get(desk.parent_code), "source": source}
            row["checked_at"] = now
            if desk.code in there:
                old.append({**row, "its_code": desk.code})
            else:
                serial += 1
                row |= {"id": uuid7(), "code": desk.code, "serial": serial}
                new.append({**row, "level": Level.POINT, "simulated": False})
        if new:
            await session.execute(insert(table), new)  # type: ignore[arg-type]
        if old:
            its = update(table).where(table.c.code == bindparam("its_code"))  # type: ignore[arg-type]
            await (await session.connection()).execute(its, old)
        written += len(some)
    if written:
        await changed(session)
    return written


def values(desk: Desk) -> dict[str, Any]:
    """A desk's own columns, without its place in the tree."""
    return {
        "name": desk.name,
        "type": desk.type,
        "tier": desk.tier,
        "address": desk.address,
        "lat": desk.lat,
        "lon": desk.lon,
        "precision": desk.precision,
        "datum": desk.datum,
        "hours": desk.hours,
        "contacts": list(desk.contacts),
        "languages": list(desk.languages),
        "takes": sorted(desk.takes),
        "prepay_fen": desk.prepay_fen,
        "fast_return_minutes": desk.fast_return_minutes,
        "substitute": desk.substitute,
        "merchants": list(desk.merchants),
    }
