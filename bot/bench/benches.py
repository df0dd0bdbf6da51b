"""Measure beside peers, in one run on one machine: ratios travel, microseconds do not.

Each bench gives the median of several rounds. Nothing leaves the machine: what would be sent is
swallowed by a function that answers at once.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from bot.bench import nearest as nearest_five
from bot.bench.books import books
from bot.bench.durable import steps
from bot.bench.measure import Measure, words
from bot.bench.notice import notice
from bot.bench.peers import peers
from bot.classify import bench as understanding
from bot.route.region import load_region
from bot.route.register import Register
from bot.sandbox import bench as stand_in
from bot.services.network.load_register import gazetteer
from bot.settings import Settings


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
    }


def classify(settings: Settings) -> list[Measure]:
    """Understanding one text, beside jieba's cutting with a look-up of the same words."""
    region = load_region(settings.region)
    places = gazetteer(Register(region.desks), region.words)
    rows = understanding.measure(words()["texts"], places, words()["today"])
    return [
        Measure("classify", row.what, row.value, row.unit, row.rounds, row.times, row.goal)
        for row in rows
    ]


def nearest(settings: Settings) -> list[Measure]:
    """The nearest five of ten thousand and of a million, all or few eligible, beside the peers."""
    lines = nearest_five.nearest(settings.database_url)
    return [Measure("nearest", what, value, unit) for what, value, unit in lines]


def durable(settings: Settings) -> list[Measure]:
    """Whole durable steps, intake, losses under kills and many workers, beside their peers."""
    return [*steps(settings), *peers(settings)]


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
    "books": books,
}
