"""The interview with a consumer: one thing said or pressed, the next question owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.engine import Decision
from bot.classify.taxonomy import OUT_OF_SCOPE
from bot.facts.redact import redact
from bot.interview import asides, asking, flow
from bot.interview.answers import tells
from bot.interview.questions import BY_KEY
from bot.interview.terms import Choose, Given, Option, Wrong
from bot.ports import Button, Incoming
from bot.services.consumer import (
    choose_point,
    drafts,
    file_case,
    follow,
    help_first,
    keep_evidence,
    library,
    welcome,
)
from bot.services.consumer.call_back import call_back
from bot.services.privacy import consents
from bot.services.sending import Answer, button
from bot.services.staff import proxy
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind
from models.party import Account
from models.privacy import ConsentKind

REVIEW = "review"
PAGE = "page"

LONGEST_REMARK = 15
"""Characters; more is a story even when the rules know none of its words."""

DOUBLE_TAP = timedelta(minutes=1)
"""A second tap on 提交 within it is a slip of the finger: the notice over the button is enough."""


async def pressed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """A button of the consumer's; returns the little notice shown over it, if any."""
    press = heard.press
    if press is None:
        return None
    if press.verb not in follow.VERBS and press.verb != "use":
        account.awaiting = None
    if press.verb == "go":
        await _go(session, tables, account, answer, press.value)
        return None
    if press.verb == "use":
        return await _use(session, tables, account, answer, press.value)
    if press.verb in follow.VERBS:
        return await follow.pressed(session, tables, account, answer, press)
    case = await drafts.current(session, account)
    if case is None or case.token != press.case:
        old = await drafts.by_token(session, press.case)
        if old is not None and old.account_id == account.id and old.filed_at is not None:
            if press.verb != "f" or tables.clock.now() - old.filed_at > DOUBLE_TAP:
                await follow.show(session, tables, old, answer, say("talk.already_filed"))
            return say("toast.already_filed")
        await welcome.start(session, tables, account, answer, say("talk.stale_gone"))
        return say("toast.stale")
    case.paused = False
    if press.version != case.version or press.question != case.asking:
        await _restate(session, tables, case, answer, say("talk.stale"))
        return say("toast.stale")
    match press.verb:
        case "ok" if press.value == "yes":
            await _agreed(session, tables, case, account, answer)
        case "ok" if press.value == "sensitive":
            await consents.give(session, tables, account, ConsentKind.SENSITIVE, case)
            await _submit(session, tables, case, account, answer)
        case "ok" if press.value == "spare":
            consents.spare(case)
            await _restate(session, tables, case, answer, say("sensitive.spared"))
        case "ok":
            await welcome.refused(session, tables, case, answer)
        case "c":
            await _control(session, tables, case, account, answer, press.value)
        case "e":
            await _edit(tables, case, answer, press.value)
        case "o":
            chosen = await choose_point.pressed_before(session, tables, case, answer, press)
            if chosen is not None:
                note = say("review.chosen") if chosen else None
                await _restate(session, tables, case, answer, note)
        case "f":
            await _submit(session, tables, case, account, answer)
        case _:
            await _given(session, tables, case, answer, Given(value=press.value))
    return None


async def heard_text(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """Anything typed, sent or shared in the consumer's private talk."""
    if heard.edited:
        await _edited(session, tables, account, answer)
        return
    await tables.classifier.ready()
    clean = redact(heard.text)
    if clean.kinds:
        await answer(
            say(
                "talk.redacted",
                kinds=[tables.texts.raw(f"redacted.{kind}") for kind in sorted(clean.kinds)],
            )
        )
    own_words = clean.text and not heard.forwarded_from
    if own_words and await _help_first(session, tables, heard, account, answer, clean.text):
        return
    if account.awaiting is not None and await follow.awaited(
        session, tables, heard, account, answer, clean.text
    ):
        return
    case = await drafts.current(session, account)
    if case is not None and drafts.expired(case, tables):
        await drafts.erase(session, tables, case)
        case = None
    if case is None:
        await _no_draft(session, tables, heard, account, answer, clean.text)
        return
    if case.asking == "consent":
        await _before_consent(session, tables, heard, case, answer, clean.text)
        return
    resumed: Say | None = None
    if case.paused:
        case.paused = False
        resumed = say("talk.resumed")
        if not heard.files and clean.text.strip() in tables.texts.raw("talk.back_words").split():
            await _restate(session, tables, case, answer, resumed)
            return
    control = asides.control(clean.text) if clean.text and not heard.files else None
    if control is not None and await _control(session, tables, case, account, answer, control):
        return
    if resumed is not None:
        await answer(resumed)
    if heard.files or (heard.forwarded_from and clean.text and case.asking != "story"):
        await _files(session, tables, heard, case, answer, clean.text)
        return
    if heard.extra.get("sticker"):
        await _restate(session, tables, case, answer, say("aside.wordless"))
        return
    if case.asking == REVIEW:
        await _at_review(session, tables, case, answer, clean.text)
        return
    key = flow.find_question(clean.text) if clean.text else None
    if key is not None:
        await _edit(tables, case, answer, key)
        return
    question = BY_KEY.get(case.asking)
    aside = asides.aside(clean.text, question) if clean.text else None
    if aside is not None:
        await _restate(session, tables, case, answer, aside)
        return
    if question is None and clean.text:
        decision = _more_story(case, tables, clean.text)
        await help_first.money(tables, account, answer, decision)
        await _advance(session, tables, case, answer, _understood(case, tables))
        return
    await _given(
        session,
        tables,
        case,
        answer,
        Given(
            text=clean.text,
            place=(*heard.place, heard.place_title) if heard.place else None,
            phone=heard.contact_phone,
        ),
    )


async def _edited(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """An edited message changes no answer in silence: she is told how to change one."""
    case = await drafts.current(session, account)
    if case is not None and case.asking != "consent":
        await _restate(session, tables, case, answer, say("talk.edited"))
    elif case is None:
        await answer(say("talk.edited_after"))
        await follow.overview(session, tables, account, answer)


async def command(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """A slash command of the consumer's; an unknown one shows the start screen."""
    case = await drafts.current(session, account)
    match heard.command:
        case "help":
            await answer(say("help.consumer"))
            if case is not None and case.asking != "consent":
                await _restate(session, tables, case, answer)
        case "status":
            await follow.overview(session, tables, account, answer)
        case "hotlines":
            await welcome.hotlines(tables, answer)
        case "cancel" if case is not None:
            await _control(session, tables, case, account, answer, "cancel")
        case "continue" if case is not None:
            await _go(session, tables, account, answer, "resume")
        case _:
            await welcome.start(session, tables, account, answer)


async def _go(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, where: str
) -> None:
    case = await drafts.current(session, account)
    match where:
        case "emergency":
            await help_first.urgent(tables, account, answer)
        case "hotlines":
            await welcome.hotlines(tables, answer)
        case "status":
            await follow.overview(session, tables, account, answer)
        case "human":
            await call_back(session, tables, case, account, answer)
        case "resume" if case is not None:
            case.paused = False
            if case.asking == "consent":
                await welcome.ask_consent(session, tables, case, answer)
            else:
                await _restate(session, tables, case, answer, say("talk.resumed"))
        case "drop" if case is not None:
            await _control(session, tables, case, account, answer, "cancel")
        case "anew" if case is not None:
            await drafts.discard(session, tables, case, account)
            await welcome.start(session, tables, account, answer)
        case "complaint" | "clue" | "consult" if case is not None and (
            case.answers or case.evidence
        ):
            await answer(
                say("talk.draft_exists"),
                buttons=[
                    [button("button.resume", "go", value="resume")],
                    [button("button.anew", "go", value="anew")],
                ],
            )
        case "complaint" | "clue" | "consult":
            if case is not None:
                await drafts.erase(session, tables, case)
            case = await drafts.begin(session, tables, account, CaseKind(where))
            await answer(say(f"begin.{where}"))
            await first_question(session, tables, case, answer)
        case _:
            await welcome.start(session, tables, account, answer)


async def first_question(session: AsyncSession, tables: Tables, case: Case, answer: Answer) -> None:
    """What a new draft begins with: the consent card, or the first thing that is missing."""
    if case.consented_at is None:
        await welcome.ask_consent(session, tables, case, answer)
    else:
        await _advance(session, tables, case, answer)


async def _no_draft(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    answer: Answer,
    text: str,
) -> None:
    """A first message: a control word, an answer to the staff, small talk, or the story itself."""
    control = asides.control(text) if text else None
    if control in {"status", "submit"}:
        await follow.overview(session, tables, account, answer)
        return
    if control == "human":
        await call_back(session, tables, None, account, answer)
        return
    if await follow.said(session, tables, heard, account, answer, text):
        return
    aside = asides.aside(text, None) if text else None
    no_story = not heard.files and (len(text) < 6 or _says_nothing(tables, text))
    if aside is not None or control is not None or no_story:
        await welcome.start(session, tables, account, answer, aside, say("start.tell_me"))
        return
    await _tell(session, tables, heard, account, answer, text)


def _says_nothing(tables: Tables, text: str) -> bool:
    """A short remark in which the rules find nothing to go by: no beginning of a story."""
    if len(text) > LONGEST_REMARK:
        return False
    decision = tables.classifier.classify(text)
    found = decision.fraud or decision.danger or any(c.because for c in decision.candidates)
    return decision.ask and not found


async def _tell(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming | None,
    account: Account,
    answer: Answer,
    text: str,
) -> None:
    """Begin a complaint with her own first words; nothing is asked that they already say."""
    case = await drafts.begin(session, tables, account, CaseKind.COMPLAINT)
    await session.flush()
    if text:
        await help_first.money(tables, account, answer, _more_story(case, tables, text))
    kept: Say | None = None
    if heard is not None and heard.files:
        kept = await keep_evidence.keep(session, tables, heard, case, text)
    if case.consented_at is None:
        await welcome.ask_consent(session, tables, case, answer, kept)
    else:
        await _advance(session, tables, case, answer, kept, _understood(case, tables))


async def _help_first(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    answer: Answer,
    text: str,
) -> bool:
    """Words that call for help, at whatever step. Those of danger stop everything else: they are kept
    (in the story, or until she says which case they are for), and the talk waits. Returns whether."""
    decision = tables.classifier.classify(text)
    case = await drafts.current(session, account)
    if case is None and not decision.danger:
        await help_first.later_offer(session, tables, account, answer, text)
        return False
    await help_first.money(tables, account, answer, decision)
    if not decision.danger:
        return False
    go_on = [[button("button.resume", "go", value="resume")]]
    filed = [] if case is not None else await follow.taking(session, account)
    if filed:
        case = filed[0]
        account.awaiting = {"verb": "use", "text": text}
        go_on = [[button("button.resume", "use", value="ask")]]
    else:
        if case is None:
            case = await drafts.begin(session, tables, account, CaseKind.COMPLAINT)
            await session.flush()
            case.asking = "consent" if case.consented_at is None else ""
        if heard.files:
            await keep_evidence.keep(session, tables, heard, case, text)
        _more_story(case, tables, text)
        case.asking = "" if case.asking == "story" else case.asking
        case.paused = True
    await help_first.danger(session, tables, account, case, answer, decision.danger, go_on)
    return True


async def _use(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, value: str
) -> Say | None:
    """What words that fit both an open case and a new one were for."""
    waiting = account.awaiting or {}
    if waiting.get("verb") != "use":
        await welcome.start(session, tables, account, answer)
        return say("toast.stale")
    if value == "ask":
        if not await follow.where_to(session, account, answer, waiting["text"]):
            await _tell(session, tables, None, account, answer, waiting["text"])
        return None
    account.awaiting = None
    if value == "new":
        await _tell(session, tables, None, account, answer, waiting["text"])
        return None
    case = await drafts.by_token(session, value)
    if case is None or case.account_id != account.id:
        return say("toast.stale")
    await follow.add(session, tables, case, account, answer, waiting["text"])
    return None


async def _before_consent(
    session: AsyncSession, tables: Tables, heard: Incoming, case: Case, answer: Answer, text: str
) -> None:
    """Words before the consent is given stay in the unconsented draft; the card is shown again."""
    if text.strip() in tables.texts.raw("consent.yes_words").split():
        account = await session.get_one(Account, case.account_id)
        await _agreed(session, tables, case, account, answer)
        return
    if text.strip() in tables.texts.raw("consent.no_words").split():
        await welcome.refused(session, tables, case, answer)
        return
    control = asides.control(text) if text and not heard.files else None
    if control in {"cancel", "human", "status"}:
        account = await session.get_one(Account, case.account_id)
        await _control(session, tables, case, account, answer, control)
        return
    note = asides.aside(text, None) if text else None
    if control is not None:
        note = say("help.consumer") if control == "help" else None
    elif heard.files:
        note = await keep_evidence.keep(session, tables, heard, case, text)
        if not heard.forwarded_from and tells(text):
            _more_story(case, tables, text)
        if heard.album:
            await keep_evidence.album_note(session, tables, heard, case, note)
            return
    elif text and note is None and text.strip() not in tables.texts.raw("talk.back_words").split():
        account = await session.get_one(Account, case.account_id)
        await help_first.money(tables, account, answer, _more_story(case, tables, text))
    await welcome.ask_consent(session, tables, case, answer, note)


def _more_story(case: Case, tables: Tables, text: str) -> Decision:
    """Add to the story and read it anew: the whole, or only what she said when told it was elsewhere."""
    told = bool((case.decision or {}).get("told"))
    story = (case.answers or {}).get("story", {}).get("v")
    whole = f"{story}\n{text}" if story else text
    drafts.forget_reading(case)
    case.answers = {**(case.answers or {}), "story": {"v": whole, "said": whole, "by": "person"}}
    decision, _ = drafts.understand(case, tables, text if told else whole)
    return decision


async def _agreed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    now = tables.clock.now()
    case.paused = False
    case.consented_at = now
    if case.entered_by_id is None:
        account.consented_at = now
        account.consent_version = tables.policy.consent_version
        await consents.give(session, tables, account, ConsentKind.BASE)
    await _advance(session, tables, case, answer, say("consent.thanks"), _understood(case, tables))


def _understood(case: Case, tables: Tables) -> Say | None:
    """What was read in her words, to be confirmed rather than typed again."""
    answers = case.answers or {}
    context = drafts.context(case, tables)
    lines: list[Say] = []
    reason = drafts.reason_of(case)
    if reason is not None and not context.ask_object:
        lines.append(reason)
    for key, value in answers.items():
        if value.get("by") == "read" and key != "object":
            shown = flow.show(key, answers, context)
            if shown is not None:
                lines.append(say("talk.read_line", label=say(f"label.{key}"), value=shown))
    return say("talk.understood", lines=lines) if lines else None


async def _given(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    answer: Answer,
    given: Given,
    before: Say | None = None,
) -> None:
    """An answer to the open question: taken, or told what was expected."""
    if case.asking == REVIEW:
        await _at_review(session, tables, case, answer, given.text)
        return
    question = BY_KEY.get(case.asking)
    if question is None:
        await _advance(session, tables, case, answer)
        return
    context = drafts.context(case, tables)
    answers = dict(case.answers or {})
    said = (case.decision or {}).get("said")
    if given.value and said:
        given = replace(given, text=said)
    if given.place is not None and question.place:
        await answer(say("talk.pin_taken"), keyboard="remove")
    try:
        now = flow.answer(question, given, answers, context)
    except Wrong as wrong:
        example = f"example.{question.key}"
        shown = wrong.reason != "choose" and example in tables.texts
        await _put(case, tables, answer, before, wrong.say, say(example) if shown else None)
        return
    except Choose as choose:
        case.version += 1
        case.decision = {**(case.decision or {}), "said": choose.said}
        rows = _options(case, choose.options)
        if question.may_skip(context):
            rows.append([button(asking.skip_label(question.key), "c", case, question.key, "skip")])
        await answer(choose.prompt, buttons=[*rows, _controls(case)])
        return
    case.answers = now
    note: Say | None = None
    if question.key == "story":
        drafts.forget_reading(case)
        decision, _ = drafts.understand(case, tables, str(now["story"]["v"]))
        note = _understood(case, tables)
        account = await session.get_one(Account, case.account_id)
        await help_first.money(tables, account, answer, decision)
    # A gate that no longer applies is pruned with its answer.
    if question.key == "gate" and now.get("gate", {}).get("v") in {"just_now", "day"}:
        account = await session.get_one(Account, case.account_id)
        if not help_first.helped(tables, account, help_first.URGENT):
            await help_first.urgent(tables, account, answer, say("emergency.then"))
    case.answers = flow.prune(dict(case.answers or {}), drafts.context(case, tables))
    await _advance(session, tables, case, answer, before, note)


async def _advance(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, *before: Say | None
) -> None:
    """Put the next question that is missing, or the review; another door's matter is told so once."""
    if _elsewhere(case):
        await _redirect(tables, case, answer, *before)
        return
    question = flow.next_question(dict(case.answers or {}), drafts.context(case, tables))
    if question is None:
        await _review(session, tables, case, answer, *before)
        return
    case.asking = question.key
    await _put(case, tables, answer, *before)


def _elsewhere(case: Case) -> bool:
    """Whether it is no consumer matter, and she has not been told yet."""
    decision = case.decision or {}
    return (
        drafts.object_of(case) == OUT_OF_SCOPE
        and not decision.get("ask")
        and not decision.get("told")
    )


async def _redirect(tables: Tables, case: Case, answer: Answer, *before: Say | None) -> None:
    """The right door, never a silent refusal; she may go on all the same."""
    case.decision = {**(case.decision or {}), "told": True}
    case.asking = ""
    case.paused = True
    doors = tables.law.doors(OUT_OF_SCOPE)
    await answer(
        *before,
        say("elsewhere.card"),
        *file_case.door_card(doors.first),
        *((say("elsewhere.then", names=[door.name for door in doors.then]),) if doors.then else ()),
        say("elsewhere.may"),
        buttons=[
            [button("button.go_on", "go", value="resume")],
            [button("button.enough", "c", case, case.asking, "cancel_yes")],
        ],
    )


async def _put(case: Case, tables: Tables, answer: Answer, *before: Say | None) -> None:
    """Ask the open question, under a new version, so that older buttons are known as old."""
    question = BY_KEY.get(case.asking)
    if question is None:
        raise ValueError(f"no question {case.asking}")
    case.version += 1
    if (case.decision or {}).get("said"):
        case.decision = {**(case.decision or {}), "said": ""}
    asked = asking.ask(question, dict(case.answers or {}), drafts.context(case, tables))
    rows = _options(case, asked.options)
    if asked.keyboard == "location":
        rows.insert(0, [button("button.pin", "c", case, question.key, "pin")])
    labels = {tables.texts.plain(option.label) for option in asked.options}
    if asked.skip is not None and tables.texts.plain(asked.skip) not in labels:
        rows.append([button(asked.skip, "c", case, question.key, "skip")])
    if asked.later:
        rows.append([button("button.later", "c", case, question.key, "later")])
    await answer(*before, *asked.parts, buttons=[*rows, _controls(case)])


def _options(case: Case, options: Sequence[Option]) -> list[list[Button]]:
    """One a row; long lists two a row."""
    made = [button(o.label, "a", case, case.asking, o.value) for o in options]
    width = 2 if len(made) > 6 else 1
    return [made[i : i + width] for i in range(0, len(made), width)]


def _controls(case: Case) -> list[Button]:
    return [
        button(f"button.{value}", "c", case, case.asking, value)
        for value in ("back", "pause", "cancel", "human")
    ]


async def _restate(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, *before: Say | None
) -> None:
    """Show where the person is."""
    if case.asking == "consent":
        await welcome.ask_consent(session, tables, case, answer)
    elif case.asking == REVIEW:
        await _review(session, tables, case, answer, *before)
    elif BY_KEY.get(case.asking) is None:
        await _advance(session, tables, case, answer, *before)
    else:
        await _put(case, tables, answer, *before)


async def _review(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, *before: Say | None
) -> None:
    """All answers on one card, who will receive them, and the two buttons."""
    case.asking = REVIEW
    case.editing = False
    case.version += 1
    lines = _review_lines(case, tables)
    receives, choices = await file_case.preview(session, tables, case)
    await answer(
        *before,
        say("review.card", lines=[line for _, line in lines]),
        *receives,
        say("review.ask"),
        buttons=[
            [button("button.submit", "f", case, REVIEW, "file")],
            [button("button.edit", "c", case, REVIEW, "edit")],
            *choices,
            *([] if case.entered_by_id else library.entry(case)),
            _controls(case),
        ],
    )


def _review_lines(case: Case, tables: Tables) -> list[tuple[str, Say]]:
    lines = list(flow.review(dict(case.answers or {}), drafts.context(case, tables)))
    reason = None if "object" in (case.answers or {}) else drafts.reason_of(case)
    if reason is not None:
        lines.insert(0, ("object", say("review.object", reason=reason)))
    return lines


async def _at_review(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, text: str
) -> None:
    """At the review: 改 金额 goes to that question; anything else is kept as something to add."""
    key = flow.find_question(text)
    if key is not None:
        await _edit(tables, case, answer, key)
        return
    aside = asides.aside(text, None) if text else None
    if aside is None and len(text) >= 4:
        answers = dict(case.answers or {})
        old = answers.get("extra", {}).get("v")
        whole = f"{old}\n{text}" if old else text
        answers["extra"] = {"v": whole, "said": whole, "by": "person"}
        case.answers = answers
        aside = say("review.added")
    await _review(session, tables, case, answer, aside or say("review.expected"))


async def _submit(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    """File it, unless a newer version of the interview asks something more, or what is sensitive in it
    still wants a consent of its own; who is entered at the desk has consented on paper."""
    if flow.next_question(dict(case.answers or {}), drafts.context(case, tables)) is not None:
        await _advance(session, tables, case, answer)
    elif case.entered_by_id is not None:
        await proxy.file(session, tables, case, account, answer)
    elif await consents.settled(session, tables, case, account, answer):
        # The card named who receives it: to press 提交 under it agrees to just that.
        await consents.give(session, tables, account, ConsentKind.PASS_ON, case)
        await file_case.file(session, tables, case, account, answer)


async def _edit(tables: Tables, case: Case, answer: Answer, key: str) -> None:
    """Ask one answer again; the flow then comes back to the review by itself."""
    question = BY_KEY.get(key)
    if question is None:
        return
    case.asking = key
    case.editing = True
    await _put(case, tables, answer)


async def _control(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, what: str
) -> bool:
    """The words that work at every step. Returns False for those that mean nothing here."""
    answers: dict[str, Any] = dict(case.answers or {})
    context = drafts.context(case, tables)
    question = BY_KEY.get(case.asking)
    match what:
        case "back":
            before = flow.previous(question, answers, context)
            if before is None:
                await _restate(session, tables, case, answer, say("talk.first_question"))
            else:
                case.asking = before.key
                await _put(case, tables, answer)
        case "skip":
            if case.asking == "evidence":
                # There is a button for having none.
                await _restate(session, tables, case, answer, say("wrong.evidence"))
            elif question is None or not question.may_skip(context):
                await _restate(session, tables, case, answer, say("talk.not_skippable"))
            else:
                case.answers = flow.skip(question, answers, context)
                await _advance(session, tables, case, answer)
        case "later":
            case.answers = flow.skip_rest(answers, context)
            await _advance(session, tables, case, answer, say("talk.later"))
        case "pin":
            await answer(say("talk.send_pin"), keyboard="location")
        case "pause":
            case.paused = True
            await answer(
                say("talk.paused"), buttons=[[button("button.resume", "go", value="resume")]]
            )
        case "cancel":
            await answer(
                say("talk.cancel_sure"),
                buttons=[
                    [button("button.cancel_no", "c", case, case.asking, "stay")],
                    [button("button.cancel_yes", "c", case, case.asking, "cancel_yes")],
                ],
            )
        case "cancel_yes":
            await drafts.discard(session, tables, case, account)
            await answer(
                say("talk.cancelled"), buttons=[[button("button.menu", "go", value="menu")]]
            )
        case "human":
            await call_back(session, tables, case, account, answer)
        case "help":
            await _restate(session, tables, case, answer, say("help.consumer"))
        case "status":
            await follow.overview(session, tables, account, answer)
            await _restate(session, tables, case, answer)
        case "stay":
            await _restate(session, tables, case, answer)
        case "edit" if case.asking == REVIEW:
            lines = [(key, say(f"label.{key}")) for key, _ in _review_lines(case, tables)]
            buttons = [button(label, "e", case, REVIEW, key) for key, label in lines]
            await answer(
                say("review.which"),
                buttons=[
                    *[buttons[i : i + 2] for i in range(0, len(buttons), 2)],
                    [button("button.back_review", "c", case, REVIEW, "stay")],
                ],
            )
        case "edit":
            await _restate(session, tables, case, answer, say("aside.change"))
        case "submit" if case.asking == REVIEW:
            await _submit(session, tables, case, account, answer)
        case "submit":
            await _restate(session, tables, case, answer, say("talk.not_yet"))
        case _:
            return False
    return True


async def _files(
    session: AsyncSession, tables: Tables, heard: Incoming, case: Case, answer: Answer, text: str
) -> None:
    """Files and forwarded words are kept whatever was asked; a voice message is her own words, never
    a wrong answer."""
    keep = keep_evidence.keep if heard.files else keep_evidence.keep_words
    note = await keep(session, tables, heard, case, text)
    voice = any(file.kind in {"voice", "video_note"} for file in heard.files)
    question = BY_KEY.get(case.asking)
    if question is not None and voice and question.key == "story":
        case.answers = flow.answer(
            question,
            Given(text=text, voice=True),
            dict(case.answers or {}),
            drafts.context(case, tables),
        )
        await _advance(session, tables, case, answer, note, say("evidence.voice_story"))
        return
    if voice:
        await _restate(session, tables, case, answer, note, say("evidence.voice"))
        return
    if not heard.forwarded_from and case.asking == "story" and tells(text):
        # Words under a picture are words: nobody should have to type them again.
        await _given(session, tables, case, answer, Given(text=text), note)
        return
    if heard.album:
        await keep_evidence.album_note(session, tables, heard, case, note)
    elif case.asking == "evidence":
        await answer(
            note,
            buttons=[[button("button.evidence_done", "a", case, "evidence", "done")]],
        )
    else:
        await _restate(session, tables, case, answer, note)
