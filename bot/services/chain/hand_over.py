"""Hand a filed case over (转交) to the desk that can act on it, or to the triage queue (待分派)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.facts.names import read_platforms
from bot.law.book import LawBook
from bot.ports import Button
from bot.route.decide import Dispute, Route, Where, asked_for, decide, load_policy
from bot.route.offer import line
from bot.route.register import Desk, Register
from bot.services import accounts
from bot.services.admin.live_law import law_now
from bot.services.chain import remind, robots
from bot.services.chain.lateness import standing
from bot.services.mediation import case_papers, fast_refund
from bot.services.sending import button, day_words, link, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind
from models.lifecycle import HANDED, OPEN, Action, CaseStatus, NotPossible, after
from models.network import AUTHORITY, Level, Organisation
from models.party import Account

SIMULATED_GROUP = 1_009_000_000_000
"""Simulated groups count downwards from here; the sandbox opens them when first written to."""

PLACED = frozenset({"committee", "street", "nearest"})
"""Routes that followed the merchant's place, so that its street is known."""

BANDS = (100_00, 500_00, 2_000_00, 10_000_00, 50_000_00, 200_000_00)
"""Upper bounds of the amount bands shown in a group, in fen."""


def dispute_of(case: Case, tables: Tables) -> Dispute:
    """What the route needs to know of the case."""
    answers: dict[str, Any] = case.answers or {}
    decision = case.decision or {}
    where = _where(answers.get("where", {}).get("v")) or Where("unknown")
    shop = str(answers.get("platform_shop", {}).get("v") or "")
    platform = next((span.platform for span in read_platforms(f"{shop} {where.text}")), None)
    return Dispute(
        object=case.object
        or answers.get("object", {}).get("v")
        or decision.get("object")
        or "other_consumer",
        fraud_kinds=tuple(decision.get("kinds", ())) if decision.get("fraud") else (),
        channel=str(decision.get("channel") or ""),
        nature=str(decision.get("nature") or ""),
        merchant=str(answers.get("merchant", {}).get("v") or ""),
        where=_published(where, shop, tables),
        platform=platform.name if platform is not None else "",
        seat=(platform.domicile or "") if platform is not None else "",
        kind=case.kind.value,
        home=_where(answers.get("home", {}).get("v")),
        at=tables.clock.now(),
    )


def _published(where: Where, shop: str, tables: Tables) -> Where:
    """Bought online: the place that the shop's page names, if it is one of ours (order 121 art. 13)."""
    if where.mode != "online" or where.street_code or where.committee_code:
        return where
    named = tables.gazetteer.find(shop, limit=2)
    if len({match.street_code for match in named}) != 1:
        return where
    return replace(where, street_code=named[0].street_code)


def _where(value: Any) -> Where | None:
    if not isinstance(value, dict):
        return None
    return Where(
        mode=value.get("mode") or "unknown",
        lat=value.get("lat"),
        lon=value.get("lon"),
        street_code=value.get("street") or "",
        committee_code=value.get("committee") or "",
        text=value.get("text") or "",
        chosen=bool(value.get("chosen")),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a case would go now, and what that was decided from."""

    route: Route
    dispute: Dispute
    register: Register
    law: LawBook

    def desks(self) -> tuple[Desk, ...]:
        """The desk that it would go to, then those that may be chosen instead."""
        codes = (self.route.desk_code, *self.route.others)
        return tuple(desk for code in codes if (desk := self.register.get(code)) is not None)

    def lines(self) -> list[Say]:
        """What is shown of each: how far, when open, what it is known for."""
        where = self.dispute.home if self.route.via == "home" else self.dispute.where
        where = where or Where("unknown")
        street = self.register.street_of(where.committee_code) or self.register.street_of(
            where.street_code
        )
        if street is None and where.pinned is None:
            street = self.register.street_of(self.route.desk_code)
        at = self.dispute.at
        if at is None:
            return []
        code = street.code if street else None
        return [line(desk, self.register, where.pinned, code, at) for desk in self.desks()]

    def venues(self) -> list[tuple[float, float, str, str]]:
        """The desks with a place of their own as the map shows them: WGS-84 degrees, name, address."""
        found = (self.venue(desk.code) for desk in self.desks())
        return [venue for venue in found if venue is not None]

    def venue(self, code: str | None) -> tuple[float, float, str, str] | None:
        """One desk as the map shows it, None when its own place is not known."""
        desk = self.register.get(code)
        if desk is None or not desk.placed or desk.lat is None or desk.lon is None:
            return None
        return desk.lat, desk.lon, desk.name, desk.address


async def planned(session: AsyncSession, tables: Tables, case: Case) -> Plan:
    """Where the case would go now, with what else may be chosen."""
    staffed = None if tables.demo else await accounts.staffed(session, accounts.today(tables))
    dispute = replace(dispute_of(case, tables), avoid=gave_back(case), full=await _full(session))
    register = tables.register
    if register.holds(staffed, dispute.object):
        register = register.with_staff(staffed)
    else:
        # Few points or a million: building indexes is nothing that others should wait for.
        register = await asyncio.to_thread(register.ready, staffed, dispute.object)
    law = await law_now(session)
    route = decide(dispute, register, law)
    if case.asked_code and case.asked_code not in dispute.avoid:
        route = asked_for(dispute, register, route, case.asked_code)
    return Plan(route, dispute, register, law)


def gave_back(case: Case) -> frozenset[str]:
    """Codes of the desks that sent it back, which never get it again by themselves."""
    return frozenset(
        str((event.details or {}).get("code") or "")
        for event in case.events
        if event.action is Action.SEND_BACK
    ) - {""}


async def _full(session: AsyncSession) -> frozenset[str]:
    """Codes of the points that hold as many open cases as one may."""
    many = (
        select(Case.desk_id)
        .where(Case.status.in_(OPEN), Case.desk_id.is_not(None))
        .group_by(Case.desk_id)
        .having(func.count() >= load_policy().open_cases)
    )
    found = await session.scalars(
        select(Organisation.code).where(
            Organisation.id.in_(many), Organisation.level == Level.POINT
        )
    )
    return frozenset(found)


async def hand_over(session: AsyncSession, tables: Tables, case: Case, account: Account) -> Plan:
    """Route a case in status filed; it ends waiting at a desk or in the triage queue."""
    plan = await planned(session, tables, case)
    route = plan.route
    note(tables, case, route)
    desk = await by_code(session, route.held_by) if route.held_by else None
    if desk is None:
        await _queue(session, tables, case, say("card.no_desk"))
    else:
        await give(session, tables, case, desk, by=account.id)
    return plan


async def again(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    by: Account,
    gave_up: Organisation | None = None,
) -> tuple[Route, Organisation | None]:
    """Route a case anew that nobody has taken: given back, relabelled, or another point was chosen.

    The desk that has it now, and None when it waits in triage. Its former group's card, that of the desk
    that holds it or of the one that ``gave_up``, says so.
    """
    route = (await planned(session, tables, case)).route
    held = await desk_of(session, case) or gave_up
    desk = await by_code(session, route.held_by) if route.held_by else None
    if desk is not None and held is desk:
        note(tables, case, route)
        await send_card(session, tables, case, desk, anew=False)
        return route, desk
    if held is not None:
        await take_away(session, tables, case, held, desk)
    note(tables, case, route)
    if desk is not None:
        await give(session, tables, case, desk, by=by.id)
    elif case.status is CaseStatus.WAITING:
        await _queue(session, tables, case, say("card.no_desk"))
    return route, desk


async def take_back(
    session: AsyncSession, tables: Tables, case: Case, by: Account, reason: Say
) -> Organisation | None:
    """Its desk gives the case up, and is returned; it is in triage until it goes on. Its group's card is
    still to be changed, by ``again`` or ``take_away``. Raises NotPossible."""
    desk = await desk_of(session, case)
    case.apply(
        Action.SEND_BACK,
        at=tables.clock.now(),
        by=by.id,
        details={
            "reason": reason.to_json(),
            "text": "",
            "who": by.name or "",
            "desk": desk.name if desk else "",
            "code": desk.code if desk else "",
        },
    )
    await leave_hands(session, tables, case)
    case.taker_id = None
    case.desk_id = None
    return desk


async def leave_hands(session: AsyncSession, tables: Tables, case: Case) -> None:
    """What its taker had begun ends with her: the clock of a fast refund, a payment that was not made."""
    await fast_refund.stop(session, tables, case)
    unpaid = await case_papers.drop_unpaid(session, case)
    if unpaid is not None:
        owner = await session.get_one(Account, case.account_id)
        told = say("told.advance_off", number=case.number or "", money=show_money(unpaid.fen))
        await tell(session, tables, owner.address, told, case=case)


async def take_away(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    held: Organisation,
    desk: Organisation | None,
) -> None:
    """The former group's card says where the case went, and has no buttons any more."""
    chat = await accounts.chat_of(session, held)
    if chat is None:
        return
    gone = (
        say("card.gone_to", number=case.number or "", desk=desk.name)
        if desk is not None
        else say("card.gone", number=case.number or "")
    )
    await tell(session, tables, chat, gone, case=case, slot=_slot(case), handover=True)


def note(tables: Tables, case: Case, route: Route) -> None:
    """Keep with the case where it was meant to go, in which role, and why."""
    case.meant_code = route.desk_code or ""
    if not case.street_code and route.via in PLACED:
        street = tables.register.street_of(route.desk_code)
        case.street_code = street.code if street is not None else ""
    case.role = route.role
    case.route = {
        "via": route.via,
        "because": [reason.to_json() for reason in route.because],
        "door": route.door.code if route.door is not None else "",
    }


async def assign(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    desk: Organisation,
    by: Account,
    reason: Say | None = None,
) -> None:
    """A queued or waiting case goes to a desk: by an admin, or for a ``reason``. The consumer is told.

    Raises NotPossible.
    """
    await give(session, tables, case, desk, by=by.id)
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.moved_on", number=case.number or "", desk=desk.name, reason=reason)
        if reason is not None
        else say("told.assigned", number=case.number or "", desk=desk.name),
        case=case,
    )


async def requeue(session: AsyncSession, tables: Tables, case: Case, reason: Say) -> None:
    """Take a waiting case back into the triage queue, since its desk can't be reached."""
    if case.status is CaseStatus.WAITING:
        await _queue(session, tables, case, reason)


async def requeue_all(
    session: AsyncSession, tables: Tables, desk: Organisation, reason: Say
) -> None:
    """Every case that waits at a desk without a group goes back: nobody there could take it."""
    waiting = await session.scalars(
        select(Case).where(Case.desk_id == desk.id, Case.status == CaseStatus.WAITING)
    )
    for case in waiting.all():
        await _queue(session, tables, case, reason)


def fits(case: Case, desk: Organisation) -> bool:
    """Whether the desk may have the case at all: a clue is for the market authority alone, so that no point
    learns who reports (order 121 art. 37)."""
    return case.kind is not CaseKind.CLUE or desk.level in AUTHORITY


async def can_hold(session: AsyncSession, tables: Tables, desk: Organisation) -> bool:
    """Whether a case may lie at the desk now: its staff are there, and a group for its card."""
    if tables.demo:
        return True
    return desk.code in await accounts.staffed(session, accounts.today(tables))


async def move_on(
    session: AsyncSession, tables: Tables, desk: Organisation, reason: Say, by: Account
) -> None:
    """What waits at a desk without staff goes to its street's, or back to be assigned."""
    if await can_hold(session, tables, desk):
        return
    street = await _street_above(session, tables, desk)
    waiting = await session.scalars(
        select(Case).where(Case.desk_id == desk.id, Case.status == CaseStatus.WAITING)
    )
    for case in waiting.all():
        if street is None:
            await _queue(session, tables, case, reason)
        else:
            await assign(session, tables, case, street, by=by, reason=reason)


async def _street_above(
    session: AsyncSession, tables: Tables, desk: Organisation
) -> Organisation | None:
    """A point's street, when that can hold a case."""
    above = await session.get(Organisation, desk.parent_id) if desk.parent_id else None
    if above is None or above.level is not Level.STREET:
        return None
    return above if await can_hold(session, tables, above) else None


async def put_back(
    session: AsyncSession, tables: Tables, case: Case, reason: Say, by: Account
) -> None:
    """Its taker is gone for good: it lies at the desk again, else at its street, else in triage."""
    desk = await desk_of(session, case)
    case.apply(
        Action.SEND_BACK,
        at=tables.clock.now(),
        by=by.id,
        details={"reason": reason.to_json(), "text": "", "desk": desk.name if desk else ""},
    )
    await leave_hands(session, tables, case)
    case.taker_id = None
    holder = desk if desk is not None and await can_hold(session, tables, desk) else None
    if holder is None and desk is not None:
        holder = await _street_above(session, tables, desk)
    if holder is not None:
        await assign(session, tables, case, holder, by=by, reason=reason)
        return
    case.desk_id = None
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.queued_again", number=case.number or "", reason=reason),
        case=case,
    )
    await call_for_triage(session, tables, case, reason)


async def above(session: AsyncSession, tables: Tables, case: Case) -> Organisation | None:
    """Who is next when nobody takes a waiting case: the desk's substitute, its street, the office, the
    bureau; the first whose staff are there and have not given the case back. None after the bureau."""
    held = await desk_of(session, case)
    # What a substitute lets lie goes to the street of the desk that it stands in for.
    handed = [event for event in case.events if event.action is Action.HAND_OVER]
    stood_in = (handed[-1].details or {}).get("for") if handed else None
    held = await by_code(session, stood_in) if stood_in else held
    back = gave_back(case)
    if not stood_in and (code := _substitute(tables, held)):
        other = await by_code(session, code)
        if other is not None and other.code not in back and await can_hold(session, tables, other):
            return other
    while held is not None and held.parent_id is not None:
        held = await session.get_one(Organisation, held.parent_id)
        if held.code not in back and await can_hold(session, tables, held):
            return held
    return None


def _substitute(tables: Tables, desk: Organisation | None) -> str:
    """The code of the desk that stands in for it, "" for none."""
    known = tables.register.get(desk.code) if desk is not None else None
    return known.substitute if known is not None else ""


async def go_up(
    session: AsyncSession, tables: Tables, case: Case, desk: Organisation | None, reason: Say
) -> None:
    """Nobody took a waiting case in time: to the desk above, or into the triage queue."""
    held = await desk_of(session, case)
    if held is not None:
        await take_away(session, tables, case, held, desk)
    if desk is None:
        await _queue(session, tables, case, reason)
        return
    stands_in = desk.code == _substitute(tables, held)
    details = {"for": held.code} if held is not None and stands_in else {}
    await give(session, tables, case, desk, details=details)


async def pass_on(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    desk: Organisation,
    *,
    by: uuid.UUID,
    action: Action,
    details: dict[str, Any],
) -> None:
    """A case goes up or down the chain by somebody's act; its former group's card says so, the caller tells
    the rest. Raises NotPossible."""
    after(case.status, action)
    held = await desk_of(session, case)
    if held is not None:
        await take_away(session, tables, case, held, desk)
    await give(session, tables, case, desk, by=by, action=action, details=details)


async def give(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    desk: Organisation,
    *,
    by: uuid.UUID | None = None,
    action: Action = Action.HAND_OVER,
    details: Mapping[str, Any] | None = None,
) -> None:
    """A desk has the case from now on; nobody there has taken it yet. ``action`` is one of ``HANDED``.
    Raises NotPossible, for a desk that must not have it too."""
    if not fits(case, desk):
        raise NotPossible(case.status, action)
    owner = await session.get_one(Account, case.account_id)
    if tables.demo:
        # Who has no chat of her own was entered by staff: the group is where they are.
        actor = await session.get_one(Account, by) if by is not None else owner
        _simulate(desk, actor.address.partition(":")[0])
    case.apply(
        action,
        at=tables.clock.now(),
        by=by,
        details={**(details or {}), "desk": desk.name, "code": desk.code},
    )
    case.desk_id = desk.id
    case.taker_id = None
    await send_card(session, tables, case, desk)
    await remind.plan(session, tables, case)


def _simulate(desk: Organisation, channel: str) -> None:
    """Bind a simulated group of the consumer's own channel: sandbox and terminal only."""
    if desk.chat is None or desk.simulated:
        desk.simulated = True
        desk.chat = (
            f"tg:-{SIMULATED_GROUP + desk.serial}"
            if channel == "tg"
            else f"{channel}:staff:{desk.code}"
        )


async def _queue(session: AsyncSession, tables: Tables, case: Case, reason: Say) -> None:
    case.apply(Action.QUEUE, at=tables.clock.now(), details={"reason": reason.to_json()})
    case.desk_id = None
    await call_for_triage(session, tables, case, reason)


async def call_for_triage(session: AsyncSession, tables: Tables, case: Case, reason: Say) -> None:
    """The admins hear that somebody has to find a desk for it, and hear it again until it is done."""
    await remind.plan(session, tables, case)
    await tell_admins(
        session,
        tables,
        case,
        say("triage.new", number=case.number or "", reason=reason),
        buttons=[[button("button.triage", "mt", case)]],
    )


async def tell_admins(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    *parts: Say,
    buttons: Iterable[Iterable[Button]] = (),
) -> None:
    """The same message to every admin."""
    for admin in await accounts.admins(session):
        await tell(
            session,
            tables,
            admin.address,
            *parts,
            case=case,
            buttons=[list(row) for row in buttons],
            handover=True,
        )


async def by_code(session: AsyncSession, code: str) -> Organisation | None:
    """A member of the network by its code."""
    found: Organisation | None = await session.scalar(
        select(Organisation).where(Organisation.code == code)
    )
    return found


async def desk_of(session: AsyncSession, case: Case) -> Organisation | None:
    """The desk that holds the case."""
    return await session.get(Organisation, case.desk_id) if case.desk_id else None


async def send_card(
    session: AsyncSession, tables: Tables, case: Case, desk: Organisation, *, anew: bool = True
) -> None:
    """The group's card: number, kind, street, amount band, clock; nothing of the person's.

    Without a group nothing is sent. ``anew`` puts a new card into the group; otherwise the last one is edited in place. Each
    hand-over and reopening has a card of its own, since nobody sees an edit far up in the chat.
    """
    if anew:
        key = f"new:{case.token}:{case.version}"
        await robots.forward(session, tables, "new", case, desk, key)
    chat = await accounts.chat_of(session, desk)
    if chat is None:
        return
    case.version += 1
    await tell(
        session,
        tables,
        chat,
        *await card(session, tables, case, desk),
        case=case,
        buttons=_card_buttons(tables, case),
        slot=_slot(case),
        key=f"card:{case.token}:{case.version}" if anew else None,
        handover=True,
    )


async def refresh_card(session: AsyncSession, tables: Tables, case: Case) -> None:
    """Bring the card in the group of the desk that holds the case up to date, in its place."""
    desk = await desk_of(session, case)
    if desk is not None:
        await send_card(session, tables, case, desk, anew=False)


def _slot(case: Case) -> str:
    """The message of this hand-over: each has a card of its own."""
    rounds = sum(event.action in HANDED for event in case.events)
    return f"card:{case.token}:{rounds}"


async def card(
    session: AsyncSession, tables: Tables, case: Case, desk: Organisation
) -> tuple[Say, ...]:
    """The paragraphs of the group's card."""
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    state = say(f"status.{case.status}")
    meant = await by_code(session, case.meant_code) if case.meant_code else None
    again = any(event.action is Action.REOPEN for event in case.events)
    parts = [
        say("card.demo") if tables.demo else None,
        say(
            "card.head",
            number=case.number or "",
            kind=say(f"kind.{case.kind}"),
            object=say(f"object.{case.object}"),
            street=street_name(tables, case),
            band=band(case.amount_fen),
            filed=clock_words(case),
        ),
        say("card.meant", name=desk.name)
        if meant is None or meant is desk or await can_hold(session, tables, meant)
        else say("card.meant_other", desk=desk.name, name=meant.name),
        say(f"card.role_{case.part}"),
        _order(case) or _clock(tables, case, desk),
        say("card.again") if again else None,
        say("card.taken", who=taker.name or "", state=state)
        if taker is not None
        else say("card.state", state=state),
    ]
    return tuple(part for part in parts if part is not None)


def _order(case: Case) -> Say | None:
    """Who gave it down the chain, and until when it is to be answered."""
    handed = [event for event in case.events if event.action in HANDED]
    if not handed or handed[-1].action is not Action.DELEGATE:
        return None
    details = handed[-1].details or {}
    due = date.fromisoformat(str(details["due"]))
    return say("card.delegated", office=details.get("office", ""), day=day_words(due))


def _clock(tables: Tables, case: Case, desk: Organisation) -> Say | None:
    """What its desk has promised, as a moment that stays true however old the card is."""
    stands = standing(case, tables.policy, tables.register.get(desk.code))
    if stands.paused:
        return say("card.paused")
    if stands.due is None:
        return None
    due = moment_words(stands.due)
    return say("card.take_by" if case.status is CaseStatus.WAITING else "card.end_by", due=due)


def _card_buttons(tables: Tables, case: Case) -> list[list[Button]]:
    if case.status is CaseStatus.WAITING:
        return [[button("button.take", "st", case)], [button("button.return", "sr", case)]]
    if case.taker_id is not None and case.status in OPEN and tables.bot_name:
        return [[link("button.open_private", tables.link(f"case_{case.token}"))]]
    return []


def street_name(tables: Tables, case: Case) -> str | Say:
    """The street's name, or why there is none."""
    if case.street_code:
        return _name_of(tables, case.street_code)
    where = (case.answers or {}).get("where", {}).get("v") or {}
    mode = where.get("mode") if where.get("mode") in ("online", "none") else "unknown"
    return say(f"card.street_{mode}")


def _name_of(tables: Tables, code: str) -> str:
    desk = tables.register.get(code)
    return desk.name if desk is not None else code


def band(fen: int | None) -> Say:
    """An amount as a band, for the group."""
    if fen is None:
        return say("band.unknown")
    low = 0
    for high in BANDS:
        if fen < high:
            return say("band.between", low=low // 100, high=high // 100)
        low = high
    return say("band.over", low=low // 100)


def clock_words(case: Case) -> str:
    """When it was filed, in Shanghai."""
    return moment_words(case.filed_at or case.created_at)


def moment_words(at: datetime) -> str:
    """A moment as the clock in Shanghai shows it, without the year."""
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")
