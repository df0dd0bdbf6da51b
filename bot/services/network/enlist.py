"""Become staff (成为工作人员) in the one way there is: a single-use invitation that the inviter approves.

Street staff invite for the points of their street, admins for every desk (``accounts.may_manage``).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Press
from bot.services import accounts, menus
from bot.services.chain import hand_over
from bot.services.network import poster
from bot.services.network.bind_desk import PER_PAGE, by_serial, find, number, stamp
from bot.services.privacy import audit
from bot.services.sending import Answer, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import TAKEN
from models.network import Invitation, InvitationState, Level, Organisation, Staff
from models.party import Account
from models.privacy import Act

VERB = "j"
START = "join_"
"""What a deep link's payload begins with."""

S = InvitationState
PENDING = (S.OPEN, S.CLAIMED)
SHOWN = 10
"""Staff and invitations with buttons of their own on a desk's page."""


async def home(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """What a staff member does about herself and her colleagues; anyone else is told the way in."""
    account.awaiting = None
    duties = await accounts.duties(session, account)
    holds = accounts.standing(tables, account, duties)
    if not holds & {"staff", "manager"}:
        await answer(say("staff.not_yet"), buttons=[[button("button.menu", "go", value="menu")]])
        return
    away = [staff for staff, _ in duties if accounts.is_away(staff, accounts.today(tables))]
    points = [desk for _, desk in duties[:SHOWN] if desk.level is Level.POINT]
    about_desks = [[_poster(desk)] for desk in points]
    about_desks += [
        [button(say("rating.button.own", name=desk.name), "sir", value=str(desk.serial))]
        for desk in points
    ]
    about_desks += [
        [
            button(
                say("staff.button.quit", name=desk.name), VERB, question="quit", value=staff.id.hex
            )
        ]
        for staff, desk in duties[:SHOWN]
    ]
    await answer(
        say("staff.duties", names=[desk.name for _, desk in duties]) if duties else None,
        say("staff.away", **_span(away[0])) if away else None,
        say("staff.manage") if "manager" in holds else None,
        buttons=[*menus.rows(menus.STAFF, holds), *about_desks],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """A button about staff; the right to press it is looked up anew each time."""
    account.awaiting = None
    match press.question:
        case "list":
            return await _list(session, tables, account, answer, press)
        case "yes" | "no":
            return await _decide(session, tables, press, account, answer)
        case "void":
            return await _revoke(session, tables, press, account, answer)
        case "quit" | "out" | "gone":
            return await _leave(session, tables, press, account, answer)
        case "poster":
            desk = await by_serial(session, press.value)
            if desk is None:
                return say("toast.stale")
            return await poster.order(session, tables, account, answer, desk)
        case "desk" | "new":
            desk = await by_serial(session, press.value)
            if desk is None or not await accounts.may_manage(session, tables, account, desk):
                return say("toast.not_yours_to_manage")
            if press.question == "new":
                await _offer(session, tables, desk, account, answer)
            else:
                await _desk(session, tables, desk, answer)
            return None
    await home(session, tables, account, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """The name of a desk whose staff are to be seen."""
    found = [
        desk
        for desk in await find(session, tables, text)
        if await accounts.may_manage(session, tables, account, desk)
    ]
    rows = [[_to_desk(desk)] for desk in found]
    await answer(
        say("bind.matches") if found else say("staff.no_match"),
        buttons=[*rows, [button("staff.button.home", VERB)]],
    )


async def invite(
    session: AsyncSession, tables: Tables, desk: Organisation, by: Account | None, label: str = ""
) -> tuple[str, Invitation]:
    """A new invitation and its token (128 random bits), which is told once and never kept."""
    token = secrets.token_urlsafe(16)
    now = tables.clock.now()
    row = Invitation(
        token_hash=_digest(token),
        organisation_id=desk.id,
        by_id=by.id if by is not None else None,
        state=S.OPEN,
        made_at=now,
        until=now + timedelta(days=tables.policy.invitation_days),
    )
    row.label = label or None
    session.add(row)
    await session.flush()
    return token, row


async def claim(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, token: str
) -> None:
    """Somebody opened an invitation: the inviter is asked whether this is the right person."""
    row = await session.scalar(
        select(Invitation).where(Invitation.token_hash == _digest(token)).with_for_update()
    )
    desk = await session.get(Organisation, row.organisation_id) if row is not None else None
    if row is None or desk is None:
        await answer(say("staff.link_wrong"))
        return
    if row.state is S.CLAIMED and row.account_id == account.id:
        await answer(say("staff.claimed", name=desk.name))
    elif row.state is S.REVOKED:
        await answer(say("staff.link_revoked", name=desk.name))
    elif row.state is not S.OPEN:
        await answer(say("staff.link_used", name=desk.name))
    elif tables.clock.now() > row.until:
        await answer(say("staff.link_expired", name=desk.name, days=tables.policy.invitation_days))
    elif await _works_at(session, account, desk):
        await answer(say("staff.already", name=desk.name))
    else:
        row.state, row.account_id = S.CLAIMED, account.id
        await answer(say("staff.claimed", name=desk.name))
        for judge in await _judges(session, tables, row, desk):
            await tell(
                session,
                tables,
                judge.address,
                say(
                    "staff.asks",
                    who=account.name or "",
                    account=account.address.partition(":")[2],
                    name=desk.name,
                    label=row.label or say("staff.no_label"),
                ),
                buttons=[
                    [button("staff.button.yes", VERB, question="yes", value=row.id.hex)],
                    [button("staff.button.no", VERB, question="no", value=row.id.hex)],
                ],
            )


async def _judges(
    session: AsyncSession, tables: Tables, row: Invitation, desk: Organisation
) -> Sequence[Account]:
    """Who is asked: the inviter while she may still manage the desk, else every admin."""
    inviter = await session.get(Account, row.by_id) if row.by_id is not None else None
    if inviter is not None and await accounts.may_manage(session, tables, inviter, desk):
        return [inviter]
    return await accounts.admins(session)


async def _decide(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    row = await _invitation(session, press.value)
    desk = await session.get(Organisation, row.organisation_id) if row is not None else None
    if row is None or desk is None:
        return say("toast.stale")
    mine = row.by_id == account.id and await accounts.may_manage(session, tables, account, desk)
    if not mine and not account.is_admin:
        return say("toast.not_yours_to_manage")
    who = await session.get(Account, row.account_id) if row.account_id is not None else None
    if row.state is not S.CLAIMED or who is None:
        return say("staff.decided")
    if press.question == "no":
        row.state = S.REFUSED
        await answer(say("staff.refused", who=who.name or "", name=desk.name), buttons=_again(desk))
        await tell(session, tables, who.address, say("staff.told_refused", name=desk.name))
        return None
    row.state = S.APPROVED
    if not await _works_at(session, who, desk):
        session.add(Staff(account_id=who.id, organisation_id=desk.id, joined_at=tables.clock.now()))
        await session.flush()
        await audit.record(session, tables.clock.now(), Act.STAFF_IN, account, who, desk=desk.code)
    chat = await accounts.chat_of(session, desk)
    bind = button("bind.button.bind", "mb", question="desk", value=str(desk.serial))
    await answer(
        say("staff.approved", who=who.name or "", name=desk.name),
        say("staff.no_group", name=desk.name) if chat is None else None,
        buttons=[[bind], *_again(desk)] if chat is None and account.is_admin else _again(desk),
    )
    await tell(
        session,
        tables,
        who.address,
        say("staff.told_approved", name=desk.name),
        say("staff.how") if chat is not None else say("staff.how_later"),
        buttons=[[button("staff.button.home", VERB)]],
    )
    return None


async def _revoke(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    row = await _invitation(session, press.value)
    desk = await session.get(Organisation, row.organisation_id) if row is not None else None
    if row is None or desk is None:
        return say("toast.stale")
    if not await accounts.may_manage(session, tables, account, desk):
        return say("toast.not_yours_to_manage")
    if row.state not in PENDING:
        return say("staff.decided")
    who = await session.get(Account, row.account_id) if row.account_id is not None else None
    if who is not None:
        await tell(session, tables, who.address, say("staff.told_refused", name=desk.name))
    row.state = S.REVOKED
    await _desk(session, tables, desk, answer)
    return say("staff.revoked")


async def _leave(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """``quit`` and ``out`` ask first, ``gone`` does it: she leaves by herself, or is dismissed."""
    staff = await session.get(Staff, UUID(press.value)) if _is_hex(press.value) else None
    desk = await session.get(Organisation, staff.organisation_id) if staff is not None else None
    if staff is None or desk is None or staff.left_at is not None:
        return say("toast.stale")
    herself = staff.account_id == account.id
    if not herself and not await accounts.may_manage(session, tables, account, desk):
        return say("toast.not_yours_to_manage")
    who = await session.get_one(Account, staff.account_id)
    if press.question != "gone":
        await answer(
            say("staff.quit_sure", name=desk.name)
            if herself
            else say("staff.out_sure", who=who.name or "", name=desk.name),
            buttons=[
                [button("staff.button.gone", VERB, question="gone", value=staff.id.hex)],
                [button("staff.button.stay", VERB)],
            ],
        )
        return None
    await dismiss(session, tables, staff, desk, by=account)
    if herself:
        await answer(say("staff.told_out", name=desk.name))
    else:
        await answer(say("staff.out", who=who.name or "", name=desk.name), buttons=_again(desk))
        await tell(session, tables, who.address, say("staff.told_out", name=desk.name))
    return None


async def dismiss(
    session: AsyncSession, tables: Tables, staff: Staff, desk: Organisation, by: Account
) -> None:
    """End a duty: what she had taken by it, at the desk or below, lies at its desk again, and nothing is
    left to her."""
    staff.left_at = tables.clock.now()
    about = f"account:{staff.account_id}"
    await audit.record(session, tables.clock.now(), Act.STAFF_OUT, by, about, desk=desk.code)
    reason = say("staff.left_reason", name=desk.name)
    taken = await session.scalars(
        select(Case).where(
            Case.taker_id == staff.account_id,
            Case.status.in_(TAKEN),
        )
    )
    who = await session.get_one(Account, staff.account_id)
    for case in taken.all():
        if case.desk_id == desk.id or not await accounts.holds(session, tables, who, case):
            await hand_over.put_back(session, tables, case, reason, by)
    if not await accounts.duties(session, who):
        await session.execute(
            update(Staff).where(Staff.substitute_id == who.id).values(substitute_id=None)
        )
    await hand_over.move_on(session, tables, desk, reason, by)


async def _list(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """The desks whose staff she manages: an admin's streets, a street's points; a name may be typed."""
    wanted = select(Organisation).order_by(Organisation.serial)
    if account.is_admin:
        wanted = wanted.where(Organisation.level == Level.STREET)
    else:
        streets = [
            desk.id
            for _, desk in await accounts.duties(session, account)
            if desk.level is Level.STREET
        ]
        if not streets:
            return say("toast.not_yours_to_manage")
        wanted = wanted.where(
            Organisation.parent_id.in_(streets), Organisation.level == Level.POINT
        )
    page, opened = number(press.value), press.version or stamp(tables)
    account.awaiting = {"verb": VERB}
    desks = (await session.scalars(wanted.offset(page * PER_PAGE).limit(PER_PAGE + 1))).all()
    shown = desks[:PER_PAGE]
    rows = [[_to_desk(desk) for desk in shown[i : i + 2]] for i in range(0, len(shown), 2)]
    turns = []
    if page > 0:
        turns.append(_page("bind.button.back", page - 1, opened))
    if len(desks) > PER_PAGE:
        turns.append(_page("bind.button.more", page + 1, opened))
    await answer(
        say("staff.choose"),
        buttons=[*rows, *([turns] if turns else []), [button("staff.button.home", VERB)]],
        slot=f"{VERB}:{opened}",
    )
    return None


async def _desk(session: AsyncSession, tables: Tables, desk: Organisation, answer: Answer) -> None:
    """Who works there, and who is invited."""
    day = accounts.today(tables)
    found = await session.execute(
        select(Staff, Account)
        .join(Account, Account.id == Staff.account_id)
        .where(Staff.organisation_id == desk.id, Staff.left_at.is_(None))
        .order_by(Staff.joined_at)
    )
    people = [(staff, who) for staff, who in found]
    pending = (
        await session.scalars(
            select(Invitation)
            .where(
                Invitation.organisation_id == desk.id,
                Invitation.state.in_(PENDING),
                Invitation.until > tables.clock.now(),
            )
            .order_by(Invitation.made_at)
        )
    ).all()
    lines = [
        say("staff.line_away", who=who.name or "", **_span(staff))
        if staff.away_until is not None and staff.away_until >= day
        else say("staff.line", who=who.name or "")
        for staff, who in people
    ]
    rows = [[button("staff.button.new", VERB, question="new", value=str(desk.serial))]]
    rows += [
        [
            button(
                say("staff.button.out", who=who.name or ""),
                VERB,
                question="out",
                value=staff.id.hex,
            )
        ]
        for staff, who in people[:SHOWN]
    ]
    rows += [
        [
            button(
                say("staff.button.void", label=_label(row)), VERB, question="void", value=row.id.hex
            )
        ]
        for row in pending[:SHOWN]
    ]
    await answer(
        say("staff.desk", name=desk.name, lines=lines)
        if lines
        else say("staff.nobody", name=desk.name),
        say("staff.pending", lines=[_pending(row) for row in pending]) if pending else None,
        buttons=[
            *rows,
            *([[_poster(desk)]] if desk.level is Level.POINT else []),
            [button("staff.button.home", VERB)],
        ],
    )


async def _offer(
    session: AsyncSession, tables: Tables, desk: Organisation, account: Account, answer: Answer
) -> None:
    token, row = await invite(session, tables, desk, account)
    await answer(
        say(
            "staff.link",
            name=desk.name,
            link=tables.link(f"{START}{token}"),
            days=tables.policy.invitation_days,
            **_day(row),
        ),
        buttons=[
            [button("staff.button.void_it", VERB, question="void", value=row.id.hex)],
            *_again(desk),
        ],
    )


async def _invitation(session: AsyncSession, value: str) -> Invitation | None:
    if not _is_hex(value):
        return None
    found: Invitation | None = await session.scalar(
        select(Invitation).where(Invitation.id == UUID(value)).with_for_update()
    )
    return found


async def _works_at(session: AsyncSession, account: Account, desk: Organisation) -> bool:
    return any(found.id == desk.id for _, found in await accounts.duties(session, account))


def _is_hex(value: str) -> bool:
    return len(value) == 32 and all(char in "0123456789abcdef" for char in value)


def _label(row: Invitation) -> str | Say:
    return row.label or say("staff.until_day", **_day(row))


def _pending(row: Invitation) -> Say:
    key = "staff.line_claimed" if row.state is S.CLAIMED else "staff.line_open"
    return say(key, label=row.label or say("staff.no_label"), **_day(row))


def _day(row: Invitation) -> dict[str, int]:
    local = row.until.astimezone(SHANGHAI)
    return {"month": local.month, "day": local.day}


def _span(staff: Staff) -> dict[str, int]:
    first, last = staff.away_from, staff.away_until
    if first is None or last is None:
        raise ValueError("not on leave")
    return {"m1": first.month, "d1": first.day, "m2": last.month, "d2": last.day}


def _again(desk: Organisation) -> list[list[Button]]:
    return [[button("staff.button.desk", VERB, question="desk", value=str(desk.serial))]]


def _to_desk(desk: Organisation) -> Button:
    return Button(
        say("bind.desk_plain", name=desk.name), Press(VERB, "", "desk", 0, str(desk.serial))
    )


def _poster(desk: Organisation) -> Button:
    label = say("staff.button.poster", name=desk.name)
    return button(label, VERB, question="poster", value=str(desk.serial))


def _page(key: str, page: int, opened: int) -> Button:
    return button(key, VERB, question="list", value=str(page), version=opened)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
