"""Exact nearest places on the globe, in pure Python.

Places become unit vectors in a k-d tree, so poles and the date line need no special case; the
angle between two orders them as great circles do. What the tree finds is then ranked by the haversine
great-circle distance on WGS-84 degrees with the mean earth radius, ties by code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import heappush, heapreplace
from math import asin, cos, inf, radians, sin, sqrt
from operator import itemgetter
from typing import Any, Generic, TypeVar

T = TypeVar("T")

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of WGS-84, (2a + b) / 3, in metres."""

LEAF = 8
SLACK = 2e-14
"""Rounding of cosines and of haversine: whoever is this close to the k-th is ranked too."""


@dataclass(frozen=True, slots=True)
class Place(Generic[T]):
    """Something at a place: WGS-84 degrees."""

    code: str
    lat: float
    lon: float
    item: T


@dataclass(frozen=True, slots=True)
class Near(Generic[T]):
    """A place found, ``distance_m`` metres away along the great circle."""

    distance_m: float
    place: Place[T]

    @property
    def item(self) -> T:
        return self.place.item


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle metres between two places in degrees, by haversine."""
    p1, p2 = radians(lat1), radians(lat2)
    h = sin((p2 - p1) / 2) ** 2 + cos(p1) * cos(p2) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(h)))


Vector = tuple[float, float, float]
Site = tuple[float, float, float, list[Place[T]]]
Tree = Any
"""A leaf is a list of sites; a branch is (axis, split, low, high)."""


def _vector(lat: float, lon: float) -> Vector:
    p, q = radians(lat), radians(lon)
    return cos(p) * cos(q), cos(p) * sin(q), sin(p)


class Index(Generic[T]):
    """Places for nearest-k queries. Raises ValueError on a latitude or longitude off the globe."""

    def __init__(self, places: Iterable[Place[T]]) -> None:
        sites: dict[tuple[float, float], list[Place[T]]] = {}
        for place in places:
            _check(place.lat, place.lon)
            sites.setdefault((place.lat, place.lon), []).append(place)
        self._sites = sites
        self._size = sum(map(len, sites.values()))
        for shared in sites.values():
            shared.sort(key=lambda place: place.code)
        self._root: Tree = _build([(*_vector(*at), shared) for at, shared in sites.items()])

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Place[T]]:
        for shared in self._sites.values():
            yield from shared

    def nearest(
        self,
        lat: float,
        lon: float,
        k: int = 1,
        eligible: Callable[[T], bool] | None = None,
    ) -> list[Near[T]]:
        """The ``k`` nearest eligible places, nearest first, equal distances by code.

        Fewer when there are fewer. Raises ValueError when the place is off the globe.
        """
        _check(lat, lon)
        if k < 1:
            return []
        found = _search(self._root, _vector(lat, lon), k, eligible)
        near = [Near(distance_m(lat, lon, p.lat, p.lon), p) for p in found]
        near.sort(key=lambda n: (n.distance_m, n.place.code))
        return near[:k]


def _check(lat: float, lon: float) -> None:
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError(f"no place on the globe: latitude {lat}, longitude {lon}")


def _build(sites: list[Site[T]]) -> Tree:
    if len(sites) <= LEAF:
        return sites
    sample = sites[:: len(sites) // 64 + 1]  # the widest axis only makes it fast, not right
    spreads = [max(along) - min(along) for along in zip(*(s[:3] for s in sample), strict=True)]
    axis = spreads.index(max(spreads))
    sites = sorted(sites, key=itemgetter(axis))
    middle = len(sites) // 2
    return axis, sites[middle][axis], _build(sites[:middle]), _build(sites[middle:])


def _search(
    tree: Tree, target: Vector, k: int, eligible: Callable[[T], bool] | None
) -> list[Place[T]]:
    """The k nearest places and whoever is as near as the k-th up to rounding, in no order.

    Nearer means a larger cosine of the angle between, which is 1 - chord**2 / 2.
    """
    qx, qy, qz = target
    best: list[float] = []  # heap of the k largest cosines
    floor = -inf  # what a cosine must reach
    found: list[tuple[float, Place[T]]] = []
    waiting = [(1.0, tree)]
    while waiting:
        ceiling, node = waiting.pop()
        if ceiling < floor:
            continue
        while type(node) is tuple:
            axis, split, low, high = node
            gap = target[axis] - split
            near, far = (low, high) if gap < 0 else (high, low)
            waiting.append((1.0 - gap * gap / 2, far))
            node = near
        for x, y, z, places in node:
            cosine = x * qx + y * qy + z * qz
            if cosine < floor:
                continue
            taken = 0
            for place in places:
                if eligible is not None and not eligible(place.item):
                    continue
                found.append((cosine, place))
                if len(best) < k:
                    heappush(best, cosine)
                elif cosine > best[0]:
                    heapreplace(best, cosine)
                taken += 1
                if taken == k:
                    break
            if len(best) == k:
                floor = best[0] - SLACK
    return [place for cosine, place in found if cosine >= floor]
