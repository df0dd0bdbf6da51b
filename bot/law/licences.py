"""Is this licensed? (查资质): where a kind of firm is looked up, what to look at, what shows a fraud
(``licences.toml``). Nothing here confirms a licence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Licence:
    """A kind of firm. ``register`` says where it is looked up, ``ask`` names rows of the law book whose numbers
    may be asked, ``words`` find the kind in a text; ``sources`` as in a card (:mod:`bot.law.lessons`)."""

    key: str
    name: str
    register: str
    look: tuple[str, ...]
    fraud: tuple[str, ...]
    ask: tuple[str, ...]
    words: tuple[str, ...]
    sources: tuple[str, ...]
    checked_on: date


@dataclass(frozen=True, slots=True)
class Licences:
    """``look`` and ``fraud`` hold for every kind."""

    look: tuple[str, ...]
    fraud: tuple[str, ...]
    kinds: Mapping[str, Licence]

    def find(self, text: str) -> Licence | None:
        """The kind whose longest word stands in the text, None when no word does."""
        found = [
            (len(word), kind) for kind in self.kinds.values() for word in kind.words if word in text
        ]
        return max(found, key=lambda each: each[0])[1] if found else None


@cache
def load() -> Licences:
    """The packaged kinds. Raises KeyError or TypeError when one lacks something."""
    data = tomllib.loads(files("bot.law").joinpath("licences.toml").read_text("utf-8"))
    general = data["general"]
    kinds = {key: _kind(key, row) for key, row in data["kind"].items()}
    return Licences(tuple(general["look"]), tuple(general["fraud"]), kinds)


def _kind(key: str, row: Mapping[str, Any]) -> Licence:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Licence(**{"key": key, **row, **lists, "words": tuple(row["words"].split())})
