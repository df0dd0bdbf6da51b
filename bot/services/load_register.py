"""Load the register (联络点名册) from the organisations' rows, so that imported points count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.places import Committee, Gazetteer, Street
from bot.route.register import Desk, Precision, Register
from models.network import LiaisonPoint, Organisation

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
COMMITTEES = frozenset({"committee", "zone"})


async def load(session: AsyncSession, packaged: Iterable[Desk] = ()) -> Register:
    """Every organisation as a desk, in the order of the serials.

    ``packaged`` are the region's own desks: they lend the rows their aliases, which no table holds,
    and are the register while there is no row yet.
    """
    own = {desk.code: desk for desk in packaged}
    rows = (await session.scalars(select(Organisation).order_by(Organisation.serial))).all()
    by_id = {row.id: row for row in rows}
    desks = [
        _desk(row, by_id[row.parent_id] if row.parent_id else None, own.get(row.code))
        for row in rows
    ]
    return Register(desks or own.values())


def _desk(row: Organisation, parent: Organisation | None, own: Desk | None) -> Desk:
    point = row if isinstance(row, LiaisonPoint) else None
    street = row if row.level == "street" else parent
    return Desk(
        code=row.code,
        name=row.name,
        level=row.level.value,
        parent_code=parent.code if parent else None,
        type=(point.type if point else row.level.value) or "",
        tier=(point.tier if point else "") or "",
        address=(point.address if point else "") or "",
        lat=row.lat,
        lon=row.lon,
        precision=next((p for p in PRECISIONS if p == row.precision), "unknown"),
        hours=(point.hours if point else "") or "",
        takes=frozenset((point.takes if point else ()) or ()),
        staffed=row.chat is not None and not row.simulated,
        confirmed=row.confirmed_at is not None,
        merchants=tuple((point.merchants if point else ()) or ()),
        street_code=street.code if street is not None and street.level == "street" else "",
        aliases=own.aliases if own else (),
    )


def gazetteer(register: Register) -> Gazetteer:
    """The streets and committees of a register, to be found in a text."""
    return Gazetteer(
        [Street(desk.code, desk.name, desk.lat, desk.lon) for desk in register.streets],
        [
            Committee(desk.code, desk.name, desk.street_code, "")
            for desk in register
            if desk.type in COMMITTEES
        ],
    )
