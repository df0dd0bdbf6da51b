"""What happens when nobody came in time: reminders, and the way up from a desk that did not take a case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.law.deadlines import after_quiet
from bot.services.chain import hand_over, limits, remind, robots
from bot.services.chain.remind import (
    ANSWER,
    CLUE_NEAR,
    DECIDE_NEAR,
    DESK,
    DRAFT,
    DUE,
    DUE_AGAIN,
    DUE_TAKER,
    LIMIT_PASSED,
    MEDIATION_NEAR,
    NEXT,
    TRIAGE,
    WAITS,
)
from bot.services.mediation import agree, case_papers, mediate
from bot.services.queue.timers import arm
from bot.services.sending import button, day_words, moment_words, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import Timer, TimerState
from models.lifecycle import Action
from models.party import Account


async def overdue(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer of any kind in WAITS: does what its kind does if the case still waits for it."""
    case = await session.get(Case, timer.about_id, with_for_update=True)
    wait = WAITS[timer.kind]
    if case is None or case.status not in wait.status:
        return TimerState.CANCELLED
    begun = await remind.began(session, tables, case, wait)
    if begun is None or begun[0] != timer.generation:
        return TimerState.CANCELLED
    generation, began = begun
    owner = await session.get_one(Account, case.account_id)
    if timer.kind == DRAFT:
        began = max(began, owner.seen_at)
    now, policy = tables.clock.now(), tables.policy
    desk = await remind.holder(session, tables, case)
    # Not before it is due, nor at night if the process was not there when it was.
    due = timer.due_at if wait.after else wait.due(policy, desk, began)
    free = max(due, after_quiet(now, policy.quiet_from, policy.quiet_until))
    if free > now:
        return free
    await HAPPENS[timer.kind](session, tables, case, owner)
    for kind, later in WAITS.items():
        if later.after == timer.kind:
            await arm(session, case.id, kind, later.due(policy, desk, now), generation=generation)
    # Nobody is above the admins: they are asked until somebody has it.
    return wait.due(policy, desk, now) if timer.kind == TRIAGE else TimerState.FIRED


async def _remind_desk(session: AsyncSession, tables: Tables, case: Case, owner: Account) -> None:
    """The desk's group is asked once more; the consumer hears that, and who comes next."""
    desk = await hand_over.desk_of(session, case)
    if desk is None or desk.chat is None:
        return
    await robots.forward(session, tables, "late", case, desk, f"late:{case.token}:{case.version}")
    now = tables.clock.now()
    due = WAITS[NEXT].due(tables.policy, await remind.holder(session, tables, case), now)
    day = moment_words(due, now)
    above = await hand_over.above(session, tables, case)
    following = above.name if above is not None else say("overdue.admins")
    number = case.number or ""
    await tell(
        session,
        tables,
        desk.chat,
        say("overdue.desk", number=number, day=day, next=following),
        case=case,
        buttons=[[button("button.take", "st", case)], [button("button.return", "sr", case)]],
        handover=True,
    )
    await _tell_owner(
        session,
        tables,
        case,
        owner,
        say("overdue.told_desk", number=number, desk=desk.name, day=day, next=following),
    )


async def _go_up(session: AsyncSession, tables: Tables, case: Case, owner: Account) -> None:
    """To the desk's substitute, its street, the office or the bureau, whoever is there first, or to the
    admins; the desk and the consumer are told."""
    desk = await hand_over.desk_of(session, case)
    above = await hand_over.above(session, tables, case)
    name = desk.name if desk is not None else ""
    number = case.number or ""
    following = above.name if above is not None else say("overdue.admins")
    await hand_over.go_up(session, tables, case, above, say("overdue.reason", desk=name))
    await _tell_owner(
        session,
        tables,
        case,
        owner,
        say("overdue.told_up", number=number, desk=name, next=following),
        say("overdue.wait_desk" if above is not None else "overdue.wait_admins"),
    )


async def _remind_admins(
    session: AsyncSession, tables: Tables, case: Case, _owner: Account
) -> None:
    """Nobody has found a desk for it yet."""
    await hand_over.call_for_triage(session, tables, case, say("overdue.triage"))


async def _tell_owner(
    session: AsyncSession, tables: Tables, case: Case, owner: Account, *parts: Say
) -> None:
    await tell(
        session,
        tables,
        owner.address,
        *parts,
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )


async def _remind_consumer(
    session: AsyncSession, tables: Tables, case: Case, owner: Account
) -> None:
    """The staff's question is put before her once more, unless she wants no reminders."""
    if not owner.reminders:
        return
    asked = next(event for event in reversed(case.events) if event.action is Action.ASK)
    text = (asked.details or {}).get("text", "")
    await tell(
        session,
        tables,
        owner.address,
        say("overdue.answer", number=case.number or "", text=text),
        case=case,
        buttons=[[button("button.answer", "ta", case)], [button("button.progress", "tp", case)]],
    )


async def _remind_draft(session: AsyncSession, tables: Tables, case: Case, owner: Account) -> None:
    """Once, and not after words of danger: who was in danger then is not called back to a form."""
    helped = set((case.decision or {}).get("helped") or ())
    wanted = owner.reminders and not owner.blocked
    if case.consented_at is None or not wanted or helped - {"urgent"}:
        return
    await tell(
        session,
        tables,
        owner.address,
        say("overdue.draft"),
        buttons=[
            [button("button.resume", "go", value="resume")],
            [button("button.drop_draft", "go", value="drop")],
        ],
    )


async def _ask_kept(session: AsyncSession, tables: Tables, case: Case, owner: Account) -> None:
    """On the day that it was to be done by: has it been?"""
    agreed = await case_papers.settlement(session, case)
    if agreed is None:
        return
    await tell(
        session,
        tables,
        owner.address,
        say(
            "overdue.kept_money" if agreed.fen else "overdue.kept",
            number=case.number or "",
            day=day_words(agreed.due_on),
            money=show_money(agreed.fen),
        ),
        case=case,
        buttons=[
            [button("agree.button.came", agree.CAME, case, "yes")],
            [button("agree.button.part", agree.CAME, case, "part")],
            [button("agree.button.not_kept", agree.CAME, case, "no")],
        ],
    )


async def _ask_kept_again(
    session: AsyncSession, tables: Tables, case: Case, owner: Account
) -> None:
    """Once more, unless she wants no reminders; then only the taker is told."""
    if owner.reminders:
        await _ask_kept(session, tables, case, owner)


async def _tell_taker(session: AsyncSession, tables: Tables, case: Case, _owner: Account) -> None:
    """She did not say: its taker asks her otherwise, and can note either."""
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say("overdue.no_word", number=case.number or ""),
            case=case,
            buttons=[*mediate.rows(case)[:2], [button("button.details", "sv", case)]],
        )


HAPPENS: dict[str, Callable[[AsyncSession, Tables, Case, Account], Awaitable[None]]] = {
    DESK: _remind_desk,
    NEXT: _go_up,
    TRIAGE: _remind_admins,
    ANSWER: _remind_consumer,
    DRAFT: _remind_draft,
    DUE: _ask_kept,
    DUE_AGAIN: _ask_kept_again,
    DUE_TAKER: _tell_taker,
    DECIDE_NEAR: limits.near,
    MEDIATION_NEAR: limits.near,
    CLUE_NEAR: limits.near,
    LIMIT_PASSED: limits.passed,
}
