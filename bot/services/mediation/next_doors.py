"""After mediation has failed (调解不成): the other ways, each with what to bring and her text to copy."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.book import Door, LawBook
from bot.services.admin.live_law import law_now
from bot.services.consumer import drafts, prepare_text
from bot.services.sending import button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.party import Account

FAILED = frozenset({"no_agreement", "merchant_unreachable", "other_authority"})
"""Results after which she has to know where else to go."""


async def tell_of(session: AsyncSession, tables: Tables, case: Case, owner: Account) -> None:
    """The doors for her matter, and a button for each that gives the materials."""
    law = await law_now(session)
    doors = of(law, case)
    await tell(
        session,
        tables,
        owner.address,
        say("doors.head", number=case.number or ""),
        say("doors.lines", lines=[_line(door) for door in doors]),
        say("doors.ready"),
        case=case,
        buttons=[
            *(
                [
                    button(
                        say("doors.button", name=door.name),
                        prepare_text.VERB,
                        case,
                        value=door.code,
                    )
                ]
                for door in doors
            ),
            [button("button.progress", "tp", case)],
        ],
    )


def of(law: LawBook, case: Case) -> tuple[Door, ...]:
    """The doors in order: those of the matter, then those open to every dispute (消保法 art. 39)."""
    decision = case.decision or {}
    kinds = decision.get("kinds", ()) if decision.get("fraud") else ()
    return law.after_failed(drafts.object_of(case), kinds)


def _line(door: Door) -> Say:
    call = door.number and door.number not in door.name
    return say(
        "doors.line",
        name=door.name,
        how=door.how,
        number=say("doors.call", number=door.number) if call else "",
    )
