"""The public hot list: nobody is recognised in it, and a person counts once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.figures import rules
from bot.figures.hot import Filed, hot, people

RULE = rules.load().hot
ROWS = st.lists(
    st.builds(
        Filed,
        st.sampled_from(["food", "gym"]),
        st.sampled_from(["", "a", "b"]),
        st.integers(0, 12),
        st.one_of(st.none(), st.integers(0, 6)),
    ),
    max_size=60,
)


def of(count: int, object_code: str = "gym", street: str = "a") -> list[Filed]:
    return [Filed(object_code, street, f"{object_code}{street}{n}", None) for n in range(count)]


def test_a_person_counts_once_by_account_and_by_telephone() -> None:
    filed = [
        Filed("gym", "a", 1, b"x"),
        Filed("gym", "a", 1, b"y"),
        Filed("gym", "a", 2, b"y"),
        Filed("gym", "a", 3, None),
    ]
    assert people(filed) == 2
    assert people([]) == 0


def test_four_people_are_told_of_nowhere_and_five_are() -> None:
    few = hot(of(RULE.k - 1), [], RULE)
    assert (few.kinds, few.streets, few.cells) == ((), (), ())
    enough = hot(of(RULE.k), [], RULE)
    assert [line.people for line in (*enough.kinds, *enough.streets, *enough.cells)] == [5, 5, 5]


def test_one_who_files_ten_times_makes_no_topic() -> None:
    assert not hot([Filed("gym", "a", 1, None)] * 10, [], RULE).kinds


def test_people_of_two_streets_make_a_topic_of_the_district_only() -> None:
    found = hot(of(3) + of(3, street="b"), [], RULE)
    assert [(line.object, line.street) for line in found.kinds] == [("gym", "")]
    assert not found.streets
    assert not found.cells


def test_trends() -> None:
    def trend(now: int, before: int) -> str:
        return hot(of(now), of(before), RULE).kinds[0].trend

    assert trend(6, 0) == "up"
    assert trend(5, 4) == "up", (
        "of fewer than k before nothing more is told than that there were fewer"
    )
    assert trend(20, 20) == "same"
    assert trend(24, 20) == "up"
    assert trend(16, 20) == "down"


@given(ROWS, ROWS)
def test_no_line_is_of_fewer_than_k_people_and_none_says_more_than_there_are(
    now: list[Filed], before: list[Filed]
) -> None:
    found = hot(now, before, RULE)
    for line in (*found.kinds, *found.streets, *found.cells):
        inside = [
            case
            for case in now
            if line.object in ("", case.object) and line.street in ("", case.street)
        ]
        assert RULE.k <= line.people <= people(inside)
        assert line.people % RULE.k == 0
