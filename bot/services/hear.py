"""The one entry of every update: who spoke, and which use case it is for."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.asides import control
from bot.ports import Incoming, Press
from bot.services import accounts
from bot.services.admin import administer, calm, people, restrict, second_step, trial
from bot.services.chain import authority
from bot.services.consumer import (
    account_settings,
    codes,
    converse,
    drafts,
    follow,
    help_first,
    join,
    joint,
    protect,
    unasked,
    welcome,
)
from bot.services.network import bind_desk, enlist, leave, poster
from bot.services.outreach import activity, attendance, notice_board, receipts, sign_up, subscribe
from bot.services.privacy import my_data
from bot.services.queue.undeliverable import moved
from bot.services.sending import Answer
from bot.services.staff import desk, proxy, relay_edit, today
from bot.services.staff.take_case import open_private
from bot.services.tables import Tables
from bot.services.warning import alert
from bot.services.warning import desk as warning_desk
from bot.texts.catalogue import Say, say
from models.party import Account

OUTREACH = frozenset(
    {
        notice_board.LEAVE,
        notice_board.READ_VERB,
        notice_board.JOIN_VERB,
        subscribe.VERB,
        attendance.VERB,
    }
)

BESIDE = frozenset({"help", "settings", "emergency", "hotlines", "subscribe", "unsubscribe"})
"""Commands that leave open what was asked of the person."""

VERB_LETTERS = 3
"""Of our buttons; what is longer was made up, and may be anybody's words."""


REFUSALS = frozenset(
    {"toast.not_yours", "toast.not_staff", "toast.not_yours_to_manage", "admin.refused"}
)
"""What is shown to who presses what is not hers to press."""

log = structlog.get_logger(__name__)


async def hear(session: AsyncSession, tables: Tables, heard: Incoming) -> Say | None:
    """Handle one update inside the caller's transaction; returns the notice shown over a button. A press that
    is refused for want of a right is logged, by the account's own number and the button's verb."""
    toast = await _hear(session, tables, heard)
    if heard.press is not None and toast is not None and toast.key in REFUSALS:
        account = await accounts.by_address(session, heard.account)
        log.warning(
            "refused",
            verb=heard.press.verb[:VERB_LETTERS],
            account=account.id.hex if account is not None else "",
            why=toast.key,
        )
    return toast


async def _hear(session: AsyncSession, tables: Tables, heard: Incoming) -> Say | None:
    answer = Answer(session, tables, heard)
    if "moved" in heard.extra:
        await moved(session, heard.chat, heard.extra["moved"])
        return None
    if (
        not heard.private
        and (heard.command or heard.reply_to)
        and not await calm.group_is_calm(session, tables, heard)
    ):
        return None
    if not heard.private and (heard.extra.get("member") or heard.command == "start"):
        await bind_desk.joined(session, tables, heard)
        return None
    account = await accounts.meet(session, tables, heard)
    answer.short = heard.private and account.short_lines
    if heard.extra.get("member"):
        account.blocked = heard.extra["member"] == "left"
        return None
    if not await calm.takes(session, tables, heard, account, answer):
        return say("flood.toast") if heard.press is not None else None
    if await restrict.stands_in_way(session, tables, heard, account, answer):
        appeals = heard.press is None or heard.press.verb == restrict.VERB
        return None if appeals else say("restrict.toast.shut")
    verb = heard.press.verb if heard.press is not None else ""
    if not heard.private:
        if heard.press is not None and verb == alert.VERB:
            return await alert.pressed(session, tables, account, answer, heard.press, private=False)
        return await desk.heard_in_group(session, tables, heard, account, answer)
    if verb.startswith("m"):
        return await administer.pressed(session, tables, heard, account)
    if verb == authority.LIST:
        return await authority.listed(session, tables, account, answer)
    if heard.press is not None and verb == proxy.VERB:
        return await proxy.begin(session, tables, account, answer, heard.press)
    if heard.press is not None and verb == codes.VERB:
        return await codes.pressed(session, tables, account, answer, heard.press)
    if verb.startswith("s"):
        return await desk.pressed(session, tables, heard, account, answer)
    if heard.press is not None and verb.startswith(protect.VERB):
        return await protect.pressed(session, tables, account, answer, heard.press)
    if heard.press is not None and verb.startswith(warning_desk.VERB):
        return await warning_desk.pressed(session, tables, account, answer, heard.press)
    if heard.press is not None and verb in {enlist.VERB, leave.VERB}:
        pressed = leave.pressed if verb == leave.VERB else enlist.pressed
        return await pressed(session, tables, heard.press, account, answer)
    if heard.press is not None and verb == account_settings.VERB:
        return await account_settings.pressed(account, answer, heard.press)
    if verb == restrict.VERB:
        return say("restrict.toast.over")
    if heard.press is not None and verb in OUTREACH:
        return await _outreach(session, tables, heard, heard.press, account, answer)
    if heard.press is not None and verb == my_data.VERB:
        return await my_data.pressed(session, tables, account, answer, heard.press)
    if heard.command and heard.command not in BESIDE:
        # She is about to do something else: the next line is not for what was asked before.
        account.awaiting = None
    own_words = heard.text and not heard.edited and not heard.forwarded_from
    if own_words and (
        await join.typed(session, tables, account, answer, heard.text)
        or await codes.typed(session, tables, account, answer, heard.text)
    ):
        return None
    if heard.command and await _command(session, tables, heard, account, answer):
        return None
    if heard.text and not heard.files and control(heard.text) == "settings":
        await account_settings.show(account, answer)
        return None
    if heard.edited and await relay_edit.edited(session, tables, heard, account, answer):
        return None
    if not heard.press and not heard.command and account.awaiting is not None:
        if await desk.typed(session, tables, heard, account, answer):
            return None
        if await administer.typed(session, tables, heard, account):
            return None
        if await _staff_typed(session, tables, heard, account, answer):
            return None
        if await my_data.typed(session, tables, heard, account, answer):
            return None
        if await protect.typed(session, tables, heard, account, answer):
            return None
        if await warning_desk.typed(session, tables, heard, account, answer):
            return None
    if heard.text and not heard.files and control(heard.text) == my_data.WORD:
        account.awaiting = None
        await my_data.home(session, tables, account, answer)
        return None
    if heard.text and not heard.files and control(heard.text) == protect.WORD:
        await protect.home(account, answer)
        return None
    open_to_all = verb in follow.VERBS or (
        verb == "go" and heard.press is not None and heard.press.value in welcome.OPEN_TO_ALL
    )
    if not open_to_all and await trial.missing(session, tables):
        if heard.text:
            await help_first.in_trial(tables, answer, heard.text)
        await trial.card(tables, account, answer)
        return None
    if await _to_nobody(session, heard, account, answer):
        return None
    if heard.press is not None and verb == join.VERB:
        account.awaiting = None
        return await join.pressed(session, tables, account, answer, heard.press)
    if heard.press is not None:
        return await converse.pressed(session, tables, heard, account, answer)
    if heard.command:
        await converse.command(session, tables, heard, account, answer)
    else:
        await converse.heard_text(session, tables, heard, account, answer)
    return None


async def _outreach(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    press: Press,
    account: Account,
    answer: Answer,
) -> Say | None:
    """A button of a notice, of a subscription or of an event."""
    match press.verb:
        case notice_board.LEAVE:
            return await subscribe.unsubscribe(session, tables, heard, account)
        case notice_board.READ_VERB:
            return await receipts.read(session, tables, account, press)
        case notice_board.JOIN_VERB:
            return await sign_up.pressed(session, tables, account, answer, press)
        case attendance.VERB:
            return await activity.pressed(session, tables, account, answer, press)
    return await subscribe.pressed(session, tables, heard, account, press)


async def _command(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """Commands that stand outside the consumer's talk. Returns whether it was one."""
    if heard.command == "start" and heard.argument.startswith("admin_"):
        await administer.claim_admin(session, tables, heard, account, heard.argument[6:])
        return True
    if heard.command == "start" and heard.argument.startswith("case_"):
        case = await drafts.by_token(session, heard.argument[5:])
        if case is None:
            await answer(say("toast.no_case"))
        elif case.account_id == account.id and case.taker_id != account.id:
            await follow.show(session, tables, case, answer)
        else:
            await open_private(session, tables, case, account, answer)
        return True
    if heard.command == "start" and heard.argument.startswith(enlist.START):
        token = heard.argument.removeprefix(enlist.START)
        await enlist.claim(session, tables, account, answer, token)
        return True
    if heard.command == "start" and heard.argument.startswith(second_step.START):
        token = heard.argument.removeprefix(second_step.START)
        await people.claim(session, tables, account, answer, token)
        return True
    if heard.command == "start" and heard.argument.startswith(codes.START):
        code = heard.argument.removeprefix(codes.START)
        await codes.claim(session, tables, account, answer, code)
        return True
    if heard.command == "start" and heard.argument.startswith(joint.START):
        code = heard.argument.removeprefix(joint.START)
        await join.opened(session, tables, account, answer, code)
        return True
    if heard.command == "start" and heard.argument.startswith(attendance.START):
        code = heard.argument.removeprefix(attendance.START)
        await attendance.arrive(session, tables, account, answer, code)
        return True
    if heard.command == "start" and heard.argument.startswith(poster.START):
        code = heard.argument.removeprefix(poster.START)
        if not await poster.open_at(tables, account, answer, code):
            await welcome.start(session, tables, account, answer, say("place.none"))
        return True
    if heard.command == today.COMMAND:
        await today.show(session, tables, heard, account, answer)
        return True
    if heard.command == "staff":
        await enlist.home(session, tables, account, answer)
        return True
    if heard.command == "admin" or (heard.command == "start" and account.is_admin):
        await administer.menu(session, tables, heard, account)
        return True
    if heard.command == protect.COMMAND:
        await protect.home(account, answer)
        return True
    if heard.command == my_data.COMMAND:
        await my_data.home(session, tables, account, answer)
        return True
    if heard.command == "unsubscribe":
        await subscribe.unsubscribe(session, tables, heard, account)
        return True
    if heard.command == "subscribe":
        await subscribe.subscribe(session, tables, heard, account)
        return True
    if heard.command == "settings":
        await account_settings.show(account, answer)
        return True
    if heard.command == "emergency":
        await help_first.urgent(tables, account, answer)
        return True
    return False


async def _to_nobody(
    session: AsyncSession, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """A line of somebody with cases in hand, which nothing asked for and which steers nothing: she is
    asked whom it is for. Returns whether it was one."""
    if heard.press is not None or heard.command:
        return False
    if account.awaiting is not None and account.awaiting.get("verb") != "use":
        return False
    if control(heard.text) is not None or await drafts.current(session, account) is not None:
        return False
    return await unasked.ask(session, heard, account, answer)


async def _staff_typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """A line that was asked for about an event, staff or a leave. Returns whether it was that."""
    verb = (account.awaiting or {}).get("verb")
    if verb == attendance.VERB:
        await activity.typed(session, tables, heard.text, account, answer)
        return True
    if verb not in {enlist.VERB, leave.VERB}:
        return False
    if control(heard.text) == "cancel":
        await enlist.home(session, tables, account, answer)
    elif verb == leave.VERB:
        await leave.typed(session, tables, heard.text, account, answer)
    else:
        await enlist.typed(session, tables, heard.text, account, answer)
    return True
