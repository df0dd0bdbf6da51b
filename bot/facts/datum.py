"""Coordinates as China's maps write them, turned into WGS-84 (坐标系).

GCJ-02 (国测局坐标: 高德, 腾讯) shifts a place by some 500 m; BD-09 (百度) shifts that once more. Both
shifts are published only one way, so the way back is found by iteration, to well under a millimetre.
Meant for places in mainland China: elsewhere GCJ-02 is not in use.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, hypot, pi, radians, sin, sqrt

AXIS_M = 6_378_245.0
"""Semi-major axis of the Krasovsky 1940 ellipsoid, in metres."""

ECCENTRICITY_2 = 0.006_693_421_622_965_943
"""Its eccentricity, squared."""

BD_LAT, BD_LON, BD_WAVE = 0.006, 0.0065, pi * 3000 / 180
ROUNDS = 12

Degrees = tuple[float, float]


def to_wgs84(lat: float, lon: float, datum: str) -> Degrees:
    """WGS-84 degrees of a place given in ``wgs84``, ``gcj02`` or ``bd09``.

    Raises KeyError on another datum.
    """
    for shift in _SHIFTS[datum]:
        lat, lon = _undo(shift, lat, lon)
    return lat, lon


def gcj02(lat: float, lon: float) -> Degrees:
    """WGS-84 degrees as GCJ-02."""
    x, y = lon - 105.0, lat - 35.0
    wave = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + wave
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y / 30 * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + wave
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    flat = 1 - ECCENTRICITY_2 * sin(radians(lat)) ** 2
    per_lat = AXIS_M * (1 - ECCENTRICITY_2) / (flat * sqrt(flat)) * pi / 180
    per_lon = AXIS_M / sqrt(flat) * cos(radians(lat)) * pi / 180
    return lat + north / per_lat, lon + east / per_lon


def bd09(lat: float, lon: float) -> Degrees:
    """GCJ-02 degrees as BD-09."""
    far = hypot(lat, lon) + 0.00002 * sin(lat * BD_WAVE)
    turn = atan2(lat, lon) + 0.000003 * cos(lon * BD_WAVE)
    return far * sin(turn) + BD_LAT, far * cos(turn) + BD_LON


_SHIFTS: dict[str, tuple[Callable[[float, float], Degrees], ...]] = {
    "wgs84": (),
    "gcj02": (gcj02,),
    "bd09": (bd09, gcj02),
}
DATUMS = tuple(_SHIFTS)


def _undo(shift: Callable[[float, float], Degrees], lat: float, lon: float) -> Degrees:
    """The place that ``shift`` moves to (lat, lon): the shift changes slowly, so this converges."""
    at, along = lat, lon
    for _ in range(ROUNDS):
        there = shift(at, along)
        at, along = at + lat - there[0], along + lon - there[1]
    return at, along
