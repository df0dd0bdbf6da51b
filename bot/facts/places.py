"""Places in a region: streets and towns (街道, 镇), committees (居委会, 村委会) and what people call them.

The tables are passed in, so that every region is data; nothing is looked up outside, and what is not
known is not guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import asin, cos, radians, sin, sqrt
from typing import Any

from ahocorasick_rs import AhoCorasick

from bot.facts.common import fold, plain_of, small

EARTH_RADIUS_M = 6_371_008.8  # the mean radius of the IUGG, as in distances on WGS-84


@dataclass(frozen=True, slots=True)
class Street:
    """A street or town with the WGS-84 degrees of its approximate centre, None where unknown."""

    code: str
    name: str
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Committee:
    """A village or neighbourhood committee (居委会, 村委会) and its street or town."""

    code: str
    name: str
    street_code: str
    street: str


@dataclass(frozen=True, slots=True, eq=False)
class PlaceWords:
    """What people of a region call its places (地方叫法), beside the names in its register.

    ``own`` are names of the region itself and of what it lies in: too wide to find anyone by. ``short``,
    ``places`` and ``towns`` (former towns, 老镇) go by the name of the street or town that they mean or lie
    in; ``roads`` and ``stations`` (地铁站) each name the streets that they may lie in. ``weak`` names are
    everyday words too and need words of place around them, ``wide`` ones say nothing. ``misspelt`` has the
    letters that people write for another one of the same sound.
    """

    own: tuple[str, ...] = ()
    short: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    towns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weak: frozenset[str] = frozenset()
    wide: tuple[str, ...] = ()
    misspelt: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many names there are."""
        listed = (self.short, self.places, self.towns)
        by_street = sum(len(names) for table in listed for names in table.values())
        return by_street + len(self.roads) + len(self.stations)


def place_words(rows: Mapping[str, Any]) -> PlaceWords:
    """The table ``places.toml`` of a region; whatever it lacks is empty."""

    def lists(key: str) -> dict[str, tuple[str, ...]]:
        return {name: tuple(words) for name, words in rows.get(key, {}).items()}

    weak = rows.get("weak", {})
    return PlaceWords(
        own=tuple(rows.get("own", {}).get("names", ())),
        short=lists("short"),
        places=lists("places"),
        towns=lists("towns"),
        roads=lists("roads"),
        stations=lists("stations"),
        weak=frozenset(weak.get("names", ())) - frozenset(weak.get("free", ())),
        wide=tuple(rows.get("wide", {}).get("names", ())),
        misspelt=rows.get("misspelt", {}),
    )


@dataclass(frozen=True, slots=True)
class PlaceMatch:
    """A place that a text names: ``score`` from 0 to 1 says how plainly; ``said`` are its words."""

    street_code: str
    committee_code: str | None
    name: str
    score: float
    said: str


@dataclass(frozen=True, slots=True)
class _Name:
    """One way to say a place. ``alone``: counts only as a whole answer or with words of place.

    ``wide``: one of several streets that a road or a neighbourhood runs through, so a guess.
    """

    words: str
    street_code: str
    committee_code: str | None
    name: str
    score: float
    alone: bool = False
    wide: bool = False


_CN_NUMBER = re.compile(
    r"[一二三四五六七八九十]+(?=[村街居坊期小里区弄队组]|$)|(?<=第)[一二三四五六七八九十]+"
)
_SUFFIX = re.compile(r"(?:社区)?(?:居民委员会|村民委员会|居委会|村委会|虚拟生活区|虚拟社区)$")
_ORDER = re.compile(r"(?:第?[一二三四五六七八九十]{1,3}|[东南西北]?[一二三四五六七八九十]?)$")
_NUMBERED = re.compile(r"(.{2,})第([一二三四五六七八九十]{1,3})")
_VILLAGE = re.compile(r"(?:第?[一二三四五六七八九十]{1,3}村?)?$")
_ESTATE = re.compile(
    r"(?:新村|[一二三四五六七八九十]村|花园|花苑|公寓|家园|苑|名邸|豪庭|佳苑|小区|新城|雅苑|名苑|国际|华庭|湾|庭|城|郡|墅|邸|府|园|坊|里|宅|村)$"
)
_BEFORE = r"原来的|以前的|在|住|到|去|位于|是|属于|地址|居住|附近|来自|区|市|县|于|[,:;，：。\s]"
_PLACE_AFTER = re.compile(
    r"(?:那边|那里|那儿|这边|这里|附近|一带|镇|街道|地区|地铁|站|古镇|老街|的|路|社区|小区|居委|村委|[,:;，：。\s]|$)"
)
_PLACE_FIRST = re.compile(
    r"[\u4e00-\u9fff]{0,6}(?:路|公路|村|新村|城|苑|花园|公寓|广场|小区|镇|弄|里|人家|菜场|医院|学校|超市|中心|老街)"
)
_ELSEWHERE = re.compile(r"([\u4e00-\u9fff]{2})(?:省|市|县|自治区|区)[\u4e00-\u9fff0-9]{0,4}$")
_PART = (
    "街道",
    "小区",
    "社区",
    "地区",
    "城区",
    "新区",
    "市",
    "园",
    "工业",
    "开发",
    "住宅",
    "片",
    "校",
    "商",
)
"""Ends of words before 区 or 市 that are no other place: 开发区, 校区."""

_LEAD = r"我|就|是|家|住|在|的|地址|位于|中国|:|\s|,|，"
_TAIL = re.compile(r"(?:那边|那里|这边|附近|一带|吧|呢|的|啊|小区|社区|居委|村委|。|\.|,|\s)*$")


def _at_home(
    names: Mapping[str, tuple[str, ...]], by_name: Mapping[str, Street]
) -> Iterator[tuple[str, Street]]:
    """Each name with the street that it goes by, of those that are there."""
    for street, here in names.items():
        if street in by_name:
            yield from ((name, by_name[street]) for name in here)


def _arabic(words: str) -> str:
    """Committee names with their Chinese numbers in digits: 潍坊1村, 联洋第2."""

    def digits(match: re.Match[str]) -> str:
        value = small(match.group())
        return match.group() if value is None else str(value)

    return _CN_NUMBER.sub(digits, words)


class Gazetteer:
    """Finds the streets, towns and committees that a text names."""

    def __init__(
        self,
        streets: Iterable[Street],
        committees: Iterable[Committee],
        words: PlaceWords | None = None,
    ) -> None:
        words = words or PlaceWords()
        self.streets: Mapping[str, Street] = {s.code: s for s in streets}
        self.committees: Mapping[str, Committee] = {c.code: c for c in committees}
        self._by_words: dict[str, list[_Name]] = defaultdict(list)
        self._weak = words.weak
        own = "|".join(re.escape(name) for name in sorted(words.own, key=len, reverse=True))
        self._before = re.compile(f"(?:{own}|{_BEFORE})的?$" if own else f"(?:{_BEFORE})$")
        self._lead = re.compile(f"^(?:{own}|{_LEAD})*" if own else f"^(?:{_LEAD})*")
        self._only_own = re.compile(f"(?:{own}|中国)+" if own else "中国")
        self._not_own = re.compile(f"我?不(?:住在?|在)(?:{own})" if own else "(?!)")
        self._here = (*_PART, *{re.sub("[省市县区]$", "", name)[-2:] for name in words.own})
        by_name = {s.name: s for s in self.streets.values()}
        for street in self.streets.values():
            self._add_street(street, words.short.get(street.name, ()))
        for name, home in _at_home(words.places, by_name):
            self._add(_Name(fold(name), home.code, None, home.name, 0.85))
        for town, home in _at_home(words.towns, by_name):
            for end in ("镇", "乡"):
                self._add(_Name(town + end, home.code, None, home.name, 0.85))
            self._add(_Name(town, home.code, None, home.name, 0.9, town in self._weak))
        estates: dict[tuple[str, str], list[Committee]] = defaultdict(list)
        for committee in self.committees.values():
            self._add_committee(committee, estates)
        for (estate, street_code), members in estates.items():
            if estate not in self._by_words and len(estate) >= 2 and street_code in self.streets:
                alone = len(estate) < 3 or not _ESTATE.search(estate)
                self._add(
                    _Name(estate, street_code, None, self.streets[street_code].name, 0.7, alone)
                )
                if len(members) == 1 and not alone:
                    self._by_words[estate][-1] = _Name(
                        estate, street_code, members[0].code, members[0].name, 0.75
                    )
        ways = {**words.roads, **{n + "站": names for n, names in words.stations.items()}}
        ways |= {n + "地铁站": names for n, names in words.stations.items()}
        for way, names in ways.items():
            for home in (by_name[name] for name in names if name in by_name):
                score = 0.8 if len(names) == 1 else 0.5
                # A name that counted only beside words of place is a road now.
                self._by_words[way] = [
                    n
                    for n in self._by_words[way]
                    if (n.street_code, n.committee_code) != (home.code, None) or not n.alone
                ]
                self._add(_Name(way, home.code, None, home.name, score, wide=True))
        for wide in words.wide:
            if wide not in self._by_words:
                self._by_words[wide] = []
        self._add_misspelt(words.misspelt)
        lengths: dict[str, set[int]] = defaultdict(set)
        for name in self._by_words:
            lengths[name[:2]].add(len(name))
        self._starts = {k: tuple(sorted(v, reverse=True)) for k, v in lengths.items()}
        self._automaton = AhoCorasick(list(self._starts))

    def _add(self, name: _Name) -> None:
        listed = self._by_words[name.words]
        if all(
            (n.street_code, n.committee_code) != (name.street_code, name.committee_code)
            for n in listed
        ):
            listed.append(name)

    def _add_street(self, street: Street, short: Iterable[str]) -> None:
        self._add(_Name(fold(street.name), street.code, None, street.name, 1.0))
        core = re.sub(r"(?:新镇|街道|镇)$", "", street.name)
        for words in (core, *short):
            if len(words) >= 2:
                self._add(
                    _Name(fold(words), street.code, None, street.name, 0.9, words in self._weak)
                )

    def _add_misspelt(self, sounds: Mapping[str, str]) -> None:
        """The names of streets and towns with one letter written as another of its sound (川砂, 洋径)."""
        right = [(words, name) for words, names in self._by_words.items() for name in names]
        for words, name in right:
            if name.committee_code is not None or name.score < 0.9:
                continue
            for at, letter in enumerate(words):
                for wrong in sounds.get(letter, ""):
                    said = words[:at] + wrong + words[at + 1 :]
                    if said not in self._by_words:
                        self._add(replace(name, words=said, alone=name.alone or len(said) < 3))

    def _add_committee(
        self, committee: Committee, estates: dict[tuple[str, str], list[Committee]]
    ) -> None:
        core = _SUFFIX.sub("", committee.name)
        if core == committee.street:  # a farm or a zone that is its own committee
            return
        village = committee.name.endswith(("村委会", "村民委员会"))
        ends = (
            ("村委会", "村民委员会", "村委")
            if village
            else ("居委会", "居民委员会", "居委", "社区居委会", "社区", "小区")
        )
        plain = core.endswith("路") or len(core) < 3 or not _ESTATE.search(core)
        for words in {core, _arabic(core)}:
            for end in ends:
                score = 0.8 if end == "小区" else 1.0
                self._add(
                    _Name(words + end, committee.street_code, committee.code, committee.name, score)
                )
            taken = any(n.committee_code is None for n in self._by_words.get(words, ()))
            if len(words) >= 2 and not taken:
                score = 0.6 if plain else 0.85
                self._add(
                    _Name(
                        words, committee.street_code, committee.code, committee.name, score, plain
                    )
                )
        if not village:
            self._add_new_village(core, committee, estates)
        estate = _ORDER.sub("", core).removesuffix("社区")
        for words in {estate, _arabic(estate)}:
            if words and words != core:
                estates[words, committee.street_code].append(committee)

    def _add_new_village(
        self,
        core: str,
        committee: Committee,
        estates: dict[tuple[str, str], list[Committee]],
    ) -> None:
        """What is the 竹园, 梅园一村 or 齐河第三 committee's is 竹园新村, 梅园新村, 齐河三村 to who lives there."""
        if numbered := _NUMBERED.fullmatch(core):
            words = f"{numbered[1]}{numbered[2]}村"
            for said in {words, _arabic(words)}:
                estates[said, committee.street_code].append(committee)
        base = _VILLAGE.sub("", core)
        if len(base) == 2 or (len(base) > 2 and not re.search(f"路$|{_ESTATE.pattern}", base)):
            estates[f"{base}新村", committee.street_code].append(committee)

    def find(self, text: str, limit: int = 3, plain: str | None = None) -> list[PlaceMatch]:
        """Places that the text names, the plainest first: [] when none is known, several when the
        words fit several. A committee stands for its street too."""
        plain = plain_of(text, plain)
        answer = _TAIL.sub("", self._lead.sub("", plain[:80])) if len(plain) <= 60 else ""
        hits: list[tuple[int, int, _Name]] = []
        free = 0
        for _, at, _ in self._automaton.find_matches_as_indexes(plain, overlapping=True):
            if at < free:
                continue
            for length in self._starts[plain[at : at + 2]]:
                names = self._by_words.get(plain[at : at + length])
                if names is None:
                    continue
                kept = [n for n in names if self._counts(n, plain, at, at + length, answer)]
                if kept or not names:
                    hits += [(at, at + length, n) for n in kept]
                    free = at + length
                    break
        return self._rank(text, hits)[: max(limit, 0)] if hits else []

    def _counts(self, name: _Name, plain: str, start: int, end: int, answer: str) -> bool:
        elsewhere = _ELSEWHERE.search(plain[max(0, start - 10) : start])
        if elsewhere is not None and not elsewhere[1].endswith(self._here):
            return False
        if not name.alone or answer == name.words:
            return True
        if name.committee_code is not None or name.score < 0.9:
            return bool(re.match(r"(?:居委|村委|社区|小区)", plain[end : end + 2]))
        before, after = plain[max(0, start - 6) : start], plain[end : end + 3]
        if start == 0 and len(plain) <= 25 and _PLACE_FIRST.match(plain, end):
            return True
        return bool(self._before.search(before) and _PLACE_AFTER.match(after))

    def _rank(self, text: str, hits: list[tuple[int, int, _Name]]) -> list[PlaceMatch]:
        if any(not name.wide for _, _, name in hits):
            hits = [hit for hit in hits if not hit[2].wide]
        elif hits:
            # Where two roads meet is in a street that both run through.
            said = [{n.street_code for s, _, n in hits if s == start} for start, _, _ in hits]
            both = set.intersection(*said) or {n.street_code for _, _, n in hits}
            hits = [hit for hit in hits if hit[2].street_code in both]
        named = {n.street_code for _, _, n in hits if n.committee_code is None}
        at_start: dict[int, set[str]] = defaultdict(set)
        for start, _, name in hits:
            if name.committee_code is not None:
                at_start[start].add(name.street_code)
        best: dict[tuple[str, str | None], PlaceMatch] = {}
        for start, end, name in hits:
            rivals = at_start[start]
            score = name.score
            if name.committee_code is not None:
                if name.street_code in named:
                    score = min(1.0, score + 0.1)
                elif named & rivals:
                    continue
                elif len(rivals) > 1:
                    score /= len(rivals)
                elif named:
                    score *= 0.6
            found = PlaceMatch(
                name.street_code, name.committee_code, name.name, round(score, 3), text[start:end]
            )
            key = (found.street_code, found.committee_code)
            if key not in best or best[key].score < found.score:
                best[key] = found
        covered = {
            p.street_code for p in best.values() if p.committee_code is not None and p.score > 0.6
        }
        # A committee named outright stands for its street, which need not be named again.
        kept = [
            p for p in best.values() if p.committee_code is not None or p.street_code not in covered
        ]
        top = max((p.score for p in kept), default=0.0)
        order = sorted(kept, key=lambda p: (-p.score, p.committee_code is None, p.street_code))
        return [replace(p, score=min(p.score, top)) for p in order]

    def too_wide(self, text: str) -> bool:
        """Whether the words name the region or what it lies in, and nothing in it."""
        return self._only_own.fullmatch(fold(text)) is not None

    def says_outside(self, text: str) -> bool:
        """Whether somebody says not to live in the region."""
        return self._not_own.fullmatch(fold(text)) is not None

    def nearest_streets(self, lat: float, lon: float, k: int = 3) -> list[tuple[Street, float]]:
        """The k streets and towns whose centres are nearest, with great-circle metres.

        A centre is approximate: it says which street is likely, not how far a point is.
        """
        placed = [
            (street, _metres(lat, lon, street.lat, street.lon))
            for street in self.streets.values()
            if street.lat is not None and street.lon is not None
        ]
        return sorted(placed, key=lambda pair: (pair[1], pair[0].code))[: max(k, 0)]


def _metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle metres between two WGS-84 points in degrees (haversine)."""
    a, b = radians(lat1), radians(lat2)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))
