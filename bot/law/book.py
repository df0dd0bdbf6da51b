"""The law book: statutes, hotlines, who takes what, and evidence, as dated data.

Every row of the TOML files beside this module names its source and the day it was checked. What
rests on a single copy, or was seen only second-hand, has the status ``to_confirm`` and is shown
with 待核对. The book answers questions; it never decides a case.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

from bot.law.deadlines import days_after, working_days_after

T = TypeVar("T")
Status = Literal["verified", "to_confirm"]
STATUSES = ("verified", "to_confirm")
DEFAULT_FRAUD = "unnamed"
LIAISON = "liaison"
"""The door that is the liaison points themselves."""


class LawError(ValueError):
    """A row of the law data contradicts itself or another row; the message names both."""


@dataclass(frozen=True, slots=True)
class Statute:
    """One rule (法条) in plain words of our own.

    ``days`` with ``unit`` working or natural is a duration, 0 when the rule has none;
    ``multiple`` times the price, at least ``at_least_fen`` (in fen), is a statutory compensation.
    """

    code: str
    law: str
    article: str
    says: str
    effective: date
    source: str
    checked_on: date
    status: Status
    days: int = 0
    unit: str = ""
    multiple: int = 0
    at_least_fen: int = 0
    objects: tuple[str, ...] = ()

    @property
    def cited(self) -> str:
        """《law》article, as shown to a person."""
        return f"《{self.law}》{self.article}"

    def due(self, start: date) -> date:
        """The last day of the duration begun on ``start``. Raises LawError if there is none."""
        if not self.days:
            raise LawError(f"statute {self.code} sets no duration")
        count = working_days_after if self.unit == "working" else days_after
        return count(start, self.days)


@dataclass(frozen=True, slots=True)
class Hotline:
    """A telephone line (热线): ``takes`` what it is for, ``hours`` in words ("" when unknown)."""

    code: str
    number: str
    name: str
    takes: str
    hours: str
    link: str
    note: str
    source: str
    checked_on: date
    status: Status


@dataclass(frozen=True, slots=True)
class Door:
    """Somewhere to turn: an authority, a mediator, a court.

    ``number`` and ``link`` are "" when the door has none; ``how`` says what it is for or how to get
    there. As a door of some matter it knows the ``prerequisite`` ("" when none) and what to
    ``bring``, both of that matter.
    """

    code: str
    name: str
    how: str
    number: str
    link: str
    source: str
    checked_on: date
    status: Status
    prerequisite: str = ""
    bring: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Doors:
    """Who takes a kind of matter, in order.

    ``before`` is what must have been tried first ("" when nothing); ``bring`` names evidence;
    ``liaison`` says what a liaison point (联络点) does: ``dispute`` it mediates and is the first
    door itself, ``advice`` it only advises and the first door is the one that decides.
    """

    code: str
    first: Door
    then: tuple[Door, ...]
    before: str
    bring: tuple[str, ...]
    note: str
    liaison: Literal["dispute", "advice"]
    source: str
    checked_on: date
    status: Status

    @property
    def authority(self) -> Door:
        """The first door that can be telephoned, else the first: for when no point can mediate."""
        return next((door for door in (self.first, *self.then) if door.number), self.first)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of any table as somebody checks it: ``name`` is ``kind.code``; ``effective`` is a statute's."""

    name: str
    title: str
    says: str
    source: str
    checked_on: date
    status: Status = "to_confirm"
    effective: date | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing to bring or send, and how an ordinary person gets hold of it."""

    code: str
    name: str
    how: str


class LawBook:
    """All the rows, by code. Unknown codes of doors and evidence fall back, others raise KeyError."""

    def __init__(
        self,
        statutes: Mapping[str, Statute],
        hotlines: Mapping[str, Hotline],
        doors: Mapping[str, Doors],
        fraud: Mapping[str, Doors],
        evidence: Mapping[str, tuple[Evidence, ...]],
        never_ask: tuple[str, ...] = (),
        limits: Mapping[str, tuple[Statute, ...]] | None = None,
        failed: tuple[Door, ...] = (),
    ) -> None:
        self.statutes = statutes
        self.hotlines = hotlines
        self.by_object = doors
        self.by_fraud = fraud
        self.by_evidence = evidence
        self.never_ask = never_ask
        self._limits = limits or {}
        self._failed = failed

    def statute(self, code: str) -> Statute:
        """Raises KeyError."""
        return self.statutes[code]

    def statutes_for(self, object_code: str) -> tuple[Statute, ...]:
        """The rules worth quoting in a dispute about this object, in the file's order."""
        return tuple(s for s in self.statutes.values() if object_code in s.objects)

    def hotline(self, code: str) -> Hotline:
        """Raises KeyError."""
        return self.hotlines[code]

    def doors(self, object_code: str, fraud_kinds: Iterable[str] = ()) -> Doors:
        """Who takes it. A sign of fraud outweighs the object: the money may still be stopped. The
        authority over the object then stands behind the doors of the fraud.

        Of several kinds the one written first in the file wins; an unknown kind is fraud all the
        same, an unknown object is a matter for the general public line.
        """
        own = self.by_object.get(object_code, self.by_object["other"])
        kinds = set(fraud_kinds)
        if not kinds:
            return own
        known = next((k for k in self.by_fraud if k in kinds), DEFAULT_FRAUD)
        row = self.by_fraud[known]
        named = {door.code for door in (row.first, *row.then)} | {
            self.by_object["other"].first.code
        }
        if own.liaison != "advice" or not own.first.number or own.first.code in named:
            return row
        return replace(row, then=(*row.then, own.first))

    def after_failed(self, object_code: str, fraud_kinds: Iterable[str] = ()) -> tuple[Door, ...]:
        """Where to turn when mediation has failed: the doors of the matter that are no liaison point,
        then those open to every dispute."""
        row = self.doors(object_code, fraud_kinds)
        known: dict[str, Door] = {}
        for door in (row.first, *row.then, *self._failed):
            known.setdefault(door.code, door)
        return tuple(door for door in known.values() if door.code != LIAISON)

    def limits(self, door_code: str) -> tuple[Statute, ...]:
        """The time limits and rights to know of when turning to a door."""
        return tuple(self._limits.get(door_code, ()))

    def evidence(self, object_code: str, fraud_kinds: Iterable[str] = ()) -> tuple[Evidence, ...]:
        """The checklist for a kind of dispute, most important first."""
        if set(fraud_kinds):
            return self.by_evidence["fraud"]
        return self.by_evidence.get(object_code, self.by_evidence["other"])

    def stale(self, today: date, days: int) -> list[str]:
        """Names of rows not checked for more than ``days`` days, as ``kind.code``."""
        oldest = today - timedelta(days=days)
        return [name for name, row in self._rows() if row.checked_on < oldest]

    def to_confirm(self) -> list[str]:
        """Names of rows that rest on one copy or on hearsay, as ``kind.code``."""
        return [name for name, row in self._rows() if row.status == "to_confirm"]

    def _rows(self) -> Iterator[tuple[str, Statute | Hotline | Doors]]:
        tables: tuple[tuple[str, Mapping[str, Statute | Hotline | Doors]], ...] = (
            ("statute", self.statutes),
            ("hotline", self.hotlines),
            ("doors", self.by_object),
            ("fraud", self.by_fraud),
        )
        for kind, table in tables:
            for code, row in table.items():
                yield f"{kind}.{code}", row


def parse(
    statutes: Mapping[str, Any],
    hotlines: Mapping[str, Any],
    authorities: Mapping[str, Any],
    evidence: Mapping[str, Any],
) -> LawBook:
    """A book from the four parsed TOML files. Raises LawError naming the row that is wrong."""
    items = {
        code: Evidence(code, row["name"], row["how"]) for code, row in evidence["item"].items()
    }
    lines = {code: _hotline(code, row) for code, row in hotlines["hotline"].items()}
    doors = {code: _line_door(line) for code, line in lines.items()}
    for code, row in authorities["door"].items():
        if code in doors:
            raise LawError(f"door {code} is also a hotline")
        doors[code] = _door(code, row, lines)
    rules = {code: _statute(code, row) for code, row in statutes["statute"].items()}
    limits = {
        _found(doors, code, "limits").code: tuple(
            _found(rules, rule, f"limits of {code}") for rule in named
        )
        for code, named in authorities.get("limits", {}).items()
    }
    return LawBook(
        statutes=rules,
        hotlines=lines,
        doors={
            code: _doors(code, row, doors, items) for code, row in authorities["object"].items()
        },
        fraud={code: _doors(code, row, doors, items) for code, row in authorities["fraud"].items()},
        evidence={
            code: tuple(_found(items, item, f"evidence {code}") for item in row)
            for code, row in evidence["list"].items()
        },
        never_ask=tuple(evidence["never"]["ask"]),
        limits=limits,
        failed=tuple(
            _found(doors, code, "failed") for code in authorities.get("failed", {}).get("doors", ())
        ),
    )


TABLES = {
    "statute": ("statutes", "statute"),
    "hotline": ("hotlines", "hotline"),
    "door": ("authorities", "door"),
    "doors": ("authorities", "object"),
    "fraud": ("authorities", "fraud"),
}
"""The file and the table in it of each kind of row that has a status."""


@lru_cache(maxsize=8)
def load(confirmed: tuple[tuple[str, date], ...] = ()) -> LawBook:
    """The packaged book, with the rows ``kind.code`` that somebody confirmed on a day."""
    tables = {name: _read(name) for name in ("statutes", "hotlines", "authorities", "evidence")}
    for name, day in confirmed:
        kind, _, code = name.partition(".")
        file, table = TABLES[kind]
        tables[file][table][code] |= {"status": "verified", "checked_on": day}
    return parse(**tables)


@cache
def rows() -> tuple[Row, ...]:
    """Every packaged row that has a source and a date, the statutes first."""
    found = []
    for kind, (file, table) in TABLES.items():
        for code, row in _read(file)[table].items():
            article = row.get("article", "")
            number = row.get("number", "")
            title = f"《{row['law']}》{article}" if article else row.get("name", code)
            found.append(
                Row(
                    name=f"{kind}.{code}",
                    title=f"{title} {number}".strip(),
                    says=row.get("says") or row.get("takes") or row.get("how") or row["note"],
                    source=row["source"],
                    checked_on=row["checked_on"],
                    status=row["status"],
                    effective=row.get("effective"),
                )
            )
    return tuple(found)


def rows_to_confirm() -> tuple[Row, ...]:
    """Every packaged row that rests on one copy or on hearsay."""
    return tuple(row for row in rows() if row.status == "to_confirm")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("bot.law").joinpath(f"{name}.toml").read_text("utf-8"))


def _found(table: Mapping[str, T], code: str, where: str) -> T:
    if code not in table:
        raise LawError(f"{where} names {code}, which is not there")
    return table[code]


def _checked(code: str, row: Mapping[str, Any]) -> tuple[str, date, Status]:
    source, checked_on, status = row.get("source"), row.get("checked_on"), row.get("status")
    if not source or not isinstance(checked_on, date) or status not in STATUSES:
        raise LawError(f"row {code} lacks its source, checked_on date or status")
    return source, checked_on, status


def _statute(code: str, row: Mapping[str, Any]) -> Statute:
    source, checked_on, status = _checked(code, row)
    days, unit = row.get("days", 0), row.get("unit", "")
    if bool(days) != (unit in ("working", "natural")):
        raise LawError(f"statute {code}: days and unit (working or natural) go together")
    return Statute(
        code=code,
        law=row["law"],
        article=row["article"],
        says=row["says"],
        effective=row["effective"],
        source=source,
        checked_on=checked_on,
        status=status,
        days=days,
        unit=unit,
        multiple=row.get("multiple", 0),
        at_least_fen=row.get("at_least_fen", 0),
        objects=tuple(row.get("objects", ())),
    )


def _hotline(code: str, row: Mapping[str, Any]) -> Hotline:
    source, checked_on, status = _checked(code, row)
    return Hotline(
        code=code,
        number=row["number"],
        name=row["name"],
        takes=row["takes"],
        hours=row.get("hours", ""),
        link=row.get("link", ""),
        note=row.get("note", ""),
        source=source,
        checked_on=checked_on,
        status=status,
    )


def _line_door(line: Hotline) -> Door:
    return Door(
        code=line.code,
        name=f"{line.name} {line.number}",
        how=line.takes,
        number=line.number,
        link=line.link,
        source=line.source,
        checked_on=line.checked_on,
        status=line.status,
    )


def _door(code: str, row: Mapping[str, Any], lines: Mapping[str, Hotline]) -> Door:
    source, checked_on, status = _checked(code, row)
    line = row.get("hotline", "")
    return Door(
        code=code,
        name=row["name"],
        how=row["how"],
        number=_found(lines, line, f"door {code}").number if line else "",
        link=row.get("link", ""),
        source=source,
        checked_on=checked_on,
        status=status,
    )


def _doors(
    code: str, row: Mapping[str, Any], doors: Mapping[str, Door], items: Mapping[str, Evidence]
) -> Doors:
    source, checked_on, status = _checked(code, row)
    if row["liaison"] not in ("dispute", "advice"):
        raise LawError(f"row {code}: liaison is dispute or advice")
    where = f"authorities row {code}"
    before = row.get("before", "")
    bring = tuple(_found(items, item, where).name for item in row["bring"])
    first, *then = (
        replace(_found(doors, door, where), prerequisite=before, bring=bring)
        for door in (row["first"], *row["then"])
    )
    return Doors(
        code=code,
        first=first,
        then=tuple(then),
        before=before,
        bring=bring,
        note=row["note"],
        liaison=row["liaison"],
        source=source,
        checked_on=checked_on,
        status=status,
    )
