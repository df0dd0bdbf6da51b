"""Merge (合并) what somebody filed twice: one case goes on, the other's clocks stop, and it can be undone."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.common import fold
from bot.ports import Button, Press
from bot.services import accounts
from bot.services.chain import hand_over, remind
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import OPEN, Action, CaseStatus, allowed
from models.party import Account

VERB = "sg"
CONSUMER_VERB = "tu"
MOST = 5


async def similar(session: AsyncSession, tables: Tables, case: Case) -> list[Case]:
    """Open cases of the same consumer that may be the same matter: the same merchant where both name one,
    else the same category; filed within the policy's days of this one."""
    span = timedelta(days=tables.policy.duplicate_days)
    if case.filed_at is None or case.status not in OPEN:
        return []
    found = await session.scalars(
        select(Case)
        .where(
            Case.account_id == case.account_id,
            Case.id != case.id,
            Case.status.in_(OPEN),
            Case.filed_at.between(case.filed_at - span, case.filed_at + span),
        )
        .order_by(Case.filed_at)
    )
    return [other for other in found if _alike(case, other)][:MOST]


def _alike(one: Case, other: Case) -> bool:
    names = [fold(case.merchant or "").strip() for case in (one, other)]
    return names[0] == names[1] if all(names) else one.object == other.object


async def merged_into(session: AsyncSession, case: Case) -> list[Case]:
    """What was merged into this case, in the order of filing."""
    found = await session.scalars(
        select(Case).where(Case.same_as_id == case.id).order_by(Case.filed_at)
    )
    return list(found)


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """The list of what may be the same; merge this case ``into`` another, or another ``from`` there into
    this; ``undo``. Raises NotPossible."""
    if press.question == "undo":
        return await _undo_pressed(session, tables, case, account, answer)
    if not await accounts.holds(session, tables, account, case):
        return say("toast.not_yours")
    others = {other.token: other for other in await similar(session, tables, case)}
    chosen = others.get(press.value)
    if press.question in {"into", "from"} and chosen is not None:
        gone, kept = (case, chosen) if press.question == "into" else (chosen, case)
        if not await _may(session, tables, gone, account):
            return say("toast.not_yours")
        if await merged_into(session, gone):
            return say("merge.toast_has", number=gone.number or "")
        await merge(session, tables, gone, kept, account)
        await answer(
            say(
                "merge.done",
                gone=gone.number or "",
                kept=kept.number or "",
                days=tables.policy.merge_undo_days,
            ),
            buttons=[
                [button("merge.button.undo", VERB, gone, "undo")],
                *([[button("button.details", "sv", kept)]] if kept.taker_id == account.id else []),
            ],
        )
        return None
    rows: list[list[Button]] = []
    for other in others.values():
        number = other.number or ""
        rows.append(
            [button(say("merge.button.into", number=number), VERB, case, "into", other.token)]
        )
        if await _may(session, tables, other, account):
            label = say("merge.button.from", number=number)
            rows.append([button(label, VERB, case, "from", other.token)])
    await answer(
        say("merge.which", number=case.number or "", lines=lines(tables, list(others.values())))
        if others
        else say("merge.none", number=case.number or ""),
        buttons=[*rows, [button("button.never_mind", "sx", case)]],
    )
    return say("toast.stale") if press.question else None


def lines(tables: Tables, cases: list[Case]) -> list[Say]:
    """Cases as a group's card would tell of them."""
    return [
        say(
            "merge.line",
            number=case.number or "",
            object=say(f"object.{case.object}"),
            street=hand_over.street_name(tables, case),
            band=hand_over.band(case.amount_fen),
            status=say(f"status.{case.status}"),
        )
        for case in cases
    ]


async def _may(session: AsyncSession, tables: Tables, case: Case, account: Account) -> bool:
    """Whether the account may end a case's own way: its taker, or of its desk while nobody has it."""
    if case.taker_id is not None:
        return await accounts.holds(session, tables, account, case)
    desk = await hand_over.desk_of(session, case)
    return desk is not None and await accounts.may_act(session, tables, account, desk)


async def merge(session: AsyncSession, tables: Tables, gone: Case, kept: Case, by: Account) -> None:
    """``gone`` is from now on part of ``kept``; its timers find that out. Everybody is told. Raises
    NotPossible."""
    former = await session.get(Account, gone.taker_id) if gone.taker_id else None
    now = tables.clock.now()
    gone.apply(
        Action.MERGE,
        at=now,
        by=by.id,
        details={
            "number": kept.number or "",
            "who": by.name or "",
            "former": former.id.hex if former is not None else "",
        },
    )
    await hand_over.leave_hands(session, tables, gone)
    gone.same_as_id, gone.taker_id, gone.closed_at = kept.id, None, now
    await session.flush()
    await hand_over.refresh_card(session, tables, gone)
    numbers = {"gone": gone.number or "", "kept": kept.number or ""}
    owner = await session.get_one(Account, gone.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.merged", days=tables.policy.merge_undo_days, **numbers),
        case=kept,
        buttons=[
            [button("button.progress", "tp", kept)],
            [button("merge.button.not_same", CONSUMER_VERB, gone)],
        ],
    )
    for who in {former, await _taker(session, kept)} - {None, by}:
        if who is not None:
            await tell(session, tables, who.address, say("merge.told", **numbers), case=kept)


async def _taker(session: AsyncSession, case: Case) -> Account | None:
    return await session.get(Account, case.taker_id) if case.taker_id else None


def may_undo(tables: Tables, case: Case) -> bool:
    """Whether a merged case can still be taken apart."""
    span = timedelta(days=tables.policy.merge_undo_days)
    return (
        Action.UNMERGE in allowed(case.status)
        and case.closed_at is not None
        and tables.clock.now() - case.closed_at <= span
    )


async def _undo_pressed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> Say | None:
    kept = await session.get(Case, case.same_as_id) if case.same_as_id else None
    if kept is None or not may_undo(tables, case):
        return say("merge.toast_late")
    if not await _may_undo(session, tables, case, kept, account):
        return say("toast.not_yours")
    await unmerge(session, tables, case, kept, account)
    await answer(say("merge.undone", gone=case.number or "", kept=kept.number or ""))
    return None


async def _may_undo(
    session: AsyncSession, tables: Tables, gone: Case, kept: Case, account: Account
) -> bool:
    """Whoever holds the one that goes on, or held the other and still belongs to its desk."""
    if await accounts.holds(session, tables, account, kept):
        return True
    desk = await hand_over.desk_of(session, gone)
    if account.id.hex != _former(gone):
        return False
    return tables.demo or (
        desk is not None and await accounts.serves(session, tables, account, desk)
    )


def _former(case: Case) -> str:
    """The id (hex) of who had the case when it was merged, or ''."""
    merges = [event for event in case.events if event.action is Action.MERGE]
    return str((merges[-1].details or {}).get("former") or "") if merges else ""


async def consumer_pressed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> Say | None:
    """The consumer says that they are two matters."""
    kept = await session.get(Case, case.same_as_id) if case.same_as_id else None
    if kept is None or not may_undo(tables, case):
        await answer(say("merge.too_late", days=tables.policy.merge_undo_days))
        return say("merge.toast_late")
    await unmerge(session, tables, case, kept, account)
    return None


async def unmerge(
    session: AsyncSession, tables: Tables, gone: Case, kept: Case, by: Account
) -> None:
    """Take them apart: it waits at its desk again, or to be assigned where that cannot hold it."""
    former = _former(gone)
    gone.apply(
        Action.UNMERGE,
        at=tables.clock.now(),
        by=by.id,
        details={"number": kept.number or "", "who": by.name or ""},
    )
    gone.same_as_id, gone.closed_at = None, None
    desk = await hand_over.desk_of(session, gone)
    if desk is not None and await hand_over.can_hold(session, tables, desk):
        await hand_over.send_card(session, tables, gone, desk)
        await remind.plan(session, tables, gone)
    else:
        reason = say("card.unreachable", desk=desk.name) if desk else say("card.no_desk")
        await hand_over.requeue(session, tables, gone, reason)
    numbers = {"gone": gone.number or "", "kept": kept.number or ""}
    owner = await session.get_one(Account, gone.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.unmerged", **numbers),
        case=gone,
        buttons=[[button("button.progress", "tp", gone)]],
    )
    told = {kept.taker_id.hex if kept.taker_id else "", former} - {"", by.id.hex}
    for who in told:
        account = await _by_hex(session, who)
        if account is None:
            continue
        take = gone.status is CaseStatus.WAITING and who == former
        await tell(
            session,
            tables,
            account.address,
            say("merge.told_apart", **numbers),
            case=gone,
            buttons=[[button("button.take", "st", gone)]] if take else [],
        )


async def _by_hex(session: AsyncSession, who: str) -> Account | None:
    return await session.get(Account, UUID(who))
