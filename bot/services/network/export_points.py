"""Export liaison points (导出联络点) as the table that ``import_points`` reads back unchanged."""

from __future__ import annotations

from collections.abc import Iterator

from bot.route.register import Desk, Register

Row = tuple[str | float | None, ...]


def rows(register: Register) -> Iterator[Row]:
    """One row a point, in the order of ``import_points.COLUMNS``; places in WGS-84."""
    return map(_row, register.points)


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
        desk.datum,
        desk.precision,
        desk.hours,
        "|".join(desk.contacts),
        "|".join(desk.languages),
        "|".join(sorted(desk.takes)),
        _yuan(desk.prepay_fen),
        desk.fast_return_minutes,
        desk.substitute,
        "|".join(desk.merchants),
    )


def _yuan(fen: int | None) -> str:
    if fen is None:
        return ""
    return f"{fen // 100}.{fen % 100:02}" if fen % 100 else str(fen // 100)
