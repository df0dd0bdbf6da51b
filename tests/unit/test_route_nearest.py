"""The nearest places: exactly what measuring every one of them would give."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.route.nearest import EARTH_RADIUS_M, Index, Near, Place, distance_m

LATS = st.one_of(st.floats(-90, 90), st.sampled_from([90.0, -90.0, 0.0, 89.9999999, 31.2]))
LONS = st.one_of(st.floats(-180, 180), st.sampled_from([180.0, -180.0, 0.0, 179.9999999, 121.5]))
SPOTS = st.lists(st.tuples(LATS, LONS), max_size=80)
CROWDED = st.lists(
    st.tuples(
        st.sampled_from([31.2, 31.2000001, 31.3, -31.2]), st.sampled_from([121.5, 121.50001, -58.5])
    ),
    max_size=80,
)


def places(spots: list[tuple[float, float]]) -> list[Place[int]]:
    order = list(range(len(spots)))
    random.Random(7).shuffle(order)
    return [Place(f"{n:04}", lat, lon, n) for n, (lat, lon) in zip(order, spots, strict=True)]


def measured(all_places: list[Place[int]], lat: float, lon: float) -> list[tuple[float, str]]:
    return sorted((distance_m(lat, lon, p.lat, p.lon), p.code) for p in all_places)


def pairs(found: list[Near[int]]) -> list[tuple[float, str]]:
    return [(near.distance_m, near.place.code) for near in found]


@given(SPOTS | CROWDED, LATS, LONS, st.integers(1, 12))
def test_as_if_every_distance_were_measured(
    spots: list[tuple[float, float]], lat: float, lon: float, k: int
) -> None:
    all_places = places(spots)
    assert pairs(Index(all_places).nearest(lat, lon, k)) == measured(all_places, lat, lon)[:k]


@given(SPOTS | CROWDED, LATS, LONS, st.integers(1, 5), st.integers(2, 9))
def test_only_the_eligible_are_counted(
    spots: list[tuple[float, float]], lat: float, lon: float, k: int, every: int
) -> None:
    all_places = places(spots)
    found = Index(all_places).nearest(lat, lon, k, lambda n: n % every == 0)
    wanted = measured([p for p in all_places if p.item % every == 0], lat, lon)
    assert pairs(found) == wanted[:k]


def test_a_city_full_of_points_is_exact_too() -> None:
    chance = random.Random(11)
    spots = [(chance.uniform(30.8, 31.4), chance.uniform(121.4, 122.0)) for _ in range(3000)]
    all_places = places(spots)
    index = Index(all_places)
    for _ in range(20):
        lat, lon = chance.uniform(30.8, 31.4), chance.uniform(121.4, 122.0)
        assert pairs(index.nearest(lat, lon, 5)) == measured(all_places, lat, lon)[:5]


def test_points_at_one_address_come_in_order_of_their_codes() -> None:
    index = Index([Place(code, 31.2, 121.5, code) for code in ("c", "a", "b")])
    assert [near.item for near in index.nearest(31.0, 121.0, 2)] == ["a", "b"]


def test_equal_distances_are_equal_whatever_the_rounding() -> None:
    # East and west by the same exact fraction of a degree: the code decides, not the last bit.
    for n in range(1, 200):
        west, east = (
            Place("b", 31.2, 121.5 - n / 1024, "w"),
            Place("a", 31.2, 121.5 + n / 1024, "e"),
        )
        assert distance_m(31.2, 121.5, west.lat, west.lon) == distance_m(
            31.2, 121.5, east.lat, east.lon
        )
        assert Index([west, east]).nearest(31.2, 121.5)[0].item == "e"


def test_across_the_date_line_is_near() -> None:
    index = Index([Place("fiji", -17.0, 179.9, 0), Place("shanghai", 31.2, 121.5, 0)])
    [near] = index.nearest(-17.0, -179.9)
    assert near.place.code == "fiji"
    assert near.distance_m == pytest.approx(21_268, rel=0.001)


def test_distances_are_metres_on_the_mean_sphere() -> None:
    assert distance_m(0, 0, 90, 0) == pytest.approx(EARTH_RADIUS_M * 3.141592653589793 / 2)
    # One degree of latitude is a nautical sixty: 111.195 km on this sphere.
    assert distance_m(31, 121, 32, 121) == pytest.approx(111_195.08, abs=0.01)


def test_nothing_there_and_nothing_wanted() -> None:
    assert Index([]).nearest(31.2, 121.5, 3) == []
    index = Index([Place("a", 31.2, 121.5, 0)])
    assert index.nearest(31.2, 121.5, 0) == []
    assert len(index.nearest(31.2, 121.5, 9)) == 1


@pytest.mark.parametrize(("lat", "lon"), [(91.0, 0.0), (0.0, 181.0), (float("nan"), 0.0)])
def test_off_the_globe_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match="globe"):
        Index([Place("a", lat, lon, 0)])
    with pytest.raises(ValueError, match="globe"):
        Index([]).nearest(lat, lon)
