"""The nearest five of N beside its peers, in one run; whoever is not there is said to be missing.

Peers are no dependencies: ``pip install 'suda[bench]'`` brings scipy, scikit-learn and numpy.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from heapq import nsmallest
from importlib import import_module
from math import cos, radians, sin
from typing import Any

from bot.route.nearest import Index, Place, distance_m

Spot = tuple[float, float]
Search = Callable[[float, float], Any]
Line = tuple[str, float | None, str]
"""What was measured, its value (None: not measured), and the unit."""

ROUNDS = 5
K = 5
SIZES = (10_000, 1_000_000)
SHARES = (50, 10, 2)
"""Eligible points in a hundred."""

ASKED = 50
SEED = 20261123
BOX = (30.8, 31.5, 121.4, 122.0)
METRES_A_DEGREE = 111_000


def nearest(database_url: str = "") -> Iterator[Line]:
    """Medians of five rounds, in microseconds a query and milliseconds a build."""
    dice = random.Random(SEED)  # noqa: S311 - places, not secrets
    for size in SIZES:
        spots = [_spot(dice) for _ in range(size)]
        asked = [_spot(dice) for _ in range(ASKED)]
        places = [Place(str(n), lat, lon, n) for n, (lat, lon) in enumerate(spots)]
        begun = time.perf_counter()
        index = Index(places)
        yield f"k-d tree in Python, build, N={size}", (time.perf_counter() - begun) * 1e3, "ms"
        _agree(index, places, asked[0])
        yield f"k-d tree in Python, N={size}", _median(_of(index), asked), "us"
        for share in SHARES:
            yield from _shared(index, places, asked, share, size)
        del index, places
        for name, make in PEERS:
            yield from _peer(name, make, spots, asked, size)
        yield from _postgis(database_url, spots, asked, size)


def _shared(
    index: Index[int], places: Sequence[Place[int]], asked: Sequence[Spot], share: int, size: int
) -> Iterator[Line]:
    """Only some are eligible: passing over the rest, and an index of their own."""
    every = 100 // share

    def eligible(n: int) -> bool:
        return n % every == 0

    def passing(lat: float, lon: float) -> Any:
        return index.nearest(lat, lon, K, eligible)

    own = Index(place for place in places if eligible(place.item))
    for lat, lon in asked[:3]:
        if passing(lat, lon) != own.nearest(lat, lon, K):
            raise RuntimeError("the two ways to the eligible disagree")
    yield (
        f"k-d tree in Python, {share} % eligible, passing over, N={size}",
        _median(passing, asked),
        "us",
    )
    yield (
        f"k-d tree in Python, {share} % eligible, own index, N={size}",
        _median(_of(own), asked),
        "us",
    )


def _peer(
    name: str,
    make: Callable[[Sequence[Spot]], Search],
    spots: Sequence[Spot],
    asked: Sequence[Spot],
    size: int,
) -> Iterator[Line]:
    try:
        begun = time.perf_counter()
        search = make(spots)
    except ImportError as error:
        yield f"{name}: NOT MEASURED, {error.name} is not installed", None, "us"
        return
    yield f"{name}, build, N={size}", (time.perf_counter() - begun) * 1e3, "ms"
    yield f"{name}, N={size}", _median(search, asked), "us"


def _of(index: Index[int]) -> Search:
    return lambda lat, lon: index.nearest(lat, lon, K)


def _agree(index: Index[int], places: Sequence[Place[int]], at: Spot) -> None:
    plain = nsmallest(K, ((distance_m(*at, p.lat, p.lon), p.code) for p in places))
    if [(near.distance_m, near.place.code) for near in index.nearest(*at, K)] != plain:
        raise RuntimeError("the tree and the plain search disagree")


def _median(search: Search, asked: Sequence[Spot]) -> float:
    for lat, lon in asked:
        search(lat, lon)
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for lat, lon in asked:
            search(lat, lon)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) / len(asked) * 1e6


def _spot(dice: random.Random) -> Spot:
    return dice.uniform(*BOX[:2]), dice.uniform(*BOX[2:])


def _vector(lat: float, lon: float) -> tuple[float, float, float]:
    p, q = radians(lat), radians(lon)
    return cos(p) * cos(q), cos(p) * sin(q), sin(p)


def _scipy(spots: Sequence[Spot]) -> Search:
    tree = import_module("scipy.spatial").cKDTree([_vector(*spot) for spot in spots])
    return lambda lat, lon: tree.query(_vector(lat, lon), K)


def _balltree(spots: Sequence[Spot]) -> Search:
    numpy = import_module("numpy")
    tree = import_module("sklearn.neighbors").BallTree(
        numpy.radians(numpy.array(spots)), metric="haversine"
    )
    return lambda lat, lon: tree.query([[radians(lat), radians(lon)]], K)


def _numpy(spots: Sequence[Spot]) -> Search:
    numpy = import_module("numpy")
    vectors = numpy.array([_vector(*spot) for spot in spots])

    def search(lat: float, lon: float) -> Any:
        cosines = vectors @ numpy.array(_vector(lat, lon))
        few = numpy.argpartition(-cosines, K)[:K]
        return few[numpy.argsort(-cosines[few])]

    return search


def _boxes(spots: Sequence[Spot]) -> Search:
    """SQLite: a box that doubles until the fifth lies within its half-width."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE point (lat REAL, lon REAL)")
    base.executemany("INSERT INTO point VALUES (?, ?)", spots)
    base.execute("CREATE INDEX place ON point (lat, lon)")

    def search(lat: float, lon: float) -> Any:
        half = (BOX[1] - BOX[0]) * (K / len(spots)) ** 0.5
        while True:
            wide = half / cos(radians(lat))
            found = base.execute(
                "SELECT lat, lon FROM point WHERE lat BETWEEN ? AND ? AND lon BETWEEN ? AND ?",
                (lat - half, lat + half, lon - wide, lon + wide),
            ).fetchall()
            near = nsmallest(K, (distance_m(lat, lon, *spot) for spot in found))
            if len(near) == K and near[-1] <= half * METRES_A_DEGREE:
                return near
            half *= 2

    return search


PEERS: tuple[tuple[str, Callable[[Sequence[Spot]], Search]], ...] = (
    ("scipy cKDTree", _scipy),
    ("scikit-learn BallTree", _balltree),
    ("numpy product", _numpy),
    ("SQLite boxes", _boxes),
)


def _postgis(
    database_url: str, spots: Sequence[Spot], asked: Sequence[Spot], size: int
) -> Iterator[Line]:
    if not database_url.startswith("postgres"):
        yield f"PostGIS: NOT MEASURED, DATABASE_URL names no PostgreSQL, N={size}", None, "us"
        return
    psycopg = import_module("psycopg")
    with psycopg.connect(database_url.replace("+psycopg", "")) as base:
        there = base.execute("SELECT 1 FROM pg_extension WHERE extname = 'postgis'").fetchone()
        if there is None:
            yield f"PostGIS: NOT MEASURED, the server has no such extension, N={size}", None, "us"
            return
        base.execute("CREATE TEMP TABLE near_point (g geography(Point)) ON COMMIT DROP")
        with base.cursor().copy("COPY near_point FROM STDIN") as copy:
            for lat, lon in spots:
                copy.write_row([f"SRID=4326;POINT({lon} {lat})"])
        base.execute("CREATE INDEX ON near_point USING gist (g)")
        base.execute("ANALYZE near_point")

        def search(lat: float, lon: float) -> Any:
            return base.execute(
                "SELECT ST_AsText(g) FROM near_point "
                "ORDER BY g <-> ST_MakePoint(%s, %s)::geography LIMIT %s",
                (lon, lat, K),
            ).fetchall()

        yield f"PostGIS <->, N={size}", _median(search, asked), "us"
        base.rollback()
