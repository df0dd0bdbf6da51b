"""Names of people and of businesses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from bot.facts.common import Span, any_of, fold, plain_of, table
from bot.facts.dictionary import Cut, shared

_CUTS = 32  # clauses of a text for which the dictionary is asked; more is no story
_AROUND = 6  # letters in front of the last such word that the dictionary is shown
_LONG_WORD = 3  # letters; shorter words are too often function words
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_TRIM = " \t\r\n,。.!?;:、，；：！？~…\"'“”‘’()（）《》「」【】"
_DOTTED = re.compile(rf"[{_HAN}]{{1,10}}(?:[·•・][{_HAN}]{{1,10}}){{1,3}}")
_LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]{0,19}(?: [A-Z][A-Za-z'’.-]{0,19}){1,3}")
_PLAIN = re.compile(rf"[{_HAN}]{{2,4}}")
_QUOTED = re.compile(
    r"《([^《》\n]{1,20})》|「([^「」\n]{1,20})」|“([^“”\n]{1,20})”|『([^『』\n]{1,20})』|\"([^\"\n]{1,20})\"|【([^【】\n]{1,20})】"
)
_CALLED = re.compile(
    r"^(?:店名|店铺名|名字|公司名?|商家名?|平台名?|店)?(?:是|在|去)?(?:一家|一个)?(?:店|公司|平台)?(?:叫做|名叫|名为|叫|是|:)?"
    r"(?=..)"
)
_NAME_RUN = re.compile(rf"[{_HAN}A-Za-z0-9·&()-]*+\Z")


@cache
def _set(file: str, key: str) -> frozenset[str]:
    value = table(file)[key]
    return frozenset(value if key == "single" else value.split())


def parse_person_name(text: str) -> str | None:
    """The name to call a person by, from an answer (我叫王秀英, 王女士, 姓王, 阿依古丽·买买提, Li Lei).

    None for greetings, sentences, and anything with digits.
    """
    answer = fold(text[:200]).strip(_TRIM)
    if not answer or any(c.isdigit() for c in answer):
        return None
    answer = re.split(r"[,。.!?;，；！？\n](?![A-Za-z])", answer)[0].strip(_TRIM)
    led = False
    if (lead := any_of("names", "lead").match(answer)) is not None:
        answer, led = answer[lead.end() :].strip(_TRIM), True
    if (family := re.fullmatch(rf"(?:我|本人|免贵)?姓([{_HAN}]{{1,2}})", answer)) is not None:
        return family[1] if _is_family(family[1]) else None
    if _LATIN.fullmatch(answer) or (led and re.fullmatch(r"[A-Z][a-z]{1,19}", answer)):
        return answer
    answer = answer.replace(" ", "")
    if _DOTTED.fullmatch(answer):
        return answer
    title = next((t for t in _set("names", "titles") if answer.endswith(t)), "")
    name = answer.removesuffix(title)
    if title and _is_family(name):
        return answer
    return name if _PLAIN.fullmatch(name) and _is_full_name(name, led) else None


def _is_family(word: str) -> bool:
    return word in _set("names", "single") or word in _set("names", "double")


def _is_full_name(word: str, led: bool) -> bool:
    if word in _set("names", "refused") or (word[:2] in _set("names", "refused") and not led):
        return False
    double = word[:2] in _set("names", "double") and len(word) > 2
    given = word[2:] if double else word[1:]
    if not (1 <= len(given) <= 2 or (len(given) == 3 and led)):
        return False
    if not double and word[0] not in _set("names", "single"):
        return False
    return not set(given) & set(table("names")["never"])


@dataclass(frozen=True, slots=True)
class Platform:
    """A well-known platform: ``domicile`` is its operator's seat, None where not known for sure."""

    name: str
    kind: str
    domicile: str | None


@dataclass(frozen=True, slots=True)
class PlatformSpan:
    """A platform named at ``text[start:end]``."""

    platform: Platform
    said: str
    start: int
    end: int


@cache
def platforms() -> tuple[Platform, ...]:
    """Every platform of platforms.toml."""
    return tuple(
        Platform(row["name"], row["kind"], row.get("domicile"))
        for row in table("platforms")["platform"]
    )


@cache
def _platform_words() -> tuple[tuple[re.Pattern[str], ...], dict[str, Platform]]:
    """Two patterns, of words that begin with a Latin letter and of the others: the search for words
    that all begin with a plain letter is quick."""
    owner: dict[str, Platform] = {}
    parts: dict[bool, list[tuple[int, str]]] = {True: [], False: []}
    for row, platform in zip(table("platforms")["platform"], platforms(), strict=True):
        for word in row["words"]:
            first, rest = re.escape(word[0]), re.escape(word[1:])
            outer = "0-9A-Za-z" if word[0].isascii() else row.get("not_after", "")
            part = f"{first}(?<![{outer}]{first}){rest}" if outer else first + rest
            if "not_before" in row:
                part += f"(?![{row['not_before']}])"
            if "only_before" in row:
                part += f"(?=[{row['only_before']}])"
            owner[word] = platform
            parts[word[0].isascii()].append((-len(word), part))
    patterns = (re.compile("|".join(part for _, part in sorted(group))) for group in parts.values())
    return tuple(patterns), owner


Found = TypeVar("Found", Span, PlatformSpan)


def read_platforms(text: str, plain: str | None = None) -> list[PlatformSpan]:
    """Every well-known platform named in running text, in order."""
    plain = plain_of(text, plain)
    patterns, owner = _platform_words()
    found = [
        PlatformSpan(owner[m.group()], text[m.start() : m.end()], m.start(), m.end())
        for pattern in patterns
        for m in pattern.finditer(plain)
    ]
    return _apart(found)


def _apart(spans: Iterable[Found]) -> list[Found]:
    """The spans in order, of those that overlap the first and longest."""
    kept: list[Found] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def read_merchants(
    text: str,
    plain: str | None = None,
    known: Sequence[PlatformSpan] | None = None,
    cut: Cut | None = None,
) -> list[Span]:
    """Names of businesses in running text, in order: by their endings (公司, 超市, 健身房…), quoted
    names, and well-known platforms. A kind of business alone (一家健身房) is no name.

    ``known``: the platforms read already. ``cut`` parts a clause into words where the letters do
    not show where the name begins; by default the shared dictionary.
    """
    plain = plain_of(text, plain)
    known = read_platforms(text, plain) if known is None else known
    part, left = shared().cut if cut is None else cut, _CUTS

    def bounded(clause: str) -> list[str]:
        nonlocal left
        left -= 1
        return part(clause) if left >= 0 else list(clause)

    found = {(p.start, p.end) for p in known}
    found.update(_ended(plain, bounded))
    found.update(_quoted(plain))
    return _apart([Span(text[a:b], a, b) for a, b in found])


def _ended(plain: str, cut: Cut) -> list[tuple[int, int]]:
    """Names by their endings, as (start, end) in the text; each lies in one unbroken run of letters."""
    found: list[tuple[int, int]] = []
    floor = 0
    for ending in any_of("merchants", "endings").finditer(plain):
        low = max(floor, ending.start() - 20)
        run = _NAME_RUN.search(plain, low, ending.start())
        before = run.group() if run else ""
        low = ending.start() - len(before)
        begin = _begin(before, ending.group(), cut)
        name = before[begin:].strip("()-·&")
        if name and name not in _set("merchants", "generic") and not name.isdigit():
            weak = ending.group() in _set("merchants", "weak")
            own = _own_part(name) if weak else name
            vague = ending.group() in _set("merchants", "vague")
            if len(own) >= (3 if vague else 2 if weak or own.isascii() else 1):
                start = low + begin + before[begin:].index(name)
                end = ending.end()
                if found and found[-1][1] >= start:  # 某某装饰|有限公司 read in two steps
                    start, _ = found.pop()
                found.append((start, end))
                continue
        if found and found[-1][1] == ending.start():  # an ending right after another
            found[-1] = (found[-1][0], ending.end())
            continue
        if name not in _set("merchants", "generic") or ending.start() == low:
            floor = ending.end()
    return found


def _begin(before: str, ending: str, cut: Cut) -> int:
    """Where a name begins: after the last of the words that stand before names and not in them.

    Such letters also stand in longer words (贵 in 贵金属, 有家 over 有|家乐福): there the dictionary
    decides.
    """
    stops = list(_stop().finditer(_inside().sub(_blank, before)))
    if not stops or stops[-1].group() in _set("merchants", "always"):
        return stops[-1].end() if stops else 0
    place = max(0, stops[-1].start() - _AROUND)
    within: set[int] = set()  # places inside a word of three letters and more
    for word in cut(before[place:] + ending):
        if len(word) >= _LONG_WORD:
            within.update(range(place + 1, place + len(word)))
        place += len(word)
    always, known = _set("merchants", "always"), _set("merchants", "stops")
    for stop in reversed(stops):
        for end in range(stop.end(), stop.start(), -1):  # 有家 gives way to 有 before 家乐福
            said = before[stop.start() : end]
            if said in known and (end not in within or said in always):
                return end
    return 0


@cache
def _inside() -> re.Pattern[str]:
    return any_of("merchants", "inside")


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match.group())


def _own_part(name: str) -> str:
    """The name without the kinds of business at its end: nothing is left of 农村养老 in 农村养老保险."""
    while (kind := _generic_end().search(name)) is not None:
        name = name[: kind.start()]
    return name


@cache
def _generic_end() -> re.Pattern[str]:
    return re.compile(rf"(?:{any_of('merchants', 'generic').pattern})$")


@cache
def _stop() -> re.Pattern[str]:
    return any_of("merchants", "stops")


def _quoted(plain: str) -> list[tuple[int, int]]:
    found = []
    for match in _QUOTED.finditer(plain):
        group = match.lastindex or 0
        inner = match[group].strip()
        if not inner or re.search(r"[,。!?;，；！？]|[0-9]{5}", inner):
            continue
        before, after = (
            plain[max(0, match.start() - 8) : match.start()],
            plain[match.end() : match.end() + 4],
        )
        named = any(before.endswith(w) for w in _set("merchants", "naming_before"))
        named = named or any(after.startswith(w) for w in _set("merchants", "naming_after"))
        ending = max((m.end() for m in any_of("merchants", "endings").finditer(inner)), default=0)
        if named or (ending == len(inner) and len(inner) > 3):
            found.append(match.span(group))
    return found


def parse_merchant(text: str) -> str | None:
    """The business's name in an answer: a name read from it, or a short answer as it stands.

    None for "don't know" and the like, for whole sentences and for bare numbers.
    """
    answer = text[:200].strip(_TRIM)
    plain = fold(answer)
    if not plain or plain in _set("merchants", "refused"):
        return None
    found = read_merchants(answer)
    known = {(p.start, p.end) for p in read_platforms(answer)}
    own = [s for s in found if (s.start, s.end) not in known]
    if own:
        return _CALLED.sub("", fold(own[0].said))
    plain = _CALLED.sub("", plain).strip(_TRIM)
    if found and len(plain) <= len(found[0].said) + 4:
        return found[0].said
    short = re.fullmatch(rf"[{_HAN}A-Za-z0-9·&()' -]{{2,14}}", plain)
    if short and not plain.replace(" ", "").isdigit() and plain not in _set("merchants", "refused"):
        sentence = any_of("merchants", "sentence").search(plain) or plain[-1] in "的了"
        return None if sentence else plain
    return found[0].said if found else None


def same_merchant(name: str) -> str:
    """What is left of a business's name when it is compared with another's: without its form, its branch and
    its marks. A name of nothing else stays as it is.
    """
    folded = fold(name).lower()
    return re.sub(table("merchants")["filling"], "", folded) or folded
