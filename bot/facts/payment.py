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
def _pattern(part: str, kind: str) -> re.Pattern[str]:
    return re.compile("|".join(table("payments")[part][kind]))


@cache
def _signs(kinds: tuple[str, ...]) -> Marks[str]:
    signs = table("payments")["signs"]
    return Marks((kind, signs[kind].split()) for kind in kinds)


@cache
def _denied() -> re.Pattern[str]:
    return re.compile(table("payments")["payee"]["denied"])


def _told(plain: str, part: str, kinds: Iterable[str]) -> Iterator[tuple[str, re.Match[str]]]:
    """Each kind of a part of the table where it is told; what is denied (不是微信付的) is left out."""
    kinds = tuple(kinds)
    signs = _signs(kinds).find(plain)
    for kind in kinds:
        for low, high in windows(signs.get(kind, ()), plain, _REACH, _REACH):
            for match in _pattern(part, kind).finditer(plain, low, high):
                if not _denied().search(plain[max(0, match.start() - 6) : match.start()]):
                    yield kind, match


def read_payment(text: str, plain: str | None = None) -> list[Paid]:
    """Every way of paying in running text, in order; what is denied (不是微信付的) is left out."""
    plain = plain_of(text, plain)
    found = [
        Paid(kind, text[m.start() : m.end()], m.start(), m.end())
        for kind, m in _told(plain, "prose", table("payments")["prose"])
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
    told = {side for side, _ in _told(plain, "payee", ("personal", "business"))}
    personal, business = "personal" in told, "business" in told
    return None if personal == business else personal
