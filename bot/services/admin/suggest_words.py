"""Propose words for the rules (词表建议): what staff re-labelled lately, in words not yet read."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify import additions, rules
from bot.classify.proposals import Proposal, propose
from bot.facts.dictionary import shared
from bot.facts.phones import mask_text
from bot.facts.redact import redact
from bot.services.admin.edit_rules import prefilled
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.drain import Store
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, Event
from models.lifecycle import Action
from models.party import Account

ERRAND = "suggest_words"
PERSONAL = ("name", "phone", "merchant", "payee")
"""Answers whose words are nobody's to make a rule of."""

Change = tuple[str, str]


async def ask(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Begin; the list comes as a message of its own."""
    await owe_errand(
        session, ERRAND, {"account": str(account.id)}, now=tables.clock.now(), ordering=ERRAND
    )
    await answer(say("suggest.wait"))


def suggester(db: Store, tables: Tables) -> Errand:
    """The errand ``suggest_words``: reads the week's re-labels, parts their words in a thread."""

    async def suggest(payload: Mapping[str, Any]) -> Finish:
        async with db.read() as session:
            stories = await _relabelled(session, tables)
        proposed = await asyncio.to_thread(_propose, tables, stories)

        async def finish(session: AsyncSession) -> None:
            account = await session.get(Account, UUID(payload["account"]))
            if account is not None and account.is_admin:
                await _tell(session, tables, account, stories, proposed)

        return finish

    return suggest


async def _relabelled(session: AsyncSession, tables: Tables) -> dict[Change, list[str]]:
    """The masked stories by (old code, new code), commonest change first.

    Of a case that was re-labelled more than once, the first and the last code count.
    """
    since = tables.clock.now() - timedelta(days=additions.limit("suggest_days"))
    cases = await session.scalars(
        select(Case).where(
            Case.id.in_(
                select(Event.case_id).where(Event.action == Action.RELABEL, Event.at >= since)
            )
        )
    )
    stories: dict[Change, list[str]] = defaultdict(list)
    for case in cases:
        changes = [
            event.details
            for event in case.events
            if event.action is Action.RELABEL and event.at >= since
        ]
        old, new = changes[0]["from"], changes[-1]["to"]
        if old != new:
            stories[old, new].append(_masked(case))
    ranked = sorted(stories.items(), key=lambda pair: -len(pair[1]))
    return dict(ranked[: additions.limit("suggest_pairs")])


def _masked(case: Case) -> str:
    answers = case.answers or {}
    story = str(answers.get("story", {}).get("v") or "")
    for key in PERSONAL:
        said = answers.get(key, {}).get("v")
        if isinstance(said, str) and said:
            story = story.replace(said, "\n")
    return mask_text(redact(story).text)


def _propose(
    tables: Tables, stories: Mapping[Change, Sequence[str]]
) -> dict[Change, tuple[Proposal, ...]]:
    book = rules.load()
    dictionary = shared(tables.classifier.tmp_dir)
    return {
        (old, new): propose(book, tables.classifier.explain, dictionary, told, new)
        for (old, new), told in stories.items()
    }


async def _tell(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    stories: Mapping[Change, Sequence[str]],
    proposed: Mapping[Change, Sequence[Proposal]],
) -> None:
    menu = [button("admin.button.menu", "m", value="menu")]
    days = additions.limit("suggest_days")
    if not stories:
        await tell(session, tables, account.address, say("suggest.none", days=days), buttons=[menu])
        return
    await tell(
        session,
        tables,
        account.address,
        say("suggest.head", days=days, cases=sum(map(len, stories.values()))),
        *[_group(change, len(told), proposed[change]) for change, told in stories.items()],
        say("suggest.how"),
        buttons=[
            *[
                row
                for (_, new), words in proposed.items()
                for one in words
                for row in prefilled(
                    new,
                    one.word,
                    say("suggest.button.add", word=one.word, name=say(f"object.{new}")),
                )
            ],
            menu,
        ],
    )


def _group(change: Change, cases: int, words: Sequence[Proposal]) -> Say:
    old, new = (say(f"object.{code}") for code in change)
    if not words:
        return say("suggest.pair_bare", old=old, new=new, cases=cases)
    return say(
        "suggest.pair",
        old=old,
        new=new,
        cases=cases,
        lines=[
            say(
                "suggest.word_elsewhere" if one.elsewhere else "suggest.word",
                word=one.word,
                count=one.stories,
            )
            for one in words
        ],
    )
