"""The staff desk (工作台): what is pressed and typed by those who work for a point or a street."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.asides import control
from bot.ports import Incoming, Press
from bot.services import accounts
from bot.services.books import export_report, own_rating, plan_work, record_work, report
from bot.services.chain import authority, refer
from bot.services.chain.hand_over import desk_of
from bot.services.consumer import codes, drafts
from bot.services.mediation import (
    advance,
    agree,
    decide_advance,
    ledger,
    mediate,
    papers,
    print_papers,
)
from bot.services.outreach import lesson
from bot.services.sending import Answer, button
from bot.services.staff import (
    merge,
    notes,
    pass_on,
    proxy,
    recuse,
    relay,
    return_case,
    templates,
    today,
)
from bot.services.staff.ask_consumer import ask, ask_typed
from bot.services.staff.close_case import CONFIRM, RETURNED, SETTLING, close_pressed, close_typed
from bot.services.staff.close_case import VERBS as CLOSING
from bot.services.staff.relabel import VERB as RELABEL
from bot.services.staff.relabel import relabel_pressed
from bot.services.staff.return_case import give_back, reasons, return_typed
from bot.services.staff.take_case import MORE, more, open_private, take, who_has
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import NotPossible
from models.party import Account

Pressed = Callable[
    [AsyncSession, Tables, Case, Account, Answer, Press], Coroutine[Any, Any, Say | None]
]

PAPERS: Mapping[str, Pressed] = {
    mediate.RECORD: mediate.record_pressed,
    mediate.AGREEMENT: agree.pressed,
    mediate.ADVANCE: advance.pressed,
    mediate.DONE: agree.done_pressed,
}
"""What the taker writes down or brings about."""

BOOKS = frozenset({record_work.VERB, report.VERB, plan_work.VERB, own_rating.VERB})
"""The desk's books, which are about no one case."""

IN_GROUP = frozenset({"st", "sr", "srr", today.VERB, advance.ANYONE})
"""All that may be pressed where everybody reads along; what is the person's is not answered there."""


async def heard_in_group(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """In a group only cards' buttons work; a command or a reply is told where to go on."""
    if heard.press is not None:
        return await pressed(session, tables, heard, account, answer)
    if heard.command == today.COMMAND:
        await today.show(session, tables, heard, account, answer)
        return None
    if not heard.command and await record_work.typed(session, tables, heard, account, answer):
        return None
    desks = await accounts.desks_of_chat(session, heard.chat)
    if heard.command in {"help", "start"} or heard.reply_to:
        await answer(
            say("group.help", desks=[desk.name for desk in desks])
            if desks
            else say("group.unbound")
        )
    return None


async def pressed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """A staff button; the right to press it is looked up anew each time."""
    press = heard.press
    if press is None:
        return None
    if press.verb == ledger.VERB and press.question == "xlsx" and heard.private:
        return await export_report.order_advances(session, tables, account, press)
    if press.verb == record_work.VERB:
        return await record_work.pressed(session, tables, heard, account, answer)
    if press.verb == report.VERB:
        return await report.pressed(session, tables, heard, account, answer)
    if press.verb == plan_work.VERB:
        return await plan_work.pressed(session, tables, heard, account, answer)
    if press.verb == own_rating.VERB:
        return await own_rating.pressed(session, tables, heard, account, answer)
    if press.verb == ledger.VERB and heard.private:
        return await ledger.show(session, tables, account, answer, press)
    if press.verb == today.VERB:
        await today.show(session, tables, heard, account, answer, press)
        return None
    case = await drafts.by_token(session, press.case)
    if case is None or case.filed_at is None:
        return say("toast.no_case")
    if not heard.private and press.verb not in IN_GROUP:
        return say("toast.not_yours")
    if press.verb == merge.VERB:
        return await _merge(session, tables, case, account, answer, press)
    if press.verb == "st":
        return await take(session, tables, heard, case, account)
    try:
        if press.verb == advance.ANYONE:
            return await decide_advance.anyone_pressed(
                session, tables, heard, case, account, answer
            )
        if press.verb in {"sr", "srr"} and not heard.private:
            place = await desk_of(session, case)
            if place is None or await accounts.chat_of(session, place) != heard.chat:
                return say("toast.not_yours")
            if not tables.demo and not await accounts.may_act(session, tables, account, place):
                return say("toast.not_staff")
            if case.taker_id not in {None, account.id}:
                # A button from before it was taken: a colleague's case is not hers to return.
                return await who_has(session, case)
        elif not await accounts.holds(session, tables, account, case):
            return say("toast.not_yours")
        if _wants_her(press) and await proxy.by_telephone(
            session, tables, case, account, answer, private=heard.private
        ):
            account.awaiting = None
            return None
        if press.verb == relay.STAFF_VERB:
            return await relay.staff_pressed(session, tables, case, account, answer, press.question)
        if press.verb == templates.VERB:
            return await templates.pressed(session, tables, case, account, answer, press)
        if press.verb == notes.VERB:
            await notes.pressed(tables, case, account, answer, press.question)
            return None
        if press.verb not in {CONFIRM, RETURNED}:
            # What was asked for before must not catch a line that is meant for this.
            account.awaiting = None
        if (refused := _unfit(case, press.verb)) is not None:
            return refused
        if press.verb == authority.VERB:
            return await authority.pressed(session, tables, case, account, answer, press)
        if press.verb == refer.UP:
            return await refer.up_pressed(session, tables, case, account, answer)
        if press.verb == refer.DOWN:
            return await refer.down_pressed(session, tables, case, account, answer, press)
        if press.verb == lesson.STAFF_VERB:
            return await lesson.propose(session, tables, case, account, answer)
        if press.verb == "sr":
            await reasons(case, answer)
        elif press.verb == codes.STAFF_VERB:
            await codes.staff_pressed(session, tables, case, account, answer, press)
        elif press.verb == proxy.ADD_VERB:
            await proxy.add_pressed(case, account, answer)
        elif press.verb == pass_on.VERB:
            return await pass_on.pressed(session, tables, case, account, answer, press)
        elif press.verb == recuse.VERB or _own_conflict(case, account, press):
            return await recuse.pressed(session, tables, case, account, answer, press)
        elif _own_duplicate(case, account, press) and await merge.similar(session, tables, case):
            return await merge.pressed(session, tables, case, account, answer, Press(merge.VERB))
        elif press.verb == "srr":
            await give_back(session, tables, case, account, answer, press.value)
        elif press.verb == "sv":
            await open_private(session, tables, case, account, answer)
        elif press.verb == "sa":
            await ask(case, account, answer)
        elif press.verb == "sx":
            await open_private(session, tables, case, account, answer)
        elif press.verb == MORE:
            await answer(say("details.more", number=case.number or ""), buttons=more(case))
        elif press.verb == RELABEL:
            return await relabel_pressed(session, tables, case, account, answer, press)
        elif press.verb == mediate.MENU:
            await mediate.menu(session, case, answer)
        elif press.verb == mediate.PRINT:
            return await print_papers.agreement(session, tables, case, account, answer)
        elif press.verb in PAPERS:
            return await PAPERS[press.verb](session, tables, case, account, answer, press)
        elif press.verb in CLOSING:
            await close_pressed(session, tables, case, account, answer, press)
        else:
            return say("toast.stale")
    except NotPossible:
        return say("toast.not_now", status=say(f"status.{case.status}"))
    return None


def _unfit(case: Case, verb: str) -> Say | None:
    """What the desk's own buttons may not do with a case that is the authority's; why, in words."""
    if verb in CLOSING and authority.closes_otherwise(case, settling=verb in SETTLING):
        return say("official.closes_otherwise")
    if verb in {"sr", "srr"} and authority.received(case) and authority.accepted(case):
        return say("official.no_return")
    if verb == RELABEL and authority.received(case):
        return say("official.no_relabel")
    if verb in {"se", "ser"} and refer.delegated(case) is not None:
        return say("refer.answer_instead")
    return None


def _wants_her(press: Press) -> bool:
    """Whether a button needs the consumer in a chat: to ask, to talk, to have her word."""
    return (
        press.verb in {"sa", templates.VERB}
        or (press.verb == relay.STAFF_VERB and press.question in {"", "this"})
        or (press.verb == "srr" and press.value in return_case.ASKS_HER)
    )


def _own_conflict(case: Case, account: Account, press: Press) -> bool:
    """The taker returns for her ties: first it is asked whose they are."""
    return press.verb == "srr" and press.value == "conflict" and case.taker_id == account.id


def _own_duplicate(case: Case, account: Account, press: Press) -> bool:
    """The taker returns what was filed twice: it is merged rather than returned."""
    return press.verb == "srr" and press.value == "duplicate" and case.taker_id == account.id


async def _merge(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    try:
        return await merge.pressed(session, tables, case, account, answer, press)
    except NotPossible:
        return say("toast.not_now", status=say(f"status.{case.status}"))


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """A line typed in private after a staff button asked for one. Returns whether it was that."""
    waiting = account.awaiting or {}
    verb = str(waiting.get("verb", ""))
    if not verb.startswith("s"):
        return False
    if heard.edited:
        await answer(say("talk.edited_staff"))
        return True
    if verb in BOOKS:
        if control(heard.text) in {"cancel", "back"}:
            account.awaiting = None
            await answer(say("books.stopped"), buttons=[[button("staff.button.home", "j")]])
            return True
        return (
            await record_work.typed(session, tables, heard, account, answer)
            or await report.typed(session, tables, heard, account, answer)
            or await plan_work.typed(session, tables, heard, account, answer)
            or await own_rating.typed(session, tables, heard, account, answer)
        )
    case = await drafts.by_token(session, str(waiting.get("case", "")))
    hers = case is not None and (
        verb == advance.ANYONE or await accounts.holds(session, tables, account, case)
    )
    if case is None or not hers:
        account.awaiting = None
        await answer(say("toast.not_yours"), say("relay.not_sent"))
        return True
    steers = control(heard.text)
    if steers == "back" and verb in PAPERS:
        back = Press(verb, case.token, papers.BACK, case.version)
        await PAPERS[verb](session, tables, case, account, answer, back)
        return True
    if steers in {"cancel", "back"}:
        account.awaiting = None
        if verb == advance.ANYONE:
            await answer(say("advance.undecided"))
            return True
        await open_private(session, tables, case, account, answer)
        return True
    try:
        if verb == advance.ANYONE:
            await decide_advance.anyone_typed(session, tables, heard, case, account, answer)
        elif verb == mediate.RECORD:
            await papers.typed(tables, case, account, answer, heard.text, mediate.FORM)
        elif verb == mediate.AGREEMENT:
            await agree.typed(session, tables, case, account, answer, heard)
        elif verb == mediate.ADVANCE:
            await advance.typed(session, tables, case, account, answer, heard.text)
        elif verb == relay.STAFF_VERB:
            await relay.staff_line(session, tables, heard, case, account, answer)
        elif verb == proxy.ADD_VERB:
            await proxy.add_typed(tables, case, account, answer, heard.text)
        elif verb == notes.VERB:
            await notes.typed(tables, case, account, answer, heard.text)
        elif verb == "sa":
            await ask_typed(session, tables, case, account, answer, heard.text)
        elif verb == "srr":
            await return_typed(session, tables, case, account, answer, heard.text)
        else:
            await close_typed(case, account, answer, heard.text)
    except NotPossible:
        account.awaiting = None
        await answer(say("toast.not_now", status=say(f"status.{case.status}")))
    return True
