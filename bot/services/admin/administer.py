"""The admin's menu (管理员菜单) in a private talk, what its buttons and typed lines do, and who may."""

from __future__ import annotations

import hashlib
import secrets
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from bot.interview.asides import control
from bot.ports import Button, Incoming
from bot.services import menus
from bot.services.admin import (
    bind_robot,
    change_limits,
    confirm_law,
    edit_rules,
    organise,
    people,
    read_audit,
    suggest_words,
    take_out,
    trial,
    try_rules,
    watch,
)
from bot.services.books import judge_appeal, rate_points
from bot.services.chain import assign
from bot.services.network import bind_desk, check_points, enlist
from bot.services.outreach import broadcast, copies, notice_board
from bot.services.outreach.readers import size
from bot.services.privacy import audit
from bot.services.sending import Answer, button
from bot.services.staff import edit_templates
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import Inbox, InboxState, Meta, Outbox, OutboxState
from models.lifecycle import OPEN
from models.party import Account
from models.privacy import Act

T = TypeVar("T")

VERB = "m"
OPERATOR_VERB = "mo"
FIRST_ADMIN = "first_admin"
BOT_NAME = "bot_name"

EXAMPLES = 3
"""Points named of each kind of trouble."""

NAME_LENGTH = 120
"""Characters in an operator's name: as many as in any organisation's (models.network)."""


async def menu(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
) -> None:
    """The menu, for an admin in private; a polite word for anyone else."""
    answer = Answer(session, tables, heard)
    if not account.is_admin:
        await answer(say("admin.refused"))
    elif not heard.private:
        await answer(say("admin.only_private"))
    else:
        await _menu(session, tables, account, answer)


async def pressed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
) -> Say | None:
    """Any button whose verb begins with ``m``; returns the little notice shown over it, if any."""
    press = heard.press
    if press is None:
        return None
    if not account.is_admin and not await broadcast.is_authors(session, press, account):
        return say("admin.refused")
    answer = Answer(session, tables, heard)
    match press.verb:
        case notice_board.VERB:
            return await broadcast.pressed(session, tables, press, account, answer)
        case bind_desk.VERB:
            return await bind_desk.pressed(session, tables, press, account, answer)
        case assign.VERB:
            return await assign.pressed(session, tables, press, account, answer)
        case edit_rules.VERB:
            return await edit_rules.pressed(session, tables, press, account, answer)
        case try_rules.VERB:
            await try_rules.pressed(account, answer)
            return None
        case edit_templates.VERB:
            return await edit_templates.pressed(session, tables, press, account, answer)
        case confirm_law.VERB:
            return await confirm_law.pressed(session, tables, press, account, answer)
        case change_limits.VERB:
            return await change_limits.pressed(session, tables, press, account, answer)
        case people.VERB:
            return await people.pressed(session, tables, press, account, answer)
        case read_audit.VERB:
            return await read_audit.pressed(session, tables, press, account, answer)
        case organise.VERB:
            return await organise.pressed(session, tables, press, account, answer)
        case bind_robot.VERB:
            return await bind_robot.pressed(session, tables, press, account, answer)
        case take_out.VERB:
            return await take_out.pressed(session, tables, press, account, answer)
        case rate_points.VERB:
            return await rate_points.pressed(session, tables, press, account, answer)
    account.awaiting = None
    match press.value:
        case "triage":
            await assign.queue(session, tables, answer)
        case "bind":
            await bind_desk.choose(session, tables, account, answer)
        case "staff":
            await enlist.home(session, tables, account, answer)
        case "operator":
            await _ask_operator(session, tables, account, answer)
        case "templates":
            await edit_templates.home(session, account, answer)
        case "try":
            await try_rules.begin(account, answer)
        case "rules":
            await edit_rules.home(session, tables, account, answer)
        case "suggest":
            await suggest_words.ask(session, tables, account, answer)
        case "law":
            await confirm_law.listing(session, tables, answer)
        case "status":
            await _status(session, tables, answer)
        case "duty":
            await watch.show(session, account, answer)
        case "duty_on":
            await watch.change(session, account)
            await audit.record(session, tables.clock.now(), Act.DUTY, account, account)
            await watch.show(session, account, answer, say("admin.duty_on"))
        case "duty_off":
            await watch.change(session, None)
            await audit.record(session, tables.clock.now(), Act.DUTY, account)
            await watch.show(session, account, answer, say("admin.duty_off"))
        case group if group in menus.GROUPS:
            await answer(say(f"menu.about.{group}"), buttons=[*menus.rows(group), [_item("menu")]])
        case "quality":
            await _quality(session, tables, answer)
        case "stop":
            await answer(say("admin.stopped"), buttons=[[_item("menu")]])
        case _:
            await _menu(session, tables, account, answer)
    return None


async def typed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
) -> bool:
    """Use what an admin typed or sent, if she was asked for it; False leaves it to others."""
    verb = str((account.awaiting or {}).get("verb", ""))
    if not verb.startswith(VERB) or heard.command or heard.press or not heard.private:
        return False
    if not account.is_admin:
        account.awaiting = None
        return False
    answer = Answer(session, tables, heard)
    if control(heard.text) == "cancel":
        account.awaiting = None
        await answer(say("admin.stopped"), buttons=[[_item("menu")]])
        return True
    match verb:
        case notice_board.VERB:
            await broadcast.typed(session, tables, heard, account, answer)
        case bind_desk.VERB:
            await bind_desk.typed(session, tables, heard.text, answer)
        case assign.VERB:
            await assign.typed(session, tables, heard.text, account, answer)
        case edit_rules.VERB:
            await edit_rules.typed(session, tables, heard, account, answer)
        case edit_templates.VERB:
            await edit_templates.typed(tables, account, answer, heard.text)
        case change_limits.VERB:
            await change_limits.typed(session, tables, heard.text, account, answer)
        case organise.VERB:
            await organise.typed(session, tables, heard.text, account, answer)
        case bind_robot.VERB:
            await bind_robot.typed(session, tables, heard.text, answer)
        case people.VERB:
            await people.typed(session, tables, heard.text, account, answer)
        case read_audit.VERB:
            await read_audit.typed(session, tables, heard.text, account, answer)
        case try_rules.VERB:
            await try_rules.typed(tables, heard, account, answer)
        case judge_appeal.VERB:
            await judge_appeal.typed(session, tables, heard, account, answer)
        case _:
            await _name_operator(session, tables, heard.text, account, answer)
    return True


async def first_admin_link(session: AsyncSession) -> str:
    """A fresh token (128 random bits) that makes its opener the first admin; only its hash is kept,
    and an earlier one no longer works. '' when there is an admin already."""
    if await _has_admin(session):
        return ""
    token = secrets.token_urlsafe(16)
    await session.merge(Meta(key=FIRST_ADMIN, value=_digest(token)))
    return token


async def keep_bot_name(session: AsyncSession, name: str) -> None:
    """Remember the bot's username, so that links can be made where Telegram is not at hand."""
    await session.merge(Meta(key=BOT_NAME, value=name))


async def bot_name(session: AsyncSession) -> str:
    """The username with which the bot last ran here, or ''."""
    row = await session.get(Meta, BOT_NAME)
    return str(row.value) if row is not None else ""


async def claim_admin(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    token: str,
) -> bool:
    """Make the account an admin and show the menu; False, with a word why, when the token is wrong
    or used, or when there is an admin already."""
    answer = Answer(session, tables, heard)
    kept = await session.get(Meta, FIRST_ADMIN, with_for_update=True)
    right = kept is not None and secrets.compare_digest(kept.value, _digest(token))
    if not right or not heard.private or await _has_admin(session):
        await answer(say("admin.link_wrong"))
        return False
    await session.delete(kept)
    account.is_admin = True
    await audit.record(session, tables.clock.now(), Act.ADMIN, account, account, how="first_link")
    await answer(say("admin.welcome"))
    await _menu(session, tables, account, answer)
    return True


async def _menu(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    account.awaiting = None
    lacking = await trial.missing(session, tables)
    waiting = await assign.waiting(session)
    await answer(
        say("admin.menu"),
        say("admin.menu_triage", count=waiting) if waiting else None,
        say("admin.menu_trial", lacking=_lacking(lacking)) if lacking else None,
        buttons=menus.rows(menus.ADMIN),
    )


async def _ask_operator(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer
) -> None:
    name = await trial.operator(session, tables)
    if tables.operator:
        await answer(say("admin.operator_fixed", name=name), buttons=[[_item("menu")]])
        return
    account.awaiting = {"verb": OPERATOR_VERB}
    await answer(
        say("admin.operator_now", name=name) if name else say("admin.operator_none"),
        say("admin.operator_ask"),
        buttons=[[_item("stop")]],
    )


async def _name_operator(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    name = " ".join(text.split())
    if not name or len(name) > NAME_LENGTH:
        await answer(say("admin.operator_wrong", most=NAME_LENGTH), buttons=[[_item("stop")]])
        return
    account.awaiting = None
    await trial.name_operator(session, name)
    await audit.record(session, tables.clock.now(), Act.OPERATOR, account)
    await answer(say("admin.operator_set", name=name), buttons=[[_item("menu")]])


async def _status(session: AsyncSession, tables: Tables, answer: Answer) -> None:
    """How the installation stands: cases, what is owed, what failed, who is there."""
    cases = await _counts(session, Case.status, Case.status.in_(OPEN))
    owed = await _counts(session, Outbox.state, Outbox.state != OutboxState.SENT)
    set_aside = await session.scalar(
        select(func.count()).select_from(Inbox).where(Inbox.state == InboxState.DEAD)
    )
    lacking = await trial.missing(session, tables)
    if tables.demo:
        mode = say("admin.mode_demo")
    elif lacking:
        mode = say("admin.mode_trial", lacking=_lacking(lacking))
    else:
        mode = say("admin.mode_live", name=await trial.operator(session, tables))
    await answer(
        say("admin.status_head"),
        mode,
        say(
            "admin.status_cases",
            total=sum(cases.values()),
            lines=[
                say("admin.status_line", status=say(f"status.{status}"), count=cases[status])
                for status in sorted(cases)
            ],
        )
        if cases
        else say("admin.status_no_cases"),
        say(
            "admin.status_work",
            due=owed.get(OutboxState.DUE, 0)
            + owed.get(OutboxState.LEASED, 0)
            + await copies.waiting(session),
            dead=owed.get(OutboxState.DEAD, 0),
            unknown=owed.get(OutboxState.UNKNOWN, 0),
            set_aside=set_aside or 0,
        ),
        say(
            "admin.status_people",
            streets=await trial.staffed_streets(session, tables),
            readers=await size(session),
        ),
        buttons=[[_item("triage"), _item("quality")], [_item("menu")]],
    )


async def _quality(session: AsyncSession, tables: Tables, answer: Answer) -> None:
    """What is missing or doubtful in the register, each with examples and what to do."""
    found = await check_points.check(session, tables)
    names = {desk.code: desk.name for desk in tables.register.points}
    lines = [
        say(
            "quality.line",
            says=kind.says,
            mend=kind.mend,
            names=[names[code] for code in kind.codes[:EXAMPLES] if code in names],
        )
        for kind in found
    ]
    await answer(
        say("quality.head", total=len(names)),
        *(lines or [say("quality.well")]),
        buttons=[[_item("staff"), _item("menu")]],
    )


async def _counts(
    session: AsyncSession, column: InstrumentedAttribute[T], where: ColumnElement[bool]
) -> dict[T, int]:
    """How many rows there are for each value of the column."""
    rows = await session.execute(select(column, func.count()).where(where).group_by(column))
    return dict(rows.all())


def _lacking(keys: tuple[str, ...]) -> list[Say]:
    return [say(f"trial.missing.{key}") for key in keys]


async def _has_admin(session: AsyncSession) -> bool:
    return await session.scalar(select(Account.id).where(Account.is_admin).limit(1)) is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _item(value: str) -> Button:
    return button(f"admin.button.{value}", VERB, value=value)
