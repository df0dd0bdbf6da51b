"""How money was paid, and whether it went to a private person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from bot.facts.common import fold, plain_of, table


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


@cache
def _patterns() -> tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]:
    data = table("payments")
    return tuple(
        (kind, _signs(kind), re.compile("|".join(words))) for kind, words in data["prose"].items()
    )


@cache
def _signs(kind: str) -> tuple[str, ...]:
    return tuple(table("payments")["signs"][kind].split())


@cache
def _payee(side: str) -> re.Pattern[str]:
    return re.compile("|".join(table("payments")["payee"][side]))


@cache
def _denied() -> re.Pattern[str]:
    return re.compile(table("payments")["payee"]["denied"])


def _said(plain: str, match: re.Match[str]) -> bool:
    return not _denied().search(plain[max(0, match.start() - 6) : match.start()])


def read_payment(text: str, plain: str | None = None) -> list[Paid]:
    """Every way of paying in running text, in order; what is denied (不是微信付的) is left out."""
    plain = plain_of(text, plain)
    found = [
        Paid(kind, text[m.start() : m.end()], m.start(), m.end())
        for kind, signs, pattern in _patterns()
        if any(map(plain.__contains__, signs))
        for m in pattern.finditer(plain)
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
    personal, business = (
        any(map(plain.__contains__, _signs(side)))
        and any(_said(plain, m) for m in _payee(side).finditer(plain))
        for side in ("personal", "business")
    )
    return None if personal == business else personal
