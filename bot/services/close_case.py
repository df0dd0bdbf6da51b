"""Settle or end a case (达成/终止): result, money returned and reason, or it does not close."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import parse_money, show_money
from bot.ports import Press
from bot.services import hand_over
from bot.services.sending import Answer, Rows, button, tell
from bot.services.tables import Tables
from bot.services.take_case import open_private
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account

CONFIRM = "scy"
VERBS = frozenset({"ss", "ssn", "se", "ser", CONFIRM})
SETTLING = frozenset({"ss", "ssn", CONFIRM})
"""Those that may end in a settlement."""

ADVICE = "advice_given"
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
            await _ask_reason(case, account, answer, "settled", 0)
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
    if waiting["verb"] == "ss":
        money = parse_money(text)
        if money is None:
            await answer(
                say("wrong.amount"),
                say("close.money", number=case.number or ""),
                buttons=_money_rows(case),
            )
            return
        await _ask_reason(case, account, answer, "settled", money.fen)
        return
    if len(text.strip()) < 4:
        await answer(say("close.reason_short"))
        return
    account.awaiting = {**waiting, "verb": "sc", "text": text}
    await answer(
        say("close.preview"),
        _told(case, waiting["result"], waiting["fen"], text),
        buttons=[
            [button("button.close_yes", CONFIRM, case)],
            [button("button.never_mind", "sx", case)],
        ],
    )


def _told(case: Case, result: str, fen: int, text: str) -> Say:
    """What the consumer is told at the end."""
    return say(
        {"settled": "told.settled", ADVICE: "told.answered"}.get(result, "told.ended"),
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
    result, fen, text = waiting["result"], int(waiting["fen"]), waiting["text"]
    account.awaiting = None
    case.apply(
        Action.SETTLE if result == "settled" else Action.END,
        at=tables.clock.now(),
        by=account.id,
        details={"result": result, "fen": fen, "text": text, "who": account.name or ""},
    )
    case.result, case.returned_fen, case.closed_at = result, fen, tables.clock.now()
    desk = await hand_over.desk_of(session, case)
    if desk is not None:
        await hand_over.send_card(session, tables, case, desk, anew=False)
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        _told(case, result, fen, text),
        say("told.doors") if result not in {"settled", ADVICE} else None,
        say("told.judge", days=tables.policy.reopen_days),
        case=case,
        buttons=[
            [button("button.solved", "tr", case, "solved", "3")],
            [button("rate.solved_2", "tr", case, "solved", "2")],
            [button("button.not_solved", "to", case)],
        ],
    )
    await answer(say("close.done", number=case.number or ""))
