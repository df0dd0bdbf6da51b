"""Load the register (联络点名册) from the organisations' rows, so that imported points count."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, get_args

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.places import Committee, Gazetteer, PlaceWords, Street
from bot.route.region import Region
from bot.route.register import Desk, Precision, Register
from bot.services.queue.drain import Store
from bot.services.queue.keep_up import COMPARE_SECONDS, keep_up
from models.delivery import WAKES, Meta
from models.network import Level, LiaisonPoint

VERSION = "register"
"""The Meta row that counts how often the network's rows were changed, and the wake-up after it was."""

PART = 500
"""Rows made into desks between two chances for others."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
COMMITTEES = frozenset({"committee", "zone"})


async def load(session: AsyncSession, packaged: Iterable[Desk] = ()) -> Register:
    """Every organisation as a desk: those above the points, then the points, each by their serials.

    ``packaged`` are the region's own desks: they lend the rows their aliases, which no table holds,
    and are the register while there is no row yet. The rows come in parts and the register is made
    in a thread, so that who waits for the event loop waits a moment, however many points there are.
    """
    own = {desk.code: desk for desk in packaged}
    # The table, not the classes: one statement for every level, and no object for each of 1,600 rows.
    table = LiaisonPoint.__table__
    by_serial = select(table).order_by(table.c.serial)
    above = (await session.execute(by_serial.where(table.c.level != Level.POINT))).all()
    by_id = {row.id: row for row in above}
    desks = [_desk(row, by_id, own.get(row.code)) for row in above]
    points = await session.stream(by_serial.where(table.c.level == Level.POINT))
    async for part in points.partitions(PART):
        desks += [_desk(row, by_id, own.get(row.code)) for row in part]
    return await asyncio.to_thread(_indexed, desks or list(own.values()))


def _indexed(desks: list[Desk]) -> Register:
    register = Register(desks)
    # Asked for here, off the event loop, they are there when the first case comes.
    _ = register.street_centres, register.placed_points
    return register


async def changed(session: AsyncSession) -> None:
    """Every process is to load the register anew: this one after the commit, others at their next comparison."""
    session.info.setdefault(WAKES, set()).add(VERSION)
    row = await session.get(Meta, VERSION, with_for_update=True)
    if row is None:
        session.add(Meta(key=VERSION, value=1))
    else:
        row.value = int(row.value) + 1


async def version(session: AsyncSession) -> int:
    """How often the network's rows were changed."""
    row = await session.get(Meta, VERSION)
    return int(row.value) if row is not None else 0


class LiveRegister:
    """The register now in force and its gazetteer; every process compares its number and loads anew."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.number = -1
        self._told = asyncio.Event()
        self.register = Register(region.desks)
        self.gazetteer = gazetteer(self.register, region.words)

    def look(self) -> None:
        """The rows were changed: the loop compares at once."""
        self._told.set()

    async def refresh(self, db: Store) -> None:
        """Take up the database's register, if its number is another."""
        async with db.read() as session:
            number = await version(session)
            if number == self.number:
                return
            register = await load(session, self.region.desks)
        found = await asyncio.to_thread(gazetteer, register, self.region.words)
        self.register, self.gazetteer, self.number = register, found, number

    async def follow(
        self, db: Store, stop: asyncio.Event, seconds: float = COMPARE_SECONDS
    ) -> None:
        """Compare every so many ``seconds`` until ``stop``."""
        await keep_up(VERSION, lambda: self.refresh(db), stop, seconds, self._told)


def _desk(row: Row[Any], above: Mapping[uuid.UUID, Row[Any]], own: Desk | None) -> Desk:
    parent = above.get(row.parent_id)
    street = row if row.level is Level.STREET else parent
    return Desk(
        code=row.code,
        name=row.name,
        level=row.level.value,
        parent_code=parent.code if parent else None,
        type=row.type or "",
        tier=row.tier or "",
        address=row.address or "",
        lat=row.lat,
        lon=row.lon,
        precision=row.precision if row.precision in PRECISIONS else "unknown",
        hours=row.hours or "",
        takes=frozenset(row.takes or ()),
        staffed=row.chat is not None and not row.simulated,
        confirmed=row.confirmed_at is not None,
        merchants=tuple(row.merchants or ()),
        street_code=street.code if street is not None and street.level is Level.STREET else "",
        aliases=own.aliases if own else (),
        contacts=tuple(row.contacts or ()),
        languages=tuple(row.languages or ()),
        prepay_fen=row.prepay_fen,
        fast_return_minutes=row.fast_return_minutes,
        substitute=row.substitute or "",
        datum=row.datum or "",
    )


def gazetteer(register: Register, words: PlaceWords) -> Gazetteer:
    """The streets and committees of a register, to be found in a text by these words too."""
    names = {desk.code: desk.name for desk in register.streets}
    return _named(
        tuple(Street(desk.code, desk.name, desk.lat, desk.lon) for desk in register.streets),
        tuple(
            Committee(desk.code, desk.name, desk.street_code, names.get(desk.street_code, ""))
            for desk in register
            if desk.type in COMMITTEES
        ),
        words,
    )


@lru_cache(maxsize=2)
def _named(
    streets: tuple[Street, ...], committees: tuple[Committee, ...], words: PlaceWords
) -> Gazetteer:
    """Made once of the same names: at a start the packaged network's are the database's."""
    return Gazetteer(streets, committees, words)
