"""Papers to take away (文书): the agreement to sign, the result of a case, a power of attorney."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.dates import show_when
from bot.ports import Document, Grid, Section
from bot.route.tell import statute
from bot.services.admin.live_law import law_now
from bot.services.chain import hand_over
from bot.services.consumer import act_for, drafts
from bot.services.mediation import agree, case_papers, documents
from bot.services.sending import Answer
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, CaseStatus
from models.mediation import Settlement, SettlementState
from models.party import Account

VERB = "tzf"
"""The consumer's button for her papers."""


def has_any(case: Case) -> bool:
    """Whether there is something for the consumer to take away."""
    agreed = any(event.action is Action.AGREE for event in case.events)
    return agreed or _has_result(case) or act_for.letter_for(case) is not None


def _has_result(case: Case) -> bool:
    return case.status in {CaseStatus.SETTLED, CaseStatus.ENDED}


async def give(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    """The consumer gets what there is, as files to keep."""
    made: list[Document] = []
    row = await case_papers.settlement(session, case)
    if row is not None and row.state is not SettlementState.DROPPED:
        made.append(await _agreement(session, tables, case, row))
    if _has_result(case):
        made.append(await _result(session, tables, case))
    if act_for.letter_for(case) is not None:
        made.append(await _letter(session, tables, case))
    for document in made:
        told = say("print.here", title=document.title)
        await documents.order(
            session, tables, case, document, to=account.address, told=told, forms=["pdf"]
        )
    await answer(say("print.coming", titles=[document.title for document in made]))


async def agreement(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> Say | None:
    """The taker prints what both sides are to sign."""
    row = await case_papers.settlement(session, case)
    if row is None or row.state is not SettlementState.OPEN:
        return say("toast.stale")
    document = await _agreement(session, tables, case, row)
    told = say("print.to_sign", number=case.number or "")
    await documents.order(session, tables, case, document, to=account.address, told=told)
    await answer(say("print.coming", titles=[document.title]))
    return None


async def _agreement(
    session: AsyncSession, tables: Tables, case: Case, row: Settlement
) -> Document:
    plain = tables.texts.plain
    confirmation = await agree.confirmation(session, row)
    under = say(f"paper.agreement.option.under_{row.under}")
    desk = await hand_over.desk_of(session, case)
    return Document(
        title=plain(say("print.agreement.title")),
        number=case.number or "",
        sections=(
            _sides(tables, case),
            Section(plain(say("print.agreement.terms")), fields=_fields(tables, row)),
            Section(
                paragraphs=(
                    plain(say("print.agreement.free_will")),
                    plain(
                        say("print.agreement.under", under=under, desk=desk.name if desk else "")
                    ),
                )
            ),
        ),
        signatures=tuple(
            plain(say(f"print.sign.{who}")) for who in ("consumer", "merchant", "mediator", "day")
        ),
        notes=(
            *((plain(confirmation),) if confirmation is not None else ()),
            plain(say("print.made", day=_day(row.made_at))),
        ),
    )


def _fields(tables: Tables, row: Settlement) -> tuple[tuple[str, str], ...]:
    body, plain = row.terms or {}, tables.texts.plain
    return tuple(
        (
            plain(say(f"paper.agreement.label.{step.key}")),
            _whole_day(body[step.key])
            if step.key == "due"
            else plain(say("print.value", value=agree.FORM.shown(step, body[step.key]))),
        )
        for step in agree.FORM.asked(body)
        if step.key in body and step.key not in {"side", "said", "under"}
    )


def _whole_day(value: str) -> str:
    """With its year: a paper is read for longer than a message."""
    day = date.fromisoformat(value)
    return show_when(day, day)


def _sides(tables: Tables, case: Case) -> Section:
    """Who they are, as far as it is known; what is missing is left to be written."""
    plain, answers = tables.texts.plain, case.answers or {}

    def known(key: str) -> str:
        return str(answers.get(key, {}).get("v") or plain(say("agent.blank")))

    fields = [
        (plain(say("print.side.consumer")), f"{known('name')}　{known('phone')}"),
        (plain(say("label.address")), known("address")),
        (plain(say("print.side.merchant")), known("merchant")),
        (plain(say("print.side.about")), plain(say(f"object.{drafts.object_of(case)}"))),
    ]
    if (agent := act_for.line(case)) is not None:
        fields.insert(1, (plain(say("print.side.agent")), plain(agent)))
    return Section(plain(say("print.side.title")), fields=tuple(fields))


async def _result(session: AsyncSession, tables: Tables, case: Case) -> Document:
    plain = tables.texts.plain
    desk = await hand_over.desk_of(session, case)
    ended = next(
        event
        for event in reversed(case.events)
        if event.action in {Action.SETTLE, Action.FULFIL, Action.END}
    )
    fields = (
        ("print.result.filed", _day(case.filed_at or case.created_at)),
        ("print.result.closed", _day(ended.at)),
        ("print.result.desk", desk.name if desk else ""),
        ("print.result.result", plain(say(f"result.{case.result}"))),
        (
            "print.result.money",
            plain(say("print.value", value=case_papers.money_words(case.returned_fen or 0))),
        ),
        ("print.result.text", (ended.details or {}).get("text", "")),
    )
    done = await case_papers.mediations(session, case)
    grid = Grid(
        tuple(plain(say(f"paper.record.label.{key}")) for key in ("when", "way", "outcome")),
        tuple(
            (
                _whole_day(row.record["when"]["on"]),
                plain(say(f"paper.record.option.way_{row.way}")),
                plain(say(f"paper.record.option.outcome_{row.outcome}")),
            )
            for row in done
        ),
    )
    return Document(
        title=plain(say("print.result.title")),
        number=case.number or "",
        sections=(
            _sides(tables, case),
            Section(
                plain(say("print.result.how")),
                fields=tuple((plain(say(label)), value) for label, value in fields),
            ),
            *((Section(plain(say("print.result.records")), grid=grid),) if done else ()),
        ),
        notes=(plain(say("print.result.note")),),
    )


async def _letter(session: AsyncSession, tables: Tables, case: Case) -> Document:
    plain = tables.texts.plain
    rule = (await law_now(session)).statute(act_for.AGENT_RULE)
    words = plain(act_for.letter(case) or say("agent.blank"))
    title, _, body = words.partition("\n\n")
    return Document(
        title=title,
        number=case.number or "",
        sections=(Section(paragraphs=tuple(body.split("\n\n"))),),
        notes=(plain(statute(rule)),),
    )


def _day(at: datetime) -> str:
    """A moment's day in Shanghai, with its year."""
    day = at.astimezone(SHANGHAI).date()
    return show_when(day, day)
