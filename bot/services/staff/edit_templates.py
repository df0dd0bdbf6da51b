"""Edit the texts that staff send often (改常用话): written, seen as they will look, then kept as a version."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.admin import looked_through, revisions
from bot.services.sending import Answer, button
from bot.services.staff import templates
from bot.services.staff.templates import KIND, Template
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.party import Account

VERB = "mx"
LONGEST_TITLE, LONGEST = 16, 800
"""Characters: what a button shows, and what is still read on a phone."""

MOST = 20


async def home(session: AsyncSession, account: Account, answer: Answer) -> None:
    """Every text with a button, and what else can be done."""
    account.awaiting = None
    there = await templates.now_in_force(session)
    row = await revisions.active(session, KIND)
    source, checked_on = templates.source()
    await answer(
        say("template.home", version=row.version if row else 0, count=len(there), source=source),
        looked_through.last(row, checked_on).told(),
        buttons=[
            *(
                [button(say("template.title", title=one.title), VERB, None, "see", one.code)]
                for one in there
            ),
            *([[button("template.button.new", VERB, None, "new")]] if len(there) < MOST else []),
            [button("looked.button", VERB, None, "checked")],
            *([[button("template.button.undo", VERB, None, "undo")]] if row else []),
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """``see`` one, ``edit`` it, ``drop`` it, write a ``new`` one, ``keep`` what was written, ``undo``."""
    waiting = account.awaiting or {}
    account.awaiting = None
    there = {one.code: one for one in await templates.now_in_force(session)}
    chosen = there.get(press.value)
    match press.question:
        case "see" if chosen is not None:
            await answer(
                say("template.one", title=chosen.title, text=chosen.text),
                say("template.looks", text=_sample(tables, chosen.text)),
                buttons=[
                    [button("template.button.edit", VERB, None, "edit", chosen.code)],
                    [button("template.button.drop", VERB, None, "drop", chosen.code)],
                    [button("template.button.all", VERB)],
                ],
            )
            return None
        case "edit" if chosen is not None:
            await _ask_text(account, answer, chosen)
            return None
        case "new" if len(there) < MOST:
            account.awaiting = {"verb": VERB, "code": secrets.token_hex(4)}
            await answer(say("template.ask_title"), buttons=[[button("template.button.all", VERB)]])
            return None
        case "keep" if waiting.get("verb") == VERB and "text" in waiting:
            new = Template(waiting["code"], waiting["title"], waiting["text"])
            there[new.code] = new
            await _keep_texts(session, tables, account, there, "edit")
        case "drop" if chosen is not None:
            del there[chosen.code]
            await _keep_texts(session, tables, account, there, "drop")
        case "checked":
            body = looked_through.now(await _body(session), tables, account)
            await _keep(session, tables, account, body, "checked")
            await home(session, account, answer)
            return say("looked.toast")
        case "undo":
            await _undo(session, tables, account)
    await home(session, account, answer)
    return None


async def typed(tables: Tables, account: Account, answer: Answer, text: str) -> None:
    """The title of a new text, or the text itself; shown as it will look before it is kept."""
    waiting = dict(account.awaiting or {})
    text = text.strip()
    if "title" not in waiting:
        if not 0 < len(text) <= LONGEST_TITLE or "\n" in text:
            await answer(say("template.wrong_title", most=LONGEST_TITLE))
            return
        await _ask_text(account, answer, Template(waiting["code"], text, ""))
        return
    wrong = templates.unknown(text)
    if wrong or not 4 <= len(text) <= LONGEST:
        await answer(
            say("template.wrong_field", wrong=wrong, fields=_fields())
            if wrong
            else say("template.wrong_length", most=LONGEST),
            buttons=[[button("template.button.all", VERB)]],
        )
        return
    account.awaiting = {**waiting, "text": text}
    await answer(
        say("template.looks", text=_sample(tables, text)),
        say("template.keep"),
        buttons=[
            [button("template.button.keep", VERB, None, "keep")],
            [button("template.button.all", VERB)],
        ],
    )


async def _ask_text(account: Account, answer: Answer, one: Template) -> None:
    account.awaiting = {"verb": VERB, "code": one.code, "title": one.title}
    await answer(
        say("template.ask_text", title=one.title, fields=_fields()),
        say("template.copy", text=one.text) if one.text else None,
        buttons=[[button("template.button.all", VERB)]],
    )


def _fields() -> list[Say]:
    return [say("template.field", name=name) for name in templates.fields().values()]


def _sample(tables: Tables, text: str) -> str:
    """The text as it looks for a case made up."""
    today = tables.clock.now().astimezone(SHANGHAI)
    day = tables.texts.plain(say("channel.day", month=today.month, day=today.day))
    sample = {
        field: tables.texts.raw(f"template.sample.{field}")
        for field in templates.fields()
        if field not in {"filed", "today"}
    }
    return templates.fill(text, {**sample, "filed": day, "today": day})[0]


async def _body(session: AsyncSession) -> dict[str, Any]:
    """What is in force, as a version holds it."""
    row = await revisions.active(session, KIND)
    return dict(row.body) if row is not None else templates.body_of(templates.packaged())


async def _keep_texts(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    there: dict[str, Template],
    reason: str,
) -> None:
    body = {**await _body(session), **templates.body_of(there.values())}
    await _keep(session, tables, account, body, reason)


async def _keep(
    session: AsyncSession, tables: Tables, account: Account, body: dict[str, Any], reason: str
) -> None:
    await revisions.keep(session, tables.clock.now(), KIND, body, account, reason)


async def _undo(session: AsyncSession, tables: Tables, account: Account) -> None:
    """What was in force before, as a new version; undone again, it is as it was."""
    row = await revisions.active(session, KIND)
    if row is None:
        return
    former = await revisions.before(session, row)
    body = former.body if former is not None else templates.body_of(templates.packaged())
    await _keep(session, tables, account, body, "undo")
