"""What only an officer of the market authority (市场监管部门) does with a case: receive it (收件), which starts the
clocks of the law, decide whether to take it up (受理、不予受理), end the mediation (终止调解), stop the clock
for an appraisal, check a clue. Order 121, arts 15, 16, 22, 23, 27.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.clocks import Clock
from bot.ports import Button, Press
from bot.services import accounts
from bot.services.admin.live_law import law_now
from bot.services.chain import group_event, hand_over, legal_clocks, packet, remind
from bot.services.consumer import joint, keep_evidence
from bot.services.mediation import documents
from bot.services.sending import Answer, Rows, button, day_words, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind, Event
from models.lifecycle import HANDED, OPEN, Action, after, allowed
from models.network import AUTHORITY, Level, Organisation
from models.party import Account

VERB = "so"
LIST = "sol"
"""The coloured list; it is about no case."""

REFUSALS = (
    "not_duty",
    "elsewhere",
    "not_consumption",
    "too_old",
    "materials",
    "identity",
    "by_law",
)
"""Why a complaint is not taken up (order 121 art. 16, the items in their order)."""

TERMINATIONS = ("no_agreement", "one_side", "appraisal_cost", "limit")
"""Why mediation ends (order 121 art. 23)."""

FINDINGS = ("filed_case", "no_breach", "transferred")
"""What the check of a clue came to."""

SHOWN = 30
ENDS = {"refuse": REFUSALS, "terminate": TERMINATIONS, "checked": FINDINGS}
DONE = {
    "accept": Action.ACCEPT,
    "refuse": Action.REFUSE,
    "terminate": Action.TERMINATE,
    "checked": Action.CHECKED,
    "appraise": Action.APPRAISE,
    "appraised": Action.APPRAISED,
    "extend": Action.EXTEND,
}


def received(case: Case) -> bool:
    """Whether an officer has it in hand."""
    for event in reversed(case.events):
        if event.action is Action.RECEIVE:
            return True
        if event.action in HANDED | {Action.SEND_BACK, Action.QUEUE}:
            return False
    return False


def _since(case: Case) -> list[Action]:
    """What happened since it came to the authority, the last time it came from outside."""
    actions = [event.action for event in case.events]
    begins = max((i for i, action in enumerate(actions) if action is Action.REOPEN), default=0)
    return actions[begins:]


def accepted(case: Case) -> bool:
    """Whether an officer has taken it up (受理); then it does not go back by a mere return."""
    return Action.ACCEPT in _since(case)


def _appraising(case: Case) -> bool:
    turns = [a for a in _since(case) if a in {Action.APPRAISE, Action.APPRAISED}]
    return bool(turns) and turns[-1] is Action.APPRAISE


def can(case: Case) -> tuple[str, ...]:
    """What an officer may do with it now, by the names of :data:`DONE`."""
    if not received(case) or Action.RECEIVE not in allowed(case.status):
        return ()
    if case.kind is CaseKind.CLUE:
        extended = Action.EXTEND in _since(case)
        return ("checked",) if extended else ("checked", "extend")
    if case.kind is not CaseKind.COMPLAINT:
        return ()
    if not accepted(case):
        return ("accept", "refuse")
    return ("terminate", "appraised" if _appraising(case) else "appraise")


def closes_otherwise(case: Case, settling: bool) -> bool:
    """Whether the desk's own way of closing does not fit: an officer settles what was taken up, and ends
    nothing without its reason in law."""
    if not received(case) or case.kind is CaseKind.CONSULT:
        return False
    return not (settling and accepted(case))


def buttons(case: Case) -> list[list[Button]]:
    """The officer's own buttons."""
    return [[button(f"official.button.{what}", VERB, case, what)] for what in can(case)]


async def receive(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    desk: Organisation,
    account: Account,
) -> Say | None:
    """An officer took it: the clocks of the law begin, and the packet comes to her. What the consumer may
    expect; None where the desk is no authority's or nothing is to be decided.
    """
    if desk.level not in AUTHORITY or case.kind is CaseKind.CONSULT:
        return None
    now = tables.clock.now()
    case.apply(
        Action.RECEIVE,
        at=now,
        by=account.id,
        details={"who": account.name or "", "desk": desk.name, "code": desk.code},
    )
    await remind.plan(session, tables, case)
    if accepted(case):
        return say("official.told_again")
    law = await law_now(session)
    running = [clock for clock in legal_clocks.of(case, law) if clock.done is None]
    if case.kind is CaseKind.COMPLAINT:
        await documents.order(
            session,
            tables,
            case,
            packet.compose(tables, case, law, await joint.size(session, case)),
            to=account.address,
            told=say("official.packet", number=case.number or ""),
            media=keep_evidence.media(case.evidence),
        )
    signals = await group_event.signals(session, tables, case)
    if signals is not None:
        await tell(session, tables, account.address, signals, case=case)
    if not running or running[-1].due is None:
        return None
    return say(f"official.told_receive_{case.kind}", day=day_words(running[-1].due))


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """An officer's button: what to do, then a reason where the law wants one, then the word to do it.

    The caller knows that the case is hers; that she acts for an authority is looked up here. Raises
    NotPossible.
    """
    what, _, sure = press.question.partition(":")
    if what not in DONE:
        return say("toast.stale")
    after(case.status, DONE[what])
    if what not in can(case):
        return say("official.not_now")
    desk = await hand_over.desk_of(session, case)
    if desk is None or desk.level not in AUTHORITY:
        return say("toast.not_yours")
    if not tables.demo and not await accounts.may_act(session, tables, account, desk):
        return say("toast.not_staff")
    codes = ENDS.get(what, ())
    if codes and press.value not in codes:
        await answer(
            say(f"official.why_{what}", number=case.number or ""),
            buttons=[
                *[[button(f"official.{what}_{code}", VERB, case, what, code)] for code in codes],
                [button("button.never_mind", "sx", case)],
            ],
        )
        return None
    told = await _told(session, tables, case, what, press.value, desk)
    if sure != "yes":
        await answer(
            say("official.sure"),
            *told,
            buttons=[
                [button("official.button.sure", VERB, case, f"{what}:yes", press.value)],
                [button("button.never_mind", "sx", case)],
            ],
        )
        return None
    await _do(session, tables, case, account, answer, what, press.value, desk, told)
    return None


async def _do(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    what: str,
    code: str,
    desk: Organisation,
    told: Sequence[Say],
) -> None:
    now = tables.clock.now()
    details = {"who": account.name or "", "desk": desk.name, "code": desk.code}
    if code:
        details["reason"] = say(f"official.{what}_{code}").to_json()  # type: ignore[assignment]
    case.apply(DONE[what], at=now, by=account.id, details=details)
    if what in ENDS:
        case.result, case.closed_at, case.returned_fen = f"{what}_{code}", now, 0
    await remind.plan(session, tables, case)
    await hand_over.send_card(session, tables, case, desk, anew=False)
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        *told,
        case=case,
        buttons=[[button("button.progress", "tp", case)]],
    )
    law = await law_now(session)
    lines = [
        _line(case, clock, tables) for clock in legal_clocks.of(case, law) if clock.done is None
    ]
    day = law.statute("mediation_told").due(accounts.today(tables))
    await answer(
        say(f"official.did_{what}", number=case.number or ""),
        say("official.tell_merchant", day=day_words(day)) if what == "terminate" else None,
        *lines,
        buttons=[
            [button("lesson.button.propose", "sle", case)]
            if what in ENDS
            else [button("button.details", "sv", case)]
        ],
    )


async def _told(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    what: str,
    code: str,
    desk: Organisation,
) -> list[Say]:
    """What the consumer is told; shown to the officer before."""
    law = await law_now(session)
    number = case.number or ""
    reason = say(f"official.{what}_{code}") if code else ""
    today = accounts.today(tables)
    due: date | None = None
    if what == "accept":
        due = law.statute("mediation_limit").due(today)
    told = [
        say(
            f"official.told_{what}",
            number=number,
            desk=desk.name,
            reason=reason,
            day=day_words(due or today),
        )
    ]
    if what == "refuse":
        rule = law.statute("not_taken")
        told.append(say("official.rule", cited=rule.cited))
    if what in {"refuse", "terminate"}:
        told.append(say("official.ways", ways=law.statute("five_ways").says))
    return told


async def listed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer
) -> Say | None:
    """Every clock that runs in the officer's area, the most pressing first."""
    duties = [desk for _, desk in await accounts.duties(session, account)]
    mine = [desk for desk in duties if desk.level in AUTHORITY]
    if not mine:
        return say("toast.not_staff")
    codes = None if any(d.level is Level.BUREAU for d in mine) else {d.code for d in mine}
    found = await session.scalars(
        select(Case)
        .join(Event, Event.case_id == Case.id)
        .where(Event.action == Action.RECEIVE, Case.status.in_(OPEN))
        .distinct()
    )
    law = await law_now(session)
    rows: list[tuple[date, Case, Clock]] = []
    for case in found:
        where = [e.details["code"] for e in case.events if e.action is Action.RECEIVE]
        if codes is not None and where[-1] not in codes:
            continue
        rows += [
            (clock.due or date.max, case, clock)
            for clock in legal_clocks.of(case, law)
            if clock.done is None
        ]
    rows.sort(key=lambda row: (row[0], row[1].number or ""))
    await answer(
        say("official.list", count=len(rows)) if rows else say("official.list_none"),
        say("official.lines", lines=[_line(case, clock, tables) for _, case, clock in rows[:SHOWN]])
        if rows
        else None,
        say("official.estimated") if any(clock.estimated for _, _, clock in rows) else None,
        buttons=_openers(rows, account),
    )
    return None


def _openers(rows: Sequence[tuple[date, Case, Clock]], account: Account) -> Rows:
    own = {case.number: case for _, case, _ in rows if case.taker_id == account.id}
    return [
        [button(say("official.button.open", number=number), "sv", case)]
        for number, case in list(own.items())[:10]
    ]


def _line(case: Case, clock: Clock, tables: Tables) -> Say:
    today = accounts.today(tables)
    colour = clock.colour(today, tables.policy.clock_near_working_days)
    return say(
        f"official.line_{colour}",
        number=case.number or "",
        rule=say(f"official.rule_{clock.rule}"),
        day=day_words(clock.due or today),
        days=abs(((clock.due or today) - today).days),
    )
