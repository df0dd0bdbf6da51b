"""What the words of texts that were decided before speak for.

Every example beside the rules, and every text of ``rules/precedents.toml``, is a precedent. Of each
known word in them the weight for a code is how much more often (as a logarithm) it stands in that
code's precedents than in all. The sum over the words of a new text is evidence beside the rules, for
stories whose turn of phrase no rule foresaw. Nothing is trained or stored: the weights are counted
when the rules are read.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import repeat
from struct import Struct

from bot.classify import taxonomy

_LANE = 4  # bytes of a heap's sum in the packed weights
_SCALE = 256  # steps of a weight of 1

Heap = tuple[str, str]
"""A code, and for out_of_scope the matter: its precedents are many kinds, each counted by itself."""


class Precedents:
    """Weights of words by code, packed: the weights of one word for all heaps are one integer.

    So a text costs one addition for each of its words.
    """

    def __init__(
        self,
        texts: Iterable[tuple[str, str]],
        words_of: Callable[[str], Iterable[int]],
        matters: Mapping[str, frozenset[str]],
        most: float,
        doubt: float,
    ) -> None:
        """``texts``: (code, text); ``matters``: words by matter of out_of_scope.

        ``most``: of a weight; ``doubt``: texts imagined beside those counted and those expected, so
        that a rare word weighs little.
        """
        heaps: Counter[Heap] = Counter()
        spoken: dict[int, Counter[Heap]] = defaultdict(Counter)
        for code, text in texts:
            heap = (code, _matter(text, matters) if code == taxonomy.OUT_OF_SCOPE else "")
            heaps[heap] += 1
            for word in set(words_of(text)):
                spoken[word][heap] += 1
        self._heaps = sorted(heaps)
        self._codes = [code for code, _ in self._heaps]
        self._matters = [n for n, code in enumerate(self._codes) if code == taxonomy.OUT_OF_SCOPE]
        self._places = {heap: place for place, heap in enumerate(self._heaps, 1)}
        self._lanes: dict[int, int] = {}
        self._most = most
        self._doubt = doubt
        self._bias = round(most * _SCALE)
        self._unpack = Struct(f"<{len(self._heaps) + 1}I")
        self._shares = {heap: count / heaps.total() for heap, count in heaps.items()}
        self._packed = {word: self._pack(counts) for word, counts in spoken.items()}

    def _pack(self, counts: Counter[Heap]) -> int:
        """The lanes of a word; the first counts the words. Most heaps lack it, so that most lanes are
        those of any word that stands in as many texts."""
        total = counts.total()
        packed = self._absent(total)
        for heap, count in counts.items():
            more = self._step(count, heap, total) - self._step(0, heap, total)
            packed += more << 8 * _LANE * self._places[heap]
        return packed

    def _absent(self, total: int) -> int:
        """The lanes of a word that stands in ``total`` texts, none of them in any heap."""
        if total not in self._lanes:
            self._lanes[total] = 1 + sum(
                self._step(0, heap, total) << 8 * _LANE * place
                for heap, place in self._places.items()
            )
        return self._lanes[total]

    def _step(self, count: int, heap: Heap, total: int) -> int:
        """The weight for a heap, in steps above the least: the logarithm of how often it is there beside
        how often it would be by chance."""
        weight = math.log((count + self._doubt) / (self._shares[heap] * total + self._doubt))
        return round(max(-self._most, min(self._most, weight)) * _SCALE) + self._bias

    def weigh(self, words: Iterable[int], each: float = 1.0) -> dict[str, float]:
        """The evidence of these words for each code that has precedents, in points of any sign;
        ``each``: points for a unit of it."""
        total = sum(map(self._packed.get, words, repeat(0)))
        count, *lanes = self._unpack.unpack(total.to_bytes(self._unpack.size, "little"))
        lost = count * self._bias
        step = each / _SCALE
        own = [(lane - lost) * step for lane in lanes]
        points = dict(zip(self._codes, own, strict=True))
        if self._matters:
            points[taxonomy.OUT_OF_SCOPE] = max(own[n] for n in self._matters)
        return points

    def telling(self, words: Iterable[int], code: str, least: float) -> list[int]:
        """Those of the words that speak for the code with at least so much, the strongest first."""
        places = [8 * _LANE * n for n, (own, _) in enumerate(self._heaps, 1) if own == code]
        mask = (1 << 8 * _LANE) - 1
        weighed = []
        for word in words:
            if packed := self._packed.get(word):
                best = max((packed >> place & mask for place in places), default=0)
                if (own := (best - self._bias) / _SCALE) >= least:
                    weighed.append((-own, word))
        return [word for _, word in sorted(weighed)]


def _matter(text: str, matters: Mapping[str, frozenset[str]]) -> str:
    """The matter whose words stand most often in the text, or ""."""
    found = {matter: sum(word in text for word in words) for matter, words in matters.items()}
    best = max(found, key=found.__getitem__, default="")
    return best if best and found[best] else ""
