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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial, reduce
from itertools import chain
from operator import itemgetter, or_
from pathlib import Path
from typing import Any

from ahocorasick_rs import AhoCorasick

from bot.classify import rules as rulebook
from bot.classify import taxonomy
from bot.classify.cutting import Cutter
from bot.classify.folding import Folded, folder_of
from bot.classify.precedents import Precedents
from bot.classify.rules import Rule, RuleBook
from bot.facts.dictionary import shared

SHOWN = 3  # candidates of a decision
WORDS_SHOWN = 5  # own words of a candidate
PRECEDENTS = "precedents"  # what asks says of evidence that no rule brought
_NONE: frozenset[int] = frozenset()
LATER = tuple(axis for axis in rulebook.AXES if axis != "object")


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
    """A rule that fired: its evidence in points and the person's words that fired it.

    ``asks``: the fields of the rule, as ``rules.py`` names them, that ask for more than its words;
    ``PRECEDENTS`` when no rule fired but its words stand so in texts decided before.
    """

    axis: str
    code: str
    weight: float
    words: tuple[str, ...]
    note: str
    asks: tuple[str, ...] = ()


Hit = tuple[int, int, int]
"""A word found at text[start:end]: (word, start, end)."""

Roles = Mapping[Hit, float]
"""0 for a denied word, less than 1 for a claimed one, more for a discovered one; others are left out."""


_Fired = tuple[float, Rule, Sequence[Hit]]
"""The weight of a rule that fired, the rule, and what fired it."""

_weight = itemgetter(0)


class Classifier:
    """Reads texts by one rule book; safe to share between threads, holds no state of a text."""

    def __init__(self, book: RuleBook, tmp_dir: Path | None = None) -> None:
        lexicon = book.lexicon
        self.version = book.version
        self.dictionary = shared(tmp_dir)
        self._limits = lexicon["limits"]
        self._most: int = self._limits["hits_of_word"]
        self._more = cache(partial(_more, self._limits))
        self._unhelped: float = self._limits["unhelped"]
        self._prior: dict[str, float] = lexicon["prior"]
        lent = self._limits["kin_share"]
        self._kin = {
            code: tuple((near, lent / place) for place, near in enumerate(kin.split(), 1))
            for code, kin in lexicon["kin"].items()
        }
        self._folder = folder_of(lexicon["traditional"]["pairs"], self._limits["signs"])
        self._roles = _Roles(lexicon["role"], self._limits["role_reach"])
        self._nature_of: dict[str, str] = lexicon["nature_of"]
        self._fraud_of: dict[str, float] = lexicon["fraud_of"]

        self._ids: dict[str, int] = {}
        self._rules = [_Compiled(rule, self._id) for rule in book.rules]
        decoys = frozenset(self._id(word) for word in lexicon["decoy"]["words"].split())
        longer = decoys.union(*(r.any for r in self._rules if r.rule.plain and r.about_object))
        self._gate = _Gate(self._rules, len(self._ids))
        self._anchors: list[tuple[_Compiled, ...]] = [()] * len(self._ids)
        for rule in self._rules:
            for number in rule.any:
                self._anchors[number] += (rule,)
        self._cutter = Cutter(
            ((row["word"], row["before"], row["after"]) for row in lexicon["doubtful"]),
            self.dictionary.cut,
        )
        self._doubtful = frozenset(n for w, n in self._ids.items() if self._cutter.doubts(w))
        self._hits: Callable[[str], list[Hit]] = partial(
            AhoCorasick(list(self._ids)).find_matches_as_indexes, overlapping=True
        )
        self._in_decoys = self._inside(decoys)
        self._in_longer = self._inside(longer)
        self._covers: dict[int, list[int]] = defaultdict(list)
        for inner, outer in self._in_longer.items():
            for number in outer:
                self._covers[number].append(inner)
        matters = lexicon["matter"]
        self._precedents = Precedents(
            book.precedents,
            lambda text: {hit[0] for hit in self.find(text)} - self._doubtful,
            {matter: frozenset(words.split()) for matter, words in matters.items()},
            self._limits["precedent_most"],
            self._limits["precedent_doubt"],
        )

    def _inside(self, longer: frozenset[int]) -> dict[int, frozenset[int]]:
        """Of each word that lies inside some of these, those."""
        found: dict[int, set[int]] = defaultdict(set)
        for word, number in self._ids.items():
            if number in longer:
                for inner, _, _ in self._hits(word):
                    found[inner].add(number)
        return {n: frozenset(those - {n}) for n, those in found.items() if those != {n}}

    def _id(self, word: str) -> int:
        return self._ids.setdefault(word, len(self._ids))

    @classmethod
    def load(cls, rules_dir: Path | None = None, tmp_dir: Path | None = None) -> Classifier:
        """The classifier of a folder's rules, the packaged ones by default; built once for each.

        ``tmp_dir`` keeps jieba's parsed dictionary. Raises BadRule.
        """
        shared(tmp_dir)
        return _load(rules_dir)

    def classify(self, text: str) -> Decision:
        """Decides on any string; an empty or wordless one is ``other_consumer``, to be asked."""
        folded = self._folder.fold(text)
        where, roles = self._read(folded.text)
        fired = self._fire(folded.text, where, roles)
        meant = _meant(where, roles)
        heaviest = sorted(fired["object"], key=_weight, reverse=True)
        points = self._points(heaviest, meant)
        later = self._given(fired, points)
        wordless = not any(map(str.isalnum, folded.text))
        if wordless:
            points = {taxonomy.OTHER: 1.0}
        because: dict[str, list[_Fired]] = defaultdict(list)
        for match in heaviest:
            because[match[1].code].append(match)
        candidates, margin = self._rank(points, because, folded)
        chosen = candidates[0].code
        if not candidates[0].because:
            told = self._told(meant, where, chosen, folded)
            candidates = (replace(candidates[0], because=told), *candidates[1:])
        by_object = (
            self._fraud_of.get(chosen, 0.0) * candidates[0].score,
            candidates[0].because,
        )
        fraud, kinds, fraud_because = self._fraud(later["fraud"], by_object, folded)
        return Decision(
            object=chosen,
            nature=self._best(later["nature"], "nature") or self._nature_of.get(chosen, "other"),
            channel=self._best(later["channel"], "channel") or "unknown",
            fraud=fraud,
            fraud_kinds=kinds,
            fraud_because=fraud_because,
            just_now=self._best(later["hint"], "hint") == "just_now",
            danger=self._best(later["danger"], "danger"),
            ask=wordless or margin < self._limits["ask_margin"] or chosen not in because,
            margin=margin,
            candidates=candidates,
            version=self.version,
        )

    def explain(self, text: str) -> tuple[Match, ...]:
        """Every rule that fired, the heaviest first."""
        folded = self._folder.fold(text)
        where, roles = self._read(folded.text)
        fired = self._fire(folded.text, where, roles)
        meant = _meant(where, roles)
        heaviest = sorted(fired["object"], key=_weight, reverse=True)
        later = self._given(fired, self._points(heaviest, meant))
        matches = [
            Match(
                rule.axis,
                rule.code,
                weight,
                tuple(dict.fromkeys(folded.own_words(hit[1], hit[2]) for hit in hits)),
                rule.note,
                rule.asks,
            )
            for weight, rule, hits in chain(fired["object"], *later.values())
        ]
        matches += [
            Match("object", code, own, told, "As in texts decided before", (PRECEDENTS,))
            for code, own in self._precedents.weigh(meant, self._limits["precedent"]).items()
            if own > 0 and (told := self._told(meant, where, code, folded))
        ]
        return tuple(sorted(matches, key=lambda match: -abs(match.weight)))

    def _read(self, text: str) -> tuple[dict[int, list[Hit]], Roles]:
        """The words of the folded text, where each stands, and how it is meant."""
        hits = self._hits(text)
        return _by_word(hits, self._most), self._roles.of(text, hits)

    def find(self, text: str) -> list[Hit]:
        """Every occurrence of every word in the folded text, by their ends."""
        return self._hits(self._folder.fold(text).text)

    def _told(
        self, meant: Iterable[int], where: Mapping[int, Sequence[Hit]], code: str, folded: Folded
    ) -> tuple[str, ...]:
        """The person's words that stand in precedents of the code more than elsewhere.

        One sign alone weighs, but tells a person nothing.
        """
        least = self._limits["precedent_told"]
        hits = [where[word][0] for word in self._precedents.telling(meant, code, least)]
        told = (folded.own_words(hit[1], hit[2]) for hit in hits if hit[2] - hit[1] > 1)
        return tuple(dict.fromkeys(told))[:WORDS_SHOWN]

    def _given(
        self, fired: Mapping[str, Sequence[_Fired]], points: Mapping[str, float]
    ) -> dict[str, list[_Fired]]:
        """What fired on the axes after the object, but for rules that ask for another object."""
        top = max(points, key=points.__getitem__)
        return {
            axis: [m for m in fired[axis] if not m[1].given or top in m[1].given] for axis in LATER
        }

    def _points(self, matches: Sequence[_Fired], words: Iterable[int]) -> dict[str, float]:
        """Points of each object code: what its words speak for in the precedents, and its rules, which
        come the heaviest first.

        Each further rule of a code adds less, and little when it rests on words already counted;
        doubts count whole.
        """
        next_rule, same_words = self._limits["next_rule"], self._limits["same_words"]
        points = self._precedents.weigh(words, self._limits["precedent"])
        for code, own in self._prior.items():
            points[code] = points.get(code, 0.0) + own
        share: dict[str, float] = {}
        counted: dict[str, set[int]] = {}
        for weight, rule, hits in matches:
            code = rule.code
            if weight > 0:
                starts = {hit[1] for hit in hits}
                if code not in counted:
                    counted[code] = starts
                    share[code] = next_rule
                elif starts <= counted[code]:
                    weight *= share[code] * same_words
                else:
                    counted[code] |= starts
                    weight *= share[code]
                    share[code] *= next_rule
            points[code] = points.get(code, 0.0) + weight
        return points

    def _fire(
        self, text: str, where: Mapping[int, list[Hit]], roles: Roles
    ) -> dict[str, list[_Fired]]:
        """The rules that fire, by axis."""
        fired: dict[str, list[_Fired]] = {axis: [] for axis in rulebook.AXES}
        present = frozenset(where)
        possible, helped = self._gate.open(present)
        anchors, doubtful, covers = self._anchors, self._doubtful, self._covers
        covered = {inner for word in present & covers.keys() for inner in covers[word]}
        by_rule: dict[_Compiled, list[Hit]] = {}
        for word, found in where.items():
            alone: list[Hit] | None = None
            for rule in anchors[word]:
                if possible[rule.gate] == "0":
                    continue
                if alone is None:
                    alone = found
                    if word in doubtful or word in covered:
                        found, alone = self._sure(text, word, where, present)
                mine = alone if rule.about_object else found
                if rule in by_rule:
                    by_rule[rule] = by_rule[rule] + mine
                elif mine:
                    by_rule[rule] = mine
        told = {hit[0] for hit in roles}
        for rule, mine in by_rule.items():
            if rule.placed:
                mine = rule.holding(mine, where, present)
                if not mine:
                    continue
            factor = 1.0 if helped[rule.help] == "1" else self._unhelped
            if told and rule.minds_roles and not told.isdisjoint(rule.any):
                factors = [roles.get(hit, 1.0) for hit in mine]
                factor *= max(factors)
                if not factor:
                    continue
                if 0.0 in factors:
                    mine = [hit for hit, own in zip(mine, factors, strict=True) if own]
            if len(mine) > 1:
                factor *= self._more(len(mine), len({hit[0] for hit in mine}))
            fired[rule.axis].append((rule.weight * factor, rule.rule, mine))
        return fired

    def _sure(
        self, text: str, word: int, where: Mapping[int, list[Hit]], present: frozenset[int]
    ) -> tuple[list[Hit], list[Hit]]:
        """Where the word stands as one of its own, and where not even within a plain longer word."""
        found = where[word]
        if longer := self._in_decoys.get(word, _NONE) & present:
            found = _outside(found, longer, where)
        if word in self._doubtful:
            found = [hit for hit in found if self._cutter.stands(text, hit[1], hit[2])]
        if longer := self._in_longer.get(word, _NONE) & present:
            return found, _outside(found, longer, where)
        return found, found

    def _rank(
        self, points: Mapping[str, float], because: Mapping[str, Sequence[_Fired]], folded: Folded
    ) -> tuple[tuple[Candidate, ...], float]:
        """The codes by points; kin of a strong code stand behind it, for a person to choose."""
        first = sorted(points, key=points.__getitem__, reverse=True)[:SHOWN]
        spread = {code: points[code] for code in first}
        # What is lent below the last of these comes in front of none.
        least = max(points[first[-1]], 0.0) if len(first) == SHOWN else 0.0
        for code in first:
            own = points[code]
            for kin, share in self._kin.get(code, ()):  # the nearest first
                if (lent := own * share) <= least:
                    break
                if lent > spread.get(kin, 0.0):
                    spread[kin] = lent
        ranked = sorted(spread, key=spread.__getitem__, reverse=True)[:SHOWN]
        ranked = [code for code in ranked if spread[code] > 0] or ranked[:1]
        heat = self._limits["heat"]
        weights = [math.exp((spread[code] - spread[ranked[0]]) / heat) for code in ranked]
        total = sum(weights)
        candidates = tuple(
            Candidate(code, round(weight / total, 3), _because(because.get(code, ()), folded))
            for code, weight in zip(ranked, weights, strict=True)
        )
        margin = candidates[0].score - (candidates[1].score if len(candidates) > 1 else 0.0)
        return candidates, round(margin, 3)

    def _best(self, matches: Sequence[_Fired], axis: str) -> str:
        """The heaviest code of an axis above its limit, or ""."""
        if not matches:
            return ""
        points = _sums(matches)
        best = max(points, key=points.__getitem__)
        return best if points[best] >= self._limits.get(axis, 0.0) else ""

    def _fraud(
        self,
        matches: Sequence[_Fired],
        by_object: tuple[float, tuple[str, ...]],
        folded: Folded,
    ) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
        """Whether the points reach the limit; the kinds, heaviest first; the person's words.

        ``by_object``: the points that the object itself brings, as far as it is believed, and the words that
        told it.
        """
        if by_object[0] + sum(map(_weight, matches)) < self._limits["fraud"]:
            return False, (), ()
        points = _sums(matches)
        kinds = sorted(
            (code for code in points if code not in ("sign", "doubt") and points[code] > 0),
            key=lambda code: -points[code],
        )
        return (
            True,
            tuple(kinds) or ("unnamed",),
            _because(sorted(matches, key=_weight, reverse=True), folded) or by_object[1],
        )


def _more(limits: Mapping[str, float], hits: int, distinct: int) -> float:
    """More words of one rule add less and less: they say the same thing again."""
    more = min(distinct - 1, limits["more_words"]) * limits["more_each"]
    again = min(hits - distinct, limits["again_words"]) * limits["again_each"]
    return 1 + more + again


class _Gate:
    """Which rules can fire at all: the words of a text, as bits, joined in one pass.

    Of the rules that ask for more than one word, each has a bit in each of several planes: it is
    silenced, its first, second ... group of further words is there. Those with most groups come
    first, so that each plane ends where no rule has such a group. Rules that are ``helped_by``
    words have one more bit. A rule's ``gate`` and ``help`` say where its answer stands.
    """

    def __init__(self, rules: Sequence[_Compiled], words: int) -> None:
        gated = [rule for rule in rules if rule.groups or rule.never]
        gated.sort(key=lambda rule: -len(rule.groups))
        helped = [rule for rule in rules if rule.helped_by]
        self._bits = [0] * words
        self._rules = shift = len(gated)
        self._planes: list[tuple[int, int]] = []
        for place, rule in enumerate(gated):
            rule.gate = -1 - place
            self._set(rule.never, place)
        for n in range(len(gated[0].groups) if gated else 0):
            grouped = [rule.groups[n] for rule in gated if len(rule.groups) > n]
            for place, group in enumerate(grouped):
                self._set(group, shift + place)
            self._planes.append((shift, -1 << len(grouped)))
            shift += len(grouped)
        self._helps = shift
        self._helped = len(helped)
        for place, rule in enumerate(helped):
            rule.help = -1 - place
            self._set(rule.helped_by, shift + place)

    def _set(self, words: Iterable[int], place: int) -> None:
        for word in words:
            self._bits[word] |= 1 << place

    def open(self, words: Iterable[int]) -> tuple[str, str]:
        """At each rule's ``gate`` "1" if it can fire, and at its ``help`` "1" if it is helped."""
        bits = reduce(or_, map(self._bits.__getitem__, words), 0)
        possible = ~bits
        for shift, groupless in self._planes:
            possible &= bits >> shift | groupless
        helped = bits >> self._helps
        # A one in front, which those read that have no bit.
        first, second = 1 << self._rules, 1 << self._helped
        return f"{possible & first - 1 | first:b}", f"{helped & second - 1 | second:b}"


class _Roles:
    """How a word is meant: denied, claimed, heard of, by what stands in front of it."""

    def __init__(self, table: Mapping[str, Any], reach: int) -> None:
        self._reach = reach
        self._asked = re.compile(table["asked"])
        rows = ({**table, "before": table["denied"], "factor": 0.0}, *table["said"])
        self._factors = [float(row["factor"]) for row in rows]
        said = [row["before"].removesuffix("$") for row in rows]
        denied, *others = said
        # Each row is one group, and has none inside; the word's own first sign is shown too, for a
        # denial to look ahead to.
        whole = [rf"({denied})(?=.\Z)", *(rf"({words})(?=\n?.\Z)" for words in others)]
        self._said = re.compile("|".join(whole), re.DOTALL)
        signs = re.escape("".join(row["signs"] for row in rows))
        begun = "|".join(said)
        # The search for a sign is quick; only there is looked at what begins with it.
        self._begun = re.compile(f"[{signs}](?<=(?={begun}).)")

    def of(self, text: str, hits: Sequence[Hit]) -> Roles:
        """Of the words of a text, those that count for more or less than they say."""
        marks = [mark.start() for mark in self._begun.finditer(text)]
        if not marks:
            return {}
        starts = {hit[1] for hit in hits}
        told: dict[int, list[int]] = defaultdict(list)
        for begun in marks:
            for place in range(begun + 1, begun + self._reach + 1):
                said = self._said.match(text, begun, place + 1) if place in starts else None
                if said and said.lastindex:
                    told[place].append(said.lastindex - 1)
        return {
            hit: factor
            for hit in hits
            if hit[1] in told and (factor := self._factor(text, hit[2], told[hit[1]])) != 1.0
        }

    def _factor(self, text: str, end: int, rows: Sequence[int]) -> float:
        """What these rows of the table, said in front of a word that ends here, make of it."""
        for row in sorted(rows):
            if row > 0 or not self._asked.match(text, end, end + self._reach):
                return self._factors[row]
        return 1.0


class _Compiled:
    """A rule whose words are numbers of the automaton."""

    __slots__ = (
        "about_object",
        "after",
        "any",
        "axis",
        "before",
        "gate",
        "groups",
        "help",
        "helped_by",
        "minds_roles",
        "near",
        "never",
        "not_near",
        "placed",
        "rule",
        "weight",
        "within",
    )

    def __init__(self, rule: Rule, number: Callable[[str], int]) -> None:
        def numbers(words: Sequence[str]) -> frozenset[int]:
            return frozenset(number(word) for word in words)

        self.rule = rule
        self.axis = rule.axis
        self.weight = rule.weight
        self.within = rule.within
        self.gate = self.help = 0
        self.about_object = rule.axis == "object"
        self.minds_roles = rule.axis == "object" and rule.code != taxonomy.OUT_OF_SCOPE
        self.any = numbers(rule.any)
        self.near = [numbers(group) for group in rule.near]
        self.after = [numbers(group) for group in rule.after]
        self.before = [numbers(group) for group in rule.before]
        self.groups = [*self.near, *self.after, *self.before, *map(numbers, rule.all)]
        self.never = numbers(rule.never)
        self.not_near = numbers(rule.not_near)
        self.helped_by = numbers(rule.helped_by)
        self.placed = bool(self.near or self.after or self.before or self.not_near)

    def holding(
        self, hits: list[Hit], where: Mapping[int, Sequence[Hit]], present: frozenset[int]
    ) -> list[Hit]:
        """The matches around which the conditions of nearness hold."""
        reach = self.within
        for group in self.near:
            hits = _beside(hits, group & present, where, reach)
        for group in self.before:
            ends = [end for word in group & present for _, _, end in where[word]]
            hits = [hit for hit in hits if any(0 <= hit[1] - end <= reach for end in ends)]
        if self.after and hits:
            groups = [
                [hit for word in group & present for hit in where[word]] for group in self.after
            ]
            hits = [hit for hit in hits if _follow(hit[2], groups, reach)]
        if self.not_near and hits and (words := self.not_near & present):
            beside = _beside(hits, words, where, reach)
            hits = [hit for hit in hits if hit not in beside]
        return hits


def _by_word(hits: Sequence[Hit], most: int) -> dict[int, list[Hit]]:
    """The words of the text, each with the first places where it stands."""
    where: dict[int, list[Hit]] = {}
    for hit in hits:
        if (found := where.get(hit[0])) is None:
            where[hit[0]] = [hit]
        elif len(found) < most:
            found.append(hit)
    return where


def _meant(where: Mapping[int, Sequence[Hit]], roles: Roles) -> Iterable[int]:
    """The words for the precedents: all but those that are denied wherever they stand.

    Those whose borders are in doubt have no weight there.
    """
    denied = {hit[0] for hit, factor in roles.items() if not factor}
    denied = {word for word in denied if not any(roles.get(hit, 1.0) for hit in where[word])}
    return where.keys() - denied if denied else where


def _outside(
    hits: list[Hit], longer: frozenset[int], where: Mapping[int, Sequence[Hit]]
) -> list[Hit]:
    """The matches that lie inside no match of these longer words."""
    others = [hit for word in longer for hit in where[word]]
    return [hit for hit in hits if not any(o[1] <= hit[1] and hit[2] <= o[2] for o in others)]


def _beside(
    hits: list[Hit], words: Iterable[int], where: Mapping[int, Sequence[Hit]], reach: int
) -> list[Hit]:
    """The matches that have one of the words within reach in front of them or behind them."""
    found = []
    for hit in hits:
        _, start, end = hit
        for word in words:
            for _, other_start, other_end in where[word]:
                if 0 <= other_start - end <= reach or 0 <= start - other_end <= reach:
                    break
            else:
                continue
            found.append(hit)
            break
    return found


def _follow(end: int, groups: Sequence[Sequence[Hit]], reach: int) -> bool:
    """Whether a word of each group follows in order, each within reach of the one before."""
    ends = {end}
    for group in groups:
        ends = {o[2] for o in group for last in ends if 0 <= o[1] - last <= reach}
        if not ends:
            return False
    return True


def _sums(matches: Sequence[_Fired]) -> dict[str, float]:
    """Points by code."""
    points: dict[str, float] = {}
    for weight, rule, _ in matches:
        points[rule.code] = points.get(rule.code, 0.0) + weight
    return points


def _because(matches: Sequence[_Fired], folded: Folded) -> tuple[str, ...]:
    """The first words of rules, which come the heaviest first."""
    words: dict[str, None] = {}
    for weight, _, hits in matches:
        if weight <= 0 or len(words) >= WORDS_SHOWN:
            break
        for hit in hits:
            words[folded.own_words(hit[1], hit[2])] = None
    return tuple(words)[:WORDS_SHOWN]


@cache
def _load(rules_dir: Path | None) -> Classifier:
    # Without an argument the packaged rules are those that all others have read too.
    return Classifier(rulebook.load(rules_dir) if rules_dir else rulebook.load())
