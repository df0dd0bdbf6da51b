"""Consumer education (消费教育): short cards (提醒卡), one for each scam and each right (``lessons.toml``).

A card rests on rows of the law book and says nothing that does not stand there; which card fits is told
by the codes that the classifier gives.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from bot.law.book import Door, Doors, Hotline, LawBook, LawError, Status, Statute

_WRAPPING = re.compile("[《》 ]")
_PARTS = re.compile("[;；]")

GRAVE = 100
"""What a kind of swindle weighs in the choice of cards: more than any object and its nature."""


@dataclass(frozen=True, slots=True)
class Card:
    """``text`` says how it is, ``now`` what to do; ``sources`` name rows of the law book as ``kind.code``."""

    key: str
    group: str
    title: str
    text: str
    now: str
    sources: tuple[str, ...]
    checked_on: date
    objects: tuple[str, ...] = ()
    fraud: tuple[str, ...] = ()
    natures: tuple[str, ...] = ()

    def weight(self, object_code: str, fraud: Iterable[str], nature: str) -> int:
        """How well it fits a matter; 0 when it does not. A nature alone makes no card fit."""
        grave = GRAVE * len(set(self.fraud) & set(fraud))
        about = 3 if object_code in self.objects else 0
        return grave + about + (1 if about and nature in self.natures else 0)


@dataclass(frozen=True, slots=True)
class Source:
    """What a card rests on, as it is shown, and whether somebody is still to look it up."""

    cited: str
    checked_on: date
    status: Status


@dataclass(frozen=True, slots=True)
class Library:
    """``groups`` are codes with their names, ``cards`` all cards by key, both in the file's order."""

    groups: Mapping[str, str]
    cards: Mapping[str, Card]

    def of(self, group: str) -> tuple[Card, ...]:
        """The cards of a group, none for an unknown one."""
        return tuple(card for card in self.cards.values() if card.group == group)

    def fitting(
        self, object_code: str, fraud: Iterable[str] = (), nature: str = "", most: int = 3
    ) -> tuple[Card, ...]:
        """The cards that fit a matter, the best first; of equals the one written first."""
        kinds = tuple(fraud)
        weights = {
            card.key: card.weight(object_code, kinds, nature) for card in self.cards.values()
        }
        found = [card for card in self.cards.values() if weights[card.key]]
        found.sort(key=lambda card: -weights[card.key])
        return tuple(found[:most])

    def containing(self, text: str, most: int = 3) -> tuple[Card, ...]:
        """The cards that hold a short search word, in their titles first."""
        word = text.strip()
        if len(word) < 2:
            return ()
        titled = [card for card in self.cards.values() if word in card.title]
        said = [card for card in self.cards.values() if word in card.text and card not in titled]
        return tuple((titled + said)[:most])


def sources(names: Iterable[str], book: LawBook) -> tuple[Source, ...]:
    """What rows named ``kind.code`` rest on, each thing once. Raises LawError for a row that is not there."""
    found: dict[str, Source] = {}
    for name in names:
        for source in _sources(row(name, book)):
            found.setdefault(_WRAPPING.sub("", source.cited), source)
    return tuple(found.values())


def row(name: str, book: LawBook) -> Statute | Hotline | Door | Doors:
    """The row of the law book of that name. Raises LawError."""
    kind, _, code = name.partition(".")
    doors = {door.code: door for each in _rows(book) for door in (each.first, *each.then)}
    tables: Mapping[str, Mapping[str, Statute | Hotline | Door | Doors]] = {
        "statute": book.statutes,
        "hotline": book.hotlines,
        "door": doors,
        "doors": book.by_object,
        "fraud": book.by_fraud,
    }
    if code not in tables.get(kind, {}):
        raise LawError(f"something rests on {name}, which is not there")
    return tables[kind][code]


def _sources(found: Statute | Hotline | Door | Doors) -> Iterator[Source]:
    cited = [found.cited] if isinstance(found, Statute) else _PARTS.split(found.source)
    yield from (Source(each, found.checked_on, found.status) for each in cited)


def _rows(book: LawBook) -> Iterator[Doors]:
    yield from book.by_object.values()
    yield from book.by_fraud.values()


@cache
def load() -> Library:
    """The packaged cards. Raises KeyError or TypeError when one lacks something."""
    data = tomllib.loads(files("bot.law").joinpath("lessons.toml").read_text("utf-8"))
    cards = {key: _card(key, row) for key, row in data["card"].items()}
    return Library(data["group"], cards)


def _card(key: str, row: Mapping[str, Any]) -> Card:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Card(**{"key": key, **row, **lists})
