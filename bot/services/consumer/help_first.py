"""Help first (先顾人，再顾事): words that call for help before any form, and who is told of them.

What was shown and who was told stays with the account for one episode (policy ``help_hours``), so that
nobody reads the same card twice and no officer is called twice for the same thing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.engine import Decision
from bot.services import accounts
from bot.services.admin import watch
from bot.services.chain import hand_over, robots
from bot.services.consumer import drafts, welcome
from bot.services.privacy import audit
from bot.services.sending import Answer, Rows, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.network import Organisation
from models.party import Account
from models.privacy import Act

URGENT = "urgent"
"""Money that has just moved (反电信网络诈骗法 art. 20): the need that the emergency card answers."""

SECOND = "second_swindle"
"""An offer to get lost money back for a fee (二次诈骗): the kind of fraud in the rules."""


def helped(tables: Tables, account: Account, need: str) -> bool:
    """Whether this help was given in the present episode already."""
    return need in _episode(tables, account)


def helping(tables: Tables, account: Account) -> bool:
    """Whether any help was given in the present episode: then nothing that can wait is offered."""
    return bool(_episode(tables, account))


def remember(tables: Tables, account: Account, need: str, told: int = 0) -> None:
    """Note that help was given now, and how many were told."""
    known = _episode(tables, account)
    before = known.get(need, {}).get("told", 0)
    now = tables.clock.now().isoformat()
    account.helped = {**known, need: {"at": now, "told": told or before}}


def _episode(tables: Tables, account: Account) -> dict[str, Any]:
    since = tables.clock.now() - timedelta(hours=tables.policy.help_hours)
    return {
        need: note
        for need, note in (account.helped or {}).items()
        if datetime.fromisoformat(note["at"]) > since
    }


async def money(tables: Tables, account: Account, answer: Answer, decision: Decision) -> None:
    """Money just sent: the emergency card. An offer to get it back: the second swindle by its name."""
    if decision.fraud and decision.just_now and not helped(tables, account, URGENT):
        await urgent(tables, account, answer, say("emergency.then"))
    if SECOND in decision.fraud_kinds and not helped(tables, account, SECOND):
        remember(tables, account, SECOND)
        await answer(say("second_swindle.card"), say("second_swindle.keep"))


async def urgent(tables: Tables, account: Account, answer: Answer, then: Say | None = None) -> None:
    """The emergency card, once asked for or once called for."""
    remember(tables, account, URGENT)
    await welcome.emergency(answer, then)


async def later_offer(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, text: str
) -> None:
    """Words of someone who filed a case: an offer to get her money back is read beside her story."""
    for case in await drafts.filed(session, account):
        if case.fraud:
            story = (case.answers or {}).get("story", {}).get("v") or ""
            await money(tables, account, answer, tables.classifier.classify(f"{story}\n{text}"))
            return
    await money(tables, account, answer, tables.classifier.classify(text))


async def danger(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    case: Case | None,
    answer: Answer,
    kind: str,
    go_on: Rows,
    *,
    call: bool = True,
) -> None:
    """Numbers to call, who was told and that nobody may be watching, and the way to go on; ``call``: she may
    ask to be called."""
    again = helped(tables, account, kind)
    if again:
        told = [say("danger_card.told_before")] if _episode(tables, account)[kind]["told"] else []
    else:
        reached = await _alert(session, tables, account, case, kind)
        remember(tables, account, kind, len(reached))
        told = [say("danger_card.told", who=reached)] if reached else []
    await answer(
        say(f"danger_card.{kind}"),
        say("danger_card.lines"),
        *(told or [say("danger_card.nobody")]),
        say("danger_card.kept"),
        buttons=[
            *go_on,
            *([[button("button.call_me", "go", value="human")]] if told and call else []),
        ],
    )


async def in_trial(tables: Tables, answer: Answer, text: str) -> None:
    """Before the operator answers for the data nothing is kept and nobody watches: the cards alone."""
    decision = tables.classifier.classify(text)
    if decision.fraud and decision.just_now:
        await welcome.emergency(answer, say("emergency.keep"))
    if SECOND in decision.fraud_kinds:
        await answer(say("second_swindle.card"))
    if decision.danger:
        await answer(
            say(f"danger_card.{decision.danger}"),
            say("danger_card.lines"),
            say("danger_card.nobody"),
        )


async def sweep(session: AsyncSession, tables: Tables) -> None:
    """Forget what help was shown to people whose episode is over."""
    since = tables.clock.now() - timedelta(hours=tables.policy.help_hours)
    await session.execute(
        update(Account)
        .where(Account.helped_sealed.is_not(None), Account.seen_at < since)
        .values(helped_sealed=None)
    )


async def _alert(
    session: AsyncSession, tables: Tables, account: Account, case: Case | None, kind: str
) -> list[Say]:
    """Tell the duty officer; without one, every admin and the street's desk. Whoever took the case is
    told too. Returns who was told.

    A name and a number go only where she agreed that they may, and never into a group.
    """
    answers = (case.answers or {}) if case is not None and case.consented_at else {}
    alert = say(
        "danger_card.alert",
        kind=say(f"danger.{kind}"),
        who=answers.get("name", {}).get("v") or say("danger_card.no_name"),
        phone=answers.get("phone", {}).get("v") or say("danger_card.no_phone"),
        case=_number(case),
    )
    taker = (
        await session.get(Account, case.taker_id) if case is not None and case.taker_id else None
    )
    officer = await watch.officer(session)
    officers = (
        [officer] if officer else [a for a in await accounts.admins(session) if not a.blocked]
    )
    people = {one.address: one for one in (*officers, *([taker] if taker else []))}
    people.pop(account.address, None)
    for address, person in people.items():
        await tell(session, tables, address, alert, case=case, handover=True)
        about = case or account
        await audit.record(session, tables.clock.now(), Act.TOLD, person, about, why="danger")
    reached = []
    if officer and officer.address in people:
        reached.append(say("danger_card.officer"))
    elif admins := [one for one in officers if one.address in people]:
        reached.append(say("danger_card.admins", count=len(admins)))
    if taker and taker.address in people:
        reached.append(say("danger_card.taker"))
    place = await _desk(session, case)
    key = f"danger:{account.id}:{tables.clock.now():%Y%m%d%H%M%S}"
    await robots.forward(session, tables, "danger", case, place, key)
    desk = None if officer else place
    if desk is not None and desk.chat:
        await tell(
            session,
            tables,
            desk.chat,
            say(
                "danger_card.group" if case and case.number else "danger_card.group_draft",
                kind=say(f"danger.{kind}"),
                case=_number(case),
                street=desk.name,
            ),
            case=case,
            handover=True,
        )
        reached.append(say("danger_card.desk", name=desk.name))
    return reached


def _number(case: Case | None) -> str | Say:
    return (case.number if case is not None else None) or say("human.not_filed")


async def _desk(session: AsyncSession, case: Case | None) -> Organisation | None:
    """The desk that holds the case, else that of the street where it happened or where she lives."""
    if case is None:
        return None
    if holder := await hand_over.desk_of(session, case):
        return holder
    for key in ("where", "home"):
        place = (case.answers or {}).get(key, {}).get("v") or {}
        if code := place.get("street"):
            return await hand_over.by_code(session, code)
    return None
