"""更正: her name, phone or address in a case that is filed already (PIPL art. 46)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.redact import redact
from bot.interview import flow
from bot.interview.questions import BY_KEY
from bot.interview.terms import Choose, Given, Wrong
from bot.ports import Incoming
from bot.services.consumer import drafts
from bot.services.consumer.file_case import blind_phone
from bot.services.privacy import audit
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, allowed
from models.party import Account
from models.privacy import Act

VERB = "d"
FIELDS = ("name", "phone", "address")


async def ask(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    answer: Answer,
    case: Case | None,
    field: str,
) -> None:
    """Which case, then which of the three, then the new value."""
    cases = await drafts.filed(session, account)
    if case is None and len(cases) == 1:
        case = cases[0]
    if case is None:
        await answer(
            say("correct.which_case") if cases else say("progress.none"),
            buttons=[
                *[
                    [button(say("erase.button.see", number=c.number or ""), VERB, c, "correct")]
                    for c in cases
                ],
                [button("mydata.button.home", VERB, question="home")],
            ],
        )
        return
    if field not in FIELDS:
        await answer(
            say("correct.which", number=case.number or "", lines=_lines(case, tables)),
            buttons=[
                [button(f"label.{name}", VERB, case, "correct", name) for name in FIELDS],
                [button("mydata.button.home", VERB, question="home")],
            ],
        )
        return
    account.awaiting = {"verb": VERB, "case": case.token, "field": field}
    await answer(
        say("correct.ask", label=say(f"label.{field}"), now=_shown(case, field, tables)),
        say(f"example.{field}"),
        buttons=[[button("mydata.button.home", VERB, question="home")]],
    )


async def typed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    answer: Answer,
    case: Case,
    field: str,
) -> None:
    """The new value, read as the interview reads it; whoever has the case is told."""
    question = BY_KEY[field]
    answers: dict[str, Any] = dict(case.answers or {})
    context = drafts.context(case, tables)
    given = Given(text=redact(heard.text).text, phone=heard.contact_phone)
    try:
        value = question.parse(given, answers, context)
    except Wrong as wrong:
        await answer(wrong.say, say(f"example.{field}"))
        return
    except Choose:
        await answer(say(f"example.{field}"))
        return
    account.awaiting = None
    before = _shown(case, field, tables)
    case.answers = {**answers, field: {"v": value, "said": given.text, "by": "person"}}
    if field == "phone":
        case.phone_blind = blind_phone(str(value))
    now = tables.clock.now()
    label = say(f"label.{field}")
    if Action.ADD in allowed(case.status):
        words = tables.texts.plain(say("correct.event", label=label))
        case.apply(Action.ADD, at=now, by=account.id, details={"text": words})
    await audit.record(session, now, Act.CORRECT, account, case, field=field)
    await answer(
        say("correct.done", label=label, before=before, now=_shown(case, field, tables)),
        buttons=[
            [button("correct.button.again", VERB, case, "correct", field)],
            [button("correct.button.other", VERB, case, "correct")],
            [button("mydata.button.home", VERB, question="home")],
        ],
    )
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say("correct.told", number=case.number or "", label=label),
            case=case,
            buttons=[[button("button.details", "sv", case)]],
        )


def _lines(case: Case, tables: Tables) -> list[Say]:
    return [
        say("talk.read_line", label=say(f"label.{name}"), value=_shown(case, name, tables))
        for name in FIELDS
    ]


def _shown(case: Case, field: str, tables: Tables) -> str | Say:
    return flow.show(field, case.answers or {}, drafts.context(case, tables)) or say(
        "correct.empty"
    )
