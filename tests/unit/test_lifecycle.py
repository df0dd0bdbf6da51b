"""The life of a case: one table, every status reached, every dead end declared, the diagram its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts.catalogue import load
from models.lifecycle import (
    CLOSED,
    DEAD_ENDS,
    OPEN,
    TRANSITIONS,
    Action,
    CaseStatus,
    NotPossible,
    after,
    allowed,
    mermaid,
)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lifecycle.md"

FILED = CaseStatus.FILED
ACTIONS = st.lists(st.sampled_from(Action), max_size=30)


def reached(start: CaseStatus) -> set[CaseStatus]:
    """Every status that some actions lead to."""
    found, left = {start}, [start]
    while left:
        status = left.pop()
        for then in {after(status, action) for action in allowed(status)} - found:
            found.add(then)
            left.append(then)
    return found


def walk(actions: list[Action], status: CaseStatus) -> CaseStatus:
    """Where a case ends when what does not fit is refused."""
    for action in actions:
        if action in allowed(status):
            status = after(status, action)
        else:
            with pytest.raises(NotPossible):
                after(status, action)
    return status


def test_every_status_is_reached_from_a_draft() -> None:
    assert reached(CaseStatus.DRAFT) == set(CaseStatus)


def test_every_action_is_possible_somewhere() -> None:
    assert {action for _, action in TRANSITIONS} == set(Action)


def test_dead_ends_are_the_declared_ones() -> None:
    assert {status for status in CaseStatus if not allowed(status)} == DEAD_ENDS


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_case_can_be_closed(status: CaseStatus) -> None:
    assert reached(status) & CLOSED


def test_open_closed_and_unfiled_are_all_there_is() -> None:
    assert {CaseStatus.DRAFT, CaseStatus.DISCARDED}.isdisjoint(OPEN | CLOSED)
    assert set(CaseStatus) == OPEN | CLOSED | {CaseStatus.DRAFT, CaseStatus.DISCARDED}
    assert not OPEN & CLOSED


@given(ACTIONS)
def test_no_actions_lead_out_of_the_table(actions: list[Action]) -> None:
    status = walk(actions, CaseStatus.DRAFT)
    assert status in set(CaseStatus)
    assert allowed(status) or status in DEAD_ENDS


@given(ACTIONS)
def test_what_was_filed_is_never_a_draft_again(actions: list[Action]) -> None:
    assert walk(actions, FILED) in OPEN | CLOSED


@given(ACTIONS)
def test_what_was_withdrawn_stays_withdrawn(actions: list[Action]) -> None:
    assert walk(actions, CaseStatus.WITHDRAWN) is CaseStatus.WITHDRAWN


@pytest.mark.parametrize("status", sorted(OPEN - {FILED}))
def test_the_consumer_may_always_add_and_withdraw_while_it_is_open(status: CaseStatus) -> None:
    adds = {Action.ADD, Action.ANSWER}
    assert adds & allowed(status)
    assert after(status, Action.WITHDRAW) is CaseStatus.WITHDRAWN


def test_every_status_has_its_name_and_its_next_step_in_words() -> None:
    assert {f"{kind}.{status}" for kind in ("status", "next") for status in CaseStatus} <= (
        load().keys()
    )


def test_the_document_shows_this_diagram() -> None:
    assert f"```mermaid\n{mermaid()}```" in DOCUMENT.read_text("utf-8")


@pytest.mark.parametrize("status", CaseStatus)
def test_the_document_lists_what_can_be_done(status: CaseStatus) -> None:
    can = ", ".join(f"`{action}`" for action in Action if action in allowed(status)) or "—"
    row = f"| `{status}` | {load().raw(f'status.{status}')} | {can} |"
    assert row in DOCUMENT.read_text("utf-8")
