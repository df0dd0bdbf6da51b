"""Who is talking: find or make the account, and tell what it may do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.ports import Incoming
from bot.services.privacy import audit
from bot.services.queue.drain import Store
from bot.services.tables import SHANGHAI, Tables
from models.case import Case
from models.network import AUTHORITY, Level, Organisation, Staff
from models.party import Account
from models.privacy import Act

_AT = select(Account).where(Account.address == bindparam("address"))


async def meet(session: AsyncSession, tables: Tables, heard: Incoming) -> Account:
    """The account behind an Incoming; its name is kept as last seen. A write to us unblocks us."""
    now = tables.clock.now()
    account = await by_address(session, heard.account)
    if account is None:
        account = Account(
            address=heard.account,
            created_at=now,
            seen_at=now,
            is_admin=False,
            subscribed=False,
            blocked=False,
            hushed=False,
        )
        account.name = heard.name
        session.add(account)
        await session.flush()
    account.seen_at = now
    account.blocked = False
    if heard.account in tables.admins and not account.is_admin:
        account.is_admin = True
        await audit.record(session, now, Act.ADMIN, audit.BOT, account, how="settings")
    if heard.name and account.name != heard.name:
        account.name = heard.name
    return account


async def anyone(db: Store) -> bool:
    """Whether anybody has ever written: then there is sealed text, and its key must be there."""
    async with db.read() as session:
        return await session.scalar(select(Account.id).limit(1)) is not None


async def by_address(session: AsyncSession, address: str) -> Account | None:
    """The account at a channel's address."""
    found: Account | None = await session.scalar(_AT, {"address": address})
    return found


async def desks_of_chat(session: AsyncSession, chat: str) -> Sequence[Organisation]:
    """The organisations whose staff's group this chat is."""
    return (await session.scalars(select(Organisation).where(Organisation.chat == chat))).all()


async def chat_of(session: AsyncSession, desk: Organisation) -> str | None:
    """The group that a desk's cards go to: its own, else its street's; None when there is neither."""
    if desk.chat is not None or desk.level is not Level.POINT or desk.parent_id is None:
        return desk.chat
    above = await session.get_one(Organisation, desk.parent_id)
    return above.chat if above.level is Level.STREET else None


def today(tables: Tables) -> date:
    """The date in Shanghai."""
    return tables.clock.now().astimezone(SHANGHAI).date()


def there(staff: type[Staff], day: date) -> ColumnElement[bool]:
    """Staff, and not on leave that day."""
    away = and_(staff.away_from <= day, staff.away_until >= day)
    return and_(staff.left_at.is_(None), or_(staff.away_from.is_(None), ~away))


def present(day: date) -> ColumnElement[bool]:
    """Staff rows whose duty is done that day: by the account itself, or by its substitute."""
    other = aliased(Staff)
    stands_in = exists().where(other.account_id == Staff.substitute_id, there(other, day))
    return and_(Staff.left_at.is_(None), or_(there(Staff, day), stands_in))


def acts(account: Account, day: date) -> ColumnElement[bool]:
    """Staff rows for which the account acts that day: its own, or of one on leave in whose place it is."""
    herself = and_(Staff.account_id == account.id, there(Staff, day))
    return or_(herself, _stands_in(account, day))


async def staffed(session: AsyncSession, day: date) -> frozenset[str]:
    """Codes of the desks that can be handed a case: staff of their own are there, and a group, their
    own or their street's, to which the card goes."""
    above = aliased(Organisation)
    own = and_(Organisation.chat.is_not(None), Organisation.simulated.is_(False))
    shared = and_(
        Organisation.level == Level.POINT,
        Organisation.chat.is_(None),
        above.level == Level.STREET,
        above.chat.is_not(None),
        above.simulated.is_(False),
    )
    found = await session.scalars(
        select(Organisation.code)
        .outerjoin(above, above.id == Organisation.parent_id)
        .where(
            or_(own, shared),
            exists().where(Staff.organisation_id == Organisation.id, present(day)),
        )
    )
    return frozenset(found)


async def may_act(
    session: AsyncSession, tables: Tables, account: Account, desk: Organisation
) -> bool:
    """Whether the account may act for the desk today: as its staff, as staff of its street or office, or
    in the place of one who is on leave."""
    day = today(tables)
    return await _works_for(session, desk, acts(account, day))


async def holds(session: AsyncSession, tables: Tables, account: Account, case: Case) -> bool:
    """Whether the case is the account's to read and work on: it took it, and still belongs to the desk,
    on leave or not. In the demonstration whoever took it holds it."""
    if case.taker_id != account.id:
        return False
    desk = await session.get(Organisation, case.desk_id) if case.desk_id else None
    return tables.demo or (desk is not None and await serves(session, tables, account, desk))


async def serves(
    session: AsyncSession, tables: Tables, account: Account, desk: Organisation
) -> bool:
    """Whether the account belongs to the desk or to what is above it, on leave or not, or stands in for one
    on leave."""
    herself = and_(Staff.account_id == account.id, Staff.left_at.is_(None))
    return await _works_for(session, desk, or_(herself, _stands_in(account, today(tables))))


def _stands_in(account: Account, day: date) -> ColumnElement[bool]:
    return and_(
        Staff.substitute_id == account.id,
        Staff.left_at.is_(None),
        Staff.away_from <= day,
        Staff.away_until >= day,
    )


async def _works_for(session: AsyncSession, desk: Organisation, who: ColumnElement[bool]) -> bool:
    places = [desk.id]
    above = desk
    while above.parent_id is not None and above.parent_id not in places:
        above = await session.get_one(Organisation, above.parent_id)
        places.append(above.id)
    found = await session.scalar(
        select(Staff.id).where(Staff.organisation_id.in_(places), who).limit(1)
    )
    return found is not None


def area(tables: Tables, account: Account) -> Select[UUID]:
    """The desks that the account acts for today and every desk below them, as a query of their ids."""
    own = select(Staff.organisation_id).where(acts(account, today(tables)))
    return with_all_below(Organisation.id.in_(own))


def with_all_below(which: ColumnElement[bool]) -> Select[UUID]:
    """These desks and every desk below them, as a query of their ids."""
    below = select(Organisation.id).where(which).cte("below", recursive=True)
    below = below.union(select(Organisation.id).join(below, Organisation.parent_id == below.c.id))
    return select(below.c.id)


async def may_manage(
    session: AsyncSession, tables: Tables, account: Account, desk: Organisation
) -> bool:
    """Whether the account may invite and dismiss a desk's staff: an admin everywhere, a street's staff
    for the points of their street."""
    if account.is_admin:
        return True
    if desk.level is not Level.POINT or desk.parent_id is None:
        return False
    found = await session.scalar(
        select(Staff.id)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(
            Staff.account_id == account.id,
            Staff.organisation_id == desk.parent_id,
            Organisation.level == Level.STREET,
            there(Staff, today(tables)),
        )
        .limit(1)
    )
    return found is not None


async def duties(session: AsyncSession, account: Account) -> Sequence[tuple[Staff, Organisation]]:
    """The desks that an account is staff of, the higher first."""
    found = await session.execute(
        select(Staff, Organisation)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(Staff.account_id == account.id, Staff.left_at.is_(None))
        .order_by(Organisation.serial)
    )
    return [(staff, desk) for staff, desk in found]


def is_away(staff: Staff, day: date) -> bool:
    """Whether a leave of hers is not over that day, begun or not."""
    return staff.away_until is not None and staff.away_until >= day


def standing(
    tables: Tables, account: Account, duties: Sequence[tuple[Staff, Organisation]]
) -> frozenset[str]:
    """What holds of an account with these duties, as the rows of a menu ask for it (:mod:`bot.services.menus`)."""
    levels = {desk.level for _, desk in duties}
    away = any(is_away(staff, today(tables)) for staff, _ in duties)
    holds = {
        "staff": bool(duties),
        "here": bool(duties) and not away,
        "away": away,
        "point": Level.POINT in levels,
        "street": Level.STREET in levels,
        "officer": bool(levels & AUTHORITY),
        "above": bool(levels - {Level.POINT}),
        "manager": account.is_admin or Level.STREET in levels,
        "admin": account.is_admin,
    }
    return frozenset(name for name, true in holds.items() if true)


async def admins(session: AsyncSession) -> Sequence[Account]:
    """Every admin."""
    return (await session.scalars(select(Account).where(Account.is_admin))).all()


def can_be_asked(people: Iterable[Account], by: Account) -> list[Account]:
    """Of these, who may be the second person for ``by``: on the same channel, not shut off from the bot, and not
    ``by`` herself."""
    channel = by.address.partition(":")[0]
    return [
        one
        for one in people
        if one.id != by.id and not one.blocked and one.address.partition(":")[0] == channel
    ]
