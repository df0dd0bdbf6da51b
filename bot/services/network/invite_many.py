"""Invite many at once (批量邀请): a table of points and people becomes invitations, street by street."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import InvitationSheet, SheetRow
from bot.services import accounts
from bot.services.chain.hand_over import by_code
from bot.services.network import enlist
from bot.services.privacy import audit
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.network import Invitation, Organisation, Staff
from models.party import Account
from models.privacy import Act

COLUMNS = ("point", "name")
LONGEST = 60
"""Characters of a name or role."""

Lines = Iterable[tuple[int, Mapping[str, str]]]


async def invite_all(
    session: AsyncSession, tables: Tables, lines: Lines
) -> tuple[dict[str, InvitationSheet], list[Say]]:
    """Invitations for every row, as one sheet a street by its name, and why rows were refused: then no
    sheet, and the caller undoes what was written."""
    rows: defaultdict[str, list[SheetRow]] = defaultdict(list)
    wrong = []
    for number, cells in lines:
        code, name = cells.get("point", ""), cells.get("name", "")
        desk = await by_code(session, code)
        if desk is None:
            wrong.append(say("cli.staff.row_point", line=number, code=code))
            continue
        if not name or len(name) > LONGEST:
            wrong.append(say("cli.staff.row_name", line=number, most=LONGEST))
            continue
        token, row = await enlist.invite(session, tables, desk, None, name)
        local = row.until.astimezone(SHANGHAI)
        day = say("sheet.until", year=local.year, month=local.month, day=local.day)
        street = tables.register.street_of(code)
        rows[street.name if street else desk.name].append(
            SheetRow(desk.name, name, tables.link(enlist.START + token), tables.texts.plain(day))
        )
    if wrong:
        return {}, wrong
    return {
        street: InvitationSheet(
            tables.texts.plain(say("sheet.title", street=street)),
            tables.texts.plain(say("sheet.note")),
            tuple(found),
        )
        for street, found in rows.items()
    }, []


async def listed(
    session: AsyncSession, tables: Tables, reveal: bool, by: str = ""
) -> list[dict[str, Any]]:
    """Staff and open invitations as JSON objects; names masked unless ``reveal``: that ``by`` saw
    them is recorded."""
    if reveal:
        await audit.record(session, tables.clock.now(), Act.REVEAL, by, "staff")

    def shown(name: str | None) -> str:
        return (name or "") if reveal else (name or "")[:1] + "＊" * (len(name or "") > 1)

    day = accounts.today(tables)
    staff = await session.execute(
        select(Staff, Account, Organisation)
        .join(Account, Account.id == Staff.account_id)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(Staff.left_at.is_(None))
        .order_by(Organisation.serial, Staff.joined_at)
    )
    invited = await session.execute(
        select(Invitation, Organisation)
        .join(Organisation, Organisation.id == Invitation.organisation_id)
        .where(Invitation.state.in_(enlist.PENDING), Invitation.until > tables.clock.now())
        .order_by(Organisation.serial, Invitation.made_at)
    )
    found = [
        {
            **_place(tables, desk),
            "who": shown(account.name),
            "state": "away"
            if row.away_from and row.away_until and row.away_from <= day <= row.away_until
            else "here",
            "until": row.away_until.isoformat() if row.away_until else "",
            "since": row.joined_at.astimezone(SHANGHAI).date().isoformat(),
        }
        for row, account, desk in staff
    ]
    return found + [
        {
            **_place(tables, desk),
            "who": shown(row.label),
            "state": "invited",
            "until": row.until.astimezone(SHANGHAI).date().isoformat(),
            "since": row.made_at.astimezone(SHANGHAI).date().isoformat(),
        }
        for row, desk in invited
    ]


def _place(tables: Tables, desk: Organisation) -> dict[str, str]:
    street = tables.register.street_of(desk.code)
    return {"point": desk.code, "name": desk.name, "street": street.name if street else ""}
