"""Look points up (查找联络点) by coordinates or by a place in words, for operators and acceptance."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.facts.places import Gazetteer
from bot.route.decide import nearest_json
from bot.route.register import Register
from bot.texts.catalogue import Catalogue, say


class NoSuchPlace(ValueError):
    """The place in words is unknown."""


def nearest_points(
    register: Register,
    gazetteer: Gazetteer,
    texts: Catalogue,
    lat: float | None,
    lon: float | None,
    address: str,
    object_code: str,
    k: int,
    at: datetime | None,
    all_: bool,
) -> list[dict[str, Any]]:
    """The list of the ``nearest`` command; a committee named in the address comes first. Of several
    streets that the words fit, the first is taken and the others are told with it.

    Raises NoSuchPlace, and ValueError off the globe.
    """
    named: list[dict[str, Any]] = []
    maybe: list[str] = []
    if address:
        matches = gazetteer.find(address)
        if not matches:
            raise NoSuchPlace(texts.raw("demo.no_place"))
        street = register.get(matches[0].street_code)
        if street is None or street.lat is None or street.lon is None:
            raise NoSuchPlace(texts.raw("demo.no_place"))
        lat, lon = street.lat, street.lon
        names = {gazetteer.streets[match.street_code].name for match in matches}
        maybe = sorted(names - {street.name})
        desk = register.get(matches[0].committee_code)
        if desk is not None:
            named = nearest_json([desk], lat, lon, 1, at, object_code, all_=True)
    if lat is None or lon is None:
        raise ValueError("--lat and --lon, or --address")
    found = nearest_json(register, lat, lon, k, at, object_code, all_)
    listed = [*named, *(row for row in found if row not in named)][:k]
    if listed and maybe:
        listed[0]["because"].append(texts.plain(say("nearest.maybe", streets=maybe)))
    return listed
