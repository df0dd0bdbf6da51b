"""The few things that the interview (访谈) speaks of: what a person did, what is known, what went wrong.

``Answers`` maps a question's key to its record: ``{"v": value, "said": original words, "by": "person"|"read"}``;
a skipped one is ``{"v": None, "said": "", "by": "person", "skipped": True}``. Every value is a JSON value;
its shape per question stands in :mod:`bot.interview.questions`. ``v`` of None without ``skipped`` means that
the person does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from bot.facts.places import Gazetteer
from bot.texts.catalogue import Say, say

Kind = Literal["complaint", "clue", "consult"]
Answers = Mapping[str, Mapping[str, Any]]

KEEP = "__keep__"
"""The option that leaves the answer given before as it is."""

SAME = "same"
"""The option that a sum is the amount (金额); such an answer has ``"as": "amount"`` and follows it."""


@dataclass(frozen=True, slots=True)
class Given:
    """One thing a person did at a question.

    ``value`` is a pressed option; ``place`` is (lat, lon, title) in WGS-84 degrees; ``files`` counts files just
    sent; ``phone`` comes from a shared contact. Together with a pressed value, ``text`` may carry the words that
    led to the choice (:attr:`Choose.said`), which are then kept with the answer.
    """

    text: str = ""
    value: str = ""
    place: tuple[float, float, str] | None = None
    files: int = 0
    voice: bool = False
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What the rooms around know; built anew for each step, never stored.

    ``kind``: complaint (投诉), clue (举报线索) or consult (咨询). ``object`` is the classifier's code, or "" when
    there is none; ``finance`` and ``fraud`` are about the object in force and the story. ``ask_object`` is set when
    the classifier is not sure; ``candidates`` are its best codes (three at most), ``taxonomy`` the whole list as
    (group, codes). ``files`` counts the evidence kept so far. ``brief``: told to staff who write it down (代登记), so only
    what has to be known is asked. ``for_another``: her words say that it is somebody else's matter.
    """

    kind: Kind
    today: date
    gazetteer: Gazetteer
    object: str = ""
    finance: bool = False
    fraud: bool = False
    ask_object: bool = False
    candidates: tuple[str, ...] = ()
    online: bool = False
    files: int = 0
    evidence_list: tuple[Say | str, ...] = ()
    brief: bool = False
    for_another: bool = False
    taxonomy: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to press; ``value`` is at most 20 bytes, so that it fits a button."""

    value: str
    label: Say


class Wrong(Exception):
    """The answer cannot be taken; ``wrong.<reason>`` says what was expected."""

    def __init__(self, reason: str, **args: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.args_of_text = args

    @property
    def say(self) -> Say:
        """The sentence for the person."""
        return say(f"wrong.{self.reason}", **self.args_of_text)


class Choose(Exception):
    """The answer fits several things: show ``prompt`` and the options.

    Pressed, the option goes to ``answer()`` of the same question as ``Given(text=said, value=pressed)``;
    ``said`` keeps the person's own words (an address, an amount) and may be left out.
    """

    def __init__(
        self, question: str, options: tuple[Option, ...], prompt: Say, said: str = ""
    ) -> None:
        super().__init__(question)
        self.question = question
        self.options = options
        self.prompt = prompt
        self.said = said


def value_of(answers: Answers, key: str) -> Any:
    """The value under ``key``; None when there is none, it was skipped, or it is not known."""
    record = answers.get(key)
    return None if record is None else record.get("v")
