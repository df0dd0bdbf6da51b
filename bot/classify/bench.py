"""How long one text takes, beside cutting it into words and looking each up in a set."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.classify import rules as rulebook
from bot.classify.engine import Classifier

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians in microseconds a text: the whole decision, finding all words, jieba and a set."""

    texts: int
    words: int
    classify_us: float
    find_us: float
    jieba_us: float


def bench_classify(texts: Sequence[str] | None = None, rounds: int = ROUNDS) -> Timing:
    """Times the packaged rules on the given texts, by default the rules' own, 200 signs each."""
    classifier = Classifier.load()
    book = rulebook.load()
    if texts is None:
        own = [text for cases in book.tests.values() for _, text in cases]
        whole = "。".join(own)
        texts = [whole[at : at + 200] for at in range(0, len(whole) - 200, 200)]
    import jieba

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    words = {word for rule in book.rules for word in rule.any}
    return Timing(
        texts=len(texts),
        words=len(words),
        classify_us=_median(classifier.classify, texts, rounds),
        find_us=_median(classifier.find, texts, rounds),
        jieba_us=_median(lambda text: [w for w in jieba.lcut(text) if w in words], texts, rounds),
    )


def _median(work: Callable[[str], object], texts: Sequence[str], rounds: int) -> float:
    """The median over rounds, in microseconds a text; the first round only warms up."""
    taken = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        for text in texts:
            work(text)
        taken.append((time.perf_counter() - start) / len(texts) * 1e6)
    return round(statistics.median(taken[1:]), 1)
