"""What stands before any consent: the start screen, the emergency card, the hotlines, the consent card."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import menus
from bot.services.admin import trial
from bot.services.consumer import drafts
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.party import Account

OPEN_TO_ALL = frozenset({"emergency", "hotlines"})
"""What is shown without consent, and in trial mode too."""

EVERYDAY = ("110", "96110", "12315", "12345", "12348", "12386", "12378", "12363")


async def start(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, *instead: Say | None
) -> None:
    """The start screen; an unfinished draft is offered first. ``instead`` takes the greeting's place."""
    draft = await drafts.current(session, account)
    await answer(
        *(instead or (say("start.hello"), say("start.demo") if tables.demo else None)),
        say("start.draft") if draft is not None else None,
        buttons=menus.rows(menus.START, ["draft"] if draft is not None else []),
    )


async def emergency(answer: Answer, then: Say | None = None) -> None:
    """Stop, call 110 and the bank, what to say; asks for no account number (反电信网络诈骗法 art. 20)."""
    await answer(
        say("emergency.now"),
        say("emergency.script"),
        say("emergency.keep"),
        say("emergency.second"),
        then,
        buttons=[
            [button("button.emergency_done", "go", value="complaint")],
            [button("button.menu", "go", value="menu")],
        ]
        if then is None
        else [],
    )


async def hotlines(tables: Tables, answer: Answer) -> None:
    """The numbers, each with what it is for and when it was last checked."""
    lines = [line(tables, code) for code in EVERYDAY]
    await answer(
        say("hotlines.head"),
        say("hotlines.lines", lines=lines),
        say("hotlines.free"),
        buttons=[[button("button.menu", "go", value="menu")]],
    )


def line(tables: Tables, code: str) -> Say:
    """One hotline as a line."""
    hotline = tables.law.hotline(code)
    return say("hotlines.line", number=hotline.number, name=hotline.name, about=hotline.takes)


async def ask_consent(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, before: Say | None = None
) -> None:
    """Who keeps what, why, how long, where (PIPL art. 14, 17, 29, 38), before anything is kept."""
    case.asking = "consent"
    case.version += 1
    if case.entered_by_id is not None:
        await answer(
            before,
            say("proxy.consent"),
            buttons=[
                [button("proxy.button.signed", "ok", case, "consent", "yes")],
                [button("proxy.button.no", "ok", case, "consent", "no")],
            ],
        )
        return
    operator = await trial.operator(session, tables)
    await answer(
        before,
        say(
            "consent.card",
            operator=operator or say("consent.operator"),
            hours=tables.policy.draft_unconsented_hours,
            years=tables.policy.keep_closed_days // 365,
            days=tables.policy.keep_draft_days,
        ),
        say("consent.kept") if "story" in (case.answers or {}) else None,
        buttons=[
            [button("button.agree", "ok", case, "consent", "yes")],
            [button("button.refuse", "ok", case, "consent", "no")],
        ],
    )


async def refused(session: AsyncSession, tables: Tables, case: Case, answer: Answer) -> None:
    """Nothing is kept, and help is given all the same."""
    await drafts.erase(session, tables, case)
    await answer(
        say("consent.refused"),
        say("hotlines.lines", lines=[line(tables, code) for code in ("110", "12315", "12345")]),
        buttons=[
            [button("button.emergency", "go", value="emergency")],
            [button("button.menu", "go", value="menu")],
        ],
    )
