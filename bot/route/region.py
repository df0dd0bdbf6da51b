"""A region as data: the seed of its network, and what its people call its places.

One folder holds it (``network/pudong/README.md`` says which files): another region is another folder.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from bot.facts.places import PlaceWords, place_words
from bot.route.register import Desk


@dataclass(frozen=True, slots=True)
class Region:
    """``desks`` are the seed, top first, unstaffed and unconfirmed; ``words`` what people call the places;
    ``prefix`` begins the numbers of its cases."""

    desks: tuple[Desk, ...]
    words: PlaceWords
    prefix: str


@cache
def load_region(region: str) -> Region:
    """A packaged region by its name, or any folder by its path, which has a / in it.

    Raises FileNotFoundError for a region that is not there, and KeyError when a row lacks a column or lies
    below one that stands nowhere.
    """
    folder = Path(region) if "/" in region else files("bot.route").joinpath("network", region)
    about = _toml(folder, "region.toml")
    return Region(
        tuple(_desks(folder, about)),
        place_words(_toml(folder, "places.toml")),
        about["case_prefix"],
    )


def _desks(folder: Traversable, about: Mapping[str, Any]) -> Iterator[Desk]:
    bureau = Desk(about["bureau_code"], about["bureau_name"], "bureau", type="bureau")
    yield bureau
    offices: dict[str, Desk] = {}
    for row in about["offices"]:
        above = offices[row["above"]] if row.get("above") else bureau
        offices[row["code"]] = Desk(row["code"], row["name"], "office", above.code, type="office")
    yield from offices.values()
    zones = _rows(folder, "zones.csv")
    streets: dict[str, Desk] = {}
    for row in _rows(folder, "streets.csv"):
        above = offices[row["office_code"]] if row.get("office_code") else bureau
        served = [zone for zone in zones if zone["street_code"] == row["code"]]
        streets[row["code"]] = _street(row, above, served)
    yield from streets.values()
    serving = {row["code"]: row["street_code"] for row in zones}
    for row in _rows(folder, "committees.csv"):
        code = row["street_code"]
        yield _committee(
            row, streets[serving.get(code, code)], "zone" if code in serving else "committee"
        )
    for row in _rows(folder, "enterprises.csv"):
        yield _enterprise(row, bureau)


def _toml(folder: Traversable, name: str) -> dict[str, Any]:
    return tomllib.loads(folder.joinpath(name).read_text("utf-8"))


def _rows(folder: Traversable, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(folder.joinpath(name).read_text("utf-8").splitlines()))


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)


def _degrees(row: Mapping[str, str]) -> tuple[float, float] | tuple[None, None]:
    """WGS-84 degrees of a row, None and None where its cells are empty."""
    if row["lat"] and row["lon"]:
        return float(row["lat"]), float(row["lon"])
    return None, None


def _street(row: Mapping[str, str], above: Desk, zones: Iterable[Mapping[str, str]]) -> Desk:
    lat, lon = _degrees(row)
    return Desk(
        code=row["code"],
        name=row["name"],
        level="street",
        parent_code=above.code,
        type="street",
        lat=lat,
        lon=lon,
        precision="unknown" if lat is None else "street_centre",
        street_code=row["code"],
        aliases=tuple(a for z in zones for a in (z["code"], z["name"], *_split(z["short"]))),
    )


def _committee(row: Mapping[str, str], street: Desk, kind: str) -> Desk:
    return Desk(
        code=row["code"],
        name=row["name"],
        level="point",
        parent_code=street.code,
        type=kind,
        lat=street.lat,
        lon=street.lon,
        precision=street.precision,
        street_code=street.code,
    )


def _enterprise(row: Mapping[str, str], bureau: Desk) -> Desk:
    lat, lon = _degrees(row)
    return Desk(
        code=row["code"],
        name=row["name"],
        level="point",
        parent_code=row["street_code"] or bureau.code,
        type=row["type"],
        tier=row["tier"],
        address=row["address"],
        lat=lat,
        lon=lon,
        precision="unknown" if lat is None else "address",
        street_code=row["street_code"],
        merchants=_split(row["merchants"]),
        aliases=_split(row["aliases"]),
    )
