"""How money was paid, and whether it went to a private person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from bot.facts.common import Marks, fold, plain_of, table, windows


@dataclass(frozen=True, slots=True)
class Paid:
    """A way of paying at ``text[start:end]``.

    ``kind``: wechat, alipay, bank_transfer, credit_card, debit_card, cash, pos,
    personal_transfer, crypto or instalment.
    """

    kind: str
    said: str
    start: int
    end: int


_REACH = 24
"""No match begins or ends, look-arounds included, further from one of its signs."""


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile("|".join(words)) for kind, words in table("payments")["prose"].items()}


@cache
def _signs(*kinds: str) -> Marks[str]:
    signs = table("payments")["signs"]
    return Marks((kind, signs[kind].split()) for kind in kinds)


@cache
def _payee(side: str) -> re.Pattern[str]:
    return re.compile("|".join(table("payments")["payee"][side]))


@cache
def _denied() -> re.Pattern[str]:
    return re.compile(table("payments")["payee"]["denied"])


def _near(
    pattern: re.Pattern[str], plain: str, places: Iterable[tuple[int, int]]
) -> Iterator[re.Match[str]]:
    for low, high in windows(places, plain, _REACH, _REACH):
        yield from pattern.finditer(plain, low, high)


def _said(plain: str, match: re.Match[str]) -> bool:
    return not _denied().search(plain[max(0, match.start() - 6) : match.start()])


def read_payment(text: str, plain: str | None = None) -> list[Paid]:
    """Every way of paying in running text, in order; what is denied (不是微信付的) is left out."""
    plain = plain_of(text, plain)
    patterns = _patterns()
    signs = _signs(*patterns).find(plain)
    found = [
        Paid(kind, text[m.start() : m.end()], m.start(), m.end())
        for kind, pattern in patterns.items()
        if kind in signs
        for m in _near(pattern, plain, signs[kind])
        if _said(plain, m)
    ]
    return sorted(found, key=lambda p: (p.start, p.end))


def parse_payment(text: str) -> str | None:
    """The kind in an answer to "how did you pay", where 微信 alone is enough; None if unclear."""
    plain = re.sub(r"[\s,。.!、吧的了呢用是付走刷]|通过", "", fold(text[:200])).lower()
    for kind, words in table("payments")["answer"].items():
        if plain in words.split():
            return str(kind)
    found = read_payment(text)
    return found[0].kind if found else None


def read_payee_personal(text: str, plain: str | None = None) -> bool | None:
    """Whether the money went to a private person's account; None when not said or both said."""
    plain = plain_of(text, plain)
    signs = _signs("personal", "business").find(plain)
    personal, business = (
        any(_said(plain, m) for m in _near(_payee(side), plain, signs.get(side, ())))
        for side in ("personal", "business")
    )
    return None if personal == business else personal
