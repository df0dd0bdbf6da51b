"""Choose who gets a notice (发给谁): by role, street and topic; how many that are is seen at every step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law import topics
from bot.ports import Button, Press
from bot.services.outreach.notice_board import VERB, about, slot
from bot.services.outreach.readers import ROLES, Audience, size
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.outreach import Notice

PER_PAGE = 14
NAMED = 4
"""Streets that are named; of more, only the number is told."""


def words(tables: Tables, audience: Audience) -> Say:
    """The filter as people say it."""
    streets = [desk.name for desk in tables.register.streets if desk.code in audience.streets]
    chosen = [say(f"topic.{topic}") for topic in audience.topics]
    return say(
        "readers.words",
        role=say(f"readers.role.{audience.role}"),
        streets=say("readers.streets_many", count=len(streets))
        if len(streets) > NAMED
        else say("readers.streets_named", names=streets)
        if streets
        else "",
        topics=say("readers.topics_named", names=_side_by_side(chosen)) if chosen else "",
        cases=say("readers.with_cases") if audience.cases and chosen else "",
    )


def _side_by_side(names: Sequence[Say]) -> Say:
    """Names in one line; a list of them would be one a line."""
    said = names[0]
    for name in names[1:]:
        said = say("readers.and", first=said, second=name)
    return said


async def pressed(
    session: AsyncSession, tables: Tables, notice: Notice, press: Press, answer: Answer
) -> None:
    """``readers`` shows the choice; ``to:<role>``, ``st:<street>``, ``tp:<topic>`` and ``cases`` change it; ``st`` and
    ``tp`` show lists, a page of streets by the button's version. A button carries what it stood for, so that
    a second tap on it changes nothing back."""
    act, _, code = press.question.partition(":")
    audience = Audience.from_json(notice.audience)
    on = code.startswith("+")
    code = code.lstrip("+-")
    if act == "to" and code in ROLES:
        audience = replace(audience, role=code)
        if audience.staff:
            audience = replace(audience, topics=(), cases=False)
    elif act == "st" and (code == "" or any(code == desk.code for desk in tables.register.streets)):
        audience = replace(audience, streets=_turned(audience.streets, code, on))
    elif act == "tp" and (code == "" or code in topics.load()) and not audience.staff:
        audience = replace(audience, topics=_turned(audience.topics, code, on))
    elif act == "cases":
        audience = replace(audience, cases=on)
    notice.audience, notice.for_staff = audience.to_json(), audience.staff
    await session.flush()
    readers = await size(session, audience)
    rows = {"st": _street_rows, "tp": _topic_rows}.get(act, _rows)(
        tables, notice, audience, press.version
    )
    await answer(
        say("readers.head", words=words(tables, audience), count=readers),
        say("readers.staff") if audience.staff else say("readers.subscribers"),
        buttons=rows,
        slot=slot(notice.id),
    )


def _turned(chosen: tuple[str, ...], code: str, on: bool) -> tuple[str, ...]:
    """With ``code`` in it or not; ``""`` leaves it."""
    if not code:
        return chosen
    without = tuple(each for each in chosen if each != code)
    return (*without, code) if on else without


def _rows(_tables: Tables, notice: Notice, audience: Audience, _page: int) -> list[list[Button]]:
    roles = [
        _option(notice, f"to:+{role}", say(f"readers.role.{role}"), role == audience.role)
        for role in ROLES
    ]
    rows = [roles[at : at + 2] for at in range(0, len(roles), 2)]
    rows.append([about(notice.id, "st")])
    if not audience.staff:
        rows[-1].append(about(notice.id, "tp"))
    if audience.topics:
        on = audience.cases
        rows.append([_option(notice, f"cases:{_sign(not on)}", say("readers.cases"), on)])
    return [*rows, [about(notice.id, "card")]]


def _street_rows(
    tables: Tables, notice: Notice, audience: Audience, page: int
) -> list[list[Button]]:
    streets = tables.register.streets
    shown = streets[page * PER_PAGE : (page + 1) * PER_PAGE]
    options = [
        _option(
            notice,
            f"st:{_sign(desk.code not in audience.streets)}{desk.code}",
            desk.name,
            desk.code in audience.streets,
            page,
        )
        for desk in shown
    ]
    turns = [
        button(key, VERB, question="st", value=notice.id.hex, version=to)
        for key, to in (("bind.button.back", page - 1), ("bind.button.more", page + 1))
        if 0 <= to * PER_PAGE < len(streets)
    ]
    return [
        *_pairs(options),
        *([turns] if turns else []),
        [button("notice.button.edit", VERB, question="readers", value=notice.id.hex)],
    ]


def _topic_rows(
    _tables: Tables, notice: Notice, audience: Audience, _page: int
) -> list[list[Button]]:
    options = [
        _option(
            notice,
            f"tp:{_sign(topic not in audience.topics)}{topic}",
            say(f"topic.{topic}"),
            topic in audience.topics,
        )
        for topic in topics.load()
    ]
    return [
        *_pairs(options),
        [button("notice.button.edit", VERB, question="readers", value=notice.id.hex)],
    ]


def _sign(on: bool) -> str:
    return "+" if on else "-"


def _pairs(options: Iterable[Button]) -> list[list[Button]]:
    every = list(options)
    return [every[at : at + 2] for at in range(0, len(every), 2)]


def _option(notice: Notice, act: str, name: Say | str, on: bool, page: int = 0) -> Button:
    label = say("readers.chosen" if on else "readers.option", name=name)
    return button(label, VERB, question=act, value=notice.id.hex, version=page)
