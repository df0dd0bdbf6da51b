"""Measure beside peers, in one run on one machine: ratios travel, microseconds do not.

Each bench gives the median of several rounds. Nothing leaves the machine: what would be sent is
swallowed by a function that answers at once.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from bot.bench import nearest as nearest_five
from bot.bench.durable import durable
from bot.bench.measure import ROUNDS, Measure, words
from bot.bench.notice import notice
from bot.classify import rules
from bot.classify.engine import Classifier
from bot.sandbox import bench as stand_in
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


def nearest(settings: Settings) -> list[Measure]:
    """The nearest five of ten thousand and of a million, all or few eligible, beside the peers."""
    lines = nearest_five.nearest(settings.database_url)
    return [Measure("nearest", what, value, unit) for what, value, unit in lines]


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
