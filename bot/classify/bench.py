"""How long understanding one text takes, beside cutting it into words and looking each up in a set.

Times are the processor's own, so that a machine busy with other work tells the same ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bot.classify import rules as rulebook
from bot.classify.engine import Classifier
from bot.facts.dictionary import Dictionary
from bot.facts.places import Gazetteer
from bot.facts.summary import read_facts

ROUNDS = 5
SINGLE = 1_000
"""Texts timed one by one for the slowest in a hundred."""

LONG = 100_000
BAD: Mapping[str, str] = {
    "empty": "",
    "emoji": "😀" * LONG,
    "long": "我在网上买了保险退款投资平台提现不了" * (LONG // 18),
    "one sign": "车" * LONG,
    "binary": bytes(range(256)).decode("latin1") * (LONG // 256),
    "right to left": "\u202e退款" * (LONG // 3),
    "zero width": "投\u200b资" * (LONG // 3),
    "surrogates": "\ud800" * LONG,
    "digits": "1" * LONG,
    "numerals": "三万五千" * (LONG // 4),
    "dates": "去年3月15号" * (LONG // 7),
    "names": "川沙新镇上海某某健身有限公司" * (LONG // 14),
    "brackets": "「“《" * (LONG // 3),
    "Latin": "a1-" * (LONG // 3),
}


class Row(NamedTuple):
    """The median of ``rounds`` in ``unit``; ``times`` as fast as the baseline of the same run."""

    what: str
    value: float
    unit: str
    times: float | None = None
    goal: str = ""
    rounds: int = ROUNDS


def measure(texts: Sequence[str], gazetteer: Gazetteer, today: date) -> list[Row]:
    """All that is promised of the speed of understanding, on texts of about 200 characters."""
    with TemporaryDirectory(prefix="suda-bench-") as name:
        folder = Path(name, "jieba")
        first = _seconds(lambda: Dictionary(folder).load())
        return [*_reading(texts, gazetteer, today, folder), *_start_up(folder, first)]


def _reading(texts: Sequence[str], gazetteer: Gazetteer, today: date, folder: Path) -> list[Row]:
    classifier = Classifier.load(tmp_dir=folder)
    known = {word for rule in rulebook.load().rules for word in rule.any}
    lcut = _lcut(folder)

    def whole(text: str) -> None:
        classifier.classify(text)
        read_facts(text, today, gazetteer)

    baseline = _Way(
        f"jieba.lcut + set of {len(known)}", lambda t: [w for w in lcut(t) if w in known], 2
    )
    ways = [
        _Way("matching alone: folded, every word found", classifier.find, 60, "≥ 50"),
        _Way("axes and fraud", classifier.classify, 10, "≥ 4"),
        _Way("axes, fraud and facts", whole, 4, "≥ 1.5"),
    ]
    taken = _side_by_side([baseline, *ways], texts)
    base, *others = taken
    signs = round(statistics.mean(map(len, texts)))
    single = sorted(_seconds(partial(whole, text)) for text in islice(cycle(texts), SINGLE))
    kind, worst = max(
        (
            (kind, statistics.median(_seconds(partial(whole, text)) for _ in range(ROUNDS)))
            for kind, text in BAD.items()
        ),
        key=lambda pair: pair[1],
    )
    return [
        Row(f"{baseline.what}, {len(texts)} texts of {signs}", statistics.median(base), "us", 1.0),
        *(
            Row(
                way.what,
                statistics.median(mine),
                "us",
                statistics.median(b / m for b, m in zip(base, mine, strict=True)),
                way.goal,
            )
            for way, mine in zip(ways, others, strict=True)
        ),
        Row(
            f"slowest in 100 of {SINGLE} texts, with facts",
            single[-SINGLE // 100] * 1e3,
            "ms",
            goal="≤ 5",
            rounds=1,
        ),
        Row(f"worst bad input, with facts: {kind}", worst * 1e3, "ms", goal="≤ 50"),
    ]


class _Way(NamedTuple):
    what: str
    work: Callable[[str], object]
    times: int
    goal: str = ""


def _side_by_side(ways: Sequence[_Way], texts: Sequence[str]) -> list[list[float]]:
    """Microseconds a text of each way in each round, after one round to warm up."""
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS + 1):
        for way, mine in zip(ways, taken, strict=True):
            begun = time.process_time()
            for _ in range(way.times):
                for text in texts:
                    way.work(text)
            mine.append((time.process_time() - begun) / len(texts) / way.times * 1e6)
    return [mine[1:] for mine in taken]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _lcut(folder: Path) -> Callable[[str], list[str]]:
    tokenizer = import_module("jieba").Tokenizer()
    tokenizer.tmp_dir = str(folder)
    tokenizer.initialize()
    cut: Callable[[str], list[str]] = tokenizer.lcut
    return cut


def _start_up(folder: Path, first: float) -> list[Row]:
    """Building the classifier, and the dictionary that is loaded in a thread when first needed."""
    book = rulebook.load()
    rows = [
        Row("start: rules read", _median_ms(lambda: rulebook.load.__wrapped__()), "ms"),
        Row("start: classifier built from them", _median_ms(lambda: Classifier(book)), "ms"),
        Row("dictionary from its cache", _median_ms(lambda: Dictionary(folder).load()), "ms"),
        Row("dictionary, the first time", first * 1e3, "ms", rounds=1),
    ]
    if Path("/proc/self/statm").exists():
        ran = subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", _MEMORY, str(folder), *sys.path],
            capture_output=True,
            text=True,
            check=True,
        )
        page = os.sysconf("SC_PAGE_SIZE") / 2**20
        before, built, loaded = (int(pages) * page for pages in ran.stdout.split())
        rows += [
            Row("memory: classifier", built - before, "MB", rounds=1),
            Row("memory: dictionary", loaded - built, "MB", rounds=1),
        ]
    return rows


_MEMORY = """
import sys
from pathlib import Path
sys.path[:] = sys.argv[2:]
from bot.classify.engine import Classifier
from bot.facts.dictionary import Dictionary
def pages(): return open("/proc/self/statm").read().split()[1]
before = pages(); classifier = Classifier.load(); built = pages()
kept = Dictionary(Path(sys.argv[1])); kept.load(); print(before, built, pages())
"""


def _median_ms(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return statistics.median(taken) * 1e3
