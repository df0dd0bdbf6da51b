"""Mediate (调解): the taker's menu, and the record of each talk with both sides (调解记录)."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.mediation import case_papers, papers
from bot.services.mediation.papers import Form, Step
from bot.services.sending import Answer, Rows, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after, allowed
from models.mediation import Mediation
from models.party import Account

MENU = "szm"
RECORD = "szr"
AGREEMENT = "szg"
ADVANCE = "szp"
PRINT = "szd"
DONE = "szf"
"""Kept or broken, in the taker's word."""

AGREED, AGAIN, FAILED = "agreed", "again", "failed"
FACE_TO_FACE = frozenset({"on_site", "visit"})


def _just_now(_option: str, today: date) -> dict[str, str]:
    return {"on": today.isoformat(), "said": ""}


FORM = Form(
    "record",
    RECORD,
    (
        Step(
            "when",
            ("today",),
            read=papers.past_day,
            choose=_just_now,
            show=papers.show_past,
        ),
        Step("way", ("on_site", "phone", "visit", "online")),
        Step(
            "place",
            ("desk", "shop"),
            read=papers.words(2),
            when=lambda body: body.get("way") in FACE_TO_FACE,
        ),
        Step("people", ("both",), read=papers.words(2)),
        Step("consumer", ("filed",), read=papers.words(2)),
        Step("merchant", ("refuses", "thinks"), read=papers.words(2)),
        Step("outcome", (AGREED, AGAIN, FAILED)),
        Step(
            "next",
            ("days_1", "days_3", "days_7"),
            read=papers.coming_day,
            choose=papers.in_days,
            show=papers.show_day,
            when=lambda body: body.get("outcome") == AGAIN,
        ),
    ),
)


async def menu(session: AsyncSession, case: Case, answer: Answer) -> None:
    """What the taker can write down or bring about now, with what there is already. Raises NotPossible."""
    after(case.status, Action.VIEW)
    await answer(
        say("mediate.menu", number=case.number or "", status=say(f"status.{case.status}")),
        *await shown(session, case, inside=True),
        buttons=[*rows(case), [button("button.details", "sv", case)]],
    )


def rows(case: Case) -> Rows:
    """The buttons of :func:`menu`."""
    can = allowed(case.status)
    made = []
    if Action.FULFIL in can:
        made += [
            [button("mediate.button.kept", DONE, case, "kept")],
            [button("mediate.button.broken", DONE, case, "broken")],
            [button("mediate.button.print", PRINT, case)],
            [button("mediate.button.signed", AGREEMENT, case, "signed")],
        ]
    if Action.RECORD in can:
        made.append([button("mediate.button.record", RECORD, case, papers.OPEN)])
    if Action.AGREE in can:
        made.append([button("mediate.button.agree", AGREEMENT, case, papers.OPEN)])
    if Action.ADVANCE in can:
        made.append([button("mediate.button.advance", ADVANCE, case, papers.OPEN)])
    return made


async def shown(session: AsyncSession, case: Case, *, inside: bool) -> list[Say]:
    """Records, agreement and payment in advance as paragraphs; ``inside`` with what is the desk's own."""
    parts = []
    if done := await case_papers.mediations(session, case):
        parts.append(say("mediate.records", lines=case_papers.mediation_lines(FORM, done)))
    if (agreed := await case_papers.settlement(session, case)) is not None:
        parts.append(say("mediate.agreement", line=case_papers.settlement_line(agreed)))
    if (paid := await case_papers.advance(session, case)) is not None:
        parts.append(say("mediate.advance", line=case_papers.advance_line(paid, inside)))
    return parts


async def record_pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> None:
    """A button of the record; confirmed, it is kept, and the consumer hears of it. Raises NotPossible."""
    after(case.status, Action.RECORD)
    body = await papers.pressed(tables, case, account, answer, press, FORM)
    if body is None:
        return
    number = await case_papers.count(session, Mediation, case) + 1
    made = Mediation(
        case_id=case.id,
        number=number,
        by_id=account.id,
        made_at=tables.clock.now(),
        way=body["way"],
        outcome=body["outcome"],
    )
    made.record = body
    session.add(made)
    came_to = _came_to(body)
    way = say(f"paper.record.option.way_{body['way']}")
    summary = say("paper.record.summary", way=way, outcome=came_to)
    case.apply(
        Action.RECORD,
        at=tables.clock.now(),
        by=account.id,
        details={"who": account.name or "", "text": str(number), "reason": summary.to_json()},
    )
    owner = await session.get_one(Account, case.account_id)
    merchant = next(step for step in FORM.steps if step.key == "merchant")
    await tell(
        session,
        tables,
        owner.address,
        say(
            "told.mediated",
            number=case.number or "",
            count=number,
            way=way,
            merchant=FORM.shown(merchant, body["merchant"]),
            outcome=came_to,
        ),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    await answer(
        say("paper.record.done", number=case.number or "", count=number),
        buttons=[*_then(case, body["outcome"]), [button("button.details", "sv", case)]],
    )


def _came_to(body: papers.Body) -> Say:
    if body["outcome"] == AGAIN:
        return say("paper.record.again_on", day=papers.show_day(body["next"]))
    return say(f"paper.record.option.outcome_{body['outcome']}")


def _then(case: Case, outcome: str) -> Rows:
    """What usually follows."""
    if outcome == AGAIN:
        return []
    if outcome == AGREED:
        return [
            [button("mediate.button.agree", AGREEMENT, case, papers.OPEN)],
            [button("button.settle", "ss", case)],
        ]
    return [
        [button("result.no_agreement", "ser", case, value="no_agreement")],
        [button("mediate.button.advance", ADVANCE, case, papers.OPEN)],
    ]
