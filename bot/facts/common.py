"""What every parser shares: spans, same-length normalisation and Chinese numerals."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from importlib.resources import files
from typing import Any, Generic, TypeVar

from ahocorasick_rs import AhoCorasick

# A chat message has at most 4,096 characters; the prose readers look no further than this, which
# bounds their time on anything. Redaction and masking read everything.
LIMIT = 6_000

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a text: ``text[start:end] == said``."""

    said: str
    start: int
    end: int


@cache
def table(name: str) -> dict[str, Any]:
    """A packaged data table of this room, by file name without ``.toml``."""
    return tomllib.loads(files("bot.facts").joinpath(f"{name}.toml").read_text("utf-8"))


@cache
def _letters() -> dict[int, int]:
    pairs = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
    pairs |= {0x3000: 0x20, 0xA0: 0x20, 0xFFE5: 0xA5}
    letters = table("letters")
    pairs |= {ord(t): ord(s) for t, s in zip(letters["from"], letters["to"], strict=True)}
    # Half of a surrogate pair is no letter, and Marks cannot search a text that holds one.
    return pairs | dict.fromkeys(range(0xD800, 0xE000), ord("?"))


_OFTEN = {"，": ",", "！": "!", "？": "?", "：": ":", "；": ";", "（": "(", "）": ")"}


@cache
def _odd() -> re.Pattern[str]:
    return re.compile(f"[{re.escape(''.join(map(chr, _letters())))}]")


def fold(text: str) -> str:
    """Half-width, simplified letters, character for character: offsets stay valid."""
    if text.isascii():
        return text
    for wide, narrow in _OFTEN.items():
        text = text.replace(wide, narrow)
    return text.translate(_letters()) if _odd().search(text) else text


def plain_of(text: str, plain: str | None = None) -> str:
    """The part of a text that the prose readers read, folded; ``plain`` where it is at hand."""
    return fold(text[:LIMIT]) if plain is None else plain


@cache
def words_of(name: str, key: str) -> tuple[str, ...]:
    """The words of a packaged table's list, the longest first; parted by white space there."""
    value = table(name)[key]
    return tuple(sorted(set(value.split()), key=lambda word: (-len(word), word)))


@cache
def any_of(name: str, key: str) -> re.Pattern[str]:
    """Finds the longest of those words."""
    rests: dict[str, list[str]] = {}  # by their first letter, for a search tries one after another
    for word in words_of(name, key):
        rests.setdefault(word[0], []).append(re.escape(word[1:]))
    return re.compile(
        "|".join(f"{re.escape(first)}(?:{'|'.join(more)})" for first, more in rests.items())
    )


class Marks(Generic[Key]):
    """Plain words, one of which each match of a costly pattern holds: all are found in one pass, and
    the pattern need be tried only around them."""

    def __init__(self, words: Iterable[tuple[Key, Iterable[str]]]) -> None:
        """``words``: by what they are the marks of."""
        keys: dict[str, list[Key]] = {}
        for key, marks in words:
            for mark in marks:
                keys.setdefault(mark, []).append(key)
        self._keys = list(keys.values())
        self._hits = partial(AhoCorasick(list(keys)).find_matches_as_indexes, overlapping=True)

    def find(self, plain: str) -> Mapping[Key, list[tuple[int, int]]]:
        """Where the marks of each key stand in a folded text; keys without a mark there are left out."""
        found: dict[Key, list[tuple[int, int]]] = {}
        for number, start, end in self._hits(plain):
            for key in self._keys[number]:
                found.setdefault(key, []).append((start, end))
        return found


def windows(
    places: Iterable[tuple[int, int]], text: str, before: int, after: int
) -> list[tuple[int, int]]:
    """The stretches of a text from ``before`` signs in front of each of these places to ``after`` behind
    it, those that touch as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(places):
        low, high = max(0, start - before), min(len(text), end + after)
        if found and low <= found[-1][1]:
            low, high = found[-1][0], max(high, found.pop()[1])
        found.append((low, high))
    return found


_VALUE = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_BIG = {"万": 10**4, "亿": 10**8}
_DIGITS = str.maketrans({letter: str(value) for letter, value in _VALUE.items()})
_TOKEN = re.compile(rf"\d+(?:,\d{{3}})*(?:\.\d+)?|[{''.join(_VALUE)}]+|[十百千万亿多余来几点]")


def read_digit(letter: str) -> int:
    """One digit as 0 to 9: 五, 两, 5. Raises KeyError on anything else."""
    return int(letter) if letter in "0123456789" else _VALUE[letter]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as said; ``approx`` when the words leave it open (多, 来, 几, 两三万)."""

    value: Decimal
    approx: bool


def read_number(words: str) -> Number | None:
    """Reads a whole string of Arabic digits and Chinese numerals, mixed as people write them.

    三万五 is 35,000 and 2万3 is 23,000: a last lone digit takes the next lower unit. Of two
    neighbours (两三万) the lower counts, as approximate. None for anything else.
    """
    if not words or len(words) > 40:
        return None
    if words.isascii() and words.isdigit():
        return Number(Decimal(words), False)
    if rough := words[0] in "百千万" and words[1:2] == "把":  # 百把块, 千把块
        words = "一" + words[0] + words[2:]
    tokens = _TOKEN.findall(words)
    if "".join(tokens) != words:
        return None
    total: int | Decimal = 0
    section: int | Decimal = 0
    number: int | Decimal | None = None
    lone = False  # the number in hand is one digit right after a unit
    unit = 0
    approx, said = rough, False
    at = 0
    while at < len(tokens):
        token = tokens[at]
        ahead = tokens[at + 1] if at + 1 < len(tokens) else ""
        if token[0].isascii():
            if number is not None or ("," in token and len(token.split(",", 1)[0]) > 3):
                return None
            number, said = Decimal(token.replace(",", "")), True
            lone = len(token) == 1 and bool(unit) and tokens[at - 1][0] in "百千万亿"
        elif token[0] in _VALUE:
            if number is not None:
                return None
            if len(token) == 2 and token[0] in "零〇" and unit:  # 一千零五
                token, lone = token[1], False
            elif token in "零〇" and unit and ahead:  # 一万零十
                token = ""
            else:
                lone = len(token) == 1 and bool(unit) and tokens[at - 1] in "百千万亿"
            if len(token) == 2 and (ahead in _SMALL or ahead in _BIG):
                low, high = (_VALUE[letter] for letter in token)
                if not low or (high - low != 1 and (low, high) != (3, 5)):
                    return None
                token, approx = token[0], True
            elif len(token) > 1 and (unit or ahead in _SMALL or ahead in _BIG):
                return None
            if token:
                number, said = int(token.translate(_DIGITS)), True
        elif token == "点":
            after = tokens[at + 2] if at + 2 < len(tokens) else ""
            if number is None or ahead[:1] not in _VALUE or after in _SMALL:
                return None
            number, lone = Decimal(f"{number}.{ahead.translate(_DIGITS)}"), False
            at += 1
        elif token in "多余来几":
            if not said or (ahead and ahead not in _SMALL and ahead not in _BIG):
                return None
            approx = True
        elif token in _SMALL:
            if number is None:
                if token != "十" or (unit and unit <= 10):
                    return None
                number, said = 1, True
            section += number * _SMALL[token]
            unit, number = _SMALL[token], None
        else:
            if number is None and not section and not (token == "亿" and total):
                return None
            section += number or 0
            if token == "亿":
                total = (total + section) * _BIG[token]
            else:
                total += section * _BIG[token]
            unit, number, section = _BIG[token], None, 0
        at += 1
    if number is not None:
        if unit and number >= unit:
            return None
        section += number * (unit // 10) if lone and unit >= 100 else number
    return Number(Decimal(total + section), approx) if said else None


def small(words: str) -> int | None:
    """A whole number below 10,000 as said in dates: 15, 十五, 二〇二五, 两; None otherwise."""
    if words.isascii() and words.isdigit() and len(words) <= 4:
        return int(words)
    read = read_number(words)
    if read is None or read.approx or read.value != int(read.value) or read.value >= 10_000:
        return None
    return int(read.value)
