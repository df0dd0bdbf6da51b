"""The clocks of the law, against dates of 2026 counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.law.book import load
from bot.law.clocks import Clock, clocks

LAW = load()


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def shown(*happened: tuple[str, str], clue: bool = False) -> dict[str, tuple[str, str]]:
    """Each clock's last day and the day it ended, as month and day."""
    found = clocks([(action, day(when)) for action, when in happened], LAW, clue)
    return {
        clock.rule: tuple(f"{each:%m-%d}" if each else "" for each in (clock.due, clock.done))
        for clock in found
    }


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("11-23", "12-02"),  # Monday; 24 25 26 27, 30, 1, 2
        ("11-28", "12-08"),  # Saturday; 30, 1 2 3 4, 7, 8
        ("09-28", "10-13"),  # 29 30, the holiday of 1-7, 8 9, Saturday 10 worked, 12, 13
        (
            "02-12",
            "02-28",
        ),  # 13, Saturday 14 worked, the holiday of 15-23, 24-27, Saturday 28 worked
    ],
)
def test_seven_working_days_to_decide(received: str, due: str) -> None:
    assert shown(("receive", received)) == {"decide": (due, "")}


def test_sixty_days_to_mediate_count_from_the_day_after() -> None:
    found = shown(("receive", "11-23"), ("accept", "11-25"))
    assert found["decide"] == ("12-02", "11-25")
    # 25 November + 60 days: 24 January 2027, a Sunday that is no statutory holiday.
    assert found["mediation_limit"] == ("01-24", "")


def test_sixty_days_that_end_in_a_holiday_end_after_it() -> None:
    # 3 August + 60 = 2 October; the holiday lasts to the 7th.
    assert shown(("receive", "08-03"), ("accept", "08-03"))["mediation_limit"] == ("10-08", "")


def test_an_appraisal_stops_the_sixty_days() -> None:
    begun = (("receive", "03-02"), ("accept", "03-03"), ("appraise", "03-20"))
    assert shown(*begun)["mediation_limit"] == ("", "")
    # 3 March + 60 = 2 May, in the holiday of 1 to 5 May; with the 26 days from 20 March to 15 April: 28 May.
    assert shown(*begun, ("appraised", "04-15"))["mediation_limit"] == ("05-28", "")
    assert shown(*begun, ("appraised", "04-15"), ("settle", "05-06"))["mediation_limit"] == (
        "05-28",
        "05-06",
    )


def test_a_clue_is_checked_in_fifteen_working_days_and_once_in_fifteen_more() -> None:
    # From 23 November: 24-27, 30 November to 4 December, 7-11 and 14 December are fifteen.
    assert shown(("receive", "11-23"), clue=True) == {"clue_check": ("12-14", "")}
    twice = (("receive", "11-23"), ("extend", "12-10"), ("extend", "12-11"))
    assert shown(*twice, clue=True)["clue_check"][0] == "01-05"


def test_it_begins_anew_when_it_came_back_and_was_received_again() -> None:
    found = shown(("receive", "11-23"), ("send_back", "11-24"), ("receive", "11-27"))
    assert found == {"decide": ("12-08", "")}


def test_a_second_receipt_inside_the_authority_begins_nothing() -> None:
    found = shown(
        ("receive", "11-23"), ("delegate", "11-24"), ("refer", "11-25"), ("receive", "11-27")
    )
    assert found == {"decide": ("12-02", "")}


def test_colours() -> None:
    clock = Clock("decide", day("11-23"), day("12-02"))
    assert [clock.colour(day(each), 2) for each in ("11-27", "11-30", "12-02", "12-03")] == [
        "far",
        "near",
        "near",
        "late",
    ]
    assert Clock("decide", day("11-23"), None).colour(day("12-30"), 2) == "paused"
    assert (
        Clock("decide", day("11-23"), day("12-02"), day("11-24")).colour(day("12-30"), 2) == "done"
    )


def test_a_year_without_announced_holidays_is_an_estimate() -> None:
    assert Clock("mediation_limit", day("11-25"), date(2029, 1, 4)).estimated
    assert not Clock("mediation_limit", day("11-25"), day("12-04")).estimated


ACTIONS = st.sampled_from(
    [
        "receive",
        "accept",
        "refuse",
        "terminate",
        "appraise",
        "appraised",
        "extend",
        "checked",
        "settle",
        "reopen",
        "send_back",
        "delegate",
        "add",
    ]
)


@given(st.lists(st.tuples(ACTIONS, st.integers(0, 9)), max_size=20), st.booleans())
def test_no_order_of_events_breaks_the_clocks(steps: list[tuple[str, int]], clue: bool) -> None:
    today, happened = day("01-05"), []
    for action, wait in steps:
        today += timedelta(days=wait)
        happened.append((action, today))
    for clock in clocks(happened, LAW, clue):
        assert clock.due is None or clock.due > clock.begun
        assert clock.done is None or clock.done >= clock.begun
        assert clue or clock.rule != "clue_check"
