"""By when a desk means to be through with a case, counted by hand for days of 2026."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.crypto import Keyring
from bot.law import policy
from bot.law.deadlines import ZONE, after_working_time, working_time_between
from bot.services.chain.lateness import standing
from models.base import install_cipher
from models.case import Case, CaseKind
from models.lifecycle import Action, CaseStatus


@pytest.fixture(autouse=True, scope="module")
def cipher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Events are sealed, so there must be a key."""
    install_cipher(Keyring.open(tmp_path_factory.mktemp("keys") / "keys.json"))
    yield
    install_cipher(None)


OPENS, CLOSES = time(9), time(17)
A = Action


def at(day: str, clock: str = "10:00") -> datetime:
    return datetime.fromisoformat(f"2026-{day}T{clock}").replace(tzinfo=ZONE)


def lived(*happened: tuple[Action, datetime], kind: CaseKind = CaseKind.COMPLAINT) -> Case:
    """A case to which that happened, filed at its first moment."""
    case = Case(
        id=uuid.uuid4(),
        kind=kind,
        status=CaseStatus.DRAFT,
        role="dispute",
        filed_at=happened[0][1],
        events=[],
    )
    case.apply(A.FILE, at=happened[0][1])
    for action, moment in happened:
        case.apply(action, at=moment)
    return case


def test_a_waiting_case_should_be_taken_within_a_working_day() -> None:
    friday = lived((A.HAND_OVER, at("11-27", "16:00")))
    assert standing(friday, policy.load(), None).due == at("11-30", "16:00")


def test_a_dispute_has_seven_working_days_from_the_taking() -> None:
    case = lived((A.HAND_OVER, at("11-24")), (A.TAKE, at("11-24", "11:00")))
    assert standing(case, policy.load(), None).due == at("12-03", "11:00")


def test_a_consultation_has_one() -> None:
    case = lived((A.HAND_OVER, at("11-24")), (A.TAKE, at("11-24")), kind=CaseKind.CONSULT)
    assert standing(case, policy.load(), None).due == at("11-25")


def test_while_the_consumer_is_asked_nothing_is_due_and_nothing_late() -> None:
    case = lived((A.HAND_OVER, at("11-24")), (A.TAKE, at("11-24")), (A.ASK, at("11-25")))
    stands = standing(case, policy.load(), None)
    assert stands.due is None
    assert stands.paused
    assert not stands.late(at("12-31"))


def test_the_office_time_of_the_question_is_added_and_the_night_is_not() -> None:
    case = lived(
        (A.HAND_OVER, at("11-24")),
        (A.TAKE, at("11-24", "11:00")),
        (A.ASK, at("11-25", "16:00")),
        (A.ASK, at("11-25", "16:30")),  # a second question is the same wait
        (A.ANSWER, at("11-26", "10:00")),  # one hour of Wednesday, one of Thursday
    )
    assert standing(case, policy.load(), None).due == at("12-03", "13:00")


def test_a_weekend_of_waiting_costs_the_desk_nothing_and_gives_it_nothing() -> None:
    case = lived(
        (A.HAND_OVER, at("11-24")),
        (A.TAKE, at("11-24", "11:00")),
        (A.ASK, at("11-27", "17:30")),
        (A.ANSWER, at("11-30", "08:00")),
    )
    assert standing(case, policy.load(), None).due == at("12-03", "11:00")


def test_a_colleague_keeps_the_day_and_a_new_desk_gets_its_own() -> None:
    begun = [(A.HAND_OVER, at("11-24")), (A.TAKE, at("11-24", "11:00"))]
    passed = lived(*begun, (A.PASS, at("11-30")))
    assert standing(passed, policy.load(), None).due == at("12-03", "11:00")
    moved = lived(
        *begun, (A.SEND_BACK, at("11-30")), (A.HAND_OVER, at("11-30")), (A.TAKE, at("12-01"))
    )
    assert standing(moved, policy.load(), None).due == at("12-10")


def test_the_first_of_october_is_no_office_time() -> None:
    assert working_time_between(at("09-30"), at("10-08"), OPENS, CLOSES) == timedelta(hours=8)
    assert after_working_time(at("09-30", "16:00"), timedelta(hours=2), OPENS, CLOSES) == at(
        "10-08", "10:00"
    )


MOMENTS = st.integers(0, 330 * 1440).map(lambda n: at("01-01") + timedelta(minutes=n))
SPANS = st.integers(1, 60 * 80).map(lambda minutes: timedelta(minutes=minutes))


@given(MOMENTS, SPANS)
def test_what_was_added_is_what_lies_between(start: datetime, span: timedelta) -> None:
    end = after_working_time(start, span, OPENS, CLOSES)
    assert working_time_between(start, end, OPENS, CLOSES) == span


@pytest.mark.parametrize("moment", [at("11-24"), at("11-28")])
def test_no_time_needs_none(moment: datetime) -> None:
    assert after_working_time(moment, timedelta(), OPENS, CLOSES) == moment
    assert working_time_between(moment, moment - timedelta(days=3), OPENS, CLOSES) == timedelta()
