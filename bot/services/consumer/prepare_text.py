"""Prepare a person for another door (备好材料): what to know of time there, and a text to paste.

The text is her own answers in the order that a complaint wants them (order 121 art. 10); it goes to
nobody but her.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview import flow
from bot.law.book import Door, LawBook
from bot.route import tell
from bot.services.admin.live_law import law_now
from bot.services.consumer import act_for, drafts
from bot.services.mediation import case_papers
from bot.services.sending import Answer, button, day_words
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case

VERB = "tx"
LEFT_OUT = frozenset({"gate", "home", "evidence"})
NEEDED = ("name", "phone", "address", "merchant", "claim")
"""What a market authority wants in a complaint (order 121 art. 10)."""

POLICE = "110"
COMPLAINED_TO = "12315"


async def give(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, code: str = ""
) -> None:
    """The doors for this matter with their limits, then the text by itself, easy to copy. ``code`` is the
    door that she chose after mediation had failed."""
    law = await law_now(session)
    decision = case.decision or {}
    kinds = decision.get("kinds", ()) if decision.get("fraud") else ()
    row = law.doors(drafts.object_of(case), kinds)
    code = code or (case.route or {}).get("door") or row.authority.code
    known = (row.first, *row.then, *law.after_failed(drafts.object_of(case), kinds))
    door = next((d for d in known if d.code == code), row.authority)
    await answer(
        say("packet.head", door=door.name),
        *tell.beside(row, door),
        _limits(law, door),
        say("packet.how"),
    )
    await answer(
        say(
            "packet.report" if door.number == POLICE else "packet.complaint",
            lines=[*_lines(case, tables), *await _tried(session, case)],
            day=day_words(tables.clock.now().astimezone(SHANGHAI).date()),
        ),
        _missing(case) if door.number == COMPLAINED_TO else None,
        buttons=[[button("button.progress", "tp", case)]],
    )


def _limits(law: LawBook, door: Door) -> Say | None:
    rules = law.limits(door.code)
    return say("packet.limits", lines=[tell.statute(rule) for rule in rules]) if rules else None


def _lines(case: Case, tables: Tables) -> list[Say]:
    # To whoever reads it, what was read in her words is simply what she said.
    known = {
        key: {**said, "by": "person"}
        for key, said in (case.answers or {}).items()
        if said.get("v") not in (None, "") and key not in LEFT_OUT
    }
    context = drafts.context(case, tables)
    lines = [line for key, line in flow.review(known, context) if key in known]
    if (agent := act_for.line(case)) is not None:
        lines.append(agent)
    if case.evidence:
        lines.append(say("packet.files", files=len(case.evidence)))
    return lines


async def _tried(session: AsyncSession, case: Case) -> list[Say]:
    """What was tried, so that nobody has to tell it again."""
    return [
        say(
            "packet.tried",
            day=day_words(row.made_at.astimezone(SHANGHAI).date()),
            way=say(f"paper.record.option.way_{row.way}"),
            outcome=say(f"paper.record.option.outcome_{row.outcome}"),
        )
        for row in await case_papers.mediations(session, case)
    ]


def _missing(case: Case) -> Say:
    answers = case.answers or {}
    labels = [key for key in NEEDED if not answers.get(key, {}).get("v")]
    if not labels:
        return say("packet.complete")
    parts = [say(f"label.{key}") for key in labels]
    lacking = parts[0]
    for part in parts[1:]:
        lacking = say("offer.and", first=lacking, then=part)
    return say("packet.lacking", labels=lacking)
