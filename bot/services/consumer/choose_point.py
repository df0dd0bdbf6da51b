"""Choose another point (换联络点): in the review, and after filing while nobody has taken the case.

Which desk a person asks for is hers to say, as long as it may have the matter: one that is offered
with distance, hours and what it is known for, or a committee of the street by its name.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.answers import spot
from bot.ports import Button, Press
from bot.route.decide import by_name, may_have
from bot.services.chain import hand_over
from bot.services.chain.hand_over import Plan
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind
from models.lifecycle import Action, CaseStatus
from models.party import Account

VERB = "tc"
NAMES = "names"
STREETS = "streets"
MAP = "map"
PER_PAGE = 12
UNTAKEN = frozenset({CaseStatus.WAITING, CaseStatus.TRIAGE})


def shown(case: Case, plan: Plan) -> tuple[Say, ...]:
    """The desks that may have it, each with how far, when open, and what it is known for."""
    lines = plan.lines() if case.kind is not CaseKind.CLUE else []
    return (say("point.offered", lines=lines),) if lines else ()


def rows(case: Case, plan: Plan, verb: str, question: str = "") -> list[list[Button]]:
    """The buttons: every other desk offered, the committees by name, and the map; while no desk is
    known, the streets and towns."""
    if case.kind is CaseKind.CLUE:
        return []
    if plan.route.desk_code is None:
        return [[button("button.by_street", verb, case, question, f"{STREETS}:1")]]
    found = [
        [button(say("button.other_desk", desk=desk.name), verb, case, question, desk.code)]
        for desk in plan.desks()
        if desk.code != plan.route.desk_code
    ]
    if by_name(plan.dispute, plan.register, plan.route):
        found.append([button("button.by_name", verb, case, question, f"{NAMES}:1")])
    if plan.venues():
        found.append([button("button.map", verb, case, question, MAP)])
    return found


def entry(case: Case, plan: Plan) -> list[list[Button]]:
    """The way here from a filed case, while it is open."""
    found = rows(case, plan, VERB) if changeable(case) else []
    if not found or plan.route.desk_code is None:
        return found
    return [[button("button.change_point", VERB, case)]]


async def pressed_before(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, press: Press
) -> bool | None:
    """A button of the review. Whether a desk was chosen; None when the answer stands by itself."""
    plan = await hand_over.planned(session, tables, case)
    if await _looked(case, plan, answer, press):
        return None
    return _chosen(case, plan, press.value)


async def pressed_after(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """A button under a filed case; once it is taken, the taker's point keeps it."""
    if not changeable(case):
        return say("point.taken")
    plan = await hand_over.planned(session, tables, case)
    if await _looked(case, plan, answer, press):
        return None
    if not press.value:
        await answer(
            say(
                _question(plan),
                number=case.number or "",
            ),
            *shown(case, plan),
            buttons=[*rows(case, plan, VERB), [button("button.progress", "tp", case)]],
        )
        return None
    if not _chosen(case, plan, press.value):
        return say("toast.stale")
    route, desk = await hand_over.again(session, tables, case, account)
    await answer(
        say("point.changed", number=case.number or "", reasons=list(route.because))
        if desk is not None
        else say("point.changed_triage", number=case.number or "", reasons=list(route.because)),
        buttons=[[button("button.progress", "tp", case)]],
    )
    return None


def _question(plan: Plan) -> str:
    if plan.route.desk_code is not None:
        return "point.which"
    return "point.which_street" if plan.route.door is None else "point.which_home"


def changeable(case: Case) -> bool:
    """Whether the person may still have another point."""
    official = any(event.action is Action.RECEIVE for event in case.events)
    referred = bool(case.events) and case.events[-1].action is Action.REFER
    return (
        case.status in UNTAKEN and case.kind is not CaseKind.CLUE and not official and not referred
    )


async def _looked(case: Case, plan: Plan, answer: Answer, press: Press) -> bool:
    """The map, or a page of names: nothing is changed by looking."""
    what, _, page = press.value.partition(":")
    if what == MAP:
        for venue in plan.venues():
            await answer(venue=venue)
        return True
    if what not in (NAMES, STREETS):
        return False
    desks = (
        by_name(plan.dispute, plan.register, plan.route) if what == NAMES else plan.register.streets
    )
    pages = max(-(-len(desks) // PER_PAGE), 1)
    at = min(max(int(page) if page.isdecimal() else 1, 1), pages)
    names = [
        button(say("form.plain", text=desk.name), press.verb, case, press.question, desk.code)
        for desk in desks[(at - 1) * PER_PAGE : at * PER_PAGE]
    ]
    turns = [
        button(key, press.verb, case, press.question, f"{what}:{to}")
        for key, to in (("choose.page_back", at - 1), ("choose.page_on", at + 1))
        if 1 <= to <= pages
    ]
    await answer(
        say("point.names" if what == NAMES else "point.streets", page=at, pages=pages),
        buttons=[*(names[i : i + 2] for i in range(0, len(names), 2)), turns],
    )
    return True


def _chosen(case: Case, plan: Plan, code: str) -> bool:
    """Put the desk into the answer that led to the present one, if it may have the case."""
    desk = plan.register.get(code)
    if desk is None or not may_have(plan.dispute, plan.register, code, plan.route):
        return False
    answers: dict[str, Any] = dict(case.answers or {})
    key = "home" if plan.route.via == "home" or plan.route.door is not None else "where"
    before = answers.get(key, {}).get("v") or {}
    told = before if before.get("mode") not in (None, "none", "unknown") else {}
    place = spot("street", desk.name) | told
    place["chosen"] = True
    at_point = desk.level == "point"
    place["committee"] = desk.code if at_point else None
    place["street"] = (desk.street_code or place.get("street")) if at_point else desk.code
    answers[key] = {**answers.get(key, {}), "v": place, "by": "person"}
    case.answers = answers
    case.asked_code = ""
    return True
