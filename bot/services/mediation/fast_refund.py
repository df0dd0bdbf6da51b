"""A fast refund (快速退款): a point's own promise of so many minutes from taking, shown to both while it runs.

One message on each side is edited in coarse steps; what comes late is said to be late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.advance import load
from bot.services.queue.timers import arm
from bot.services.sending import Rows, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import SIGNED, Case, Event
from models.delivery import Timer, TimerState
from models.lifecycle import CLOSED, Action, CaseStatus
from models.party import Account

TIMER = "fast_refund"
REFUNDS = frozenset({"refund", "compensate"})


def promised(tables: Tables, case: Case, code: str) -> int:
    """The minutes that the desk of this code promises for the case; 0 when it does not."""
    desk = tables.register.get(code)
    minutes = desk.fast_return_minutes if desk is not None else None
    claim = (case.answers or {}).get("claim", {}).get("v") or {}
    hers = [one for one in case.evidence if (one.extra or {}).get("at") != SIGNED]
    if case.role != "dispute" or claim.get("want") not in REFUNDS:
        return 0
    return (minutes or 0) if load().fast(case.amount_fen, minutes, len(hers)) else 0


async def begin(session: AsyncSession, tables: Tables, case: Case) -> None:
    """With the taking of a case that carries the promise: both see the clock."""
    taken = _taken(case)
    if taken is None:
        return
    await arm(session, case.id, TIMER, next(_moments(taken)), generation=taken.seq)
    minutes = _minutes(taken)
    await _show(session, tables, case, taken, say("fast.running", minutes=minutes, left=minutes))


async def tick(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """The next coarse step, or the end of the time."""
    case = await session.get(Case, timer.about_id, with_for_update=True)
    taken = _taken(case) if case is not None else None
    if case is None or taken is None or taken.seq != timer.generation or not _runs(case, taken):
        return TimerState.CANCELLED
    now, ends = tables.clock.now(), _ends(taken)
    if now < ends:
        left = -(-(ends - now) // timedelta(minutes=1))
        text = say("fast.running", minutes=_minutes(taken), left=left)
        await _show(session, tables, case, taken, text)
        return next(moment for moment in _moments(taken) if moment > now)
    await _show(session, tables, case, taken, say("fast.late", minutes=_minutes(taken)))
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("fast.told_late", number=case.number or "", minutes=_minutes(taken)),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    return TimerState.FIRED


async def stop(session: AsyncSession, tables: Tables, case: Case) -> None:
    """The case came to something: the clock stands still, and tells how long it took."""
    taken = _taken(case)
    if taken is None or _stopped_before(case, taken):
        return
    now = tables.clock.now()
    took = max(1, -(-(now - taken.at) // timedelta(minutes=1)))
    good = case.status in {CaseStatus.SETTLED, CaseStatus.AGREED}
    key = ("fast.done" if now <= _ends(taken) else "fast.done_late") if good else "fast.stopped"
    await _show(session, tables, case, taken, say(key, minutes=_minutes(taken), took=took))


def _taken(case: Case) -> Event | None:
    """The taking that the promise counts from."""
    for event in reversed(case.events):
        if event.action is Action.TAKE:
            return event if (event.details or {}).get("fast") else None
    return None


def _minutes(taken: Event) -> int:
    return int(taken.details["fast"])


def _ends(taken: Event) -> datetime:
    return taken.at + timedelta(minutes=_minutes(taken))


def _moments(taken: Event) -> Iterator[datetime]:
    """When the shown time changes, the end among them."""
    for left in load().fast_left:
        if left < _minutes(taken):
            yield _ends(taken) - timedelta(minutes=left)
    yield _ends(taken)


def _runs(case: Case, taken: Event) -> bool:
    """Whether the case is still where its taker has to do something about it."""
    return case.status in {CaseStatus.HANDLING, CaseStatus.ASKING} and not _stopped_before(
        case, taken
    )


def _stopped_before(case: Case, taken: Event) -> bool:
    """Whether the case had come to something before its last event, so that the clock stands already."""
    ends = CLOSED | {CaseStatus.AGREED, CaseStatus.TRIAGE, CaseStatus.WAITING}
    since = [event for event in case.events if event.seq > taken.seq]
    return any(event.status in ends for event in since[:-1])


async def _show(session: AsyncSession, tables: Tables, case: Case, taken: Event, text: Say) -> None:
    """The one message on each side, in its place."""
    owner = await session.get_one(Account, case.account_id)
    taker = await session.get(Account, taken.by_id) if taken.by_id else None
    sides: list[tuple[Account, Rows]] = [
        (owner, [[button("button.progress", "tp", case)]]),
    ]
    if taker is not None and taker.id != owner.id:
        sides.append((taker, [[button("button.settle", "ss", case)]] if _open(case) else []))
    for account, buttons in sides:
        await tell(
            session,
            tables,
            account.address,
            say("fast.card", number=case.number or "", text=text),
            case=case,
            buttons=buttons,
            slot=f"fast:{case.token}:{taken.seq}",
        )


def _open(case: Case) -> bool:
    return case.status in {CaseStatus.HANDLING, CaseStatus.ASKING}
