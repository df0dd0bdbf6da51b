"""Load the register (联络点名册) from the organisations' rows, so that imported points count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.places import Committee, Gazetteer, Street, packaged_landmarks
from bot.route.register import Desk, Precision, Register
from models.network import Level, LiaisonPoint

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
COMMITTEES = frozenset({"committee", "zone"})


async def load(session: AsyncSession, packaged: Iterable[Desk] = ()) -> Register:
    """Every organisation as a desk, in the order of the serials.

    ``packaged`` are the region's own desks: they lend the rows their aliases, which no table holds,
    and are the register while there is no row yet.
    """
    own = {desk.code: desk for desk in packaged}
    # The table, not the classes: one statement for every level, and no object for each of 1,600 rows.
    table = LiaisonPoint.__table__
    rows = (await session.execute(select(table).order_by(table.c.serial))).all()
    by_id = {row.id: row for row in rows}
    desks = [_desk(row, by_id.get(row.parent_id), own.get(row.code)) for row in rows]
    return Register(desks or own.values())


def _desk(row: Row[Any], parent: Row[Any] | None, own: Desk | None) -> Desk:
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
        packaged_landmarks(),
    )
