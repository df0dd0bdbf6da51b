"""Correct a case's category (改类别): the taker chooses, the consumer hears who changed what to what."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import codes
from bot.ports import Press
from bot.services import hand_over
from bot.services.file_case import door_card
from bot.services.pick_category import code_rows, group_rows
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after
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
    """The desk stays the same; if the new category is another authority's, its door is shown."""
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
    desk = await hand_over.desk_of(session, case)
    if desk is not None and desk.chat is not None:
        await hand_over.send_card(session, tables, case, desk, anew=False)
    door = (await hand_over.plan(session, tables, case)).door
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.relabelled", number=case.number or "", who=account.name or "", change=change),
        *((say("told.relabelled_door"), *door_card(door)) if door is not None else ()),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    await answer(
        say("relabel.done", number=case.number or "", change=change),
        buttons=[[button("button.details", "sv", case)]],
        slot=f"{VERB}:{case.token}",
    )
    return say("relabel.toast")
