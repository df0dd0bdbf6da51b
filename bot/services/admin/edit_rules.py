"""Edit the rules (改词表): an admin adds a word, the gold tests run, a version is kept or refused.

A version holds all added words; the packaged rules are version 0. Going back (退回) is a new version
with an earlier one's words, so that the list tells who did what, and when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify import additions, rules
from bot.classify.additions import NEVER, STEPS, Addition, Broken, Verdict
from bot.classify.taxonomy import codes
from bot.facts.phones import read_phones
from bot.facts.redact import redact
from bot.ports import Button, Incoming, Press
from bot.services.admin import revisions
from bot.services.admin.live_classifier import KIND, additions_of
from bot.services.consumer.pick_category import code_rows, group_rows
from bot.services.network.bind_desk import number, stamp, stop
from bot.services.privacy import audit
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.drain import Store
from bot.services.sending import Answer, Rows, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.party import Account
from models.privacy import Act
from models.revision import Revision

VERB = "mw"
ERRAND = "check_rules"
PER_PAGE = 6
BROKEN_SHOWN = 5
STEP_TEXTS = {
    "weak": "rules.step.weak",
    "medium": "rules.step.medium",
    "strong": "rules.step.strong",
    "never": "rules.step.never",
}


async def home(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """What is in force, and what can be done."""
    account.awaiting = None
    row = await revisions.active(session, KIND)
    await answer(
        say(
            "rules.home",
            version=_version(row.version if row else 0),
            count=len(additions_of(row)),
            full=tables.classifier.version,
        ),
        buttons=[
            [button("rules.button.add", VERB, question="add")],
            [button("rules.button.list", VERB, question="list", value="0")],
            [_menu()],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button: ``add`` or ``new`` (prefilled ``code word``) begin a change, ``groups``,
    ``group``, ``code`` and ``step`` go on with it; ``list`` shows the versions, ``back`` asks whether
    to go back to one, ``yes`` does it."""
    match press.question:
        case "add":
            account.awaiting = {"verb": VERB, "at": stamp(tables)}
            await _ask(account, answer)
        case "new":
            code, _, word = press.value.partition(" ")
            account.awaiting = {"verb": VERB, "at": stamp(tables)}
            if code in codes() and _wrong("word", word, {}) is None:
                account.awaiting = {**account.awaiting, "code": code, "word": word}
            await _ask(account, answer)
        case "groups" | "group" | "code" | "step":
            return await _chosen(session, tables, press, account, answer)
        case "list":
            account.awaiting = None
            await _versions(session, answer, number(press.value))
        case "back":
            account.awaiting = None
            await _sure(session, number(press.value), answer)
        case "yes":
            return await _go_back(session, tables, press, account, answer)
        case _:
            await home(session, tables, account, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """The word, the example or the reason, whichever is asked for; with the last the check begins."""
    waiting = dict(account.awaiting or {})
    text = " ".join(heard.text.split())
    key = _missing(waiting)
    wrong = _wrong(key, text, waiting) if not heard.edited else say("rules.edited")
    if wrong is not None:
        await answer(wrong)
        await _ask(account, answer)
        return
    waiting[key] = _folded(text) if key == "word" else text
    account.awaiting = waiting
    if _missing(waiting):
        await _ask(account, answer)
        return
    account.awaiting = None
    new = Addition(*(waiting[field] for field in ("code", "word", "step", "example", "why")))
    await _owe_check(session, tables, account, new)
    await answer(say("rules.checking", word=new.word, name=say(f"object.{new.code}")))


async def _owe_check(
    session: AsyncSession, tables: Tables, account: Account, new: Addition
) -> None:
    await owe_errand(
        session,
        ERRAND,
        {"account": str(account.id), "addition": new.to_json()},
        now=tables.clock.now(),
        ordering=ERRAND,
    )


def checker(db: Store, tables: Tables) -> Errand:
    """The errand ``check_rules``: tries the new word in a thread, then keeps it as the next version
    or says what it breaks. Checked anew when the rules changed meanwhile."""

    async def check(payload: Mapping[str, Any]) -> Finish:
        new = Addition.from_json(payload["addition"])
        async with db.read() as session:
            before = await revisions.active(session, KIND)
            kept = await _every_addition(session)
        present = additions_of(before)
        verdict = await asyncio.to_thread(
            additions.check, rules.load(), present, kept, new, tables.classifier.tmp_dir
        )

        async def finish(session: AsyncSession) -> None:
            account = await session.get(Account, UUID(payload["account"]))
            if account is None or not account.is_admin:
                return
            now = await revisions.active(session, KIND)
            if (now.version if now else 0) != (before.version if before else 0):
                await _owe_check(session, tables, account, new)
                return
            if not verdict.good:
                await _tell_refused(session, tables, account, new, verdict)
                return
            words = additions.with_addition(present, new)
            row = await _save(session, tables, account, words, {"added": new.to_json()}, new.why)
            await tell(
                session,
                tables,
                account.address,
                say(
                    "rules.saved",
                    version=_version(row.version),
                    change=_change(row.body["change"]),
                ),
                buttons=[
                    [button("admin.button.try", "m", value="try")],
                    [button("rules.button.list", VERB, question="list", value="0")],
                    [_menu()],
                ],
            )

        return finish

    return check


async def _tell_refused(
    session: AsyncSession, tables: Tables, account: Account, new: Addition, verdict: Verdict
) -> None:
    shown = verdict.broken[:BROKEN_SHOWN]
    await tell(
        session,
        tables,
        account.address,
        say("rules.refused", word=new.word, name=say(f"object.{new.code}")),
        say("rules.not_read", text=new.example) if not verdict.fires else None,
        _own(verdict.own) if verdict.own is not None else None,
        say("rules.breaks", count=len(verdict.broken), lines=[_broken(one) for one in shown])
        if shown
        else None,
        say("rules.kept_as_was"),
        buttons=[
            *prefilled(new.code, new.word, say("rules.button.again", word=new.word)),
            [_menu()],
        ],
    )


def _own(own: Broken) -> Say:
    return say(
        "rules.own_fails" if own.gold.holds else "rules.own_still",
        text=own.gold.text,
        wanted=say(f"object.{own.gold.code}"),
        now=say(f"object.{own.now}"),
    )


def _broken(one: Broken) -> Say:
    """One sentence that would come out wrong; beside the category, only that it would."""
    if one.gold.axis != "object":
        return say("rules.broken_other", text=one.gold.text)
    return say(
        "rules.broken" if one.gold.holds else "rules.broken_never",
        text=one.gold.text,
        wanted=say(f"object.{one.gold.code}"),
        now=say(f"object.{one.now}"),
    )


def prefilled(code: str, word: str, label: Say) -> list[list[Button]]:
    """A button that begins a change with word and category filled in, if it can carry them."""
    try:
        offered = button(label, VERB, question="new", value=f"{code} {word}")
        if offered.press is not None:
            offered.press.pack()
    except ValueError:
        return []
    return [[offered]]


async def _chosen(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    waiting = dict(account.awaiting or {})
    if waiting.get("verb") != VERB or waiting.get("at") != press.version:
        await home(session, tables, account, answer)
        return say("toast.stale")
    group = press.value if press.question == "group" else ""
    if press.question == "groups":
        waiting.pop("code", None)
    elif press.question == "code" and press.value in codes():
        waiting["code"] = press.value
    elif press.question == "step" and press.value in STEPS and "code" in waiting:
        waiting["step"] = press.value
    if press.question != "group":
        waiting.pop("example", None)
    account.awaiting = waiting
    await _ask(account, answer, group)
    return None


def _missing(waiting: Mapping[str, Any]) -> str:
    """What is to be asked next; "" when all is there."""
    return next(
        (key for key in ("word", "code", "step", "example", "why") if not waiting.get(key)), ""
    )


async def _ask(account: Account, answer: Answer, group: str = "") -> None:
    """The next question of a change, derived from what is missing."""
    waiting = account.awaiting or {}
    at = int(waiting.get("at", 0))
    word = waiting.get("word", "")
    name: Say | str = say(f"object.{waiting['code']}") if waiting.get("code") else ""
    rows: Rows = []

    def to(question: str) -> Any:
        return lambda value: Press(VERB, question=question, version=at, value=value)

    match _missing(waiting):
        case "word":
            asked = say("rules.ask_word", most=additions.limit("word_most"))
        case "code":
            asked = say("rules.ask_code", word=word)
            rows = code_rows(group, to("code"))
            back = [Button(say("relabel.button.groups"), to("groups")(""))]
            rows = [*rows, back] if rows else group_rows(to("group"))
        case "step":
            asked = say("rules.ask_step", word=word, name=name)
            rows = [
                *[[Button(say(STEP_TEXTS[step]), to("step")(step))] for step in STEPS],
                [Button(say("rules.button.other_code"), to("groups")(""))],
            ]
        case "example" if waiting["step"] == NEVER:
            asked = say("rules.ask_example_never", word=word, name=name)
        case "example":
            asked = say("rules.ask_example", word=word, name=name)
        case _:
            asked = say("rules.ask_why", word=word, name=name)
    await answer(asked, buttons=[*rows, [stop()]])


def _wrong(key: str, text: str, waiting: Mapping[str, Any]) -> Say | None:
    """What is wrong with a typed line, if anything."""
    if key in ("code", "step"):
        return say("rules.press")
    if not text:
        return say("rules.only_text")
    if redact(text).kinds or read_phones(text):
        return say("rules.personal")
    if key == "word":
        least, most = additions.limit("word_least"), additions.limit("word_most")
        word = _folded(text)
        if not least <= len(word) <= most or not all(s.isalnum() or s in " .+-%" for s in word):
            return say("rules.wrong_word", least=least, most=most)
    elif key == "example":
        least, most = additions.limit("example_least"), additions.limit("example_most")
        if not least <= len(text) <= most:
            return say("rules.wrong_example", least=least, most=most)
        if waiting["word"] not in _folded(text):
            return say("rules.word_missing", word=waiting["word"])
    elif len(text) > (most := additions.limit("reason_most")):
        return say("rules.wrong_why", most=most)
    return None


def _folded(text: str) -> str:
    return additions.folded(rules.load(), text)


async def _every_addition(session: AsyncSession) -> tuple[Addition, ...]:
    """Every word that was ever added, for its example."""
    rows = await session.scalars(
        select(Revision).where(Revision.kind == KIND).order_by(Revision.version)
    )
    return tuple(dict.fromkeys(one for row in rows for one in additions_of(row)))


async def _save(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    words: Sequence[Addition],
    change: Mapping[str, Any],
    reason: str,
) -> Revision:
    """The next version, in force from this commit."""
    body = {"additions": [word.to_json() for word in words], "change": dict(change)}
    row = await revisions.keep(session, tables.clock.now(), KIND, body, account, reason)
    about = f"revision:{row.id}"
    await audit.record(session, row.created_at, Act.RULES, account, about, version=row.version)
    return row


async def _versions(session: AsyncSession, answer: Answer, page: int) -> None:
    """Who changed what, when and why, the newest first; a button goes back to any that is not in force."""
    rows = (
        await session.scalars(
            select(Revision).where(Revision.kind == KIND).order_by(Revision.version.desc())
        )
    ).all()
    in_force = next((row.version for row in rows if row.active), 0)
    every = [*[row.version for row in rows], 0]
    page = min(page, (len(every) - 1) // PER_PAGE)
    shown = every[page * PER_PAGE : (page + 1) * PER_PAGE]
    by_version = {row.version: row for row in rows}
    lines = [
        await _line(session, by_version[version], in_force)
        if version
        else say("rules.line_packaged", now=_now(0, in_force))
        for version in shown
    ]
    backs = [
        button(
            say("rules.button.back", version=_version(version)),
            VERB,
            question="back",
            value=str(version),
        )
        for version in shown
        if version != in_force
    ]
    turns = [
        button(label, VERB, question="list", value=str(to))
        for label, to, there in (
            ("bind.button.back", page - 1, page > 0),
            ("bind.button.more", page + 1, (page + 1) * PER_PAGE < len(every)),
        )
        if there
    ]
    await answer(
        say("rules.versions", lines=lines),
        buttons=[*[[back] for back in backs], *([turns] if turns else []), [_menu()]],
        slot=f"{VERB}:list",
    )


async def _line(session: AsyncSession, row: Revision, in_force: int) -> Say:
    author = await session.get(Account, UUID(row.author))
    return say(
        "rules.line",
        version=_version(row.version),
        now=_now(row.version, in_force),
        at=row.created_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        who=(author.name if author else None) or say("bind.somebody"),
        change=_change(row.body["change"]),
    )


def _now(version: int, in_force: int) -> Say | str:
    return say("rules.in_force") if version == in_force else ""


def _change(change: Mapping[str, Any]) -> Say:
    """What a version did."""
    if "back" in change:
        return say("rules.went_back", version=_version(int(change["back"])))
    new = change["added"]
    return say(
        "rules.added",
        word=new["word"],
        name=say(f"object.{new['code']}"),
        step=say(STEP_TEXTS[new["step"]]),
        why=new["why"],
    )


async def _sure(session: AsyncSession, to: int, answer: Answer) -> None:
    """What going back takes away and brings again, with one button to do it."""
    now = await revisions.active(session, KIND)
    in_force = now.version if now else 0
    target = await _at(session, to)
    if to == in_force or (to and target is None):
        await _versions(session, answer, 0)
        return
    here, there = additions_of(now), additions_of(target)
    lost = [_word(one) for one in here if one not in there]
    gained = [_word(one) for one in there if one not in here]
    await answer(
        say("rules.sure", version=_version(to), now=_version(in_force)),
        say("rules.lost", words=lost) if lost else None,
        say("rules.gained", words=gained) if gained else None,
        buttons=[
            [button("rules.button.yes", VERB, question="yes", value=str(to), version=in_force)],
            [button("rules.button.no", VERB, question="list", value="0")],
        ],
    )


def _word(addition: Addition) -> Say:
    return say(
        "rules.word",
        word=addition.word,
        name=say(f"object.{addition.code}"),
        step=say(STEP_TEXTS[addition.step]),
    )


async def _go_back(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """Only from the version that was shown when it was asked."""
    account.awaiting = None
    to = number(press.value)
    now = await revisions.active(session, KIND)
    target = await _at(session, to)
    in_force = now.version if now else 0
    if to == in_force or in_force != press.version or (to and target is None):
        await _sure(session, to, answer)
        return say("toast.stale")
    row = await _save(session, tables, account, additions_of(target), {"back": to}, f"back to {to}")
    await answer(
        say("rules.back_done", version=_version(to), new=_version(row.version)),
        buttons=[[button("rules.button.list", VERB, question="list", value="0")], [_menu()]],
    )
    return None


async def _at(session: AsyncSession, version: int) -> Revision | None:
    found: Revision | None = await session.scalar(
        select(Revision).where(Revision.kind == KIND, Revision.version == version)
    )
    return found


def _version(version: int) -> Say:
    return say("rules.version", version=version) if version else say("rules.version_packaged")


def _menu() -> Button:
    return button("admin.button.menu", "m", value="menu")
