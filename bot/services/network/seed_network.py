"""Seed the network (组织树): the packaged register becomes rows, once, on an empty table."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.network.import_points import values
from bot.services.tables import Tables
from models.base import uuid7
from models.network import LiaisonPoint, Organisation

LEVELS = ("bureau", "office", "street", "point")
"""From the top: a row must come after the one it belongs to."""


async def seed(session: AsyncSession, tables: Tables) -> int:
    """Write every desk of the register, unconfirmed and without a chat; returns how many.

    Serials count from 1, top of the tree first. With any row already there, nothing is written.
    Raises KeyError when a desk belongs to one that the register lacks.
    """
    if await session.scalar(select(Organisation.id).limit(1)) is not None:
        return 0
    desks = sorted(tables.register, key=lambda desk: LEVELS.index(desk.level))
    ids = {desk.code: uuid7() for desk in desks}
    rows = [
        {
            **values(desk),
            "code": desk.code,
            "level": desk.level,
            "simulated": False,
            "id": ids[desk.code],
            "parent_id": ids[desk.parent_code] if desk.parent_code else None,
            "serial": serial,
        }
        for serial, desk in enumerate(desks, 1)
    ]
    # One statement for the table, whatever the levels: every column that a point has.
    await session.execute(insert(LiaisonPoint.__table__), rows)  # type: ignore[arg-type]
    return len(rows)
