"""防骗与权益: what anybody may read and try without consent: cards, licences, the quiz, the hot list. Of the reader
nothing is kept but a story just typed, until her next step, so that she may file it.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.redact import redact
from bot.interview.asides import control
from bot.ports import Button, Incoming, Press
from bot.services.admin import trial
from bot.services.consumer import drafts, library, licence, quiz
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.services.warning import hot_list
from bot.texts.catalogue import Say, say
from models.party import Account

VERB = "l"
COMMAND = "learn"
WORD = "learn"
"""What a line that asks for it is called (:func:`bot.interview.asides.control`)."""

A_STORY = 12
"""Characters from which what was typed may be filed as it stands."""

TYPED = {library.VERB: library.typed, licence.VERB: licence.typed}


async def file_row(session: AsyncSession, account: Account, text: str) -> list[list[Button]]:
    """The way from words typed here to a complaint that begins with them, when no draft is in the way."""
    if len(text) < A_STORY or await drafts.current(session, account) is not None:
        return []
    account.awaiting = {"verb": "use", "text": text}
    return [[button("lesson.button.file", "use", value="new")]]


async def home(account: Account, answer: Answer) -> None:
    """What there is, a button for each."""
    account.awaiting = None
    await answer(
        say("protect.home"),
        buttons=[
            [button("protect.button.cards", library.VERB)],
            [button("protect.button.licence", licence.VERB)],
            [button("protect.button.quiz", quiz.VERB)],
            [button("protect.button.hot", hot_list.VERB)],
            [button("button.menu", "go", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """Any button whose verb begins with ``l``."""
    account.awaiting = None
    match press.verb:
        case library.VERB:
            return await library.pressed(session, account, answer, press)
        case licence.VERB:
            return await licence.pressed(session, account, answer, press)
        case quiz.VERB:
            return await quiz.pressed(tables, answer, press)
        case hot_list.VERB:
            return await hot_list.pressed(session, tables, answer, press)
    await home(account, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """The words to search by, if they were asked for. A call for help is none: it goes where help is
    given."""
    search = TYPED.get(str((account.awaiting or {}).get("verb", "")))
    if search is None:
        return False
    account.awaiting = None
    if heard.files or not heard.text:
        return False
    if control(heard.text) in {"cancel", "back"}:
        await home(account, answer)
        return True
    await tables.classifier.ready()
    text = redact(heard.text).text
    decision = tables.classifier.classify(text)
    if decision.danger or (decision.fraud and decision.just_now):
        return False
    rows = [] if await trial.missing(session, tables) else await file_row(session, account, text)
    await search(session, answer, text, decision, rows)
    return True
