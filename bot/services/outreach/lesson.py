"""案例变提示: a closed case becomes the draft of a notice from which nobody can be recognised.

Kind, street or district, amount band, how it ended and how to avoid it: nothing of what was told, no name, no
firm, no sum, no day. Where fewer people than ``lesson_people`` had such a case there within a year the place
is widened to the whole district, and if they are as few there too there is no draft.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.law import topics
from bot.services import accounts
from bot.services.chain.hand_over import band
from bot.services.outreach import compose
from bot.services.outreach.notice_board import VERB
from bot.services.privacy import audit
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from bot.texts.marked import Marked
from models.case import Case, CaseKind
from models.lifecycle import CaseStatus
from models.party import Account
from models.privacy import Act

CLOSED = (CaseStatus.SETTLED, CaseStatus.ENDED, CaseStatus.CONCLUDED)
YEAR = timedelta(days=365)
LISTED = 8

STAFF_VERB = "sle"
"""Of whoever closed a case, to propose it."""

ENDS = frozenset({"settled", "no_agreement", "merchant_unreachable", "other_authority"})
"""Results that a lesson tells of; any other says nothing of its end."""


async def choose(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Cases that were closed of late, each a button; any other by its number."""
    found = await session.scalars(
        select(Case)
        .where(Case.status.in_(CLOSED), Case.kind == CaseKind.COMPLAINT, Case.object != "")
        .order_by(Case.closed_at.desc())
        .limit(LISTED)
    )
    account.awaiting = {"verb": VERB, "step": "case"}
    rows = [
        [
            button(
                say("lesson.case", number=case.number or "", object=say(f"object.{case.object}")),
                VERB,
                question="from",
                value=case.token,
            )
        ]
        for case in found
    ]
    await answer(
        say("lesson.choose" if rows else "lesson.no_cases"),
        say("lesson.promise", people=tables.policy.lesson_people),
        buttons=[*rows, [button("admin.button.stop", "m", value="stop")]],
    )


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """A case's number."""
    number = "".join(text.split()).upper()
    case = await session.scalar(select(Case).where(Case.number == number)) if number else None
    if case is None:
        await answer(
            say("lesson.no_such"), buttons=[[button("admin.button.stop", "m", value="stop")]]
        )
        return
    account.awaiting = None
    await _draft(session, tables, case, account, answer)


async def pressed(
    session: AsyncSession, tables: Tables, token: str, account: Account, answer: Answer
) -> Say | None:
    """An admin's choice from the list, or of what an officer proposed."""
    case = await session.scalar(select(Case).where(Case.token == token))
    if case is None:
        return say("toast.no_case")
    await _draft(session, tables, case, account, answer)
    return None


async def _draft(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    told = await lesson(session, tables, case)
    if isinstance(told, Say):
        await answer(told, buttons=[[button("notice.button.home", VERB, question="home")]])
        return
    await audit.record(session, tables.clock.now(), Act.NOTICE, account, case, what="lesson")
    notice = await compose.draft(session, tables, account, told)
    await answer(say("lesson.drafted"))
    await compose.show(session, tables, notice, answer)


async def propose(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> Say | None:
    """The wish of whoever closed the case: the admins are asked to make a notice of it."""
    told = await lesson(session, tables, case)
    if isinstance(told, Say):
        await answer(told)
        return None
    for admin in await accounts.admins(session):
        await tell(
            session,
            tables,
            admin.address,
            say("lesson.proposed", who=account.name or "", text=told.text),
            buttons=[[button("lesson.button.take", VERB, question="from", value=case.token)]],
            # Asked twice, it is told once.
            key=f"lesson:{case.id}:{admin.id}",
        )
    await answer(say("lesson.sent_on"))
    return say("lesson.toast")


async def lesson(session: AsyncSession, tables: Tables, case: Case) -> Marked | Say:
    """The draft's words; or why there is none."""
    topic = topics.of(case.object)
    if case.status not in CLOSED:
        return say("lesson.not_closed")
    if case.kind is not CaseKind.COMPLAINT or topic is None:
        return say("lesson.no_lesson")
    where = await _where(session, tables, case)
    if where is None:
        return say("lesson.rare", people=tables.policy.lesson_people)
    plain = tables.texts.plain
    result = case.result if case.result in ENDS else "other"
    text = plain(
        say(
            "lesson.text",
            where=where,
            object=say(f"object.{case.object}"),
            band=band(case.amount_fen),
            happened=say(f"lesson.happened.{topic}"),
            ended=say(f"lesson.ended.{result}"),
            avoid=say(f"lesson.avoid.{topic}"),
        )
    )
    return Marked(text)


async def _where(session: AsyncSession, tables: Tables, case: Case) -> str | None:
    """The smallest place where enough people had such a case within a year."""
    since = tables.clock.now() - YEAR
    alike = (
        Case.object == case.object,
        Case.kind == CaseKind.COMPLAINT,
        Case.filed_at >= since,
    )
    people = func.count(distinct(Case.account_id))
    least = tables.policy.lesson_people
    street = tables.register.get(case.street_code)
    if street is not None:
        near = await session.scalar(select(people).where(*alike, Case.street_code == street.code))
        if (near or 0) >= least:
            return street.name
    every = await session.scalar(select(people).where(*alike))
    return tables.texts.plain(say("lesson.district")) if (every or 0) >= least else None
