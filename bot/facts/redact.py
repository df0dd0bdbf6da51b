"""Takes out of a text what must never be kept: passwords, one-time codes, ID and card numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.facts.common import Span, fold

MARK = "█"
_HIDDEN = MARK * 4

_IS = r"(?:\s|是|为|叫|:|=|就|设|成|的|了|被|他|她|我|改|“|\"|'|「|【)"
_PASSWORD = re.compile(
    r"(?:密码|口令|[Pp]ass[Ww]ords?|PASSWORD|[Pp]asswd|[Pp]wd|PWD|[Pp]in码?|PIN码?)"
    rf"{_IS}{{0,6}}(?P<secret>[0-9A-Za-z!@#$%^&*_+~?.-]{{4,64}}|[零〇一二三四五六七八九幺]{{6,12}})",
)
_CODE_WORD = r"(?:验证码|校验码|动态码|短信码|动态密码|动态口令|授权码|安全码|一次性密码|[Vv]erification code|OTP|otp|CVV2?|cvv2?|CVC|cvc)"
_MONEY_AHEAD = r"(?![0-9]|\s?(?:元|块|万|千元|多|年|月|次|个|人|天|小时|分钟|w|k))"
_CODE = re.compile(
    rf"{_CODE_WORD}(?:[^0-9A-Za-z\n。;!?转扣付元损骗刷花位条收汇]){{0,12}}"
    rf"(?P<secret>(?<![0-9])[0-9](?:[ -]?[0-9]){{3,7}}{_MONEY_AHEAD}|(?<![0-9])[0-9]{{3}}(?![0-9]|\s?[元块万多年月次个人天位条]))",
)
_CODE_LETTERS = re.compile(
    rf"{_CODE_WORD}{_IS}{{1,4}}(?P<secret>(?=[A-Za-z]*[0-9])[0-9A-Za-z]{{4,8}})(?![0-9A-Za-z])",
)
_CODE_FIRST = re.compile(
    rf"(?<![0-9])(?P<secret>[0-9]{{4,8}})(?![0-9])[\s,(]?(?:是|为)?(?:我|你|您|他|她|它)?(?:的|们的)?(?:短信|登录|本次|手机|动态)?{_CODE_WORD}",
)
_LONG = re.compile(r"(?<![0-9A-Za-z.])[0-9](?:[ -]?[0-9]){11,22}(?:[ -]?[Xx])?(?![0-9A-Za-z])")
_LONG_ENOUGH = re.compile(r"[0-9][0-9 -]{11}")
_WRITTEN = range(13, 25)  # characters, separators included
_GROUP = re.compile(r"[0-9]+[Xx]?|[Xx]")
_SEPARATOR = re.compile(r"[ -]")
_ID18 = re.compile(
    r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
)
_ID15 = re.compile(r"[1-9][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
_CALLED = re.compile(
    r"(?P<id_number>身份证|证件号)"
    r"|(?P<card_number>卡号|银行卡|储蓄卡|信用卡|借记卡|账号|帐号|账户|[工农建中招交]行卡|打到|汇到)"
    r"|(?P<other>订单|单号|流水|交易号|编号|合同号|保单|工单|IMEI|imei|串号|序列号|票号|商品|条码|ID|id)"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text fit to keep, and the kinds taken out: password, code, id_number, card_number."""

    text: str
    kinds: frozenset[str]


def _checked(number: str) -> bool:
    """The check character of an ID number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(int(d) * w for d, w in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def _luhn(number: str) -> bool:
    """The check digit of a card number (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _named(before: str) -> str | None:
    """What the dozen characters before a number call it: id_number, card_number or other."""
    kind = None
    for found in _CALLED.finditer(before):
        kind = found.lastgroup
    return kind


def _kind(number: str, named: str | None) -> str | None:
    """What a long number is, from its form and its name."""
    if _ID18.fullmatch(number) and (named != "other" or _checked(number)):
        return "id_number"
    if named == "id_number" and (_ID15.fullmatch(number) or len(number) == 18):
        return "id_number"
    if named == "other" or not number.isdigit() or not 13 <= len(number) <= 19:
        return None
    if named == "card_number" or (len(number) >= 14 and number[0] in "3456" and _luhn(number)):
        return "card_number"
    return None


def _cuts(groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches of digit groups that may be one number, the longest first at each start.

    A card number may stand next to another number. Cards are written in at most five groups, ID
    numbers in four; of more than eight groups only all together can be one, digit by digit.
    """
    if len(groups) > 8:
        return [(groups[0][0], groups[-1][1])]
    return [
        (groups[first][0], groups[last][1])
        for first in range(len(groups))
        for last in range(min(len(groups), first + 5) - 1, first - 1, -1)
        if groups[last][1] - groups[first][0] in _WRITTEN
    ]


def find_secret_numbers(text: str) -> list[tuple[str, Span]]:
    """ID numbers (身份证号) and bank card numbers: (kind, span), in order; reads the whole text."""
    plain = fold(text)
    found: list[tuple[str, Span]] = []
    for match in _LONG.finditer(plain) if _LONG_ENOUGH.search(plain) else ():
        groups = [g.span() for g in _GROUP.finditer(plain, match.start(), match.end())]
        done = 0
        named: dict[int, str | None] = {}
        for start, end in _cuts(groups):
            number = _SEPARATOR.sub("", plain[start:end])
            if start < done or len(number) < 13:
                continue
            if start not in named:
                named[start] = _named(plain[max(0, start - 12) : start])
            if (kind := _kind(number, named[start])) is not None:
                found.append((kind, Span(text[start:end], start, end)))
                done = end
    return found


def redact(text: str) -> Redacted:
    """The text with every secret replaced by ``████``; reads the whole text.

    Phone numbers and order numbers stay: the case needs them.
    """
    plain = fold(text)
    spans = [(s.start, s.end, kind) for kind, s in find_secret_numbers(text)]
    for kind, patterns in (
        ("code", (_CODE, _CODE_LETTERS, _CODE_FIRST)),
        ("password", (_PASSWORD,)),
    ):
        spans += [(*m.span("secret"), kind) for p in patterns for m in p.finditer(plain)]
    parts: list[str] = []
    kinds: set[str] = set()
    last = 0
    for start, end, kind in sorted(spans, key=lambda s: (s[0], -s[1])):
        if end <= last:
            continue
        parts += [text[last:start], _HIDDEN]
        last = end
        kinds.add(kind)
    return Redacted("".join([*parts, text[last:]]), frozenset(kinds))
