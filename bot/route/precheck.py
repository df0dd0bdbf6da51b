"""A word in advance on what a market authority may not take up (order 121 art. 16), and the other ways.

Advice only: a person decides, and whoever is told this may file all the same.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from bot.law.book import Doors, Statute
from bot.texts.catalogue import Say, say


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("bot.route").joinpath("precheck.toml").read_text("utf-8"))


def precheck(
    story: str, last_day: date | None, today: date, doors: Doors, merchant_known: bool
) -> tuple[Say, ...]:
    """What may stand in the way of a complaint at 12315, in plain words; () when nothing is seen.

    ``last_day`` is the latest day on which it happened, None when not known. Another authority's
    matter has a door of its own and is not checked.
    """
    if doors.liaison == "advice":
        return ()
    found = [
        say(f"precheck.{code}") for code, words in _table()["words"].items() if _said(story, words)
    ]
    if last_day is not None and last_day < _years_before(today):
        found.append(say("precheck.long_ago", years=_table()["years"]))
    if not merchant_known:
        found.append(say("precheck.merchant_unknown"))
    return tuple(found)


def with_ways(found: tuple[Say, ...], ways: Statute) -> tuple[Say, ...]:
    """The findings as a paragraph, with the other ways of 消费者权益保护法 art. 39 under them."""
    return (say("precheck.head", lines=list(found), ways=ways.says),) if found else ()


def _said(story: str, words: list[str]) -> bool:
    denied = tuple(_table()["not_after"])
    for word in words:
        at = story.find(word)
        while at >= 0:
            if not story[:at].endswith(denied):
                return True
            at = story.find(word, at + 1)
    return False


def _years_before(today: date) -> date:
    years = int(_table()["years"])
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)
