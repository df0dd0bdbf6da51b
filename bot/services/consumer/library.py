"""The education library (消费教育): cards to browse by group and to search by typing, and those that fit a case."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.engine import Decision
from bot.law import lessons
from bot.law.lessons import Card
from bot.ports import Button, Press
from bot.services.admin.live_law import law_now
from bot.services.consumer import drafts
from bot.services.sending import Answer, button
from bot.texts.catalogue import Say, say
from models.case import Case
from models.party import Account

VERB = "lc"
PER_PAGE = 8
FOUND = 3
"""Cards that a search shows."""

A_WORD = 6
"""Characters; so short a text is a word to look for, not yet a story to be classified."""


async def pressed(
    session: AsyncSession, account: Account, answer: Answer, press: Press
) -> Say | None:
    """Groups, a page of a group, a card, what fits a case of hers, or the question what to search for."""
    library = lessons.load()
    match press.question:
        case "group" if press.value in library.groups:
            await _group(answer, press.value, press.version)
        case "card" if press.value in library.cards:
            draft = await drafts.current(session, account)
            await _show(session, answer, library.cards[press.value], draft)
        case "fit":
            case = await drafts.by_token(session, press.case)
            if case is None or case.account_id != account.id:
                return say("toast.stale")
            await _fitting(answer, case)
        case "find":
            account.awaiting = {"verb": VERB}
            await answer(say("lesson.ask"), buttons=[[button("lesson.button.groups", VERB)]])
        case _:
            await answer(
                say("lesson.groups", count=len(library.cards)),
                buttons=[
                    *(
                        [button(say("lesson.name", name=name), VERB, question="group", value=key)]
                        for key, name in library.groups.items()
                    ),
                    [button("lesson.button.find", VERB, question="find"), home()],
                ],
            )
    return None


async def _show(session: AsyncSession, answer: Answer, card: Card, draft: Case | None) -> None:
    """A card with what it rests on, the next one of its group, and the way on: a complaint, or the one begun."""
    law = await law_now(session)
    group = lessons.load().of(card.group)
    at = group.index(card)
    after = group[(at + 1) % len(group)]
    await answer(
        say("lesson.card", title=card.title, text=card.text),
        say("lesson.now", now=card.now),
        say("lesson.rests", lines=source_lines(lessons.sources(card.sources, law))),
        buttons=[
            [_button(after, say("lesson.button.next", title=after.title))],
            [
                button(
                    "lesson.button.back",
                    VERB,
                    question="group",
                    value=card.group,
                    version=at // PER_PAGE,
                ),
                home(),
            ],
            [_go_on() if draft else button("button.complaint", "go", value="complaint")],
        ],
    )


def source_lines(found: Sequence[lessons.Source]) -> list[Say]:
    """What something rests on, each with the day it was checked, and whether it still must be."""
    return [
        say(
            "lesson.source" if source.status == "verified" else "lesson.source_to_confirm",
            cited=source.cited,
            day=source.checked_on.isoformat(),
        )
        for source in dict.fromkeys(found)
    ]


async def typed(
    _session: AsyncSession, answer: Answer, text: str, decision: Decision, rows: list[list[Button]]
) -> None:
    """Cards that fit what was typed; a whole story may be filed as it stands."""
    cards = search(text, decision)
    await answer(
        say("lesson.found", count=len(cards)) if cards else say("lesson.none"),
        buttons=[
            *([_button(card)] for card in cards),
            *rows,
            [button("lesson.button.again", VERB, question="find"), _groups()],
        ],
    )


def search(text: str, decision: Decision) -> tuple[Card, ...]:
    """The cards for a text and what the rules make of it, the best first."""
    library = lessons.load()
    named = library.containing(text, FOUND)
    kinds = decision.fraud_kinds if decision.fraud else ()
    sure = [c.code for c in decision.candidates if c.because] or (
        [] if decision.ask else [decision.object]
    )
    fitting = tuple(
        card
        for code in (sure or [""])
        for card in library.fitting(code, kinds, decision.nature, FOUND)
    )
    ordered = (*named, *fitting) if len(text) <= A_WORD else (*fitting, *named)
    return tuple(dict.fromkeys(ordered))[:FOUND]


def of_case(case: Case) -> tuple[Card, ...]:
    """The cards that fit a case: one filed as the desk sees it, a draft as the rules read it."""
    read = case.decision or {}
    filed = case.filed_at is not None
    fraud = case.fraud if filed else read.get("fraud")
    nature = case.nature if filed else read.get("nature", "")
    kinds = read.get("kinds", ()) if fraud else ()
    return lessons.load().fitting(drafts.object_of(case), kinds, nature, FOUND)


def entry(case: Case) -> list[list[Button]]:
    """The button under a review and on a filed case's card, when a card fits; a person in danger reads no cards."""
    if (case.decision or {}).get("danger"):
        return []
    return [[button("lesson.button.fit", VERB, case, "fit")]] if of_case(case) else []


async def _fitting(answer: Answer, case: Case) -> None:
    cards = of_case(case)
    await answer(
        say("lesson.fitting", object=say(f"object.{drafts.object_of(case)}"))
        if cards
        else say("lesson.none"),
        buttons=[
            *([_button(card)] for card in cards),
            [_groups(), home()],
            *([[_go_on()]] if case.filed_at is None else []),
        ],
    )


async def _group(answer: Answer, group: str, page: int) -> None:
    library = lessons.load()
    cards = library.of(group)
    pages = -(-len(cards) // PER_PAGE)
    page = min(page, pages - 1)
    turns = [
        button(key, VERB, question="group", value=group, version=to)
        for key, to in (("lesson.button.before", page - 1), ("lesson.button.more", page + 1))
        if 0 <= to < pages
    ]
    await answer(
        say("lesson.group", name=library.groups[group], page=page + 1, pages=pages),
        buttons=[
            *([_button(card)] for card in cards[page * PER_PAGE : (page + 1) * PER_PAGE]),
            *([turns] if turns else []),
            [_groups(), home()],
        ],
    )


def _button(card: Card, label: Say | None = None) -> Button:
    shown = label or say("lesson.title", title=card.title)
    return button(shown, VERB, question="card", value=card.key)


def _go_on() -> Button:
    """Back to the complaint begun."""
    return button("button.resume", "go", value="resume")


def _groups() -> Button:
    return button("lesson.button.groups", VERB)


def home() -> Button:
    """Back to 防骗与权益."""
    return button("protect.button.home", "l")
