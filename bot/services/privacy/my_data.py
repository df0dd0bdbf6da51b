"""我的数据: what is kept of a person, who has seen it, and the ways to take it out, correct and erase it
(PIPL art. 44-47). Every button looks up anew whose data it is: the account that pressed it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.asides import control
from bot.ports import Button, Incoming, Press
from bot.services.consumer import drafts
from bot.services.privacy import correct, export_own, withdraw_consent
from bot.services.privacy.audit import what, who
from bot.services.privacy.erase import erase, fingerprints, lines
from bot.services.sending import Answer, button
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import OPEN
from models.party import Account
from models.privacy import Act, Audit, Rule

VERB = "d"
COMMAND = "mydata"
WORD = "data"
"""The steering word that opens it."""

SEEN = {
    Act.VIEW: "mydata.seen.view",
    Act.TOLD: "mydata.seen.told",
    Act.REVEAL: "mydata.seen.reveal",
}
"""The lines of the audit chain that somebody saw her data by."""

LINES = 30
MOST = 8
"""Cases offered by a button of their own."""


async def home(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, *before: Say
) -> None:
    """What is kept, and what can be done with it."""
    cases = await drafts.filed(session, account)
    draft = await drafts.current(session, account)
    agreed = account.consented_at
    await answer(
        *before,
        say("mydata.head"),
        say(
            "mydata.kept",
            name=account.name or say("mydata.no_name"),
            cases=len(cases),
            open=len(held(cases)),
            files=sum(len(case.evidence) for case in cases),
            draft=say("mydata.draft" if draft is not None else "mydata.no_draft"),
            agreed=say(
                "mydata.agreed",
                day=agreed.astimezone(SHANGHAI).date().isoformat(),
                version=account.consent_version,
            )
            if agreed and account.consent_version
            else say("mydata.not_agreed"),
        ),
        say(
            "mydata.how_long",
            years=tables.policy.keep_closed_days // 365,
            days=tables.policy.keep_draft_days,
        ),
        buttons=[
            [_go("seen"), _go("export")],
            *([[_go("correct")]] if cases else []),
            [_go("erase"), _go("withdraw")],
            [button("button.menu", "go", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """A button of these pages; returns the little notice shown over it, if any."""
    account.awaiting = None
    match press.question:
        case "seen":
            await _seen(session, account, answer)
        case "export":
            return await export_own.order(session, tables, account, answer)
        case "correct":
            case = await own(session, account, press.case)
            await correct.ask(session, tables, account, answer, case, press.value)
        case "erase":
            await _choose(session, account, answer)
        case "which":
            await _sure(session, account, answer, press.case)
        case "yes":
            return await _erase(session, tables, account, answer, press)
        case "withdraw":
            await withdraw_consent.sure(session, account, answer)
        case "withdraw_yes":
            return await withdraw_consent.withdraw(session, tables, account, answer, press.value)
        case _:
            await home(session, tables, account, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """A corrected name, number or address, if it was asked for. Returns whether it was that."""
    waiting = account.awaiting or {}
    if waiting.get("verb") != VERB or heard.files or heard.edited:
        return False
    if control(heard.text) in {"cancel", "back"}:
        account.awaiting = None
        await home(session, tables, account, answer, say("correct.stopped"))
        return True
    case = await own(session, account, str(waiting["case"]))
    if case is None:
        account.awaiting = None
        await home(session, tables, account, answer)
    else:
        await correct.typed(session, tables, heard, account, answer, case, str(waiting["field"]))
    return True


def held(cases: Sequence[Case]) -> list[Case]:
    """The cases that are still open: while they are, nothing of them is erased."""
    return [case for case in cases if case.status in OPEN]


async def own(session: AsyncSession, account: Account, token: str) -> Case | None:
    """A filed case of hers by its token."""
    case = await drafts.by_token(session, token) if token else None
    mine = case is not None and case.account_id == account.id and case.filed_at is not None
    return case if mine else None


def _go(where: str) -> Button:
    return button(f"mydata.button.{where}", VERB, question=where)


async def _seen(session: AsyncSession, account: Account, answer: Answer) -> None:
    """Who saw what of hers, the newest first."""
    cases = await drafts.filed(session, account)
    numbers = {what(case): case.number or "" for case in cases}
    draft = await drafts.current(session, account)
    about = [*numbers, who(account), *([what(draft)] if draft is not None else [])]
    rows = await session.scalars(
        select(Audit)
        .where(Audit.about.in_(about), Audit.act.in_([act.value for act in SEEN]))
        .order_by(Audit.seq.desc())
        .limit(LINES)
    )
    seen = [
        say(
            SEEN[Act(row.act)],
            at=row.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
            who=await _name(session, row.by),
            number=numbers.get(row.about) or say("human.not_filed"),
        )
        for row in rows
    ]
    await answer(
        say("mydata.seen.lines", lines=seen) if seen else say("mydata.seen.nobody"),
        say("mydata.seen.group"),
        buttons=[[_go("home")]],
    )


async def _name(session: AsyncSession, by: str) -> str | Say:
    kind, _, key = by.partition(":")
    account = await session.get(Account, UUID(key)) if kind == "account" else None
    if account is not None:
        return account.name or say("mydata.somebody")
    return say("mydata.operator" if kind == "operator" else "mydata.somebody")


async def _choose(session: AsyncSession, account: Account, answer: Answer) -> None:
    """Everything, or one closed case; what is open is said to be held, and why."""
    cases = await drafts.filed(session, account)
    open_now = held(cases)
    closed = [case for case in cases if case not in open_now]
    await answer(
        say("erase.choose"),
        _held_line(open_now),
        buttons=[
            [button("erase.button.all", VERB, question="which")],
            *[
                [button(say("erase.button.one", number=c.number or ""), VERB, c, "which")]
                for c in closed[:MOST]
            ],
            *_to_open(open_now),
            [_go("home")],
        ],
    )


def _held_line(cases: Sequence[Case]) -> Say | None:
    if not cases:
        return None
    return say("erase.held", lines=lines(cases))


def _to_open(cases: Sequence[Case]) -> list[list[Button]]:
    return [[button(say("erase.button.see", number=c.number or ""), "tp", c)] for c in cases[:MOST]]


async def _wanted(
    session: AsyncSession, account: Account, token: str
) -> tuple[list[Case], list[Case]]:
    """What would be erased (all her closed cases and her draft, or one closed case), and what is held."""
    if token:
        case = await own(session, account, token)
        return ([case] if case is not None and case.status not in OPEN else []), []
    rows = await session.scalars(select(Case).where(Case.account_id == account.id))
    cases = list(rows.all())
    open_now = held(cases)
    return [case for case in cases if case not in open_now], open_now


async def _sure(session: AsyncSession, account: Account, answer: Answer, token: str) -> None:
    """What goes, what is held, and what remains in spite of it; one button does it."""
    going, open_now = await _wanted(session, account, token)
    if not going and (token or open_now):
        await answer(
            say("erase.nothing"), _held_line(open_now), buttons=[*_to_open(open_now), [_go("home")]]
        )
        return
    yes = Press(VERB, token, "yes", 0, fingerprints(going))
    numbers = [case.number for case in going if case.number]
    await answer(
        say("erase.head"),
        say(
            "erase.sure",
            numbers=numbers or say("erase.unfiled"),
            files=sum(len(case.evidence) for case in going),
        )
        if going
        else None,
        say("erase.sure_kept" if open_now else "erase.sure_account") if not token else None,
        _held_line(open_now),
        say("erase.remains"),
        buttons=[[Button(say("erase.button.yes"), yes)], [_go("home")]],
    )


async def _erase(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """Only what was previewed: when it is something else by now, it is previewed anew."""
    going, open_now = await _wanted(session, account, press.case)
    if not going and (press.case or press.value != fingerprints(going)):
        return say("erase.already")
    if press.value != fingerprints(going):
        await _sure(session, account, answer, press.case)
        return say("erase.changed")
    await erase(
        session,
        tables,
        going,
        Rule.ASKED,
        account,
        person=account if not press.case and not open_now else None,
        report_to=account.address,
    )
    return say("erase.begun")
