"""Order, parcel, contract and policy numbers (订单号, 运单号, 合同号, 保单号)."""

from __future__ import annotations

import re

from bot.facts.common import LIMIT, Span, plain_of
from bot.facts.redact import find_secret_numbers

_NAMED = re.compile(
    r"(?:订单|运单|快递|流水|交易|商户|保单|合同|工单|案件|受理|发票|票据|单)(?:编号|号码|单号|号)?"
    r"(?:\s|是|为|:|=|#|\(|叫|NO\.?|No\.?|no\.?){0,4}(?P<number>[0-9A-Za-z][0-9A-Za-z-]{5,35})(?![0-9A-Za-z-])"
)
# The longest known ones, WeChat's and Alipay's transaction numbers, have 28 digits.
_BARE = re.compile(r"(?<![0-9A-Za-z.+-])[0-9]{16,32}(?![0-9A-Za-z])")
_DIGITS = re.compile(r"[0-9]")
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}")


def read_orders(text: str, plain: str | None = None) -> list[Span]:
    """Numbers of orders and the like, in order: named as such, or 16 and more digits on their own
    that are neither an ID number nor a bank card."""
    plain = plain_of(text, plain)
    if not _DIGITS.search(plain):
        return []
    secret = {s.start for _, s in find_secret_numbers(text[:LIMIT])}
    found: dict[int, int] = {}
    for match in _NAMED.finditer(plain):
        number = match["number"]
        if sum(c.isdigit() for c in number) >= 5 and not _PHONE.fullmatch(number):
            found[match.start("number")] = match.end("number")
    for match in _BARE.finditer(plain):
        found.setdefault(match.start(), match.end())
    return [Span(text[a:b], a, b) for a, b in sorted(found.items()) if a not in secret]
