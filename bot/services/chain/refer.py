"""The way up and down the chain of three (三方联动): a taker hands a case up to the market authority (移送), with the
consumer's consent; an officer gives one to a point with a date (交办), which answers or returns.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.deadlines import working_days_after
from bot.ports import Button, Press
from bot.services import accounts
from bot.services.admin.live_law import law_now
from bot.services.chain import authority, hand_over, packet
from bot.services.consumer import joint
from bot.services.mediation import documents
from bot.services.queue.timers import arm
from bot.services.sending import Answer, button, day_words, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind, Event
from models.delivery import Timer, TimerState
from models.lifecycle import HANDED, OPEN, Action, after, allowed
from models.network import AUTHORITY, Level, Organisation
from models.party import Account

UP, DOWN = "su", "sud"
TIMER = "delegation"
CONSENT = "tg"
"""The consumer's word on a hand-over upwards."""

DAYS = (3, 5, 10)
"""Working days that an officer may give a point."""


def may_go_up(case: Case) -> bool:
    """Whether its taker may ask for it to go up: a complaint that no officer has."""
    return (
        case.kind is CaseKind.COMPLAINT
        and Action.REFER in allowed(case.status)
        and not authority.received(case)
        and delegated(case) is None
    )


def may_go_down(case: Case) -> bool:
    """Whether its officer may give it to a point; a clue never (order 121 art. 37)."""
    return authority.received(case) and case.kind is not CaseKind.CLUE


def proposed(case: Case) -> Event | None:
    """The proposal that the consumer has not answered yet."""
    for event in reversed(case.events):
        if event.action is Action.PROPOSE:
            return event
        if event.action in HANDED | {Action.DECLINE, Action.SEND_BACK, Action.TAKE}:
            return None
    return None


async def authority_above(session: AsyncSession, tables: Tables, case: Case) -> Organisation | None:
    """The office over the desk that has the case, else the bureau, when its staff are there."""
    desk = await hand_over.desk_of(session, case)
    while desk is not None and desk.parent_id is not None:
        desk = await session.get_one(Organisation, desk.parent_id)
        if desk.level in AUTHORITY and await hand_over.can_hold(session, tables, desk):
            return desk
    return None


async def up_pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
) -> Say | None:
    """One tap of the taker's: the consumer is asked, and with her yes it goes. Where the authority is not
    here yet, the packet comes as files to be handed in elsewhere. Raises NotPossible.
    """
    after(case.status, Action.REFER)
    if not may_go_up(case):
        return say("toast.stale")
    number = case.number or ""
    target = await authority_above(session, tables, case)
    if target is None:
        law = await law_now(session)
        paper = packet.compose(tables, case, law, await joint.size(session, case))
        told = say("refer.nobody", number=number)
        await documents.order(session, tables, case, paper, to=account.address, told=told)
        return say("refer.paper_coming")
    if proposed(case) is not None:
        await answer(say("refer.asked_already", number=number))
        return None
    case.apply(
        Action.PROPOSE,
        at=tables.clock.now(),
        by=account.id,
        details={"who": account.name or "", "desk": target.name, "code": target.code},
    )
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("refer.ask", number=number, who=account.name or "", desk=target.name),
        say("refer.ask_what"),
        case=case,
        buttons=[
            [button("refer.button.yes", CONSENT, case, "yes")],
            [button("refer.button.no", CONSENT, case, "no")],
        ],
    )
    await answer(say("refer.asked", number=number, desk=target.name))
    return None


async def consented(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """The consumer's word. An old button, or one after the case went on, changes nothing."""
    asked = proposed(case)
    if asked is None or Action.REFER not in allowed(case.status):
        return say("toast.stale")
    number = case.number or ""
    desk = await hand_over.desk_of(session, case)
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if press.question != "yes":
        case.apply(Action.DECLINE, at=tables.clock.now(), by=account.id)
        await answer(say("refer.declined", number=number, desk=desk.name if desk else ""))
        if taker is not None:
            await tell(session, tables, taker.address, say("refer.told_no", number=number))
        return None
    target = await authority_above(session, tables, case)
    if target is None:
        await answer(say("refer.gone", number=number))
        return None
    await hand_over.pass_on(
        session,
        tables,
        case,
        target,
        by=account.id,
        action=Action.REFER,
        details={"who": (asked.details or {}).get("who", "")},
    )
    await answer(
        say("refer.done", number=number, desk=target.name),
        buttons=[[button("button.progress", "tp", case)]],
    )
    if taker is not None:
        told = say("refer.told_yes", number=number, desk=target.name)
        await tell(session, tables, taker.address, told)
    return None


def delegated(case: Case) -> Event | None:
    """The officer's order that a point has the case under, None when there is none."""
    for event in reversed(case.events):
        if event.action is Action.DELEGATE:
            return event
        if event.action in {Action.RECEIVE, Action.REFER, Action.QUEUE, Action.REOPEN}:
            return None
    return None


async def down_pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """An officer's button: to which desk, by when. A clue never goes down. Raises NotPossible."""
    after(case.status, Action.DELEGATE)
    if not may_go_down(case):
        return say("toast.stale")
    held = await hand_over.desk_of(session, case)
    if held is None or not (tables.demo or await accounts.may_act(session, tables, account, held)):
        return say("toast.not_staff")
    number = case.number or ""
    chosen = await hand_over.by_code(session, press.question) if press.question else None
    if chosen is None or chosen.level in AUTHORITY:
        rows = [
            [button(say("refer.button.to", desk=desk.name), DOWN, case, desk.code)]
            for desk in await _below(session, tables, case)
        ]
        await answer(
            say("refer.to_whom", number=number) if rows else say("refer.no_one_below"),
            buttons=[*rows, [button("button.never_mind", "sx", case)]],
        )
        return None
    if not await hand_over.can_hold(session, tables, chosen):
        return say("triage.unstaffed_toast")
    if press.value not in {str(days) for days in DAYS}:
        await answer(
            say("refer.until_when", number=number, desk=chosen.name),
            buttons=[
                *[[_until(tables, case, chosen, days)] for days in DAYS],
                [button("button.never_mind", "sx", case)],
            ],
        )
        return None
    due = working_days_after(accounts.today(tables), int(press.value))
    await hand_over.pass_on(
        session,
        tables,
        case,
        chosen,
        by=account.id,
        action=Action.DELEGATE,
        details={"due": due.isoformat(), "from": held.code, "office": held.name},
    )
    order = case.events[-1]
    at = datetime.combine(due, tables.policy.office_until, SHANGHAI)
    await arm(session, case.id, TIMER, at, generation=order.seq)
    await answer(say("refer.given", number=number, desk=chosen.name, day=day_words(due)))
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say(
            "refer.told_down", number=number, desk=chosen.name, office=held.name, day=day_words(due)
        ),
        case=case,
        buttons=[[button("button.progress", "tp", case)]],
    )
    return None


def _until(tables: Tables, case: Case, desk: Organisation, days: int) -> Button:
    due = working_days_after(accounts.today(tables), days)
    return button(
        say("refer.button.until", day=day_words(due), days=days), DOWN, case, desk.code, str(days)
    )


async def _below(session: AsyncSession, tables: Tables, case: Case) -> list[Organisation]:
    """The desks that had it or that it was meant for, and its street."""
    codes = [
        *((event.details or {}).get("code") for event in case.events if event.action in HANDED),
        case.meant_code,
        case.street_code,
    ]
    found = []
    for code in dict.fromkeys(code for code in codes if code):
        desk = await hand_over.by_code(session, str(code))
        if (
            desk is not None
            and desk.level in {Level.POINT, Level.STREET}
            and await hand_over.can_hold(session, tables, desk)
        ):
            found.append(desk)
    return found


async def answered(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    order: Event,
    reason: Say,
) -> Organisation | None:
    """A desk returns what an officer gave it: back to that office with its words. None when the office
    cannot hold it any more; then nothing was changed. Raises NotPossible.
    """
    office = await hand_over.by_code(session, str((order.details or {}).get("from") or ""))
    if office is None or not await hand_over.can_hold(session, tables, office):
        return None
    await hand_over.pass_on(
        session,
        tables,
        case,
        office,
        by=account.id,
        action=Action.REFER,
        details={"who": account.name or "", "reason": reason.to_json()},
    )
    return office


async def overdue(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """The day that an officer gave is over: the desk and the office hear it."""
    case = await session.get(Case, timer.about_id, with_for_update=True)
    order = delegated(case) if case is not None else None
    if case is None or order is None or order.seq != timer.generation or case.status not in OPEN:
        return TimerState.CANCELLED
    office = await hand_over.by_code(session, str((order.details or {}).get("from") or ""))
    desk = await hand_over.desk_of(session, case)
    for place in (desk, office):
        chat = await accounts.chat_of(session, place) if place is not None else None
        if chat is not None:
            told = say("refer.late", number=case.number or "", desk=desk.name if desk else "")
            await tell(session, tables, chat, told, case=case, handover=True)
    return TimerState.FIRED
