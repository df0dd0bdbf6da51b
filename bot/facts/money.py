"""Amounts of money in yuan (元), as people write them. Amounts are whole fen (分)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from bot.facts.common import any_of, fold, plain_of, read_digit, read_number

_FEW = 20  # so many pieces (块) of something; 两万块手表 are yuan
_MOST = 10**15  # fen; beyond ten trillion yuan nothing is an amount of a person's dispute
_CAPITALS = str.maketrans("零壹贰叁肆伍陆柒捌玖拾佰仟", "零一二三四五六七八九十百千")
_CAPITAL = re.compile("[壹贰叁肆伍陆柒捌玖拾佰仟]")
_CN = "零〇一二两三四五六七八九十百千万亿"
# One run of digits and numerals; letters w and k stand for 万 and 千. It begins with the signs that any
# run begins with, since a search for these is quick, and looks back at what they were.
_LETTERS = f"{_CN}多余来几点把"
_POINTS = r"(?:[.,][0-9]++)*+"
_RUN = re.compile(
    rf"[0-9wWkK{_LETTERS}](?<![A-Za-z0-9.].)"
    rf"(?:(?<=[{_LETTERS}])|(?<=[0-9])[0-9]*+{_POINTS}|(?<=[wWkK])(?![A-Za-z]))"
    rf"(?:[0-9]++{_POINTS}|[{_LETTERS}]|[wWkK](?![A-Za-z]))*+"
)
_TO = re.compile(
    r"(?P<low>[0-9]+(?:\.[0-9]+)?|[一二两三四五六七八九十百千万]{1,8})\s?(?:-|~|—|–|到|至)\s?$"
)
_AND_MORE = re.compile(rf"\s?[-~—–到至]\s?[0-9{_CN}]")
_PREFIX = re.compile(r"(?:¥|RMB|rmb|CNY|人民币|大写)\s?[::]?\s?$")
_SOME_PREFIX = re.compile(r"¥|RMB|rmb|CNY|人民币|大写")
_UNIT = re.compile(r"\s?[块元圆毛角分人大RrC]")
_YUAN = re.compile(
    r"\s?(?:块(?:多|来)?钱|元钱|元人民币|元整?(?![旦素月宵件首帅老])|圆整?|块(?:多|来)?|RMB|rmb|CNY|人民币|大洋)"
)
_JIAO = re.compile(
    r"(?P<jiao>[0-9一二两三四五六七八九])(?P<mark>[毛角])?(?:(?P<fen>[0-9一二三四五六七八九])分)?"
)
_MAO = re.compile(r"毛(?:钱|(?=$|[\s,。;!?，、的吧了都也没]))|角(?:钱|整)")
_CENT = re.compile(r"分钱(?!没|也|都|不)")
_BREAK = re.compile(r"[,。;!?，；！？\n]")
_CLAUSE = re.compile(r"[，。；！？;!?\n]|,(?![0-9])")
_ROUGHLY = re.compile(r"(?:大约|大概|差不多|将近|接近|约|近|好像|可能|不到|超过|快)\s?$")
_OR_SO = re.compile(r"\s?(?:\+|左右|上下|多|不到|样子)")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: ``fen`` whole fen, ``said`` the words at ``text[start:end]``.

    ``approx`` when the words leave it open (两千多块, 20多万, 三万左右); of a range the lower end.
    """

    fen: int
    said: str
    start: int
    end: int
    approx: bool


def _words(name: str) -> re.Pattern[str]:
    return any_of("money", name)


@cache
def _spent() -> re.Pattern[str]:
    return re.compile(rf"(?:{_words('verbs').pattern})(?:{_words('between').pattern}|\s){{0,5}}$")


@cache
def _filler() -> re.Pattern[str]:
    return re.compile(rf"(?:{_words('filler').pattern}|\s)*")


def _value(run: str) -> tuple[Decimal, bool] | None:
    read = read_number(
        run.replace("w", "万").replace("W", "万").replace("k", "千").replace("K", "千")
    )
    return None if read is None else (read.value, read.approx)


def _fen(value: Decimal) -> int | None:
    fen = value * 100
    return int(fen) if fen == int(fen) and fen <= _MOST else None


_LOOSE = "多余来点把"
"""Letters of a number that alone are none."""


def _clean(run: str, start: int) -> tuple[str, int]:
    """Drops letters at the edges that belong to other words: 来三千, 八点3500."""
    while run and run[0] in _LOOSE:
        run, start = run[1:], start + 1
    while run and run[-1] in "点来余几把" and run not in ("百把", "千把", "万把"):
        if run[-1] in "来余几" and len(run) > 1 and run[-2] in "十百千万":
            break
        run = run[:-1]
    return run, start


def _read(text: str, plain: str) -> list[Money]:
    if _CAPITAL.search(plain):
        plain = plain.translate(_CAPITALS)
    prefixed = _SOME_PREFIX.search(plain) is not None
    found: list[Money] = []
    last = 0
    for match in _RUN.finditer(plain):
        run, start = match.group(), match.start()
        if len(run) > 1:
            run, start = _clean(run, start)
        end = start + len(run)
        if not run or run in _LOOSE or run[0] == "几" or start < last:
            continue
        if (
            len(run) == 1
            and not _UNIT.match(plain, end)
            and not (prefixed and _PREFIX.search(plain, max(0, start - 16), start))
        ):
            continue  # 一直, 百分之: too little to be an amount by the words around it
        value = _value(run)
        if value is None and "点" in run:  # 三点五百元: the hour stands before the amount
            run = run[run.rindex("点") + 1 :]
            start = end - len(run)
            value = _value(run)
        if value is None:
            continue
        amount, approx = value
        before = plain[max(0, start - 16) : start]
        unit = _unit(plain, end, amount, before)
        prefix = _PREFIX.search(before) if prefixed else None
        if unit is None and _AND_MORE.match(plain, end):
            continue  # the lower end of a range: read with its upper end
        if unit is not None:
            end, amount, sure = unit
        elif prefix is not None:
            sure = True
        else:
            sure = False
            if not _is_money(plain, run, amount, end, before):
                continue
        if prefix is not None:
            start -= len(before) - prefix.start()
        elif (low := _TO.search(before)) is not None and (lower := _lower(low["low"], run, amount)):
            start, amount, approx = start - len(before) + low.start(), lower, True
        fen = _fen(amount)
        if fen is None or (not sure and run.startswith("0")):
            continue
        approx = approx or bool(_ROUGHLY.search(before)) or bool(_OR_SO.match(plain, end))
        approx = approx or "多" in plain[start:end] or "来" in plain[start:end]
        found.append(Money(fen, text[start:end], start, end, approx))
        last = end
    return found


def _unit(plain: str, end: int, amount: Decimal, before: str) -> tuple[int, Decimal, bool] | None:
    """The currency word at ``end`` and what belongs to it: (new end, amount in yuan, True)."""
    if (yuan := _YUAN.match(plain, end)) is not None:
        word, stop = yuan.group().strip(), yuan.end()
        jiao = _JIAO.match(plain, stop)
        if jiao is not None and (
            jiao["mark"] or (word == "块" and not _continues(plain, jiao.end()))
        ):
            tail = Decimal(read_digit(jiao["jiao"])) / 10
            tail += Decimal(read_digit(jiao["fen"])) / 100 if jiao["fen"] else 0
            return jiao.end(), amount + tail, True
        if word == "块" and plain[stop : stop + 1] == "半":
            return stop + 1, amount + Decimal("0.5"), True
        if word == "块" and amount < _FEW and _words("pieces").match(plain, stop):
            return None
        if word == "块" and amount == 1 and not _spent().search(before):
            return None  # 一块: together
        return stop, amount, True
    if (mao := _MAO.match(plain, end)) is not None and amount < 1000:
        return mao.end(), amount / 10, True
    if (cent := _CENT.match(plain, end)) is not None and amount < 1000:
        return cent.end(), amount / 100, True
    return None


def _continues(plain: str, end: int) -> bool:
    """Whether a digit after 块 begins another number or counts something."""
    ahead = plain[end : end + 1]
    return bool(ahead) and (
        ahead in _CN
        or ahead.isdigit()
        or ahead in ".多几"
        or bool(_words("counters").match(plain, end))
    )


def _is_money(plain: str, run: str, amount: Decimal, end: int, before: str) -> bool:
    """Whether a number without a currency word is an amount, from the words around it."""
    if _words("counters").match(plain, end) or (
        plain[end : end + 1].isalnum() and plain[end].isascii()
    ):
        return False
    clause = _BREAK.split(before)[-1]
    if len(run) > 1 and 10 <= amount < 10**8 and _spent().search(before):
        return True
    if run[-1] not in "万亿千百wWkK多来余" and not re.search(r"[万亿千wWkK]", run):
        return False
    after = _BREAK.split(plain[end : end + 8])[0]
    return amount >= 100 and bool(
        _words("context").search(clause) or _words("context").search(after)
    )


def _lower(low: str, run: str, amount: Decimal) -> Decimal | None:
    """The lower end of a range such as 2-3万, if it reads as one."""
    value = _value(low)
    if value is None:
        return None
    mark = re.search(r"[万亿千百wWkK]+$", run)
    if mark is not None and not re.search(r"[千万亿]", low):
        value = _value(low + mark.group())
    return value[0] if value is not None and value[0] < amount else None


def read_money(text: str, plain: str | None = None) -> list[Money]:
    """Every amount in running text, in order; reads the first 6,000 characters.

    A number needs a currency word, or words of paying or losing around it; years, dates, ages,
    counts, percentages, phone numbers and foreign money are no amounts. 几千块 says no number and
    is left out.
    """
    return _read(text, plain_of(text, plain))


def parse_money(text: str) -> Money | None:
    """The amount in an answer to "how much", where a bare number will do; None if there is none."""
    found = _read(text, plain_of(text))
    clause = _CLAUSE.search(text)
    bare = _parse_bare(text[: clause.start()] if clause else text)
    if bare is not None and (not found or bare.end <= found[0].start):
        return bare
    return found[0] if found else None


def _parse_bare(text: str) -> Money | None:
    """A number that stands alone but for small words around it."""
    plain = fold(text[:200]).translate(_CAPITALS)
    lead = _filler().match(plain)
    at = lead.end() if lead else 0
    match = _RUN.match(plain, at)
    if match is None:
        return None
    low = ""
    if (to := _TO.fullmatch(match.group() + plain[match.end() : match.end() + 1])) is not None:
        low, match = to["low"], _RUN.match(plain, match.end() + 1) or match
    run, start = _clean(match.group(), match.start())
    end = start + len(run)
    tail = _filler().match(plain, end)
    if tail is None or tail.end() != len(plain):
        return None
    value = _value(run)
    if value is None and (mao := re.fullmatch(r"(.+?)[毛角]", run)):
        value = _value(mao[1])
    if value is None or (run.isdigit() and (len(run) >= 10 or (run[0] == "0" and len(run) > 1))):
        return None
    amount, rough = value
    if low:
        lower = _lower(low, run, amount)
        if lower is None:
            return None
        start, amount, rough = at, lower, True
    fen = _fen(amount)
    if fen is None:
        return None
    rough = rough or bool(_ROUGHLY.search(plain[:start])) or bool(_OR_SO.match(plain, end))
    return Money(fen, text[start:end], start, end, rough)


def show_money(fen: int) -> str:
    """``350000`` as ``3,500元``, with two decimals only where there are fen."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    yuan, cents = divmod(fen, 100)
    return f"{sign}{yuan:,}.{cents:02d}元" if cents else f"{sign}{yuan:,}元"


def is_loss(text: str, money: Money) -> int:
    """How plainly the words in front call it a loss or a price: 1 yes, 0 nothing said, -1 aside."""
    clause = _BREAK.split(text[max(0, money.start - 14) : money.start])[-1]
    hits = [(m.end(), 1) for m in _words("lost").finditer(clause)]
    after = _BREAK.split(text[money.end : money.end + 8])[0]
    if _words("gone").search(after):
        return 1
    hits += [(m.end(), -1) for m in _words("aside").finditer(clause)]
    return max(hits)[1] if hits else 0
