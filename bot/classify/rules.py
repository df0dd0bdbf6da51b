"""Rules as data: what a rule file says, read and checked.

A file names an ``axis`` and usually one ``code``; each ``[[rule]]`` has

``any``       the words that can fire it, parted by white space; ``@name`` is a class of words
``near``      groups, one word of each within ``within`` signs of that word, on either side
``after``     groups, one word of each following in this order, each within ``within`` signs
``before``    groups, one word of each within ``within`` signs in front of it
``all``       groups, one word of each anywhere in the text
``not``       words that silence the rule wherever they stand
``not_near``  words that silence a match within ``within`` signs of them
``helped_by`` words without one of which, anywhere in the text, the evidence is weak
``given``     fires only when one of these object codes was decided (axes after the object)
``weight``    evidence for the code; below zero, against it
``tests``     texts that must come out as the rule's code

A file's ``[examples]`` table has further texts by code, decided by several rules together.
``precedents.toml`` has no rules, only texts by code; with all examples of the object axis they are
what ``precedents.py`` counts.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from bot.classify import taxonomy

AXES = ("object", "nature", "channel", "fraud", "danger", "hint")
RULELESS = ("lexicon.toml", "precedents.toml")
FIELDS = frozenset(
    [
        "any",
        "near",
        "after",
        "before",
        "all",
        "not",
        "not_near",
        "helped_by",
        "given",
        "within",
        "weight",
        "code",
        "note",
        "source",
        "tests",
    ]
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its classes opened; a group is a tuple of words."""

    axis: str
    code: str
    weight: float
    any: tuple[str, ...]
    within: int
    near: tuple[tuple[str, ...], ...] = ()
    after: tuple[tuple[str, ...], ...] = ()
    before: tuple[tuple[str, ...], ...] = ()
    all: tuple[tuple[str, ...], ...] = ()
    never: tuple[str, ...] = ()
    not_near: tuple[str, ...] = ()
    helped_by: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    note: str = ""
    tests: tuple[str, ...] = ()

    @property
    def asks(self) -> tuple[str, ...]:
        """The fields that ask for more than its own words."""
        asked = {
            "near": self.near,
            "after": self.after,
            "before": self.before,
            "all": self.all,
            "not": self.never,
            "not_near": self.not_near,
            "helped_by": self.helped_by,
            "given": self.given,
        }
        return tuple(name for name, value in asked.items() if value)

    @property
    def plain(self) -> bool:
        """Whether its words alone fire it."""
        return not (
            self.near or self.after or self.before or self.all or self.never or self.not_near
        )


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules and tables of one version.

    ``tests``: by file, each text with a rule of the code it must come out as. ``precedents``: each
    text with its object code, the tests of that axis among them.
    """

    rules: tuple[Rule, ...]
    lexicon: Mapping[str, Any]
    version: str
    tests: Mapping[str, tuple[tuple[Rule, str], ...]] = field(default_factory=dict)
    precedents: tuple[tuple[str, str], ...] = ()


class BadRule(ValueError):
    """A rule file that cannot be read; the message names the file and the rule."""


@cache
def load(rules_dir: Path | None = None) -> RuleBook:
    """The rules of a folder, by default the packaged ones. Raises BadRule."""
    folder: Traversable = rules_dir or files("bot.classify").joinpath("rules")
    digest = hashlib.sha256()
    tables: dict[str, dict[str, Any]] = {}
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            raw = entry.read_bytes()
            digest.update(raw)
            try:
                tables[entry.name] = tomllib.loads(raw.decode())
            except ValueError as wrong:
                raise BadRule(f"{entry.name}: {wrong}") from wrong
    return build(tables, digest.hexdigest()[:12])


def build(tables: Mapping[str, Mapping[str, Any]], version: str) -> RuleBook:
    """A rule book from parsed files by name; ``lexicon.toml`` holds classes, spellings, limits."""
    lexicon = tables["lexicon.toml"]
    classes = {name: tuple(words.split()) for name, words in lexicon["class"].items()}
    spellings = {word: tuple(also.split()) for word, also in lexicon["spelling"].items()}
    rules: list[Rule] = []
    tests: dict[str, tuple[tuple[Rule, str], ...]] = {}
    for name, table in tables.items():
        if name in RULELESS:
            continue
        mine = [
            _rule(table, row, classes, spellings, f"{name} rule {place}")
            for place, row in enumerate(table["rule"], 1)
        ]
        rules += mine
        beside = [(rule, text) for rule in mine for text in rule.tests]
        first = {rule.code: rule for rule in reversed(mine)}
        for code, texts in table.get("examples", {}).items():
            if code not in first:
                raise BadRule(f"{name}: examples of {code}, which has no rule here")
            beside += [(first[code], text) for text in texts]
        tests[name] = tuple(beside)
    examples = [
        (rule.code, text)
        for beside in tests.values()
        for rule, text in beside
        if rule.axis == "object"
    ]
    return RuleBook(
        tuple(rules), lexicon, version, tests, (*_precedents(tables), *dict.fromkeys(examples))
    )


def _precedents(tables: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    told = tables.get("precedents.toml", {}).get("texts", {})
    if unknown := told.keys() - set(taxonomy.codes()):
        raise BadRule(f"precedents.toml: no object codes {sorted(unknown)}")
    return [(code, text) for code, texts in told.items() for text in texts]


def _rule(
    table: Mapping[str, Any],
    row: Mapping[str, Any],
    classes: Mapping[str, tuple[str, ...]],
    spellings: Mapping[str, tuple[str, ...]],
    where: str,
) -> Rule:
    def words(text: str) -> tuple[str, ...]:
        opened: dict[str, None] = {}
        for word in text.split():
            if word.startswith("@"):
                if word[1:] not in classes:
                    raise BadRule(f"{where}: no class {word}")
                members: Iterable[str] = classes[word[1:]]
            else:
                members = (word,)
            for member in members:
                for spelt in spelt_ways(member, spellings):
                    opened[spelt.replace("_", " ")] = None
        return tuple(opened)

    def groups(name: str) -> tuple[tuple[str, ...], ...]:
        given = row.get(name, [])
        if not isinstance(given, list):
            raise BadRule(f"{where}: {name} is a list of groups")
        return tuple(words(group) for group in given)

    if unknown := row.keys() - FIELDS:
        raise BadRule(f"{where}: unknown fields {sorted(unknown)}")
    axis = table["axis"]
    code = row.get("code", table.get("code"))
    if axis not in AXES or code is None or "weight" not in row or not row.get("any", "").split():
        raise BadRule(f"{where}: axis, code, weight and any are needed")
    if axis == "object" and code not in taxonomy.codes():
        raise BadRule(f"{where}: no object code {code}")
    return Rule(
        axis=axis,
        code=code,
        weight=float(row["weight"]),
        any=words(row["any"]),
        within=row.get("within", 10),
        near=groups("near"),
        after=groups("after"),
        before=groups("before"),
        all=groups("all"),
        never=words(row.get("not", "")),
        not_near=words(row.get("not_near", "")),
        helped_by=words(row.get("helped_by", "")),
        given=tuple(row.get("given", "").split()),
        note=row.get("note", ""),
        tests=tuple(row.get("tests", ())),
    )


def spelt_ways(word: str, spellings: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The word and its disguises (``微信``: ``v信``, ``薇信`` …), in lower case."""
    ways = [word.lower()]
    for part, others in spellings.items():
        if part in word:
            ways += [word.replace(part, other).lower() for other in others]
    return ways
