"""Every hostile text and thing at every place where a person can write one: no fault reaches anybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from bot.adapters.telegram import sound
from bot.interview import flow
from bot.interview.questions import QUESTIONS
from bot.interview.terms import Choose, Context, Given, Kind, Wrong
from bot.ports import Message
from bot.services.consumer import drafts
from bot.services.mediation import advance, agree, mediate
from bot.services.mediation.papers import Form, Step, Unread
from bot.services.queue.drain import where
from bot.texts.catalogue import Say
from tests.attack.hostile import HOSTILE_NAMES, POLYGLOT, TEXTS, THINGS, marked
from tests.attack.places import ASKED, FIELDS, FORMS, MINE, QUEUED, STRANGER
from tests.attack.siege import STREET, Siege, besieged, judge
from tests.house_rules.words import fields as fields_of
from tests.integration.admin_office import AUNT, GROUP, TEACHER

pytestmark = pytest.mark.asyncio(loop_scope="module")

TODAY = date(2026, 11, 23)
READERS: dict[str, tuple[Form, Step]] = {
    f"{form.name} {step.key}": (form, step)
    for form in (mediate.FORM, agree.FORM, advance.FORM)
    for step in form.steps
    if step.read is not None
}
EACH = 5
"""So many texts are tried at each form; the next form tries others."""


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


async def test_every_form_is_there_to_be_filled_in(siege: Siege) -> None:
    """What is tried below comes to the form, and is not turned away before it."""
    away = {siege.say(key) for key in ("toast.not_yours", "toast.not_staff", "toast.no_case")}
    for place, what in FORMS.items():
        scene = None if what.who == STRANGER else what.scene(siege)
        got = await siege.attempt(what.who, said=f"{what.before}320", scene=scene)
        assert got.owed, place
        assert not [words for words in away if words in got.plain], place


async def test_every_form_bears_texts_of_its_own(siege: Siege) -> None:
    """The forms take turns until every text has been at some of them."""
    texts = list(TEXTS.items())
    faults = []
    for at, place in enumerate(FORMS):
        for number in range(at * EACH, (at + 1) * EACH):
            name, words = texts[number % len(texts)]
            faults.append(await tried(siege, place, name, marked(words)))
    assert EACH * len(FORMS) >= len(texts)
    report(faults)


async def test_every_reader_of_a_form_bears_every_text() -> None:
    """What a step makes of hostile words can be kept and shown, or is refused with a reason."""
    faults = []
    for place, (form, step) in READERS.items():
        assert step.read is not None
        for name, words in TEXTS.items():
            try:
                value = step.read(sound(marked(words)).strip(), TODAY)
                json.dumps(value)
                form.shown(step, value)
            except Unread:
                continue
            except Exception as error:
                faults.append(f"{place} | {name}: {where(error)} {error}"[:200])
    report(faults)


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
