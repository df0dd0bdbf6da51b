"""Where a matter goes, and why.

Jurisdiction follows the merchant, not the consumer (市场监督管理投诉举报处理办法 第十三条). What is
another authority's matter gets that door named first, and the person's own committee advises.
"No desk known" is a route too: the triage queue. Nothing here raises for want of knowledge.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from math import inf, isfinite
from typing import Any, Literal

from bot.law.book import Door, Doors, LawBook
from bot.route import tell
from bot.route.hours import open_at
from bot.route.nearest import Index, Near, Place, distance_m
from bot.route.offer import away, opening
from bot.route.register import Desk, Register
from bot.texts.catalogue import Say, say
from bot.texts.catalogue import load as load_texts

Mode = Literal["pin", "street", "committee", "address", "online", "none", "unknown"]
Via = Literal["committee", "street", "nearest", "home", "bureau", "triage"]
Role = Literal["dispute", "advice"]

# What the channel of a purchase says about its place when nobody asked.
ONLINE = frozenset({"platform", "live_stream"})
NO_PLACE = frozenset({"social_group", "phone"})
OUT = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Where:
    """A place as far as it is known. Codes win over the pin; ``committee_code`` may be any point's.

    ``mode`` online means bought online, with codes only if the shop publishes an address there;
    none means that there is no place (a tips group). ``lat``/``lon`` are WGS-84 degrees. ``chosen``: the
    person picked that desk herself.
    """

    mode: Mode = "unknown"
    lat: float | None = None
    lon: float | None = None
    street_code: str | None = None
    committee_code: str | None = None
    text: str = ""
    chosen: bool = False

    @property
    def pinned(self) -> tuple[float, float] | None:
        """The pin, if it is on the globe and there is a shop for it to stand for."""
        if self.mode in ("online", "none"):
            return None
        if self.lat is None or self.lon is None or not (isfinite(self.lat) and isfinite(self.lon)):
            return None
        on_globe = abs(self.lat) <= 90 and abs(self.lon) <= 180
        return (self.lat, self.lon) if on_globe else None


@dataclass(frozen=True, slots=True)
class Dispute:
    """What routing needs to know. ``where`` is the merchant's place, ``home`` the person's own.

    ``fraud_kinds`` is to be empty unless the whole looks like fraud; ``at`` is an aware time.
    ``platform`` was it bought on, with its operator's ``seat`` as far as known (浙江省杭州市).
    ``avoid`` are desks that gave it back, ``full`` points that have as many open cases as they may.
    """

    object: str
    fraud_kinds: tuple[str, ...] = ()
    channel: str = ""
    nature: str = ""
    where: Where = field(default_factory=Where)
    kind: Literal["complaint", "clue", "consult"] = "complaint"
    home: Where | None = None
    at: datetime | None = None
    merchant: str = ""
    platform: str = ""
    seat: str = ""
    avoid: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Route:
    """The decision. ``desk_code`` is the right desk, None when only triage is left.

    ``held_by`` is who really has it: the desk, its street when nobody staffs the desk, or None for
    triage. ``door`` is the authority to turn to first when a liaison point only advises.
    ``others`` are desks the person may choose instead, open ones first; ``because`` is never empty.
    """

    desk_code: str | None
    via: Via
    door: Door | None
    role: Role
    held_by: str | None
    because: tuple[Say, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Our own limits: metres to a near point, metres beyond which a pin is outside, desks offered,
    open cases that one point may hold before others get the next."""

    near_m: float
    outside_m: float
    candidates: int
    open_cases: int


@cache
def load_policy() -> Policy:
    """The packaged limits."""
    row: dict[str, Any] = tomllib.loads(
        files("bot.route").joinpath("policy.toml").read_text("utf-8")
    )
    return Policy(row["near_m"], row["outside_m"], row["candidates"], row["open_cases"])


@dataclass(frozen=True, slots=True)
class _Found:
    desk: Desk
    via: Via
    because: tuple[Say, ...]
    others: tuple[str, ...] = ()


def decide(
    dispute: Dispute, register: Register, law: LawBook, policy: Policy | None = None
) -> Route:
    """The route of a matter: always a desk, a door or triage, always with reasons."""
    finder = _Finder(dispute, register, policy or load_policy())
    doors = law.doors(dispute.object, dispute.fraud_kinds)
    if dispute.kind == "clue":
        return _clue(register, doors)
    if doors.liaison == "advice":
        return _advised(finder, doors, doors.first, (_why_other(dispute),))
    if dispute.kind == "consult":
        return _advised(finder, None, None, (say("route.consult"),))
    found = finder.place(dispute.where, "dispute")
    if found:
        return finder.routed(found, "dispute")
    if finder.outside(dispute.where):
        return _advised(finder, doors, doors.authority, (say("route.outside"),))
    mode = _mode(dispute)
    if mode == "online":
        return _bought_online(finder, doors)
    if mode == "none":
        return _advised(finder, doors, doors.authority, (say("route.no_place"),))
    if dispute.where.text:
        return finder.triage((say("route.address_unknown", text=dispute.where.text),))
    return _advised(finder, None, None, (say("route.place_unknown"),))


def may_have(dispute: Dispute, register: Register, code: str, route: Route) -> bool:
    """Whether the person may choose this desk: one offered, a point of the street at hand by name, or any
    street while none is known."""
    if code in (route.desk_code, *route.others):
        return True
    desk, street = register.get(code), register.street_of(route.desk_code)
    finder = _Finder(dispute, register, load_policy())
    if desk is not None and desk.level == "street" and route.desk_code is None:
        return not finder.unfit(desk, route.role)
    if desk is None or desk.level != "point" or not desk.public or street is None:
        return False
    return register.street_of(code) == street and not finder.unfit(desk, route.role)


def asked_for(dispute: Dispute, register: Register, route: Route, code: str) -> Route:
    """The route with the point that the person asked for by scanning its poster: it gets the matter if it
    may have it, and otherwise the reasons say why not."""
    desk = register.get(code)
    if desk is None or desk.code == route.desk_code or route.via in ("bureau", "triage"):
        return route
    if not may_have(dispute, register, code, route):
        return replace(route, because=(*route.because, say("route.scanned_not", desk=desk.name)))
    holder = register.holder_of(desk)
    others = (route.desk_code, *(other for other in route.others if other != code))
    return replace(
        route,
        desk_code=desk.code,
        via="committee",
        held_by=holder.code if holder else None,
        because=(say("route.scanned", desk=desk.name), _held(desk, holder)),
        others=tuple(other for other in others if other is not None),
    )


def by_name(dispute: Dispute, register: Register, route: Route) -> tuple[Desk, ...]:
    """The committees of the street at hand, to be chosen by name."""
    street = register.street_of(route.desk_code)
    finder = _Finder(dispute, register, load_policy())
    return tuple(
        desk
        for desk in (register.in_street(street.code) if street else ())
        if desk.public and not desk.placed and not finder.unfit(desk, route.role)
    )


def _bought_online(finder: _Finder, doors: Doors) -> Route:
    """A shop without a published address is the matter of its platform's seat (order 121 art. 13)."""
    dispute, bureau = finder.dispute, finder.register.bureau
    if not dispute.seat:
        return _advised(finder, doors, doors.authority, (say("route.online"),))
    why = say("route.online_seat", platform=dispute.platform, seat=dispute.seat)
    if bureau and bureau.code not in dispute.avoid and tell.within(dispute.seat, bureau.name):
        return finder.routed(_Found(bureau, "bureau", (why,)), "dispute")
    return _advised(finder, doors, doors.authority, (say("route.online"), why))


def _why_other(dispute: Dispute) -> Say:
    if dispute.fraud_kinds:
        return say("route.fraud")
    if dispute.object == OUT:
        return say("route.out_of_scope")
    return say("route.other_authority")


def _mode(dispute: Dispute) -> Mode:
    if dispute.where.mode != "unknown" or dispute.where.text:
        return dispute.where.mode
    if dispute.channel in ONLINE:
        return "online"
    return "none" if dispute.channel in NO_PLACE else "unknown"


def _clue(register: Register, doors: Doors) -> Route:
    """A clue goes past the points to the bureau: who reports stays unknown to the merchant.

    市场监督管理投诉举报处理办法 第三十七条.
    """
    foreign = doors.liaison == "advice"
    because = [say("route.clue"), *(tell.beside(doors, doors.first) if foreign else ())]
    bureau = register.bureau
    holder = bureau if bureau and bureau.staffed else None
    because.append(_held(bureau, holder))
    return Route(
        desk_code=bureau.code if bureau else None,
        via="bureau" if bureau else "triage",
        door=doors.first if foreign else None,
        role="dispute",
        held_by=holder.code if holder else None,
        because=tuple(because),
    )


def _advised(
    finder: _Finder, doors: Doors | None, door: Door | None, why: tuple[Say, ...]
) -> Route:
    """The right door first; the person's own desk advises, else the one where the merchant is."""
    because = (*why, *(tell.beside(doors, door) if doors and door else ()))
    dispute = finder.dispute
    home = finder.place(dispute.home, "advice") if dispute.home else None
    if home:
        chosen = dispute.home is not None and dispute.home.chosen
        because += (say("route.home_chosen" if chosen else "route.home", desk=home.desk.name),)
        return finder.routed(_Found(home.desk, "home", because, home.others), "advice", door)
    near = finder.place(dispute.where, "advice")
    if near:
        return finder.routed(
            _Found(near.desk, near.via, because + near.because, near.others), "advice", door
        )
    return finder.triage(because, door)


def _held(desk: Desk | None, holder: Desk | None) -> Say:
    if desk is None:
        return say("route.held.nobody")
    if holder is None:
        return say("route.held.triage", desk=desk.name)
    if holder == desk:
        return say("route.held.desk", desk=desk.name)
    return say("route.held.street", desk=desk.name, street=holder.name)


class _Finder:
    """Finds the desk of a place for one dispute."""

    def __init__(self, dispute: Dispute, register: Register, policy: Policy) -> None:
        self.dispute = dispute
        self.register = register
        self.policy = policy

    def place(self, where: Where, role: Role) -> _Found | None:
        """The desk of a place: a named point, a known street, or what a pin is near."""
        point = self.register.get(where.committee_code)
        if point and point.level == "point":
            return self._point(point, role, "route.chosen" if where.chosen else "route.committee")
        street = self.register.street_of(where.street_code) or self.register.street_of(
            where.committee_code
        )
        if street:
            if where.chosen:
                return self._street(street, role, (say("route.chosen", desk=street.name),))
            key = "route.online_address" if where.mode == "online" else "route.street"
            return self._street(street, role, (say(key, street=street.name),))
        pin = where.pinned
        return self._near(pin, role) if pin else None

    def outside(self, where: Where) -> bool:
        """Whether a pin lies farther than the policy's limit from every street's centre."""
        pin = where.pinned
        return pin is not None and not self._streets(pin)

    def routed(self, found: _Found, role: Role, door: Door | None = None) -> Route:
        holder = self.register.holder_of(found.desk, self.dispute.avoid)
        because = [*found.because]
        if role == "dispute" and self._crosses(found.desk):
            because.append(say("route.by_merchant"))
        if own := self._left_out(found.desk):
            because.append(say("route.left_out", desks=[desk.name for desk in own]))
        because.append(_held(found.desk, holder))
        at = self.dispute.at
        if holder and at and open_at(holder.hours, at) is False:
            because.append(say("route.closed", desk=holder.name, opening=opening(holder, at)))
        return Route(
            desk_code=found.desk.code,
            via=found.via,
            door=door,
            role=role,
            held_by=holder.code if holder else None,
            because=tuple(because),
            others=found.others,
        )

    def triage(self, because: tuple[Say, ...], door: Door | None = None) -> Route:
        role: Role = "advice" if door else "dispute"
        return Route(None, "triage", door, role, None, (*because, _held(None, None)))

    def unfit(self, desk: Desk, role: Role) -> str:
        """Why a desk cannot have it, as a text's key; "" when it can."""
        if desk.code in self.dispute.avoid:
            return "route.gave_back"
        if self._own(desk):
            return "route.conflict"
        if role == "dispute" and not desk.handles(self.dispute.object):
            return "route.not_taken"
        return "route.full" if desk.code in self.dispute.full else ""

    def _point(self, point: Desk, role: Role, why: str) -> _Found | None:
        street = self.register.street_of(point.code)
        wrong = self.unfit(point, role)
        if not wrong:
            others = self._around(street, role, point)
            return _Found(point, "committee", (say(why, desk=point.name),), others)
        above = street if street and not self.unfit(street, role) else self.register.bureau
        if above is None:
            return None
        instead = say(wrong, desk=point.name, instead=above.name)
        if above is street:
            return self._street(street, role, (instead,))
        return self._above(above, instead)

    def _street(self, street: Desk, role: Role, why: tuple[Say, ...]) -> _Found | None:
        wrong = self.unfit(street, role)
        if not wrong:
            return _Found(street, "street", why, self._around(street, role, street))
        bureau = self.register.bureau
        if bureau is None:
            return None
        return self._above(bureau, say(wrong, desk=street.name, instead=bureau.name))

    def _above(self, bureau: Desk, why: Say) -> _Found | None:
        return None if bureau.code in self.dispute.avoid else _Found(bureau, "bureau", (why,))

    def _around(self, street: Desk | None, role: Role, chosen: Desk) -> tuple[str, ...]:
        """Other desks in the street that stand out: a place or a tier of their own, and the street.

        Committees at one shared centre are as good as each other: those are chosen by name.
        """
        if street is None:
            return ()
        points = [
            desk
            for desk in self.register.in_street(street.code)
            if desk is not chosen and desk.public and desk.staffed and (desk.placed or desk.tier)
            if not self.unfit(desk, role)
        ]
        lat, lon = street.lat, street.lon

        def far(desk: Desk) -> float:
            if None in (lat, lon, desk.lat, desk.lon):
                return inf
            return distance_m(lat or 0, lon or 0, desk.lat or 0, desk.lon or 0)

        points.sort(key=lambda desk: (not self._open(desk), far(desk), desk.code))
        found = points[: self.policy.candidates - 1]
        if chosen is not street and not self.unfit(street, role):
            found.append(street)
        return tuple(desk.code for desk in found)

    def _open(self, desk: Desk) -> bool:
        return bool(self.dispute.at and open_at(desk.hours, self.dispute.at))

    def _near(self, pin: tuple[float, float], role: Role) -> _Found | None:
        points = self._points(pin, role)
        streets = [near.item for near in self._streets(pin) if not self.unfit(near.item, role)]
        if points:
            first = points[0]
            rest = sorted((near.item for near in points[1:]), key=lambda desk: not self._open(desk))
            because: tuple[Say, ...] = (
                say(
                    "route.nearest",
                    desk=first.item.name,
                    away=away(first.item, self.register, pin, None),
                ),
            )
            others = tuple(desk.code for desk in (*rest, *streets[:1]))
            return _Found(first.item, "nearest", because, others)
        if not streets:
            likely = self._streets(pin)
            return self._street(likely[0].item, role, ()) if likely else None
        because = (say("route.pin_street", street=streets[0].name),)
        if streets[1:]:
            because += (say("route.pin_candidates", streets=[d.name for d in streets[1:]]),)
        return _Found(streets[0], "street", because, tuple(desk.code for desk in streets[1:]))

    def _points(self, pin: tuple[float, float], role: Role) -> list[Near[Desk]]:
        """Near points whose own place is known; those with staff, if there are any such."""

        def fits(desk: Desk) -> bool:
            return not self.unfit(desk, role)

        def ready(desk: Desk) -> bool:
            return desk.staffed and fits(desk)

        wanted = self.dispute.object if role == "dispute" else ""
        for eligible in (ready, fits):
            index = self.register.eligible(wanted, staffed=eligible is ready)
            near = index.nearest(*pin, self.policy.candidates, eligible)
            near = [n for n in near if n.distance_m <= self.policy.near_m]
            if near:
                return near
        return []

    def _streets(self, pin: tuple[float, float]) -> list[Near[Desk]]:
        """The streets a pin may lie in, none when it lies beyond all of them."""
        near = self.register.street_centres.nearest(*pin, self.policy.candidates)
        return near if near and near[0].distance_m <= self.policy.outside_m else []

    def _own(self, desk: Desk) -> bool:
        """Whether the point belongs to the merchant complained about (利害关系)."""
        return any(_same_business(name, self.dispute.merchant) for name in desk.merchants)

    def _left_out(self, found: Desk) -> list[Desk]:
        """The merchant's own points nearby, which would have been offered."""
        street = self.register.street_of(found.code)
        return [
            desk
            for desk in (self.register.in_street(street.code) if street else ())
            if desk.merchants and desk.public and desk.staffed and self._own(desk)
        ]

    def _crosses(self, desk: Desk) -> bool:
        """Whether the person's own street is another than the desk's."""
        home = self.place(self.dispute.home, "advice") if self.dispute.home else None
        here = self.register.street_of(desk.code)
        there = self.register.street_of(home.desk.code) if home else None
        return bool(here and there and here != there)


def _same_business(one: str, other: str) -> bool:
    one, other = (_plain(name) for name in (one, other))
    short, long = sorted((one, other), key=len)
    return len(short) >= 3 and short in long


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def nearest_json(
    points: Iterable[Desk],
    lat: float,
    lon: float,
    k: int = 3,
    at: datetime | None = None,
    object_code: str = "",
    all_: bool = False,
) -> list[dict[str, Any]]:
    """The ``nearest`` command's list, nearest first, equal distances by code.

    Eligible is a point whose own place is known and that takes the object; where there is none,
    the streets stand in, since no committee is nearer than another at a shared street centre.
    ``all_`` lists every point that has coordinates. Raises ValueError off the globe.
    """
    texts = load_texts()
    desks = [
        desk for desk in points if desk.public and desk.lat is not None and desk.lon is not None
    ]

    def takes(desk: Desk) -> bool:
        return not object_code or desk.handles(object_code)

    if all_:
        chosen = [desk for desk in desks if desk.level == "point"]
    else:
        chosen = [desk for desk in desks if desk.level == "point" and desk.placed and takes(desk)]
        chosen = chosen or [desk for desk in desks if desk.level == "street"]
    index = Index(
        Place(d.code, d.lat, d.lon, d) for d in chosen if d.lat is not None and d.lon is not None
    )
    return [
        {
            "code": near.item.code,
            "name": near.item.name,
            "type": near.item.type,
            "tier": near.item.tier,
            "lat": near.item.lat,
            "lon": near.item.lon,
            "precision": near.item.precision,
            "distance_m": round(near.distance_m, 1),
            "open_now": open_at(near.item.hours, at) if at else None,
            "because": [texts.plain(_why_near(near.item, object_code))],
        }
        for near in index.nearest(lat, lon, k)
    ]


def _why_near(desk: Desk, object_code: str) -> Say:
    if desk.level == "street":
        return say("nearest.street")
    if object_code and not desk.handles(object_code):
        return say("nearest.not_taken")
    if not desk.placed:
        return say("nearest.centre")
    if object_code:
        return say("nearest.placed")
    return say("nearest.placed_any")
