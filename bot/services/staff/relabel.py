"""Correct a case's category (改类别): the taker chooses, the consumer hears who changed what to what.

A new category may be another desk's or another authority's: then the case goes on, and she is told.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import codes
from bot.ports import Press
from bot.services.chain import hand_over
from bot.services.chain.hand_over import Plan
from bot.services.consumer.file_case import door_card
from bot.services.consumer.pick_category import code_rows, group_rows
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, CaseStatus, after
from models.network import Organisation
from models.party import Account

VERB = "sl"


async def relabel_pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """The button, then a group, then a code. Raises NotPossible."""
    after(case.status, Action.RELABEL)
    if press.question == "code" and press.value in codes():
        return await _relabel(session, tables, case, account, answer, press.value)

    def to_group(group: str) -> Press:
        return Press(VERB, case.token, "group", case.version, group)

    def to_code(code: str) -> Press:
        return Press(VERB, case.token, "code", case.version, code)

    rows = code_rows(press.value, to_code) if press.question == "group" else []
    await answer(
        say("relabel.choose", number=case.number or "", now=say(f"object.{case.object}")),
        buttons=[
            *(rows or group_rows(to_group)),
            *([[button("relabel.button.groups", VERB, case)]] if rows else []),
            [button("button.never_mind", "sx", case)],
        ],
        slot=f"{VERB}:{case.token}",
    )
    return None


async def _relabel(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, code: str
) -> Say:
    old = case.object
    if code == old:
        return say("relabel.same", now=say(f"object.{old}"))
    change = say("relabel.change", old=say(f"object.{old}"), new=say(f"object.{code}"))
    case.apply(
        Action.RELABEL,
        at=tables.clock.now(),
        by=account.id,
        details={"from": old, "to": code, "who": account.name or "", "reason": change.to_json()},
    )
    case.object = code
    plan = await hand_over.planned(session, tables, case)
    door = plan.route.door
    moved: Organisation | None = None
    desk = await hand_over.desk_of(session, case)
    if not _stays(plan, case, desk):
        gave_up = await hand_over.take_back(session, tables, case, account, change)
        _, moved = await hand_over.again(session, tables, case, account, gave_up)
        if moved is None:
            await hand_over.call_for_triage(session, tables, case, change)
    else:
        hand_over.note(tables, case, plan.route)
        if desk is not None:
            await hand_over.send_card(session, tables, case, desk, anew=False)
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.relabelled", number=case.number or "", who=account.name or "", change=change),
        *((say("told.relabelled_door"), *door_card(door)) if door is not None else ()),
        _goes_on(case, moved),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    await answer(
        say("relabel.done", number=case.number or "", change=change),
        _goes_on(case, moved),
        buttons=[[button("button.details", "sv", case)]] if case.taker_id == account.id else [],
        slot=f"{VERB}:{case.token}",
    )
    return say("relabel.toast")


def _stays(plan: Plan, case: Case, desk: Organisation | None) -> bool:
    """Whether the desk in hand may keep the case under its new category.

    To advise, any desk will do; to mediate, it must be one that takes the matter, and one that has
    only advised so far must be where the merchant is.
    """
    if desk is None or plan.route.role == "advice":
        return True
    here = plan.register.get(desk.code)
    if here is None or here.code in (plan.route.desk_code, plan.route.held_by):
        return True
    return case.role == "dispute" and here.handles(case.object)


def _goes_on(case: Case, moved: Organisation | None) -> Say:
    """Who has it now."""
    if moved is not None:
        return say("relabel.goes_on", desk=moved.name)
    return say("relabel.goes_triage" if case.status is CaseStatus.TRIAGE else "relabel.stays")
