"""Telephone numbers of mainland China, and masking of numbers that identify a person."""

from __future__ import annotations

import re

from bot.facts.common import LIMIT, Span, fold, windows
from bot.facts.redact import find_secret_numbers

# 汉字 count as letters: \b finds no boundary between them and a digit, hence look-arounds.
_PHONE = re.compile(
    r"(?<![0-9A-Za-z.])(?:"
    r"(?:(?:\+|00)?86[ -]?)?(?P<mobile>1[3-9][0-9][ -]?(?:[0-9]{4}[ -]?[0-9]{4}|[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{2}))"
    r"|(?:(?:\+|00)?86[ -]?)?(?P<area>\(?0?(?:10|2[0-57-9]|[3-9][0-9]{2})\)?)[ -]?(?P<local>[2-9][0-9]{2,3}[ -]?[0-9]{4})"
    r"|(?P<service>[48]00[ -]?[0-9]{3,4}[ -]?[0-9]{3,4})"
    r")(?![0-9A-Za-z]|\.[0-9])"
)
_SPOKEN = re.compile(
    r"(?<![零〇一二三四五六七八九幺])[一幺][三-九零〇一二三四五六七八九幺]{10}(?![零〇一二三四五六七八九幺])"
)
_SOME_DIGITS = re.compile(
    r"[0-9][0-9]{2}"
)  # in every number written in digits; one sign first, which is found quickly
_SOME_SPOKEN = re.compile(r"[一幺][三-九零〇一二三四五六七八九幺]{10}")
_DIGITS = str.maketrans("零〇一二三四五六七八九幺", "001234567891")


def _number(match: re.Match[str]) -> str | None:
    digits = re.sub(r"[^0-9]", "", match["mobile"] or match["service"] or "")
    if digits:
        return digits if len(digits) in (10, 11) else None
    area = re.sub(r"[^0-9]", "", match["area"])
    local = re.sub(r"[^0-9]", "", match["local"])
    abroad = match.group().lstrip("+0").startswith("86")
    if not area.startswith("0"):
        if not abroad:
            return None
        area = "0" + area
    return f"{area}-{local}"


def _find(text: str, plain: str | None = None) -> list[tuple[str, Span]]:
    plain = fold(text) if plain is None else plain
    found = [
        (number, Span(text[m.start() : m.end()], m.start(), m.end()))
        for low, high in windows((m.span() for m in _SOME_DIGITS.finditer(plain)), plain, 24, 24)
        for m in _PHONE.finditer(plain, low, high)
        if (number := _number(m)) is not None
    ]
    for m in _SPOKEN.finditer(plain) if _SOME_SPOKEN.search(plain) else ():
        number = m.group().translate(_DIGITS)
        if number[1] in "3456789":
            found.append((number, Span(text[m.start() : m.end()], m.start(), m.end())))
    return sorted(found, key=lambda pair: pair[1].start)


def read_phones(text: str, plain: str | None = None) -> list[Span]:
    """Mobile numbers, landlines with area code and 400/800 numbers in running text, in order."""
    return [span for _, span in _find(text[:LIMIT], plain)]


def parse_phone(text: str) -> str | None:
    """The number to call a person back, from an answer; None if there is none.

    A mobile number comes back as its 11 digits, a landline as ``021-58881234``. Spaces, dashes,
    +86, full-width digits and digits written as numerals are understood; 400 numbers are no
    person's.
    """
    return next((n for n, _ in _find(text[:LIMIT]) if not n.startswith(("4", "8"))), None)


def mask_phone(number: str) -> str:
    """``13812345678`` as ``138****5678``: the first three and the last four characters stay."""
    digits = re.sub(r"[^0-9]", "", fold(number))
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 9 else "****"


def mask_text(text: str) -> str:
    """The whole text with phones, ID numbers (身份证号) and bank card numbers masked.

    For logs and group chats. Of an ID or card number the last four digits stay.
    """
    spans = [
        (s.start, s.end, mask_phone(n)) for n, s in _find(text) if not n.startswith(("4", "8"))
    ]
    spans += [
        (span.start, span.end, "****" + re.sub(r"[^0-9Xx]", "", fold(span.said))[-4:])
        for _, span in find_secret_numbers(text)
    ]
    parts: list[str] = []
    last = 0
    for start, end, masked in sorted(spans, key=lambda s: (s[0], -s[1])):
        if start >= last:
            parts += [text[last:start], masked]
            last = end
    return "".join([*parts, text[last:]])
