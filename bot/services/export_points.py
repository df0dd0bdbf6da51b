"""Export liaison points (导出联络点) as the table that ``import_points`` reads back unchanged."""

from __future__ import annotations

from bot.route.register import Desk, Register

Row = tuple[str | float | None, ...]


def rows(register: Register) -> list[Row]:
    """One row a point, in the order of ``import_points.COLUMNS``; places in WGS-84."""
    return [_row(desk) for desk in register.points]


def _row(desk: Desk) -> Row:
    placed = desk.lat is not None and desk.lon is not None
    return (
        desk.code,
        desk.name,
        desk.type,
        desk.tier,
        desk.street_code,
        desk.address,
        desk.lat,
        desk.lon,
        "wgs84" if placed else "",
        desk.precision,
        desk.hours,
        "|".join(sorted(desk.takes)),
        "|".join(desk.merchants),
    )
