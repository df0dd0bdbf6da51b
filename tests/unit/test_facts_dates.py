"""Dates as people say them, on Monday, 23 November 2026."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.facts.dates import parse_date, read_dates, show_when

TODAY = date(2026, 11, 23)
DAYS = {
    "今天": "2026-11-23",
    "刚才": "2026-11-23",
    "昨天": "2026-11-22",
    "前天": "2026-11-21",
    "大前天晚上": "2026-11-20",
    "上周三": "2026-11-18",
    "上上周五": "2026-11-13",
    "这周一": "2026-11-23",
    "星期天": "2026-11-22",
    "去年双十一": "2025-11-11",
    "今年618": "2026-06-18",
    "双12": "2025-12-12",
    "中秋": "2026-09-25",
    "3月15号": "2026-03-15",
    "12月24号": "2025-12-24",
    "十月一": "2026-10-01",
    "三月十五": "2026-03-15",
    "11/11": "2026-11-11",
    "11-11": "2026-11-11",
    "3.15": "2026-03-15",
    "2025.11.11": "2025-11-11",
    "2025-11-11": "2025-11-11",
    "20251111": "2025-11-11",
    "2026年12月1日": "2026-12-01",
    "二〇二五年三月五日": "2025-03-05",
    "２０２５年３月１日": "2025-03-01",
    "去年3月15": "2025-03-15",
    "15号": "2026-11-15",
    "二十五号": "2026-10-25",
    "上个月15号": "2026-10-15",
    "三天前": "2026-11-20",
    "24小时前": "2026-11-22",
    "2月29号": "2024-02-29",
}
STRETCHES = {
    "上个月": ("2026-10-01", "2026-10-31"),
    "上上周": ("2026-11-09", "2026-11-15"),
    "2026年3月": ("2026-03-01", "2026-03-31"),
    "11月份": ("2026-11-01", "2026-11-23"),
    "前年": ("2024-01-01", "2024-12-31"),
    "零八年": ("2008-01-01", "2008-12-31"),
    "17年年初": ("2017-01-01", "2017-03-31"),
    "年初": ("2026-01-01", "2026-03-31"),
    "去年夏天": ("2025-06-01", "2025-08-31"),
    "上个月底": ("2026-10-21", "2026-10-31"),
    "月初": ("2026-11-01", "2026-11-10"),
    "周末": ("2026-11-21", "2026-11-22"),
    "两个月前": ("2026-09-01", "2026-09-30"),
    "两三天前": ("2026-11-21", "2026-11-21"),
    "三年前": ("2023-01-01", "2023-12-31"),
    "3小时前": ("2026-11-22", "2026-11-23"),
    "国庆": ("2026-10-01", "2026-10-07"),
    "去年十一": ("2025-10-01", "2025-10-07"),
    "五一": ("2026-05-01", "2026-05-05"),
    "春节": ("2026-02-17", "2026-02-23"),
}


@pytest.mark.parametrize(("said", "day"), DAYS.items())
def test_a_day(said: str, day: str) -> None:
    when = parse_date(said, TODAY)
    assert when is not None
    assert (when.first.isoformat(), when.last.isoformat(), when.approx) == (day, day, False)


@pytest.mark.parametrize(("said", "days"), STRETCHES.items())
def test_a_stretch_of_days_is_approximate(said: str, days: tuple[str, str]) -> None:
    when = parse_date(said, TODAY)
    assert when is not None
    assert (when.first.isoformat(), when.last.isoformat(), when.approx) == (*days, True)


def test_half_a_month_ago_is_about_two_weeks_back() -> None:
    when = parse_date("半个月前", TODAY)
    assert when is not None
    assert when.first < TODAY - timedelta(days=15) < when.last
    assert when.approx


@pytest.mark.parametrize(
    "said", ["", "不记得了", "前几天", "2月30号", "三分之一", "最近", "以前天天去", "😀"]
)
def test_what_names_no_day_gives_none(said: str) -> None:
    assert parse_date(said, TODAY) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("今年3月15号在淘宝买的，5月6日坏了", ["今年3月15号", "5月6日"]),
        ("97年6月到2001年3月", ["97年6月", "2001年3月"]),
        ("每周三上课，一周三次，周一到周五", []),
        ("交了3年，用了17年，3个月没退款，7日内退货", []),
        ("住五一路618号，分给我1/3，坐3号线", []),
        ("我今年52岁，房子刚刚装修完", []),
        ("花了618元，网站1.2.3.4", []),
        ("去年初中毕业，第二年初", []),
    ],
)
def test_dates_are_told_from_other_numbers(text: str, said: list[str]) -> None:
    assert [w.said for w in read_dates(text, TODAY)] == said


@given(st.dates(date(1950, 1, 1), date(2099, 12, 31)))
def test_a_shown_day_is_read_back(day: date) -> None:
    when = parse_date(show_when(day, day), TODAY)
    assert when is not None
    assert (when.first, when.last, when.approx) == (day, day, False)


@given(st.dates(date(1950, 1, 1), TODAY), st.integers(1, 12))
def test_a_day_without_year_lies_in_the_past_year(today: date, month: int) -> None:
    when = parse_date(f"{month}月5号", today)
    assert when is not None
    assert when.first <= today < when.first + timedelta(days=367)


pieces = st.lists(
    st.sampled_from(
        [
            *"年月日号前后上下这个周天初底末半一二三十零0123456789./- ",
            "去年",
            "星期",
            "小时",
            "国庆",
            "双十一",
            "618",
        ]
    )
).map("".join)


@given(st.one_of(st.text(), pieces), st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_spans_lie_in_the_text(text: str, today: date) -> None:
    for when in read_dates(text, today):
        assert text[when.start : when.end] == when.said != ""
        assert when.first <= when.last
        assert show_when(when.first, when.last)
    parse_date(text, today)
