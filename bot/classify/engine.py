"""What a person's words say: the object, nature and channel of a dispute, fraud and danger.

All words of all rules are found in one pass over the folded text; what follows looks only at what
was found. A word inside a longer known word gives way to it (``保险`` in ``养老保险``), a word cut
out of two others is no word (``理财`` in ``处理财产``), a denied or merely claimed one counts less.
The heaviest code wins; rules, weights and limits are data in ``rules/``.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick

from bot.classify import rules as rulebook
from bot.classify import taxonomy
from bot.classify.cutting import Cutter
from bot.classify.folding import Folded, Folder
from bot.classify.rules import Rule, RuleBook

SHOWN = 3  # candidates of a decision
WORDS_SHOWN = 5  # own words of a candidate


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible object code; ``score`` is its share of belief, 0 to 1; ``because`` the person's words."""

    code: str
    score: float
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules of ``version`` make of one text.

    ``danger`` is "", ``self_harm``, ``violence``, ``threatened``, ``poisoning`` or ``crowd``; ``ask`` says that the
    person should be asked to choose among the candidates; ``margin`` is the lead of the first.
    """

    object: str
    nature: str
    channel: str
    fraud: bool
    fraud_kinds: tuple[str, ...]
    fraud_because: tuple[str, ...]
    just_now: bool
    danger: str
    ask: bool
    margin: float
    candidates: tuple[Candidate, ...]
    version: str

    def to_json(self) -> dict[str, Any]:
        """The object that the ``classify`` command prints."""
        return {
            "object": self.object,
            "nature": self.nature,
            "channel": self.channel,
            "fraud": self.fraud,
            "danger": bool(self.danger),
            "ask": self.ask,
            "candidates": [
                {"code": c.code, "score": c.score, "because": list(c.because)}
                for c in self.candidates
            ],
        }


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fired: its evidence in points and the person's words that fired it."""

    axis: str
    code: str
    weight: float
    words: tuple[str, ...]
    note: str
    starts: frozenset[int] = frozenset()


class Hit(NamedTuple):
    """A word found at text[start:end]."""

    word: int
    start: int
    end: int


class Classifier:
    """Reads texts by one rule book; safe to share between threads, holds no state of a text."""

    def __init__(self, book: RuleBook, tmp_dir: Path | None = None) -> None:
        lexicon = book.lexicon
        self.version = book.version
        self._limits = lexicon["limits"]
        self._prior: dict[str, float] = lexicon["prior"]
        self._kin = {code: tuple(kin.split()) for code, kin in lexicon["kin"].items()}
        self._folder = Folder(_pairs(lexicon["traditional"]["pairs"]), self._limits["signs"])
        self._cutter = Cutter(
            ((row["word"], row["before"], row["after"]) for row in lexicon["doubtful"]), tmp_dir
        )
        roles = lexicon["role"]
        # the word's own first sign is shown too, for a pattern to look ahead to
        self._denied = re.compile(rf"(?:{roles['denied']})(?=.\Z)", re.DOTALL)
        self._asked = re.compile(roles["asked"])
        self._roles = [(re.compile(row["before"]), float(row["factor"])) for row in roles["said"]]
        self._nature_of: dict[str, str] = lexicon["nature_of"]

        self._ids: dict[str, int] = {}
        self._rules = book.rules
        self._compiled = [_Compiled(rule, self._id) for rule in book.rules]
        self._anchors: dict[int, list[int]] = defaultdict(list)
        decoys = {self._id(word) for word in lexicon["decoy"]["words"].split()}
        covering = set(decoys)
        for place, compiled in enumerate(self._compiled):
            for word in compiled.any:
                self._anchors[word].append(place)
            if compiled.rule.plain and compiled.rule.axis == "object":
                covering |= compiled.any
        self._decoys = frozenset(decoys)
        self._covering = frozenset(covering)
        self._automaton = AhoCorasick(list(self._ids))

    def _id(self, word: str) -> int:
        return self._ids.setdefault(word, len(self._ids))

    @classmethod
    def load(cls, rules_dir: Path | None = None, tmp_dir: Path | None = None) -> Classifier:
        """The classifier of a folder's rules, the packaged ones by default; built once for each.

        ``tmp_dir`` keeps jieba's parsed dictionary. Raises BadRule.
        """
        return _load(rules_dir, tmp_dir)

    def classify(self, text: str) -> Decision:
        """Decides on any string; an empty or wordless one is ``other_consumer``, to be asked."""
        folded = self._folder.fold(text)
        matches = self._matches(folded)
        objects = [match for match in matches if match.axis == "object"]
        points = self._points(objects)
        because: dict[str, list[tuple[float, tuple[str, ...]]]] = defaultdict(list)
        for match in objects:
            because[match.code].append((match.weight, match.words))
        wordless = not any(sign.isalnum() for sign in folded.text)
        if wordless:
            points = defaultdict(float, {taxonomy.OTHER: 1.0})
        candidates, margin = self._rank(points, because)
        chosen = candidates[0].code

        later = [m for m in matches if m.axis != "object"]
        fraud, kinds, fraud_because = self._fraud(later)
        return Decision(
            object=chosen,
            nature=self._best(later, "nature") or self._nature_of.get(chosen, "other"),
            channel=self._best(later, "channel") or "unknown",
            fraud=fraud,
            fraud_kinds=kinds,
            fraud_because=fraud_because,
            just_now=self._best(later, "hint") == "just_now",
            danger=self._best(later, "danger"),
            ask=wordless or margin < self._limits["ask_margin"] or not because[chosen],
            margin=margin,
            candidates=candidates,
            version=self.version,
        )

    def explain(self, text: str) -> tuple[Match, ...]:
        """Every rule that fired, the heaviest first."""
        matches = self._matches(self._folder.fold(text))
        return tuple(sorted(matches, key=lambda match: -abs(match.weight)))

    def _matches(self, folded: Folded) -> list[Match]:
        fired = self._fire(folded.text)
        matches = [self._weigh(folded, self._rules[place], hits) for place, hits in fired.items()]
        points = self._points([match for match in matches if match.axis == "object"])
        top = max(points, key=lambda code: points[code])
        return [
            match
            for match, place in zip(matches, fired, strict=True)
            if not self._rules[place].given or top in self._rules[place].given
        ]

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """Every occurrence of every word as (word, start, end) in the folded text."""
        return self._automaton.find_matches_as_indexes(
            self._folder.fold(text).text, overlapping=True
        )

    def _points(self, matches: Sequence[Match]) -> dict[str, float]:
        """Points of each object code.

        Each further rule of a code adds less, and little when it rests on words already counted;
        doubts count whole.
        """
        points: dict[str, float] = defaultdict(float, self._prior)
        share: dict[str, float] = defaultdict(lambda: 1.0)
        counted: dict[str, set[int]] = defaultdict(set)
        for match in sorted(matches, key=lambda match: -match.weight):
            if match.weight < 0:
                points[match.code] += match.weight
                continue
            new = not match.starts <= counted[match.code]
            counted[match.code] |= match.starts
            points[match.code] += (
                match.weight * share[match.code] * (new or self._limits["same_words"])
            )
            if new:
                share[match.code] *= self._limits["next_rule"]
        return points

    def _fire(self, text: str) -> dict[int, list[tuple[Hit, float]]]:
        """The rules that fire, by place: each match with the factor its role in the talk gives."""
        where: dict[int, list[Hit]] = defaultdict(list)
        for word, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if len(where[word]) < self._limits["hits_of_word"]:
                where[word].append(Hit(word, start, end))
        by_rule: dict[int, list[Hit]] = defaultdict(list)
        in_decoy = _cover(self._decoys, where, len(text))
        in_longer = _cover(self._covering, where, len(text))
        for word, found in where.items():
            for hit in found:
                places = self._anchors.get(word)
                if not places or in_decoy(hit) or not self._cutter.stands(text, hit.start, hit.end):
                    continue
                alone = not in_longer(hit)
                for place in places:
                    if alone or not self._compiled[place].about_object:
                        by_rule[place].append(hit)
        present = frozenset(where)
        roles: dict[Hit, float] = {}
        fired: dict[int, list[tuple[Hit, float]]] = {}
        for place, hits in by_rule.items():
            compiled = self._compiled[place]
            held = hits if compiled.plain else compiled.holding(hits, where, present)
            if not held:
                continue
            help_ = 1.0
            if compiled.helped_by and compiled.helped_by.isdisjoint(present):
                help_ = self._limits["unhelped"]
            weighed = []
            for hit in held:
                factor = help_
                if compiled.minds_roles:
                    if hit not in roles:
                        roles[hit] = self._role(text, hit)
                    factor *= roles[hit]
                if factor:
                    weighed.append((hit, factor))
            if weighed:
                fired[place] = weighed
        return fired

    def _weigh(self, folded: Folded, rule: Rule, hits: Sequence[tuple[Hit, float]]) -> Match:
        """More words of one rule add less and less: they say the same thing again."""
        factor = max(factor for _, factor in hits)
        distinct = len({hit.word for hit, _ in hits})
        limits = self._limits
        more = min(distinct - 1, limits["more_words"]) * limits["more_each"]
        again = min(len(hits) - distinct, limits["again_words"]) * limits["again_each"]
        words = dict.fromkeys(folded.own_words(hit.start, hit.end) for hit, _ in hits)
        weight = rule.weight * factor * (1 + more + again)
        starts = frozenset(hit.start for hit, _ in hits)
        return Match(rule.axis, rule.code, weight, tuple(words), rule.note, starts)

    def _role(self, text: str, hit: Hit) -> float:
        """0 for a denied word, less than 1 for a claimed or heard one, more for a discovered one."""
        before = text[max(0, hit.start - self._limits["role_reach"]) : hit.start]
        if self._denied.search(before + text[hit.start]):
            after = text[hit.end : hit.end + self._limits["role_reach"]]
            if not self._asked.match(after):
                return 0.0
        for pattern, factor in self._roles:
            if pattern.search(before):
                return factor
        return 1.0

    def _rank(
        self,
        points: dict[str, float],
        because: dict[str, list[tuple[float, tuple[str, ...]]]],
    ) -> tuple[tuple[Candidate, ...], float]:
        """The codes by points; kin of a strong code stand behind it, for a person to choose."""
        spread = dict(points)
        for code, own in points.items():
            for place, kin in enumerate(self._kin.get(code, ())):
                share = own * self._limits["kin_share"] / (1 + place)
                spread[kin] = max(spread.get(kin, 0.0), share)
        ranked = sorted((c for c in spread if spread[c] > 0), key=lambda code: -spread[code])[
            :SHOWN
        ]
        heat = self._limits["heat"]
        weights = [math.exp((spread[code] - spread[ranked[0]]) / heat) for code in ranked]
        total = sum(weights)
        candidates = tuple(
            Candidate(code, round(weight / total, 3), _words(because.get(code, ())))
            for code, weight in zip(ranked, weights, strict=True)
        )
        margin = candidates[0].score - (candidates[1].score if len(candidates) > 1 else 0.0)
        return candidates, round(margin, 3)

    def _best(self, matches: Sequence[Match], axis: str) -> str:
        """The heaviest code of an axis above its limit, or ""."""
        points: dict[str, float] = defaultdict(float)
        for match in matches:
            if match.axis == axis:
                points[match.code] += match.weight
        best = max(points, key=lambda code: points[code], default="")
        return best if best and points[best] >= self._limits.get(axis, 0.0) else ""

    def _fraud(self, matches: Sequence[Match]) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
        """Whether the points reach the limit; the kinds, heaviest first; the person's words."""
        mine = [match for match in matches if match.axis == "fraud"]
        if sum(match.weight for match in mine) < self._limits["fraud"]:
            return False, (), ()
        points: dict[str, float] = defaultdict(float)
        for match in mine:
            points[match.code] += match.weight
        kinds = sorted(
            (code for code in points if code not in ("sign", "doubt") and points[code] > 0),
            key=lambda code: -points[code],
        )
        words = _words([(m.weight, m.words) for m in mine if m.weight > 0])
        return True, tuple(kinds) or ("unnamed",), words


class _Compiled:
    """A rule whose words are numbers of the automaton."""

    __slots__ = (
        "about_object",
        "after",
        "all",
        "any",
        "before",
        "helped_by",
        "minds_roles",
        "near",
        "never",
        "not_near",
        "plain",
        "rule",
    )

    def __init__(self, rule: Rule, number: Any) -> None:
        def numbers(words: Sequence[str]) -> frozenset[int]:
            return frozenset(number(word) for word in words)

        self.rule = rule
        self.plain = rule.plain
        self.about_object = rule.axis == "object"
        self.minds_roles = rule.axis == "object" and rule.code != taxonomy.OUT_OF_SCOPE
        self.any = numbers(rule.any)
        self.near = [numbers(group) for group in rule.near]
        self.after = [numbers(group) for group in rule.after]
        self.before = [numbers(group) for group in rule.before]
        self.all = [numbers(group) for group in rule.all]
        self.never = numbers(rule.never)
        self.not_near = numbers(rule.not_near)
        self.helped_by = numbers(rule.helped_by)

    def holding(
        self, hits: Sequence[Hit], where: dict[int, list[Hit]], present: frozenset[int]
    ) -> list[Hit]:
        """The matches around which the rule's conditions hold."""
        if not self.never.isdisjoint(present) or any(g.isdisjoint(present) for g in self.all):
            return []
        asked = (self.near, self.after, self.before)
        near, after, before = (
            [[hit for word in group & present for hit in where[word]] for group in groups]
            for groups in asked
        )
        if not all(map(all, (near, after, before))):
            return []
        apart = [hit for word in self.not_near & present for hit in where[word]]
        reach = self.rule.within
        return [
            hit
            for hit in hits
            if all(_beside(hit, group, reach) for group in near)
            and all(any(0 <= hit.start - other.end <= reach for other in group) for group in before)
            and _follow(hit.end, after, reach)
            and not _beside(hit, apart, reach)
        ]


def _cover(words: frozenset[int], where: dict[int, list[Hit]], size: int) -> Callable[[Hit], bool]:
    """Tells whether a match lies inside a longer match of these words."""
    ends = [0] * (size + 1)  # farthest end of such a match that starts here
    for word, hits in where.items():
        if word in words:
            for hit in hits:
                if hit.end > ends[hit.start]:
                    ends[hit.start] = hit.end
    earlier = list(accumulate(ends, max, initial=0))  # ... that starts before here
    return lambda hit: ends[hit.start] > hit.end or earlier[hit.start] >= hit.end


def _beside(hit: Hit, others: Sequence[Hit], reach: int) -> bool:
    return any(
        0 <= other.start - hit.end <= reach or 0 <= hit.start - other.end <= reach
        for other in others
    )


def _follow(end: int, groups: Sequence[Sequence[Hit]], reach: int) -> bool:
    """Whether a word of each group follows in order, each within reach of the one before."""
    ends = {end}
    for group in groups:
        ends = {o.end for o in group for last in ends if 0 <= o.start - last <= reach}
        if not ends:
            return False
    return True


def _words(because: Sequence[tuple[float, tuple[str, ...]]]) -> tuple[str, ...]:
    ordered = sorted(because, key=lambda pair: -pair[0])
    return tuple(dict.fromkeys(word for weight, words in ordered if weight > 0 for word in words))[
        :WORDS_SHOWN
    ]


def _pairs(text: str) -> dict[str, str]:
    """``貸贷 錢钱`` as a table from the first sign of each pair to the second."""
    return {pair[0]: pair[1] for pair in text.split()}


@cache
def _load(rules_dir: Path | None, tmp_dir: Path | None) -> Classifier:
    return Classifier(rulebook.load(rules_dir), tmp_dir)
