"""The small quiz (小测验): questions as data, and which of them are drawn (``quiz.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Question:
    """``right`` counts from 1; ``card`` is the key of the card that says why (:mod:`bot.law.lessons`)."""

    key: str
    ask: str
    answers: tuple[str, ...]
    right: int
    why: str
    card: str


@dataclass(frozen=True, slots=True)
class Quiz:
    """``each`` questions are drawn at a time."""

    each: int
    questions: Mapping[str, Question]

    def draw(self, seed: int) -> tuple[Question, ...]:
        """The questions of one round, in their order: the same seed draws the same ones."""
        shuffled = sorted(self.questions.values(), key=lambda q: crc32(f"{seed}:{q.key}".encode()))
        return tuple(shuffled[: self.each])


@cache
def load() -> Quiz:
    """The packaged questions. Raises KeyError or TypeError when one lacks something."""
    data = tomllib.loads(files("bot.law").joinpath("quiz.toml").read_text("utf-8"))
    rows = data["question"].items()
    return Quiz(
        data["each"],
        {
            key: Question(**{"key": key, **row, "answers": tuple(row["answers"])})
            for key, row in rows
        },
    )
