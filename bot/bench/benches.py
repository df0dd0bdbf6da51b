"""Measure beside peers, in one run on one machine: ratios travel, microseconds do not.

Each bench gives the median of several rounds. Nothing leaves the machine: what would be sent is
swallowed by a function that answers at once.
"""

from __future__ import annotations

import heapq
import os
import platform
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from math import cos, radians, sin
from typing import Any

from bot.bench.durable import durable
from bot.bench.measure import ROUNDS, Measure, words
from bot.bench.notice import notice
from bot.classify import rules
from bot.classify.engine import Classifier
from bot.route.nearest import Index, Place, distance_m
from bot.sandbox import bench as stand_in
from bot.settings import Settings

NEAREST = 5
SIZES = ((2_000, 200), (100_000, 20))
"""How many places there are, and how many queries a round asks."""

SEED = 20261123

Search = Callable[[float, float], Any]
"""Latitude and longitude in degrees to whatever is found there."""


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
    }


def _median_us(work: Callable[[], object], each: int) -> float:
    """Microseconds for one of ``each`` things that ``work`` does, after one round to warm up."""
    work()
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) / each * 1e6


def classify(settings: Settings) -> list[Measure]:
    """The whole decision beside jieba's cutting with a look-up of the same words."""
    jieba = import_module("jieba")
    classifier = Classifier.load(tmp_dir=settings.data_dir / "jieba")
    texts = words()["texts"]
    known = {word for rule in rules.load().rules for word in rule.any}
    cutter = jieba.Tokenizer()
    # Its cache in a shared folder could be planted by others: read the dictionary itself.
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True

    def ours() -> None:
        for text in texts:
            classifier.classify(text)

    def theirs() -> None:
        for text in texts:
            [word for word in cutter.lcut(text) if word in known]

    signs = round(statistics.mean(map(len, texts)))
    return [
        Measure(
            "classify", f"whole decision, {signs} characters", _median_us(ours, len(texts)), "us"
        ),
        Measure(
            "classify", f"jieba.lcut + set of {len(known)}", _median_us(theirs, len(texts)), "us"
        ),
    ]


def nearest(_settings: Settings) -> list[Measure]:
    """The nearest five of N: our tree, every distance in plain Python, and scipy where it is there."""
    dice = random.Random(SEED)  # noqa: S311 - places, not secrets

    def spot() -> tuple[float, float]:
        return dice.uniform(30.8, 31.5), dice.uniform(121.4, 122.0)

    measures = []
    for size, asked in SIZES:
        places = [Place(str(n), *spot(), n) for n in range(size)]
        queries = [spot() for _ in range(asked)]
        index = Index(places)
        few = queries[: max(1, asked * 2_000 // size)]

        def brute(lat: float, lon: float, places: Sequence[Place[int]] = places) -> list[Any]:
            return heapq.nsmallest(
                NEAREST, ((distance_m(lat, lon, p.lat, p.lon), p.code) for p in places)
            )

        wanted = [[code for _, code in brute(*at)] for at in few[:3]]
        found = [[near.place.code for near in index.nearest(*at, NEAREST)] for at in few[:3]]
        if wanted != found:
            raise RuntimeError("the tree and the plain search disagree")
        ways: list[tuple[str, Search, Sequence[Any]]] = [
            ("k-d tree", partial(index.nearest, k=NEAREST), queries),
            ("plain haversine", brute, few),
        ]
        if (scipy := _scipy(places)) is not None:
            ways.append(("scipy cKDTree", scipy, queries))
        measures += [
            Measure("nearest", f"{name}, N={size}", _median_us(_each(way, at), len(at)), "us")
            for name, way, at in ways
        ]
    return measures


def _each(way: Search, queries: Sequence[Any]) -> Callable[[], None]:
    def work() -> None:
        for lat, lon in queries:
            way(lat, lon)

    return work


def _vector(lat: float, lon: float) -> tuple[float, float, float]:
    p, q = radians(lat), radians(lon)
    return cos(p) * cos(q), cos(p) * sin(q), sin(p)


def _scipy(places: Sequence[Place[int]]) -> Search | None:
    """scipy's tree when the package happens to be there; it is no dependency."""
    try:
        spatial = import_module("scipy.spatial")
    except ImportError:
        return None
    tree = spatial.cKDTree([_vector(p.lat, p.lon) for p in places])
    return lambda lat, lon: tree.query(_vector(lat, lon), NEAREST)


def sandbox(_settings: Settings) -> list[Measure]:
    """Round trips with the stand-in, beside a bare server with the same client."""
    names = {
        "memory": "getUpdates + sendMessage, state in memory",
        "file": "getUpdates + sendMessage, state in a file",
        "bare": "the same two calls to a bare Starlette server",
    }
    found = stand_in.round_trips()
    return [
        Measure("sandbox", what, found[name], "1/s", stand_in.ROUNDS)
        for name, what in names.items()
    ]


BENCHES: Mapping[str, Callable[[Settings], list[Measure]]] = {
    "classify": classify,
    "nearest": nearest,
    "durable": durable,
    "notice": notice,
    "sandbox": sandbox,
}
