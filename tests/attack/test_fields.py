"""Every hostile text and thing at every place where a person can write one: no fault reaches anybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.telegram import sound
from bot.interview import flow
from bot.interview.questions import QUESTIONS
from bot.interview.terms import Choose, Context, Given, Kind, Wrong
from bot.ports import Message
from bot.services.consumer import drafts
from bot.services.queue.drain import where
from bot.texts.catalogue import Say
from models.case import Case, CaseKind
from models.outreach import Notice, NoticeState
from models.party import Account
from tests.attack.hostile import HOSTILE_NAMES, POLYGLOT, TEXTS, THINGS, marked
from tests.attack.siege import STORY, STREET, Scene, Siege, besieged, judge
from tests.house_rules.words import fields as fields_of
from tests.integration.admin_office import AUNT, BOSS, GROUP, OTHER_GROUP, TEACHER

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGER = "tg:1999"
TODAY = date(2026, 11, 23)
MINE, QUEUED, ASKED = "PD-20261123-00001", "PD-20261123-00002", "PD-20261123-00003"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    async with besieged(tmp_path_factory.mktemp("siege")) as siege:
        office = siege.office
        await office.write(AUNT, "/start")
        await office.case(MINE, desk=STREET)
        await office.case(QUEUED)
        await office.case(ASKED, desk=STREET)
        for number in (MINE, ASKED):
            await siege.press(TEACHER, "st", number, chat=GROUP)
        await siege.press(TEACHER, "sa", ASKED)
        await office.write(TEACHER, "请把合同拍照发来")
        yield siege


@dataclass(frozen=True)
class Field:
    """A place where something can be written: who writes, what she was asked, and in which chat.

    ``before`` stands ahead of what she writes (a command's name)."""

    who: str
    waiting: Mapping[str, Any] = field(default_factory=dict)
    asking: str = ""
    consented: bool = True
    kind: CaseKind = CaseKind.COMPLAINT
    paused: bool = False
    chat: str = ""
    before: str = ""
    case: str = ""

    def scene(self, siege: Siege) -> Scene:
        async def scene(session: AsyncSession, account: Account) -> None:
            account.awaiting = dict(self.waiting) or None
            if "notice" in self.waiting:
                draft = Notice(
                    author_id=account.id,
                    body="天冷了",
                    state=NoticeState.DRAFT,
                    created_at=siege.office.clock.at,
                )
                session.add(draft)
                account.awaiting = {**self.waiting, "notice": draft.id.hex}
            if self.case:
                found = select(Case.token).where(Case.number == self.case)
                account.awaiting = {**self.waiting, "case": await session.scalar(found)}
            if self.asking:
                case = await drafts.begin(session, siege.office.tables, account, self.kind)
                case.answers = {"story": {"v": STORY, "said": STORY, "by": "person"}}
                case.consented_at = case.created_at if self.consented else None
                case.asking, case.paused = self.asking, self.paused
            await session.flush()

        return scene


FIELDS: dict[str, Field] = {
    **{f"question {q.key}": Field(AUNT, asking=q.key) for q in QUESTIONS},
    "question story of a clue": Field(AUNT, asking="story", kind=CaseKind.CLUE),
    "question extra of a consultation": Field(AUNT, asking="extra", kind=CaseKind.CONSULT),
    "a new person's first words": Field(STRANGER),
    "before the consent": Field(AUNT, asking="consent", consented=False),
    "the review": Field(AUNT, asking="review"),
    "a paused draft": Field(AUNT, asking="amount", paused=True),
    "words beside open cases": Field(AUNT),
    "more for a case": Field(AUNT, {"verb": "add"}, case=MINE),
    "an answer to the staff": Field(AUNT, {"verb": "add"}, case=ASKED),
    "a number to call back": Field(AUNT, {"verb": "call_back", "case": ""}),
    "which case it is for": Field(AUNT, {"verb": "use", "text": "还有发票"}),
    "a command's argument": Field(AUNT, before="/start "),
    "an invitation": Field(AUNT, before="/start join_"),
    "a case's link": Field(AUNT, before="/start case_"),
    "the first admin's link": Field(AUNT, before="/start admin_"),
    "a poster's link": Field(AUNT, before="/start p_"),
    "a command": Field(AUNT, before="/"),
    "a question to the consumer": Field(TEACHER, {"verb": "sa"}, case=MINE),
    "the money returned": Field(TEACHER, {"verb": "ss"}, case=MINE),
    "the reason of an end": Field(
        TEACHER, {"verb": "sc", "result": "no_agreement", "fen": 0}, case=MINE
    ),
    "the reason of a settlement": Field(
        TEACHER, {"verb": "sc", "result": "settled", "fen": 100}, case=MINE
    ),
    "why it is returned": Field(TEACHER, {"verb": "srr"}, case=MINE),
    "the days of a leave": Field(TEACHER, {"verb": "jl"}),
    "a desk's name for staff": Field(BOSS, {"verb": "j"}),
    "a notice": Field(BOSS, {"verb": "mn"}),
    "a case for a lesson": Field(BOSS, {"verb": "mn", "step": "case"}),
    "a notice's links": Field(BOSS, {"verb": "mn", "step": "links", "notice": "?"}),
    "a notice's file": Field(BOSS, {"verb": "mn", "step": "file", "notice": "?"}),
    "a notice's time": Field(BOSS, {"verb": "mn", "step": "when", "notice": "?"}),
    "an event's name": Field(BOSS, {"verb": "uo", "step": "title", "desk": "0" * 32}),
    "an event's time": Field(BOSS, {"verb": "uo", "step": "starts", "desk": "0" * 32}),
    "an event's places": Field(
        BOSS,
        {
            "verb": "uo",
            "step": "places",
            "desk": "0" * 32,
            "title": "x",
            "place": "y",
            "starts": "2026-12-01T09:00:00+08:00",
        },
    ),
    "a desk to bind": Field(BOSS, {"verb": "mb"}),
    "a desk to assign": Field(BOSS, {"verb": "mt"}, case=QUEUED),
    "a word for the rules": Field(BOSS, {"verb": "mw", "at": 1}),
    "an example for the rules": Field(
        BOSS, {"verb": "mw", "at": 1, "word": "跑路", "code": "prepaid_card", "step": "weak"}
    ),
    "a reason for the rules": Field(
        BOSS,
        {
            "verb": "mw",
            "at": 1,
            "word": "跑路",
            "code": "prepaid_card",
            "step": "weak",
            "example": "老板跑路了",
        },
    ),
    "a text to try": Field(BOSS, {"verb": "mr"}),
    "the operator's name": Field(BOSS, {"verb": "mo"}),
    "in the group": Field(TEACHER, chat=GROUP),
    "a link in a group": Field(TEACHER, chat=OTHER_GROUP, before="/start "),
    "a command in a group": Field(TEACHER, chat=GROUP, before="/"),
}


async def tried(siege: Siege, at: str, name: str, said: str, **fields: Any) -> str:
    """'' when it went well, else which it was and what came of it."""
    what = FIELDS[at]
    try:
        await siege.attempt(
            what.who,
            said=f"{what.before}{said}",
            name="某某",
            chat=what.chat,
            scene=None if what.who == STRANGER else what.scene(siege),
            **fields,
        )
    except Exception as error:
        return f"{at} | {name}: {where(error)} {error}"[:200]
    return ""


def report(faults: list[str]) -> None:
    found = [fault for fault in faults if fault]
    assert not found, f"{len(found)} of them:\n" + "\n".join(found[:40])


async def test_every_field_bears_all_kinds_of_malice_in_one_text(siege: Siege) -> None:
    report([await tried(siege, place, "polyglot", POLYGLOT) for place in FIELDS])


async def test_every_text_is_borne_by_some_field(siege: Siege) -> None:
    """Each text meets one field, the next text another."""
    places = list(FIELDS)
    report(
        [
            await tried(siege, places[at * 7 % len(places)], name, marked(words))
            for at, (name, words) in enumerate(TEXTS.items())
        ]
    )


async def test_everything_that_is_no_text_is_borne(siege: Siege) -> None:
    places = list(FIELDS)
    faults = []
    for at, (name, given) in enumerate(THINGS.items()):
        fields = {key: value for key, value in given.items() if key != "text"}
        for place in ("question where", "question evidence", places[at * 5 % len(places)]):
            faults.append(await tried(siege, place, name, str(given.get("text", "")), **fields))
    report(faults)


async def test_no_name_passes_for_ours_or_breaks_a_card(siege: Siege) -> None:
    """A name is shown to staff and admins: it turns no text around and closes no tag."""
    for name in HOSTILE_NAMES:
        await siege.attempt(STRANGER, said="/start", name=name)
        shown = await siege.attempt(TEACHER, said="/staff", name=name)
        assert shown.plain


async def test_every_parser_bears_every_text(siege: Siege) -> None:
    """Each question's own reader with all hostile texts (of the long ones, some): an answer or a reasoned
    refusal, and the answer can be kept and shown."""
    kinds: tuple[Kind, ...] = ("complaint", "clue", "consult")
    tables = siege.office.tables
    faults = []
    for at, question in enumerate(QUESTIONS):
        kind = next(kind for kind in kinds if kind in question.kinds)
        context = Context(
            kind=kind, today=TODAY, gazetteer=tables.gazetteer, taxonomy=drafts.GROUPS
        )
        for number, (name, words) in enumerate(TEXTS.items()):
            if name.startswith("long") and (at + number) % 5:
                continue
            try:
                answers = flow.answer(question, Given(text=sound(marked(words))), {}, context)
                json.dumps(answers)
                flow.show(question.key, answers, context)
            except (Wrong, Choose):
                continue
            except Exception as error:
                faults.append(f"{question.key} | {name}: {where(error)} {error}"[:200])
    report(faults)


async def test_every_sentence_bears_every_argument(siege: Siege) -> None:
    """Whatever is put into any of our texts, Telegram takes the result and no tag of ours is lost."""
    texts = siege.office.tables.texts
    hostile = [sound(marked(words))[:200] for words in TEXTS.values()]
    faults = []
    for at, key in enumerate(sorted(texts.keys())):
        names = fields_of(texts.raw(key))
        if not names:
            continue
        for words in (POLYGLOT, hostile[at % len(hostile)]):
            try:
                judge(Message((Say(key, dict.fromkeys(names, words)),)), texts, private=True)
            except AssertionError as error:
                faults.append(f"{key}: {error}")
    report(faults)
