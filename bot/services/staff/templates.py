"""Texts that staff send often (常用话): chosen, filled from the case, seen before they are sent."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.ports import Press
from bot.services.admin import revisions
from bot.services.chain import hand_over
from bot.services.sending import Answer, button, day_words
from bot.services.staff import relay
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account

VERB = "sf"
KIND = "templates"
FIELD = re.compile(r"\{([^{}]*)\}")
BLANK = "____"


@dataclass(frozen=True, slots=True)
class Template:
    """``text`` holds fields in braces, such as ``{编号}``; ``code`` is at most twelve letters and digits."""

    code: str
    title: str
    text: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("templates.toml").read_text("utf-8"))


def packaged() -> tuple[Template, ...]:
    """Version 0."""
    return tuple(Template(**row) for row in _file()["template"])


def body_of(there: Iterable[Template]) -> dict[str, Any]:
    """The texts as a version holds them."""
    return {"templates": [one.to_json() for one in there]}


def source() -> tuple[str, date]:
    """Where version 0 comes from, and when it was looked through."""
    return _file()["source"], _file()["checked_on"]


def fields() -> dict[str, str]:
    """What a field is called in a text, by what it is."""
    return dict(_file()["fields"])


def unknown(text: str) -> list[str]:
    """What stands in braces and is no field, and braces that have no partner."""
    known = set(fields().values())
    wrong = [name for name in FIELD.findall(text) if name not in known]
    return wrong + re.findall(r"[{}]", FIELD.sub("", text))


def fill(text: str, values: Mapping[str, str]) -> tuple[str, bool]:
    """The text with its fields filled; whether all were. An unknown value leaves a blank to write on."""
    called = {name: values.get(field, "") for field, name in fields().items()}
    missing = any(not called.get(name) for name in FIELD.findall(text))
    return FIELD.sub(lambda match: called.get(match[1]) or BLANK, text), not missing


async def now_in_force(session: AsyncSession) -> tuple[Template, ...]:
    """The texts as they stand."""
    row = await revisions.active(session, KIND)
    return packaged() if row is None else tuple(Template(**one) for one in row.body["templates"])


async def values_of(session: AsyncSession, tables: Tables, case: Case) -> dict[str, str]:
    """What the fields of a case are filled with; '' for what is not known."""
    desk = await hand_over.desk_of(session, case)
    plain = tables.texts.plain

    def day(at: datetime) -> str:
        return plain(day_words(at.astimezone(SHANGHAI).date()))

    return {
        "number": case.number or "",
        "merchant": case.merchant or "",
        "object": plain(say(f"object.{case.object}")) if case.object else "",
        "amount": show_money(case.amount_fen) if case.amount_fen else "",
        "desk": desk.name if desk is not None else "",
        "filed": day(case.filed_at) if case.filed_at is not None else "",
        "today": day(tables.clock.now()),
    }


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """The list; ``see`` one, filled; ``send`` it, or ``own`` words after it. Raises NotPossible."""
    account.awaiting = None
    after(case.status, Action.TALK)
    there = {one.code: one for one in await now_in_force(session)}
    chosen = there.get(press.value)
    back = [button("button.templates", VERB, case), button("button.never_mind", "sx", case)]
    if press.question == "" or chosen is None:
        await answer(
            say("template.choose", number=case.number or "") if there else say("template.none"),
            buttons=[
                *(
                    [button(say("template.title", title=one.title), VERB, case, "see", one.code)]
                    for one in there.values()
                ),
                [button("button.never_mind", "sx", case)],
            ],
        )
        return say("toast.stale") if press.question else None
    text, whole = fill(chosen.text, await values_of(session, tables, case))
    if press.question == "send" and whole:
        account.awaiting = {"verb": "use", "text": text}
        return await relay.staff_pressed(session, tables, case, account, answer, "this")
    if press.question == "own":
        await relay.staff_pressed(session, tables, case, account, answer, "")
        if account.awaiting is not None:
            await answer(say("template.own"), say("template.copy", text=text))
        return None
    await answer(
        say("template.preview", number=case.number or ""),
        say("template.text", text=text),
        None if whole else say("template.blanks"),
        buttons=[
            *([[button("template.button.send", VERB, case, "send", chosen.code)]] if whole else []),
            [button("template.button.own", VERB, case, "own", chosen.code)],
            back,
        ],
    )
    return None
