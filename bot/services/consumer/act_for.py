"""Act for somebody else (代办): a parent, a child, another. An agent needs a signed power of attorney (order 121
art. 11); of a child under fourteen nothing is kept without a guardian's consent (PIPL art. 31)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.answers import person_name
from bot.interview.terms import Given, Wrong
from bot.ports import Button, Press
from bot.route.tell import statute
from bot.services.admin.live_law import law_now
from bot.services.consumer import drafts
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, allowed
from models.party import Account

VERB = "tza"
KEY = "agent"
"""In ``Case.answers``: ``{"v": {"for": whom, "name": the person's name, "guardian": bool}, …}``."""

CHILD, MINOR, SELF = "child", "minor", "self"
WHOM = ("elder", CHILD, MINOR, "other", SELF)
AGENT_RULE = "agent"


async def pressed(
    session: AsyncSession, case: Case, account: Account, answer: Answer, press: Press
) -> None:
    """For whom; of a child, whether she is the guardian; then the person's name is typed."""
    account.awaiting = None
    whom = press.value
    match press.question:
        case "whom" if whom == SELF:
            case.answers = {k: v for k, v in (case.answers or {}).items() if k != KEY}
            await answer(say("agent.self"), buttons=_back(case))
        case "whom" if whom in {CHILD, MINOR}:
            await answer(
                say(f"agent.guardian_{whom}"),
                buttons=[
                    [button("agent.button.guardian", VERB, case, "guardian", whom)],
                    [button("agent.button.no_guardian", VERB, case, "not", whom)],
                ],
            )
        case "not" if whom in {CHILD, MINOR}:
            await answer(say(f"agent.not_guardian_{whom}"), buttons=_back(case))
        case ("whom" | "guardian") as asked if whom in WHOM:
            account.awaiting = {
                "verb": VERB,
                "case": case.token,
                "for": whom,
                "guardian": asked == "guardian",
            }
            await answer(say("agent.name", whom=say(f"agent.whom.{whom}")))
        case "letter" if letter_for(case) is not None:
            await _letter(session, case, answer)
        case _:
            needs = letter_for(case) is not None
            await answer(
                line(case),
                say("agent.ask"),
                buttons=[
                    *([button(f"agent.whom.{one}", VERB, case, "whom", one)] for one in WHOM),
                    *([[button("agent.button.letter", VERB, case, "letter")]] if needs else []),
                    *_back(case),
                ],
            )


async def typed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, text: str
) -> None:
    """The name of the person whose matter it is; kept, told to the taker, and put into the letter."""
    waiting = account.awaiting or {}
    if Action.ADD not in allowed(case.status) and Action.ANSWER not in allowed(case.status):
        account.awaiting = None
        await answer(say("toast.not_now", status=say(f"status.{case.status}")))
        return
    try:
        name = person_name(Given(text=text), {}, drafts.context(case, tables))
    except Wrong as wrong:
        await answer(wrong.say, say("example.name"))
        return
    account.awaiting = None
    agent = {"for": waiting["for"], "name": name, "guardian": waiting["guardian"]}
    case.answers = {**(case.answers or {}), KEY: {"v": agent, "said": text, "by": "person"}}
    said = say(
        "agent.line_guardian" if agent["guardian"] else "agent.line",
        whom=say(f"agent.whom.{agent['for']}"),
        name=name,
    )
    case.apply(
        Action.ADD,
        at=tables.clock.now(),
        by=account.id,
        details={"text": tables.texts.plain(said), "agent": True},
    )
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say("agent.told", number=case.number or "", line=said),
            case=case,
            buttons=[[button("button.details", "sv", case)]],
        )
    if agent["guardian"]:
        await answer(say("agent.kept_guardian", name=name), buttons=_back(case))
    else:
        await answer(say("agent.kept", name=name))
        await _letter(session, case, answer)


def settle(case: Case) -> None:
    """What the interview asked about it, once the case is filed: in :data:`KEY`, as if said afterwards."""
    answers = dict(case.answers or {})
    whom, name = (answers.pop(key, {}) for key in ("for_whom", "for_name"))
    if whom.get("v") in WHOM and name.get("v"):
        agent = {
            "for": whom["v"],
            "name": name["v"],
            "guardian": whom["v"] in {CHILD, MINOR},
        }
        answers[KEY] = {"v": agent, "said": name["said"], "by": "person"}
    case.answers = answers


def filed(case: Case) -> tuple[Say | None, list[list[Button]]]:
    """What is told with the number: which paper shows that she may, and the button to it."""
    agent = _agent(case)
    if agent is None:
        return None, []
    if agent["guardian"]:
        return say("agent.kept_guardian", name=agent["name"]), []
    letter_button = button("agent.button.first", VERB, case, "letter")
    return say("agent.filed", name=agent["name"]), [[letter_button]]


def line(case: Case) -> Say | None:
    """For whom she acts, for whoever may read the case; None when it is her own matter."""
    agent = _agent(case)
    if agent is None:
        return None
    whom = say(f"agent.whom.{agent['for']}")
    key = "agent.line_guardian" if agent["guardian"] else "agent.line"
    return say(key, whom=whom, name=agent["name"])


def _agent(case: Case) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (case.answers or {}).get(KEY, {}).get("v")
    return found


async def _letter(session: AsyncSession, case: Case, answer: Answer) -> None:
    """The text to be copied by hand; as a file it comes with the papers of the case."""
    rule = (await law_now(session)).statute(AGENT_RULE)
    await answer(
        say("agent.letter_how"),
        say("agent.letter_copy", text=letter(case) or say("agent.blank")),
        statute(rule),
        buttons=[[button("button.papers", "tzf", case)], *_back(case)],
    )


def letter(case: Case) -> Say | None:
    """A power of attorney, to be signed by hand; None when she needs none."""
    agent = letter_for(case)
    if agent is None:
        return None
    answers = case.answers or {}
    return say(
        "agent.letter",
        principal=agent["name"],
        agent=answers.get("name", {}).get("v") or say("agent.blank"),
        phone=answers.get("phone", {}).get("v") or say("agent.blank"),
        merchant=answers.get("merchant", {}).get("v") or say("agent.blank"),
        object=say(f"object.{drafts.object_of(case)}"),
        number=case.number or "",
    )


def letter_for(case: Case) -> dict[str, Any] | None:
    """For whom a power of attorney is needed; a guardian needs none."""
    agent = _agent(case)
    return None if agent is None or agent["guardian"] else agent


def _back(case: Case) -> list[list[Any]]:
    return [[button("button.progress", "tp", case)]]
