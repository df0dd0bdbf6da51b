"""Internal notes (内部备注): kept with the case for its desk, never sent to the consumer."""

from __future__ import annotations

from bot.services.chain.hand_over import moment_words
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account

VERB = "sn"


async def pressed(tables: Tables, case: Case, account: Account, answer: Answer, what: str) -> None:
    """Ask for the words, or keep ``this`` line that was typed before. Raises NotPossible."""
    waiting = account.awaiting or {}
    account.awaiting = None
    after(case.status, Action.NOTE)
    if what == "this" and waiting.get("verb") == "use":
        await typed(tables, case, account, answer, str(waiting["text"]))
        return
    account.awaiting = {"verb": VERB, "case": case.token}
    await answer(
        say("note.type", number=case.number or ""),
        buttons=[[button("button.never_mind", "sx", case)]],
    )


async def typed(tables: Tables, case: Case, account: Account, answer: Answer, text: str) -> None:
    """Keep a note. Raises NotPossible."""
    text = text.strip()
    if not text:
        await answer(say("note.type", number=case.number or ""))
        return
    case.apply(
        Action.NOTE,
        at=tables.clock.now(),
        by=account.id,
        details={"text": text, "who": account.name or ""},
    )
    account.awaiting = None
    await answer(
        say("note.kept", number=case.number or ""),
        buttons=[[button("button.details", "sv", case)]],
    )


def shown(case: Case) -> list[Say]:
    """The notes, oldest first, as the desk reads them."""
    return [
        say(
            "note.line",
            at=moment_words(event.at),
            who=(event.details or {}).get("who", ""),
            text=(event.details or {}).get("text", ""),
        )
        for event in case.events
        if event.action is Action.NOTE
    ]
