"""Is this licensed? (查资质): where to look a firm up, what to look at, what shows a fraud. Suda confirms no licence."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.engine import Decision
from bot.law import lessons, licences
from bot.law.book import Door, Hotline, LawBook
from bot.law.licences import Licence
from bot.ports import Button, Press
from bot.services.admin.live_law import law_now
from bot.services.consumer import library
from bot.services.sending import Answer, button, link
from bot.services.warning import release
from bot.texts.catalogue import Say, say
from models.party import Account

VERB = "lq"
SAID = 30
"""Characters of what she typed that are shown to her again."""


async def pressed(
    session: AsyncSession, account: Account, answer: Answer, press: Press
) -> Say | None:
    """The kinds of firm, one of them, or the question what the firm is called."""
    kinds = licences.load().kinds
    if press.question == "kind" and press.value in kinds:
        await _show(session, answer, kinds[press.value])
    elif press.question == "find":
        account.awaiting = {"verb": VERB}
        await answer(say("licence.ask"), buttons=[[button("licence.button.kinds", VERB)]])
    else:
        await _kinds(answer, say("licence.home"))
    return None


async def typed(
    session: AsyncSession, answer: Answer, text: str, _decision: Decision, rows: list[list[Button]]
) -> None:
    """A firm's name, or what it does: the page of its kind; a word of what was published about it."""
    found = licences.load().find(text)
    said = say("licence.said", text=text[:SAID])
    public = await release.about(session, text)
    if found is None:
        await _kinds(answer, said, *public, say("licence.which"), rows=rows)
    else:
        await _show(session, answer, found, said, *public, rows=rows)


async def _kinds(answer: Answer, *parts: Say, rows: list[list[Button]] | None = None) -> None:
    buttons = [
        button(say("licence.name", name=kind.name), VERB, question="kind", value=kind.key)
        for kind in licences.load().kinds.values()
    ]
    await answer(
        *parts,
        buttons=[
            *([each] for each in buttons),
            *(rows or []),
            [button("licence.button.find", VERB, question="find"), library.home()],
        ],
    )


async def _show(
    session: AsyncSession,
    answer: Answer,
    kind: Licence,
    *before: Say,
    rows: list[list[Button]] | None = None,
) -> None:
    law = await law_now(session)
    general = licences.load()
    await answer(
        *before,
        say("licence.head", name=kind.name),
        say("licence.register", register=kind.register),
        say("licence.look", lines=_lines((*kind.look, *general.look))),
        say("licence.fraud", lines=_lines((*kind.fraud, *general.fraud))),
        say("licence.numbers", lines=[_door(row) for row in _rows(kind, law)]),
        say("licence.not_confirmed"),
        say("lesson.rests", lines=library.source_lines(lessons.sources(kind.sources, law))),
        buttons=[
            *_sites(kind, law),
            *(rows or []),
            [button("licence.button.kinds", VERB), library.home()],
        ],
    )


def _lines(words: tuple[str, ...]) -> list[Say]:
    return [say("licence.line", text=text) for text in words]


def _rows(kind: Licence, law: LawBook) -> list[Hotline | Door]:
    rows = [lessons.row(name, law) for name in kind.ask]
    return [row for row in rows if isinstance(row, Hotline | Door)]


def _door(row: Hotline | Door) -> Say:
    about = row.takes if isinstance(row, Hotline) else row.how
    return say("licence.door", number=row.number, name=row.name, about=about)


def _sites(kind: Licence, law: LawBook) -> list[list[Button]]:
    """The official sites whose addresses the law book has."""
    return [
        [link(say("licence.button.site", name=row.name), row.link)]
        for row in _rows(kind, law)
        if row.link
    ]
