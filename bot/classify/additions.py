"""Words that an admin adds to the packaged rules (改词表), and the gold tests before they count."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from bot.classify import taxonomy
from bot.classify.engine import Classifier, Decision
from bot.classify.folding import Folder, folder_of
from bot.classify.rules import BadRule, Rule, RuleBook, spelt_ways

STEPS = ("weak", "medium", "strong", "never")
NEVER = "never"


@dataclass(frozen=True, slots=True)
class Addition:
    """A word or phrase for an object code. ``step`` is one of STEPS; ``never`` (排除词) speaks
    against the code. ``example`` holds the word and must come out as the code, with ``never`` as
    anything else; ``why`` is the author's reason."""

    code: str
    word: str
    step: str
    example: str
    why: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Addition:
        """Raises BadRule on anything that :meth:`to_json` of a version with these codes did not make."""
        try:
            read = Addition(**value)
        except TypeError as wrong:
            raise BadRule("an added word that cannot be read") from wrong
        if read.code not in taxonomy.codes() or read.step not in STEPS:
            raise BadRule(f"an added word with code {read.code} and step {read.step}")
        return read


@dataclass(frozen=True, slots=True)
class Gold:
    """A text that must come out as ``code`` of ``axis``, or, unless ``holds``, must not."""

    text: str
    axis: str
    code: str
    holds: bool = True

    def passes(self, decision: Decision) -> bool:
        """Whether the decision says so."""
        return (self.code in _answers(decision, self.axis)) is self.holds


@dataclass(frozen=True, slots=True)
class Broken:
    """A gold test that a change breaks, and what its text would come out as."""

    gold: Gold
    now: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What trying a change showed: does the new word fire in its own example, and what breaks.

    ``own`` is the test of the new example, if that fails.
    """

    fires: bool
    own: Broken | None
    broken: tuple[Broken, ...]

    @property
    def good(self) -> bool:
        return self.fires and self.own is None and not self.broken


@cache
def _data() -> Mapping[str, Any]:
    text = files("bot.classify").joinpath("additions.toml").read_text("utf-8")
    parsed: Mapping[str, Any] = tomllib.loads(text)
    return parsed


def limit(name: str) -> int:
    """A limit of ``additions.toml``, such as the longest word in signs."""
    return int(_data()["limits"][name])


@cache
def stop_words() -> frozenset[str]:
    """Words of any story, of no category."""
    return frozenset(_data()["stop"]["words"].split())


@cache
def telling_tags() -> frozenset[str]:
    """The parts of speech that can tell a category; names of people and places are none."""
    return frozenset(_data()["stop"]["tags"].split())


def with_addition(present: Sequence[Addition], new: Addition) -> tuple[Addition, ...]:
    """The additions with one more; the same word for the same code takes the place of the old."""
    kept = [old for old in present if (old.code, old.word) != (new.code, new.word)]
    return (*kept, new)


def extended(book: RuleBook, additions: Iterable[Addition], number: int) -> RuleBook:
    """The book with the added words; its version is ``<packaged>+<number>``, for 0 the packaged one."""
    added = tuple(_rule(book, addition) for addition in additions)
    version = f"{book.version}+{number}" if number else book.version
    return replace(book, rules=(*book.rules, *added), version=version)


def folded(book: RuleBook, word: str) -> str:
    """A typed word as the rules read texts: one width and case, simplified, without hidden signs."""
    return _folder(book).fold(word).text.strip()


def _folder(book: RuleBook) -> Folder:
    return folder_of(book.lexicon["traditional"]["pairs"], book.lexicon["limits"]["signs"])


def gold(book: RuleBook, kept: Iterable[Addition]) -> tuple[Gold, ...]:
    """The tests packaged beside the rules, and the examples of additions, each once."""
    packaged = [
        Gold(text, rule.axis, rule.code) for beside in book.tests.values() for rule, text in beside
    ]
    return tuple(dict.fromkeys([*packaged, *map(_example, kept)]))


def check(
    book: RuleBook,
    present: Sequence[Addition],
    kept: Iterable[Addition],
    new: Addition,
    tmp_dir: Path | None = None,
) -> Verdict:
    """Try ``new`` beside the ``present`` additions, on the packaged tests and all ``kept`` examples.

    A test counts as broken when it passes now and would fail; one that fails already (the example of
    a word that was taken back) forbids nothing. Texts without the word are read as before, so they
    are not tried. Takes some tenths of a second: not for the event loop.
    """
    after = Classifier(extended(book, with_addition(present, new), 0), tmp_dir)
    mine = _example(new)
    decision = after.classify(new.example)
    fires = any(
        (match.axis, match.code, match.note) == ("object", new.code, new.why)
        for match in after.explain(new.example)
    )
    words, folder = spelt_ways(new.word, _spellings(book)), _folder(book)
    failed = [
        (test, found)
        for test in gold(book, kept)
        if test != mine
        and any(word in folder.fold(test.text).text for word in words)
        and not test.passes(found := after.classify(test.text))
    ]
    before = Classifier(extended(book, present, 0), tmp_dir) if failed else after
    broken = [
        Broken(test, next(iter(_answers(found, test.axis)), ""))
        for test, found in failed
        if test.passes(before.classify(test.text))
    ]
    return Verdict(
        fires,
        None if mine.passes(decision) else Broken(mine, decision.object),
        tuple(broken),
    )


def _rule(book: RuleBook, addition: Addition) -> Rule:
    return Rule(
        axis="object",
        code=addition.code,
        weight=float(_data()["step"][addition.step]),
        any=tuple(spelt_ways(addition.word, _spellings(book))),
        within=0,
        note=addition.why,
    )


def _spellings(book: RuleBook) -> dict[str, tuple[str, ...]]:
    return {word: tuple(also.split()) for word, also in book.lexicon["spelling"].items()}


def _example(addition: Addition) -> Gold:
    return Gold(addition.example, "object", addition.code, addition.step != NEVER)


def _answers(decision: Decision, axis: str) -> tuple[str, ...]:
    """What the decision says on an axis; several kinds of fraud may be named at once."""
    if axis == "fraud":
        return decision.fraud_kinds
    if axis == "hint":
        return ("just_now",) if decision.just_now else ()
    said: str = getattr(decision, axis)
    return (said,)
