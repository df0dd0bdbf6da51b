"""Dates as people say them: 上周三, 去年双十一, 3月15号, 半个月前.

Today comes from the caller, who reckons it in Asia/Shanghai. People tell what has happened, so a
date without a year is its latest one that is not after today.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from bot.facts.common import Marks, fold, plain_of, read_digit, read_number, small, table, windows

_N = r"[零〇一二两三四五六七八九十0-9]"
_YEAR = (
    r"(?:(?P<year>(?:19|20)[0-9]{2}|[一二][零〇一二三四五六七八九]{3}|[0-9]{2}|[零〇一二][零〇一二三四五六七八九])年"
    r"(?!前|后|内|以|之|来|多|半|左右|的?时间|级|款|龄|期|份?[0-9]*岁)"
    r"|(?P<rel>大前年|前年|去年|今年|本年|明年)的?)"
)
_MONTH = r"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月份?的?"
_DAY = r"(?P<day>[12][0-9]|3[01]|0?[1-9]|(?:二|三)?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|初?[一二三四五六七八九])"
_DAY_ENDS = r"(?:号|日)(?![楼线院店铺桌房室门馆车位仓库机卡球])"
_PART = r"(?P<part>月?(?:初|上旬|中旬|中|下旬|底|末)|上半月|下半月)"
_WEEKDAY = r"(?P<weekday>[一二三四五六日天末1-7])"
_WEEK = r"(?:个)?(?:周|星期|礼拜)"
_SEP = r"[-./]"

_PATTERNS: dict[str, str] = {
    "full": rf"(?<![0-9.])(?P<year>(?:19|20)[0-9]{{2}})(?P<sep>{_SEP})(?P<month>1[0-2]|0?[1-9])(?:(?P=sep)(?P<day>3[01]|[12][0-9]|0?[1-9]))(?![0-9]|{_SEP}[0-9])",
    "month_of": rf"(?<![0-9.])(?P<year>(?:19|20)[0-9]{{2}}){_SEP}(?P<month>1[0-2]|0?[1-9])(?!{_SEP}?[0-9]|[元块万千%折米])",
    "digits": r"(?<![0-9A-Za-z.-])(?P<year>(?:19|20)[0-9]{2})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01])(?![0-9A-Za-z.])",
    # All of it is optional: the first look ahead spares the places where none of it can begin.
    "spoken": rf"(?=[0-9零〇一二三四五六七八九十大前去今本明上这月初廿中下底末\s])(?:(?<![0-9零〇一二三四五六七八九十])(?:{_YEAR})|(?P<of>上上个?|上个?|这个?|本)(?=月))?\s?"
    rf"(?:(?:{_MONTH}|(?P<bare>月))\s?)?(?:{_DAY}(?:{_DAY_ENDS}|(?![0-9.]|{_N}|[个月年天次万千百元块点岁号日周%折多])))?{_PART}?",
    "slash": r"(?<![0-9./-])(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12][0-9]|0?[1-9])(?![0-9/%])",
    "day": r"(?<![0-9.第零〇一二三四五六七八九十月年])(?P<day>3[01]|[12][0-9]|[1-9]|(?:二|三)?十[一二三四五六七八九]?)号(?![楼线院店铺桌房室门馆车位仓库机卡球码称召])",
    "year_part": rf"(?:(?<![0-9零〇一二三四五六七八九十])(?:{_YEAR}))?的?(?P<span>(?<![去前今明本每第几零〇一二两三四五六七八九十0-9])年(?:初(?![中一二三级])|中(?![秋旬])|底|末)|年(?:初|中|底|末)(?<=年年.)|岁末|上半年|下半年|初(?!中|次|步|期)|底(?!下)|末|春天|夏天|秋天|冬天|春季|夏季|秋季|冬季|暑假|寒假|[春夏秋冬](?=[,。\s]|$))",
    "month_part": r"(?<![每个这本上半几零〇一二两三四五六七八九十0-9])月(?P<part>初|底|末)(?!期)",
    "week": rf"(?P<which>上上|上|这|本|下)(?P<a>{_WEEK})(?:{_WEEKDAY})?",
    "weekday": rf"(?<![每一二两三四五六七八九十0-9上下这本个单双隔到至])(?:周|星期|礼拜){_WEEKDAY}(?![次到至年月])",
    "weekend": r"(?<![每上这本下个])周末",
    "ago": rf"(?P<n>半|[0-9]{{1,4}}(?:\.5)?|{_N}{{1,3}})(?P<rough>多|来)?(?:个(?P<half>半)?(?:多)?)?"
    r"(?P<unit>年|月|周|星期|礼拜|天|日|小时|钟头|分钟|刻钟)(?P<half2>半)?(?P<rough2>多)?(?:之前|以前|前)(?![往面台])",
    "word": r"大前天|前天(?!天)|昨天|昨日|昨晚|昨夜|昨儿|前儿|今儿|前晚|前日|今天|今日|今早|今晚|今晨|当下|刚才|刚刚(?=[被给付转充买交把下打]|[,。!\s]|$)|刚(?=[被给付转充买交把])|方才|明天|大后天|后天(?!天)",
}
_WORDS = {
    "大前": -3,
    "前": -2,
    "昨": -1,
    "今": 0,
    "当": 0,
    "刚": 0,
    "方": 0,
    "明": 1,
    "后": 2,
    "大后": 3,
}
_YEARS_BACK = {"大前年": 3, "前年": 2, "去年": 1, "今年": 0, "本年": 0, "明年": -1}
_SEASONS = {"春": (3, 5), "夏": (6, 8), "秋": (9, 11), "冬": (12, 14), "暑": (7, 8), "寒": (1, 2)}
_ABOUT = re.compile(r"左右|前后|期间|(?:之|以)?[前后](?![往来付台])")
_AGE = re.compile(r"[^,。;!?\n]{0,5}岁")
_FIRST = date(1950, 1, 1)


@dataclass(frozen=True, slots=True)
class When:
    """A day, or the days from ``first`` to ``last`` that the words at ``text[start:end]`` mean.

    ``approx`` when the words leave the day open (半个月前, 去年夏天, 上个月底).
    """

    first: date
    last: date
    said: str
    start: int
    end: int
    approx: bool


_Range = tuple[date, date, bool]


def _day(year: int, month: int, day: int) -> date | None:
    return date(year, month, day) if 1 <= day <= monthrange(year, month)[1] else None


def _month(year: int, month: int) -> tuple[date, date]:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _year(match: re.Match[str], today: date) -> int | None:
    """The year said; None when none was."""
    groups = match.groupdict()
    if groups.get("rel"):
        return today.year - _YEARS_BACK[groups["rel"]]
    said = groups.get("year")
    if not said:
        return None
    year = int("".join(str(read_digit(letter)) for letter in said))
    if year < 100:
        year += 2000 if year <= today.year % 100 else 1900
    return year


def _past(first: date, last: date, today: date, approx: bool) -> _Range:
    """A stretch that has begun is told up to today."""
    return first, min(last, today) if first <= today else last, approx


def _spoken(match: re.Match[str], today: date) -> _Range | None:
    groups = match.groupdict()
    year = _year(match, today)
    said_day, part = groups["day"], groups["part"]
    month = small(groups["month"]) if groups["month"] else None
    if (groups["bare"] and not groups["of"]) or (groups["of"] and month):
        return None
    if groups["of"]:
        back = {"上上": 2, "上": 1}.get(groups["of"].removesuffix("个"), 0)
        first, _ = _month(today.year, today.month - back)
        year, month = first.year, first.month
    if month is None:
        if year is None or said_day or part or _AGE.match(match.string, match.end()):
            return None
        if groups["year"] and len(groups["year"]) < 4 and not _two_digits(match):
            return None
        return _past(date(year, 1, 1), date(year, 12, 31), today, True)
    if said_day:
        day = small(said_day.removeprefix("初").replace("廿", "二十"))
        ended = match.group().rstrip().endswith(("号", "日"))
        ended = ended or match.string[match.end() : match.end() + 1] in ("", ",", "。")
        if day is None or part or not (ended or year is not None or len(said_day) > 1):
            return None
        if not ended and groups["month"] and said_day.startswith("初"):
            return None  # a lunar day: 三月初五
        return _on(year, month, day, today)
    bare = not (year or part or "份" in match.group() or groups["of"])
    if bare and not groups["month"].isdigit() and match.group()[-1:] != "月":
        return None
    if year is None:
        year = today.year if date(today.year, month, 1) <= today else today.year - 1
    first, last = _month(year, month)
    if part:
        name = part.removeprefix("月")
        first, last = {
            "初": (first, first.replace(day=10)),
            "上": (first, first.replace(day=15 if part == "上半月" else 10)),
            "中": (first.replace(day=11), first.replace(day=20)),
            "下": (first.replace(day=16 if part == "下半月" else 21), last),
            "底": (first.replace(day=21), last),
            "末": (first.replace(day=21), last),
        }[name[0]]
    return _past(first, last, today, True)


def _two_digits(match: re.Match[str]) -> bool:
    """17年 may be a year or a length of time; it is a year where the words around say so."""
    text, start, end = match.string, match.start(), match.end()
    said = match["year"]
    return (
        (start == 0 and end == len(text))
        or said[0] in "0零〇"
        or (
            len(said) == 2
            and said[0] not in "一二"
            and (
                text[max(0, start - 1) : start] in ("在", "从", "自", "于", "到", "我", "是")
                and start > 0
            )
            and text[end : end + 1] in tuple("买办入开签交投在购充借付转加年就我的")
        )
    )


def _on(year: int | None, month: int, day: int, today: date) -> _Range | None:
    if year is not None:
        exact = _day(year, month, day)
        return (exact, exact, False) if exact else None
    for back in range(9):  # 29 February may lie eight years back
        exact = _day(today.year - back, month, day)
        if exact and exact <= today:
            return exact, exact, False
    return None


def _numeric(match: re.Match[str], _today: date) -> _Range | None:
    exact = _day(int(match["year"]), int(match["month"]), int(match["day"]))
    return (exact, exact, False) if exact else None


def _month_of(match: re.Match[str], today: date) -> _Range | None:
    first, last = _month(int(match["year"]), int(match["month"]))
    return _past(first, last, today, True)


def _slash(match: re.Match[str], today: date) -> _Range | None:
    return _on(None, int(match["month"]), int(match["day"]), today)


def _only_day(match: re.Match[str], today: date) -> _Range | None:
    day = small(match["day"])
    for back in range(3):
        first, _ = _month(today.year, today.month - back)
        exact = _day(first.year, first.month, day) if day else None
        if exact and exact <= today:
            return exact, exact, False
    return None


def _year_part(match: re.Match[str], today: date) -> _Range | None:
    year, span = _year(match, today), match["span"]
    if year is None and span in ("初", "底", "末", "春", "夏", "秋", "冬"):
        return None
    if (months := _SEASONS.get(span[0])) is None:
        name = span.removeprefix("年").removeprefix("岁")
        months = {
            "初": (1, 3),
            "中": (6, 7),
            "底": (11, 12),
            "末": (11, 12),
            "上半年": (1, 6),
            "下半年": (7, 12),
        }[name]
    said = year is not None
    year = today.year if year is None else year
    first = _month(year, months[0])[0]
    if not said and first > today:
        year -= 1
    return _past(_month(year, months[0])[0], _month(year, months[1])[1], today, True)


def _month_part(match: re.Match[str], today: date) -> _Range | None:
    late = match["part"] != "初"
    first, last = _month(today.year, today.month)
    if late and today.day < 21:
        first, last = _month(today.year, today.month - 1)
    return _past(
        first.replace(day=21) if late else first,
        last if late else first.replace(day=10),
        today,
        True,
    )


def _week(match: re.Match[str], today: date) -> _Range | None:
    monday = today - timedelta(days=today.weekday())
    monday += timedelta(weeks={"上上": -2, "上": -1, "下": 1}.get(match["which"], 0))
    if match["which"] == "上" and match.string[max(0, match.start() - 1) : match.start()] == "早":
        return None
    day = match["weekday"]
    if day is None:
        return _past(monday, monday + timedelta(days=6), today, True)
    if day == "末":
        return _past(monday + timedelta(days=5), monday + timedelta(days=6), today, True)
    exact = monday + timedelta(days=_weekday(day))
    return exact, exact, False


def _weekday(said: str) -> int:
    return 6 if said in "日天7" else int(said) - 1 if said.isascii() else "一二三四五六".index(said)


def _bare_weekday(match: re.Match[str], today: date) -> _Range | None:
    if match["weekday"] == "末":
        return None
    exact = today - timedelta(days=(today.weekday() - _weekday(match["weekday"])) % 7)
    return exact, exact, False


def _weekend(_match: re.Match[str], today: date) -> _Range | None:
    saturday = today - timedelta(days=(today.weekday() - 5) % 7)
    return _past(saturday, saturday + timedelta(days=1), today, True)


def _ago(match: re.Match[str], today: date) -> _Range | None:
    unit, said = match["unit"], match["n"]
    rough = bool(match["rough"] or match["rough2"] or "多" in match.group())
    read = read_number(said) if said != "半" else None
    if said != "半" and (read is None or read.approx):
        return None
    number = float(read.value) if read else 0.5
    if len(said) == 2 and not set(said) & set("零〇十0123456789"):  # 两三天前: the nearer counts
        number, rough = float(read_digit(said[0])), True
    if match["half"] or match["half2"]:
        number += 0.5
    if unit == "月" and "个" not in match.group():
        return None  # 三月前 is before March
    if unit in ("小时", "钟头"):
        first = today - timedelta(days=min(-(-number // 24), 40_000))
        last = today - timedelta(days=min(number // 24, 40_000))
        return first, last, first != last or rough
    if unit in ("分钟", "刻钟"):
        return today, today, False
    if unit in ("天", "日"):
        if said == "半":
            return today, today, True
        exact = today - timedelta(days=int(number))
        return exact, exact, rough
    if unit in ("周", "星期", "礼拜"):
        middle = today - timedelta(days=round(number * 7))
        return middle - timedelta(days=3), min(middle + timedelta(days=3), today), True
    months = number * (12 if unit == "年" else 1)
    if months < 1:
        middle = today - timedelta(days=15)
        return middle - timedelta(days=3), middle + timedelta(days=3), True
    if unit == "年" and number == int(number):
        year = today.year - int(number)
        return (date(year, 1, 1), date(year, 12, 31), True) if year >= _FIRST.year else None
    if months > 900:
        return None
    first, last = _month(today.year, today.month - int(months))
    return _past(first, last, today, True)


def _word(match: re.Match[str], today: date) -> _Range | None:
    word = match.group()
    key = word[:2] if word.startswith("大") else word[0]
    exact = today + timedelta(days=_WORDS[key])
    return exact, exact, False


@cache
def _festivals() -> tuple[re.Pattern[str], dict[str, list[tuple[date, date]]]]:
    """Their names in one pattern, and each one's days from 1990 to 2035."""
    data = table("festivals")
    days: dict[str, list[tuple[date, date]]] = {}
    numerals: list[str] = []
    for row in data["fixed"]:
        spans = [
            (date.fromisoformat(f"{y}-{row['first']}"), date.fromisoformat(f"{y}-{row['last']}"))
            for y in range(1990, 2036)
        ]
        for name in row["names"]:
            days[name] = spans
        if "digits" in row:
            days[row["digits"]] = spans
            numerals.append(row["digits"])
    for row in data["moving"]:
        for name in row["names"]:
            days[name] = [(on, on + timedelta(days=row["days"] - 1)) for on in row["on"]]
    names = sorted(days.keys() - set(numerals) - {"五一", "六一"}, key=len, reverse=True)
    edge = "零〇一二两三四五六七八九十百千万0-9"
    pattern = (
        rf"(?:(?<![{edge}])(?:{_YEAR}))?(?P<name>{'|'.join(map(re.escape, names))}"
        rf"|(?<![{edge}百])[五六]一(?![{edge}个次块直下些路村街镇小中])"
        rf"|(?<=年)十一(?![{edge}个次月块号日年])"
        rf"|(?:(?<=年)|(?<=京东)|(?<=天猫)|(?<=淘宝)|(?<![0-9A-Za-z.]))(?:{'|'.join(numerals)})(?=大促|活动|期间|那天|当天|晚会|购物|买的|的?时候|前|后|$|[,。\s]))"
    )
    days["十一"] = days["国庆"]
    return re.compile(pattern), days


def _festival(match: re.Match[str], today: date) -> _Range | None:
    spans = _festivals()[1][match["name"]]
    year = _year(match, today)
    if year is None:
        spans = [s for s in spans if s[0] <= today]
        chosen = spans[-1] if spans else None
    else:
        chosen = next((s for s in spans if s[0].year == year), None)
    if chosen is None:
        return None
    first, last, _ = _past(*chosen, today, False)
    return first, last, first != last


_Read = Callable[[re.Match[str], date], _Range | None]

# Each with words, one of which its matches always hold, and how far they reach around that,
# look-arounds included.
_READERS: tuple[tuple[str, _Read, str, int, int], ...] = (
    ("full", _numeric, "- . /", 6, 12),
    ("month_of", _month_of, "- . /", 6, 12),
    ("digits", _numeric, "19 20", 1, 8),
    ("spoken", _spoken, "年 月", 8, 16),
    ("slash", _slash, "/", 5, 6),
    ("day", _only_day, "号", 5, 3),
    ("year_part", _year_part, "初 底 末 春 夏 秋 冬 年中 半年 暑假 寒假", 10, 6),
    ("month_part", _month_part, "月初 月底 月末", 2, 3),
    ("week", _week, "周 星期 礼拜", 5, 4),
    ("weekday", _bare_weekday, "周 星期 礼拜", 5, 4),
    ("weekend", _weekend, "周末", 2, 2),
    ("ago", _ago, "前", 18, 3),
    ("word", _word, "前 昨 今 当下 刚 方才 明天 后天", 3, 4),
)


@cache
def _marks() -> Marks[str]:
    words = ((name, marks.split()) for name, _, marks, _, _ in _READERS)
    return Marks((*words, ("festival", _festivals()[1])))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], _Read, int, int], ...]:
    return (
        *(
            (name, re.compile(_PATTERNS[name]), read, before, after)
            for name, read, _, before, after in _READERS
        ),
        ("festival", _festivals()[0], _festival, 8, 6),
    )


def _matches(plain: str) -> Iterator[tuple[_Read, re.Match[str]]]:
    marks = _marks().find(plain)
    for name, pattern, read, before, after in _patterns():
        for low, high in windows(marks[name], plain, before, after) if name in marks else ():
            for match in pattern.finditer(plain, low, high):
                yield read, match


def _read(text: str, plain: str, today: date) -> list[When]:
    found: list[When] = []
    for read, match in _matches(plain):
        if match.end() == match.start():
            continue
        try:
            days = read(match, today)
        except (ValueError, OverflowError):  # before year 1 or after 9999
            continue
        if days is None or days[0] < _FIRST:
            continue
        start = match.end() - len(match.group().lstrip())
        end = match.start() + len(match.group().rstrip(" 的"))
        approx = days[2] or bool(_ABOUT.match(plain, end))
        found.append(When(days[0], days[1], text[start:end], start, end, approx))
    found.sort(key=lambda w: (w.start, -w.end))
    kept: list[When] = []
    for when in found:
        if not kept or when.start >= kept[-1].end:
            kept.append(when)
        elif when.end - when.start > kept[-1].end - kept[-1].start:
            kept[-1] = when
    return kept


def read_dates(text: str, today: date, plain: str | None = None) -> list[When]:
    """Every date in running text, in order; reads the first 6,000 characters.

    Words that name no day (最近, 前几天, 很久以前) give nothing. A date after today comes back only
    where it is said (明天, a year still to come).
    """
    return [w for w in _read(text, plain_of(text, plain), today) if not _fraction(w)]


def _fraction(when: When) -> bool:
    """1/3 and the like are no dates in prose."""
    month, _, day = when.said.partition("/")
    return day.isdigit() and month.isdigit() and (int(day) < 10 and int(month) < 10)


_LOOSE = re.compile(r"\s*(?P<month>1[0-2]|0?[1-9])\s?[-.]\s?(?P<day>3[01]|[12][0-9]|0?[1-9])\s*")


def parse_date(text: str, today: date) -> When | None:
    """The date in an answer to "when", where 3.15 and 11-11 are dates too; None if there is none."""
    if (loose := _LOOSE.fullmatch(fold(text[:40]))) is not None:
        days = _slash(loose, today)
        return When(*days[:2], text, 0, len(text), days[2]) if days else None
    found = _read(text, plain_of(text), today)
    return found[0] if found else None


_COMING = re.compile(
    r"(?:(?P<y>20[0-9]{2})[年./-])?(?P<m>[01]?[0-9])[月./-](?P<d>[0-3]?[0-9])[日号]?(?:[^0-9]{1,3}"
    r"(?:(?:(?P<y2>20[0-9]{2})[年./-])?(?P<m2>[01]?[0-9])[月./-])?(?P<d2>[0-3]?[0-9])[日号]?)?"
)


def coming_days(text: str, today: date) -> tuple[date, date] | None:
    """The first and last of coming days: ``12月1日到12月5日``, ``12月1日到5日``, ``12-30 至 1-3``.

    A day without its year is the next one of that name, today included. None when it says something
    else, the days run backwards or are past.
    """
    found = _COMING.fullmatch(fold("".join(text.split(" ")))) or _COMING.fullmatch(fold(text))
    if found is None:
        return None
    first = _next(found["y"], int(found["m"]), int(found["d"]), today)
    if first is None or first < today:
        return None
    if found["d2"] is None:
        return first, first
    month = int(found["m2"] or found["m"])
    last = _next(found["y2"], month, int(found["d2"]), first)
    # Beyond a year it is a slip, such as a last day before the first.
    return (first, last) if last is not None and 0 <= (last - first).days < 183 else None


def _next(year: str | None, month: int, day: int, after: date) -> date | None:
    if not 1 <= month <= 12:
        return None
    if year is not None:
        return _day(int(year), month, day)
    years = (_day(after.year + more, month, day) for more in (0, 1))
    return next((found for found in years if found is not None and found >= after), None)


def show_when(first: date, last: date) -> str:
    """``2026年3月15日``, ``2026年3月``, ``2025年`` or ``2026年3月1日—3月10日``."""
    if first == last:
        return f"{first.year}年{first.month}月{first.day}日"
    if first.day == 1 and first.month == 1 and last == date(first.year, 12, 31):
        return f"{first.year}年"
    if (first, last) == _month(first.year, first.month):
        return f"{first.year}年{first.month}月"
    tail = f"{last.month}月{last.day}日"
    if last.year != first.year:
        tail = f"{last.year}年{tail}"
    return f"{first.year}年{first.month}月{first.day}日—{tail}"
