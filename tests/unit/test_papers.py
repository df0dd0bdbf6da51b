"""A paper is asked step by step, in any order of back and forth, and is whole when it is whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.mediation import advance, agree, mediate, papers
from bot.services.mediation.papers import Form, Unread
from bot.texts.catalogue import load

FORMS = (mediate.FORM, agree.FORM, advance.FORM)
TUESDAY = date(2026, 11, 24)
LONG = "和店长李某在电话里说好"


def fill(form: Form, picks: list[int]) -> dict[str, Any]:
    """Answer each open step by an option or by words, as the picks say."""
    body: dict[str, Any] = {}
    for pick in picks:
        step = form.next(body)
        if step is None:
            break
        if step.ticks:
            body[step.key] = list(step.options)
        elif step.options and (step.read is None or pick % 2):
            body[step.key] = step.choose(step.options[pick % len(step.options)], TUESDAY)
        elif step.read is not None:
            for words in (LONG, "320", "今天", "12月5日"):
                try:
                    body[step.key] = step.read(words, TUESDAY)
                    break
                except Unread:
                    continue
    return body


@given(st.sampled_from(FORMS), st.lists(st.integers(0, 99), min_size=12, max_size=12))
def test_every_way_through_a_paper_ends_and_can_be_read(form: Form, picks: list[int]) -> None:
    body = fill(form, picks)
    assert form.next(body) is None
    lines = [load().plain(line) for line in form.lines(body)]
    assert len(lines) == len(form.asked(body))
    assert all("：" in line for line in lines)


@given(st.sampled_from(FORMS), st.lists(st.integers(0, 99), min_size=12, max_size=12))
def test_a_step_back_asks_that_step_again(form: Form, picks: list[int]) -> None:
    body = fill(form, picks)
    last = [step.key for step in form.asked(body) if step.key in body][-1]
    asked = form.next({key: value for key, value in body.items() if key != last})
    assert asked is not None
    assert asked.key == last


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_step_and_option_has_its_texts(form: Form) -> None:
    wanted = {f"paper.{form.name}.{part}" for part in ("name", "preview", "before", "yes")}
    for step in form.steps:
        wanted |= {f"paper.{form.name}.ask.{step.key}", f"paper.{form.name}.label.{step.key}"}
        wanted |= {f"paper.{form.name}.option.{step.key}_{option}" for option in step.options}
    assert wanted <= load().keys()


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (papers.words(4), "好"),
        (papers.money, "好的"),
        (papers.money, "0"),
        (papers.past_day, "12月5日"),
        (papers.past_day, "以后"),
        (papers.coming_day, "昨天"),
        (papers.coming_day, "12月1日到12月5日"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(read: Any, text: str) -> None:
    with pytest.raises(Unread):
        read(text, TUESDAY)


def test_days_are_counted_from_today() -> None:
    assert papers.in_days("days_7", TUESDAY) == "2026-12-01"
    assert papers.coming_day("12月5日", TUESDAY) == "2026-12-05"
    assert papers.past_day("昨天下午三点", TUESDAY) == {"on": "2026-11-23", "said": "昨天下午三点"}
