"""The packet that goes up with a case (移送材料): what a complaint must contain (order 121 art. 10), the list of
evidence, and what was tried. It shows nothing of a clue (线索): who reports stays unknown (art. 37).
"""

from __future__ import annotations

from typing import Any

from bot.interview.flow import applicable, show
from bot.law.book import LawBook
from bot.ports import Document, Grid, Section
from bot.services.consumer import drafts
from bot.services.consumer.joint import Size
from bot.services.sending import minute_words
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, Event, Evidence
from models.lifecycle import Action

COMPLAINANT = ("name", "phone", "address")
RESPONDENT = ("merchant", "where", "platform_shop")
CLAIM = ("claim", "claim_amount")
STORY = ("story", "extra")
LEFT_OUT = frozenset({"gate", "home", "evidence", "object"})

TRIED = frozenset(
    {
        Action.FILE,
        Action.HAND_OVER,
        Action.TAKE,
        Action.ASK,
        Action.ANSWER,
        Action.SEND_BACK,
        Action.REFER,
        Action.DELEGATE,
        Action.RECEIVE,
        Action.ACCEPT,
        Action.PASS,
    }
)
"""What was done by whom; views and ratings are nobody's work on the case."""


def compose(tables: Tables, case: Case, law: LawBook, joined: Size | None) -> Document:
    """The packet in plain words. ``joined``: of a joint complaint (art. 12), how many are in and offer to
    represent; the others' own cases say who they are, to whoever has those."""

    def words(key: str, **args: Any) -> str:
        return tables.texts.plain(say(key, **args))

    answers = case.answers or {}
    context = drafts.context(case, tables)
    said: dict[str, str] = {}
    for question in applicable(answers, context):
        shown = show(question.key, answers, context)
        if shown is not None and question.key not in LEFT_OUT:
            said[question.key] = shown if isinstance(shown, str) else tables.texts.plain(shown)

    def fields(keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        absent = words("paper.absent")
        return tuple((words(f"label.{key}"), said.get(key) or absent) for key in keys)

    apart = {*COMPLAINANT, *RESPONDENT, *CLAIM, *STORY}
    further = tuple(key for key in said if key not in apart)
    added = [
        text
        for event in case.events
        if event.action in {Action.ADD, Action.ANSWER}
        and (text := (event.details or {}).get("text"))
    ]
    rule = law.statute("materials")
    together = (
        (
            (
                words("paper.joint"),
                words("paper.joint_size", people=joined.people, standing=joined.standing),
            ),
        )
        if joined is not None
        else ()
    )
    present = tuple(key for key in RESPONDENT if key in said or key != "platform_shop")
    return Document(
        title=words("paper.title"),
        number=case.number or "",
        sections=(
            Section(words("paper.complainant"), fields=fields(COMPLAINANT) + together),
            Section(words("paper.respondent"), fields=fields(present)),
            Section(words("paper.claim"), fields=fields(CLAIM)),
            Section(
                words("paper.facts"),
                paragraphs=tuple(said[key] for key in STORY if key in said) + tuple(added),
                fields=fields(further),
            ),
            Section(
                words("paper.evidence"),
                paragraphs=() if case.evidence else (words("paper.no_evidence"),),
                grid=_list(tables, case) if case.evidence else None,
            ),
            Section(
                words("paper.tried"),
                items=tuple(
                    tables.texts.plain(_line(event))
                    for event in case.events
                    if event.action in TRIED
                ),
            ),
        ),
        signatures=(words("paper.sign"), words("paper.day")),
        notes=(
            words("paper.rule", cited=rule.cited, day=rule.checked_on.isoformat()),
            words("paper.unproven"),
        ),
    )


def _list(tables: Tables, case: Case) -> Grid:
    def words(key: str) -> str:
        return tables.texts.plain(say(key))

    def row(kept: Evidence) -> tuple[str, ...]:
        about = kept.about or {}
        whose = " ".join(str(about.get(key) or "") for key in ("from", "caption", "name"))
        kind = words(f"file_kind.{kept.kind}")
        return str(kept.number), kind, whose.strip(), minute_words(kept.added_at)

    return Grid(
        tuple(words(f"paper.column_{name}") for name in ("number", "kind", "about", "came")),
        tuple(row(kept) for kept in case.evidence),
        (2, 3, 9, 5),
    )


def _line(event: Event) -> Say:
    details = event.details or {}
    reason = details.get("reason")
    return say(
        f"paper.did_{event.action}",
        at=minute_words(event.at),
        desk=details.get("desk", ""),
        who=details.get("who", ""),
        text=details.get("text", ""),
        reason=Say.from_json(reason) if isinstance(reason, dict) else "",
    )
