"""Agree (和解协议): who does what by when, and whether it was done.

The merchant is not in the talk: his side is what the taker writes of a call or a visit, or a picture of the
signed paper. The consumer's tap is her wish and no signature. Suda moves no money.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.deadlines import ZONE
from bot.ports import Incoming, Press
from bot.services.admin.live_law import law_now
from bot.services.chain import hand_over, remind
from bot.services.consumer import keep_evidence
from bot.services.mediation import case_papers, fast_refund, papers
from bot.services.mediation.mediate import AGREEMENT, DONE, PRINT
from bot.services.mediation.papers import Body, Form, Step
from bot.services.sending import Answer, Rows, button, day_words, tell
from bot.services.staff.close_case import SETTLED, conclude
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, CaseStatus, after
from models.mediation import Settlement, SettlementState
from models.party import Account

WISH, CAME = "tzw", "tzd"
"""The consumer's buttons: what she thinks of the agreement, and whether it was kept."""

SAME, DIFFERENT = "same", "different"
NO_MONEY = "none"
NOT_BEFORE = timedelta(hours=4)
"""What was agreed for today is not asked after at once, but the day after."""

COMMITTEE = "committee"
CONFIRMATION = "judicial_confirmation"
"""The statute on the court's confirmation of what a people's mediation committee brought about."""


def _pays(body: Body) -> bool:
    return bool(body.get("money", NO_MONEY) != NO_MONEY)


FORM = Form(
    "agreement",
    AGREEMENT,
    (
        Step("money", (NO_MONEY,), read=papers.money, show=papers.show_fen),
        Step("how", ("original", "transfer", "cash"), read=papers.words(2), when=_pays),
        Step("also", ("nothing",), read=papers.words(2), when=_pays),
        Step("does", read=papers.words(4), when=lambda body: body.get("money") == NO_MONEY),
        Step("gives", ("nothing",), read=papers.words(2)),
        Step(
            "due",
            ("days_0", "days_3", "days_7", "days_15"),
            read=papers.coming_day,
            choose=papers.in_days,
            show=papers.show_day,
        ),
        Step("side", ("signed", "call", "visit")),
        Step(
            "said",
            read=papers.words(4),
            when=lambda body: body.get("side") in {"call", "visit"},
        ),
        Step("under", ("point", COMMITTEE, "council", "bureau")),
    ),
)


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> None:
    """A button of the taker's about the agreement. Raises NotPossible."""
    if press.question == "signed":
        after(case.status, Action.SIGN)
        account.awaiting = {"verb": AGREEMENT, "case": case.token, "signed": True}
        await answer(
            say("paper.agreement.send_signed", number=case.number or ""),
            buttons=[[button("button.never_mind", "sx", case)]],
        )
        return
    after(case.status, Action.AGREE)
    body = await papers.pressed(tables, case, account, answer, press, FORM)
    if body is not None:
        await _agreed(session, tables, case, account, answer, body)


async def typed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    heard: Incoming,
) -> None:
    """Words for a step of the agreement, or the picture of the signed paper. Raises NotPossible."""
    if not (account.awaiting or {}).get("signed"):
        after(case.status, Action.AGREE)
        await papers.typed(tables, case, account, answer, heard.text, FORM)
        return
    after(case.status, Action.SIGN)
    before = len(case.evidence)
    if heard.files:
        await keep_evidence.keep_signed(session, tables, heard, case, heard.text)
    if len(case.evidence) == before:
        await answer(say("paper.agreement.send_signed", number=case.number or ""))
        return
    account.awaiting = None
    case.apply(
        Action.SIGN, at=tables.clock.now(), by=account.id, details={"who": account.name or ""}
    )
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.signed", number=case.number or "", who=account.name or ""),
        case=case,
        media=keep_evidence.media(case.evidence[before:]),
        buttons=[[button("button.progress", "tp", case)]],
    )
    await answer(
        say("paper.agreement.signed_kept", number=case.number or ""),
        buttons=[[button("button.details", "sv", case)]],
    )


async def _agreed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    body: dict[str, Any],
) -> None:
    await case_papers.drop_open(session, case)
    now, due = tables.clock.now(), date.fromisoformat(body["due"])
    fen = int(body["money"]) if _pays(body) else 0
    row = Settlement(
        case_id=case.id,
        number=await case_papers.count(session, Settlement, case) + 1,
        by_id=account.id,
        made_at=now,
        state=SettlementState.OPEN,
        fen=fen,
        due_on=due,
        under=body["under"],
        side=body["side"],
        wish="",
    )
    row.terms = body
    session.add(row)
    what = say("paper.agreement.event", money=case_papers.money_words(fen), day=day_words(due))
    asked_at = datetime.combine(due, tables.policy.performance_at, ZONE)
    if asked_at < now + NOT_BEFORE:
        asked_at += timedelta(days=1)
    case.apply(
        Action.AGREE,
        at=now,
        by=account.id,
        details={
            "who": account.name or "",
            "fen": fen,
            "reason": what.to_json(),
            "due": body["due"],
            "until": asked_at.isoformat(),
        },
    )
    await remind.plan(session, tables, case)
    await fast_refund.stop(session, tables, case)
    await _show_card(session, tables, case)
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.agreed", number=case.number or "", lines=FORM.lines(body)),
        say("told.agreed_next", day=day_words(due)),
        await confirmation(session, row),
        say("told.agreed_tap"),
        case=case,
        buttons=[
            [button("agree.button.same", WISH, case, SAME)],
            [button("agree.button.different", WISH, case, DIFFERENT)],
            [button("button.progress", "tp", case)],
        ],
    )
    await answer(
        say("paper.agreement.done", number=case.number or "", day=day_words(due)),
        await confirmation(session, row),
        buttons=[
            [button("mediate.button.print", PRINT, case)],
            [button("mediate.button.signed", AGREEMENT, case, "signed")],
            [button("button.details", "sv", case)],
        ],
    )


async def confirmation(session: AsyncSession, row: Settlement) -> Say | None:
    """The court's confirmation, only where a people's mediation committee sealed it (人民调解法 art. 33)."""
    if row.under != COMMITTEE:
        return None
    rule = (await law_now(session)).statute(CONFIRMATION)
    last = rule.due(row.made_at.astimezone(SHANGHAI).date())
    return say("paper.agreement.confirmation", cited=rule.cited, day=day_words(last))


async def _show_card(session: AsyncSession, tables: Tables, case: Case) -> None:
    desk = await hand_over.desk_of(session, case)
    if desk is not None:
        await hand_over.send_card(session, tables, case, desk, anew=False)


# The consumer's side


async def wished(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """Her tap under the agreement: kept as her wish, and told to the taker. Raises NotPossible."""
    row = await case_papers.settlement(session, case)
    wish = press.question
    if row is None or row.state is not SettlementState.OPEN or wish not in {SAME, DIFFERENT}:
        return say("toast.stale")
    if row.wish == wish:
        return say("agree.toast_again")
    said = say(f"agree.wish.{wish}")
    case.apply(
        Action.WISH, at=tables.clock.now(), by=account.id, details={"reason": said.to_json()}
    )
    row.wish = wish
    if wish == DIFFERENT:
        account.awaiting = {"verb": "add", "case": case.token}
    await answer(say(f"agree.answer.{wish}", number=case.number or ""))
    await _tell_taker(session, tables, case, say(f"agree.told.{wish}", number=case.number or ""))
    return None


async def came(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """Her answer to 钱到了吗: yes closes the case, no gives it back to the taker. Raises NotPossible."""
    row = await case_papers.settlement(session, case)
    if row is None or row.state is not SettlementState.OPEN:
        return say("toast.stale")
    if press.question == "yes":
        await _kept(session, tables, case, account, row, say("agree.kept_by_her"))
        await _tell_taker(session, tables, case, say("agree.told.kept", number=case.number or ""))
        return None
    part = "part" if press.question == "part" else "none"
    await _broken(session, tables, case, account, row, say(f"agree.broken_by_her.{part}"))
    account.awaiting = {"verb": "add", "case": case.token}
    await answer(
        say("agree.answer.broken", number=case.number or ""),
        buttons=[[button("button.progress", "tp", case)]],
    )
    await _tell_taker(
        session, tables, case, say(f"agree.told.broken_{part}", number=case.number or "")
    )
    return None


# The taker's side


async def done_pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """Kept or broken in the taker's own word, asked back once. Raises NotPossible."""
    sure = press.value == "yes"
    after(case.status, Action.BREAK)
    row = await case_papers.settlement(session, case)
    if row is None or press.question not in {"kept", "broken"}:
        return say("toast.stale")
    if not sure:
        await answer(
            say(f"agree.sure.{press.question}", line=case_papers.settlement_line(row)),
            buttons=[
                [button(f"agree.button.{press.question}", DONE, case, press.question, "yes")],
                [button("button.never_mind", "sx", case)],
            ],
        )
        return None
    if press.question == "kept":
        await _kept(session, tables, case, account, row, say("agree.kept_by_taker"))
        await answer(say("close.done", number=case.number or ""))
        return None
    await _broken(session, tables, case, account, row, say("agree.broken_by_taker"))
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.broken", number=case.number or "", who=account.name or ""),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    await answer(
        say("agree.broken_done", number=case.number or ""),
        buttons=[[button("button.details", "sv", case)]],
    )
    return None


async def _kept(
    session: AsyncSession, tables: Tables, case: Case, by: Account, row: Settlement, text: Say
) -> None:
    row.state, row.ended_at = SettlementState.KEPT, tables.clock.now()
    words = tables.texts.plain(text)
    await conclude(session, tables, case, by, Action.FULFIL, SETTLED, row.fen, words)


async def _broken(
    session: AsyncSession, tables: Tables, case: Case, by: Account, row: Settlement, reason: Say
) -> None:
    """It was not done: the taker has the case in hand again."""
    case.apply(
        Action.BREAK,
        at=tables.clock.now(),
        by=by.id,
        details={"who": by.name or "", "reason": reason.to_json()},
    )
    row.state, row.ended_at = SettlementState.BROKEN, tables.clock.now()
    await _show_card(session, tables, case)


async def _tell_taker(session: AsyncSession, tables: Tables, case: Case, *parts: Say) -> None:
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is None:
        return
    await tell(session, tables, taker.address, *parts, case=case, buttons=_taker_rows(case))


def _taker_rows(case: Case) -> Rows:
    if case.status is CaseStatus.HANDLING:
        return [
            [button("mediate.button.menu", "szm", case)],
            [button("button.details", "sv", case)],
        ]
    return [[button("button.details", "sv", case)]]
