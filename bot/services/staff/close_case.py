"""Settle or end a case (达成/终止): result, money returned and reason, or it does not close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import parse_money, show_money
from bot.ports import Press
from bot.services.chain import authority, hand_over
from bot.services.mediation import case_papers, fast_refund, next_doors
from bot.services.sending import Answer, Rows, button, tell
from bot.services.staff.take_case import open_private
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import ADVICE_GIVEN as ADVICE
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account

CONFIRM = "scy"
RETURNED = "scm"
VERBS = frozenset({"ss", "ssn", "se", "ser", CONFIRM, RETURNED})
SETTLING = frozenset({"ss", "ssn", CONFIRM})
"""Those that may end in a settlement."""

SETTLED = "settled"
RESULTS = (
    "no_agreement",
    "merchant_unreachable",
    "other_authority",
    "consumer_gone",
    ADVICE,
)
"""Why a case ends without a settlement."""


async def close_pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> None:
    """The buttons of closing. Raises NotPossible."""
    match press.verb:
        case "ss":
            after(case.status, Action.SETTLE)
            account.awaiting = {"verb": "ss", "case": case.token}
            await answer(say("close.money", number=case.number or ""), buttons=_money_rows(case))
        case "ssn":
            after(case.status, Action.SETTLE)
            await _ask_reason(case, account, answer, SETTLED, 0)
        case "se":
            after(case.status, Action.END)
            await answer(
                say("close.why"),
                buttons=[
                    *[[button(f"result.{code}", "ser", case, value=code)] for code in RESULTS],
                    [button("button.never_mind", "sx", case)],
                ],
            )
        case "ser" if press.value in RESULTS:
            after(case.status, Action.END)
            await _ask_reason(case, account, answer, press.value, 0)
        case verb if verb == RETURNED and "result" in (account.awaiting or {}):
            after(case.status, Action.END)
            account.awaiting = {**(account.awaiting or {}), "verb": RETURNED}
            await answer(
                say("close.money", number=case.number or ""),
                buttons=[[button("button.never_mind", "sx", case)]],
            )
        case verb if verb == CONFIRM:
            await _close(session, tables, case, account, answer)


def _money_rows(case: Case) -> Rows:
    return [
        [button("button.no_money", "ssn", case)],
        [button("button.never_mind", "sx", case)],
    ]


async def _ask_reason(case: Case, account: Account, answer: Answer, result: str, fen: int) -> None:
    account.awaiting = {"verb": "sc", "case": case.token, "result": result, "fen": fen}
    await answer(
        say("close.reason", result=say(f"result.{result}")),
        buttons=[[button("button.never_mind", "sx", case)]],
    )


def _money(fen: int) -> str | Say:
    return show_money(fen) if fen else say("close.nothing")


async def close_typed(case: Case, account: Account, answer: Answer, text: str) -> None:
    """The amount, then the reason, then a preview with one button."""
    waiting = account.awaiting or {}
    if waiting["verb"] in {"ss", RETURNED}:
        money = parse_money(text)
        if money is None:
            await answer(
                say("wrong.amount"),
                say("close.money", number=case.number or ""),
                buttons=_money_rows(case),
            )
        elif waiting["verb"] == "ss":
            await _ask_reason(case, account, answer, SETTLED, money.fen)
        else:
            await _preview(case, account, answer, {**waiting, "fen": money.fen})
        return
    if len(text.strip()) < 4:
        await answer(say("close.reason_short"))
        return
    await _preview(case, account, answer, {**waiting, "text": text})


async def _preview(
    case: Case, account: Account, answer: Answer, waiting: Mapping[str, Any]
) -> None:
    """What the consumer will read, with the money returned in it, before it is sent."""
    account.awaiting = {**waiting, "verb": "sc"}
    result, fen = waiting["result"], waiting["fen"]
    no_money = result not in {SETTLED, ADVICE} and not fen
    await answer(
        say("close.preview"),
        _told(case, result, fen, waiting["text"]),
        buttons=[
            [button("button.close_yes", CONFIRM, case)],
            *([[button("button.some_money", RETURNED, case)]] if no_money else []),
            [button("button.never_mind", "sx", case)],
        ],
    )


def _told(case: Case, result: str, fen: int, text: str) -> Say:
    """What the consumer is told at the end."""
    return say(
        {SETTLED: "told.settled", ADVICE: "told.answered"}.get(result, "told.ended"),
        number=case.number or "",
        result=say(f"result.{result}"),
        money=_money(fen),
        text=text,
    )


async def _close(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    waiting = account.awaiting or {}
    if waiting.get("case") != case.token or "text" not in waiting:
        await open_private(session, tables, case, account, answer)
        return
    account.awaiting = None
    result, fen, text = waiting["result"], int(waiting["fen"]), waiting["text"]
    action = Action.SETTLE if result == SETTLED else Action.END
    await conclude(session, tables, case, account, action, result, fen, text)
    await answer(
        say("close.done", number=case.number or ""),
        buttons=[[button("lesson.button.propose", "sle", case)]]
        if authority.received(case)
        else (),
    )


async def conclude(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    by: Account,
    action: Action,
    result: str,
    fen: int,
    text: str,
) -> None:
    """Close with a result, the money returned (fen) and a reason; the consumer hears it and may differ.

    Raises NotPossible.
    """
    now = tables.clock.now()
    details = {"result": result, "fen": fen, "text": text, "who": by.name or ""}
    case.apply(action, at=now, by=by.id, details=details)
    case.result, case.returned_fen, case.closed_at = result, fen, now
    await case_papers.drop_open(session, case)
    await fast_refund.stop(session, tables, case)
    desk = await hand_over.desk_of(session, case)
    if desk is not None:
        await hand_over.send_card(session, tables, case, desk, anew=False)
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        _told(case, result, fen, text),
        say("told.judge", days=tables.policy.reopen_days),
        case=case,
        buttons=[
            [button("button.solved", "tr", case, "solved", "3")],
            [button("rate.solved_2", "tr", case, "solved", "2")],
            [button("button.not_solved", "to", case)],
        ],
    )
    if result in next_doors.FAILED:
        await next_doors.tell_of(session, tables, case, owner)
