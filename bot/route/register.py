"""The register of desks: bureau, offices, streets and liaison points of a region.

The desks come from the region's data (``region.py``), and from database rows once there is a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from bot.route.nearest import Index, Place

Level = Literal["bureau", "office", "street", "point"]
Precision = Literal["surveyed", "address", "street_centre", "unknown"]
KNOWN_PLACE = ("surveyed", "address")

FEW = 0.3
"""Below this share of eligible points, an index of their own beats passing over the rest."""

BARRACKS = "barracks"
TYPES = (
    "committee",
    "zone",
    "mall",
    "supermarket",
    "market",
    "scenic",
    "school",
    "kindergarten",
    "primary",
    "middle",
    "vocational",
    "university",
    BARRACKS,
    "firm",
    "ecommerce",
    "other",
)
"""What a liaison point may be (联络点类型); ``zone`` is a committee's like in a special zone."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Somewhere a case can lie: a bureau (局), office (所), street (街道、镇) or point (联络点).

    ``lat``/``lon`` are WGS-84 degrees or both None; ``precision`` says what they are worth.
    ``takes`` holds taxonomy codes, empty for all; ``hours`` is read by ``hours.open_at``;
    ``staffed`` means somebody bound a chat, ``confirmed`` that an administrator vouches for the
    row; ``merchants`` are businesses it belongs to; ``aliases`` other names and codes of it.
    ``tier`` is model (市级示范), hundred (百佳), excellent (优秀), basic or "" when unknown.
    ``contacts`` are public (phones, with or without a word); ``prepay_fen`` is the most it pays in
    advance, in fen, ``fast_return_minutes`` its promise, None when there is none; ``substitute`` is the
    code of the desk that stands in; ``datum`` the coordinate system its place was first given in.
    """

    code: str
    name: str
    level: Level
    parent_code: str | None = None
    type: str = ""
    tier: str = ""
    address: str = ""
    lat: float | None = None
    lon: float | None = None
    precision: Precision = "unknown"
    hours: str = ""
    takes: frozenset[str] = frozenset()
    staffed: bool = False
    confirmed: bool = False
    merchants: tuple[str, ...] = ()
    street_code: str = ""
    aliases: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    prepay_fen: int | None = None
    fast_return_minutes: int | None = None
    substitute: str = ""
    datum: str = ""

    @property
    def public(self) -> bool:
        """Whether lists, maps and posters may show it: barracks (军营) never."""
        return self.type != BARRACKS

    @property
    def placed(self) -> bool:
        """Whether its own place is known, so that a distance may be shown."""
        return self.lat is not None and self.lon is not None and self.precision in KNOWN_PLACE

    def handles(self, object_code: str) -> bool:
        """Whether it takes disputes about this object."""
        return not self.takes or object_code in self.takes


class Register:
    """All desks of a region, found by code, name and place."""

    def __init__(self, desks: Iterable[Desk]) -> None:
        """Raises ValueError when a code stands twice."""
        self._staffed: tuple[frozenset[str] | None, Register] | None = None
        self._eligible: dict[tuple[str, bool], Index[Desk]] = {}
        self._desks: dict[str, Desk] = {}
        self._children: dict[str, list[Desk]] = {}
        self._names: dict[str, list[Desk]] = {}
        for desk in desks:
            if desk.code in self._desks:
                raise ValueError(f"desk {desk.code} stands twice in the register")
            self._desks[desk.code] = desk
            self._children.setdefault(desk.parent_code or "", []).append(desk)
            for name in {desk.name, *desk.aliases}:
                self._names.setdefault(name, []).append(desk)

    def with_staff(self, codes: frozenset[str] | None) -> Register:
        """The same desks, those of ``codes`` staffed; None staffs every one (the demonstration).

        The last answer is kept: who is staffed changes far less often than cases are routed.
        """
        if self._staffed is None or self._staffed[0] != codes:
            desks = (replace(desk, staffed=codes is None or desk.code in codes) for desk in self)
            self._staffed = (codes, Register(desks))
        return self._staffed[1]

    def __len__(self) -> int:
        return len(self._desks)

    def __iter__(self) -> Iterator[Desk]:
        return iter(self._desks.values())

    def get(self, code: str | None) -> Desk | None:
        """The desk of a code; a zone's code leads to the street that serves it."""
        if not code:
            return None
        if code in self._desks:
            return self._desks[code]
        aliased = self._names.get(code, ())
        return aliased[0] if len(aliased) == 1 else None

    def named(self, name: str) -> tuple[Desk, ...]:
        """Desks of exactly this name or alias; several when a name is not unique."""
        return tuple(self._names.get(name, ()))

    def children(self, code: str) -> tuple[Desk, ...]:
        """The desks directly below."""
        return tuple(self._children.get(code, ()))

    def street_of(self, code: str | None) -> Desk | None:
        """The street-level desk that a desk is, belongs to or lies in; None above the streets."""
        seen: set[str] = set()
        desk = self.get(code)
        while desk and desk.code not in seen:
            if desk.level == "street":
                return desk
            seen.add(desk.code)
            if desk.level == "point" and (street := self.get(desk.street_code)):
                return street if street.level == "street" else None
            desk = self.get(desk.parent_code)
        return None

    def holder_of(self, desk: Desk | None, avoid: frozenset[str] = frozenset()) -> Desk | None:
        """Who really holds a case sent there: the desk if staffed, else its street, else the offices
        above it, else None.

        None is the triage queue; a desk nobody staffs is never said to have a case, and none of
        ``avoid`` is given it again.
        """
        street = self.street_of(desk.code) if desk else None
        above = (desk, street, *self._offices(street or desk))
        return next((d for d in above if d and d.staffed and d.code not in avoid), None)

    def _offices(self, desk: Desk | None) -> Iterator[Desk]:
        """The offices (所) that a desk lies below, the nearest first, however many there are."""
        seen: set[str] = set()
        above = self.get(desk.parent_code) if desk else None
        while above and above.code not in seen:
            seen.add(above.code)
            if above.level == "office":
                yield above
            above = self.get(above.parent_code)

    def in_street(self, street_code: str) -> tuple[Desk, ...]:
        """The points of a street, wherever they stand in the tree."""
        return self._in_street.get(street_code, ())

    @cached_property
    def _in_street(self) -> dict[str, tuple[Desk, ...]]:
        found: dict[str, list[Desk]] = {}
        for desk in self.points:
            street = self.street_of(desk.code)
            if street:
                found.setdefault(street.code, []).append(desk)
        return {code: tuple(desks) for code, desks in found.items()}

    def eligible(self, object_code: str, staffed: bool) -> Index[Desk]:
        """An index that holds every public point with a place of its own that takes the object
        ("" for any), and, if ``staffed``, has staff; it may hold others, so filter all the same.

        Where few are eligible they have an index of their own, made when it is first asked for.
        """
        key = (object_code, staffed)
        found = self._eligible.get(key)
        if found is None:
            every = self.placed_points
            few = [
                place
                for place in every
                if (not object_code or place.item.handles(object_code))
                and (place.item.staffed or not staffed)
            ]
            found = Index(few) if len(few) < len(every) * FEW else every
            self._eligible[key] = found
        return found

    def holds(self, codes: frozenset[str] | None, object_code: str) -> bool:
        """Whether a question about this object and this staff is answered without building."""
        kept = self._staffed
        return bool(kept and kept[0] == codes and (object_code, False) in kept[1]._eligible)

    def ready(self, codes: frozenset[str] | None, object_code: str) -> Register:
        """As ``with_staff``, with every index built that a route of the object needs."""
        register = self.with_staff(codes)
        for wanted in {"", object_code}:
            register.eligible(wanted, True)
            register.eligible(wanted, False)
        _ = register.street_centres, register._in_street
        return register

    @cached_property
    def bureau(self) -> Desk | None:
        """The top of the tree."""
        return next((desk for desk in self if desk.level == "bureau"), None)

    @cached_property
    def streets(self) -> tuple[Desk, ...]:
        return tuple(desk for desk in self if desk.level == "street")

    @cached_property
    def points(self) -> tuple[Desk, ...]:
        return tuple(desk for desk in self if desk.level == "point")

    @cached_property
    def street_centres(self) -> Index[Desk]:
        """Streets by the place of their centre."""
        return Index(_places(self.streets))

    @cached_property
    def placed_points(self) -> Index[Desk]:
        """Points whose own place is known and may be shown."""
        return Index(_places(desk for desk in self.points if desk.placed and desk.public))


def _places(desks: Iterable[Desk]) -> Iterator[Place[Desk]]:
    for desk in desks:
        if desk.lat is not None and desk.lon is not None:
            yield Place(desk.code, desk.lat, desk.lon, desk)
