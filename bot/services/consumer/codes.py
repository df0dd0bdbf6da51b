"""One-time codes (查询码): with one, a case is linked to the account of who holds the slip, once.

So a case filed at the desk comes to its consumer's Telegram, and one from a lost account comes back to her. Ten
letters out of thirty are 49 bits, told once and kept as a hash; a newer one ends the older.
"""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.chain import hand_over
from bot.services.consumer import follow
from bot.services.sending import Answer, button, day_words, tell
from bot.services.staff import merge
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import TOKEN_LETTERS, Case, CaseCode, new_token, token_digest, token_shown
from models.lifecycle import Action, after, allowed
from models.party import Account

VERB = "k"
STAFF_VERB = "sk"
START = "code_"
"""What a deep link's payload begins with."""

PAPER = "paper"
"""The channel of who has no account: what is owed there is said by telephone or at the desk."""

HALF = 5
WRITTEN = re.compile(rf"([{TOKEN_LETTERS}]{{{HALF}}})[-－—\s]*([{TOKEN_LETTERS}]{{{HALF}}})")


def on_paper(owner: Account) -> bool:
    """Whether somebody filed at the desk and has not linked an account."""
    return owner.address.startswith(f"{PAPER}:")


def read(text: str) -> str:
    """The code in what was typed and nothing else, without its dash; ''."""
    found = WRITTEN.fullmatch(text.strip().upper())
    return found[1] + found[2] if found else ""


async def issue(session: AsyncSession, tables: Tables, case: Case, by: Account) -> tuple[str, Say]:
    """A new code for the case, and the last day on which it holds; an older one no longer does."""
    now = tables.clock.now()
    await session.execute(
        update(CaseCode)
        .where(CaseCode.case_id == case.id, CaseCode.ended_at.is_(None))
        .values(ended_at=now)
    )
    code = new_token()
    until = now + timedelta(days=tables.policy.case_code_days)
    session.add(
        CaseCode(
            code_hash=token_digest(code), case_id=case.id, by_id=by.id, made_at=now, until=until
        )
    )
    await session.flush()
    return code, day_words(until.astimezone(SHANGHAI).date())


async def staff_pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> None:
    """The taker re-issues a code to who proved at the desk to be the consumer; her account is told.
    Raises NotPossible."""
    after(case.status, Action.CODE)
    number = case.number or ""
    if press.question != "go":
        await answer(
            say("code.check", number=number),
            buttons=[
                [button("code.button.checked", STAFF_VERB, case, "go")],
                [button("button.never_mind", "sx", case)],
            ],
        )
        return
    case.apply(
        Action.CODE, at=tables.clock.now(), by=account.id, details={"who": account.name or ""}
    )
    code, until = await issue(session, tables, case, account)
    await answer(say("code.slip", number=number, **_ways(tables, code), until=until))
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.code", number=number, who=account.name or ""),
        case=case,
        buttons=[
            [button("button.progress", "tp", case)],
            [button("button.human", "go", value="human")],
        ],
    )


def _ways(tables: Tables, code: str) -> dict[str, str]:
    """How a slip is used: the link, and the code to type."""
    return {"code": token_shown(code), "link": tables.link(f"{START}{code}")}


async def typed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, text: str
) -> bool:
    """Whether what was typed is a code: one that we gave out, or one in the way that we print them."""
    code = read(text)
    if not code or ("-" not in text and await _row(session, code) is None):
        return False
    await claim(session, tables, account, answer, code)
    return True


async def claim(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, code: str
) -> None:
    """Somebody shows a code: what linking means, and two buttons; or why it does not hold."""
    case = await _usable(session, tables, account, answer, read(code))
    if case is None:
        return
    await answer(
        say("code.confirm", number=case.number or ""),
        buttons=[
            [button("code.button.link", VERB, value=read(code))],
            [button("code.button.leave", "go", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """Link the case to this account: the former one is told, and so is the taker."""
    case = await _usable(session, tables, account, answer, read(press.value))
    if case is None:
        return None
    row = await _row(session, read(press.value))
    if row is None or Action.LINK not in allowed(case.status):
        await answer(say("toast.not_now", status=say(f"status.{case.status}")))
        return None
    now = tables.clock.now()
    former = await session.get_one(Account, case.account_id)
    row.ended_at, row.used_by_id = now, account.id
    account.consented_at, account.consent_version = now, tables.policy.consent_version
    for each in (case, *await merge.merged_into(session, case)):
        each.apply(Action.LINK, at=now, by=account.id)
        each.account_id = account.id
    number = case.number or ""
    if (former.awaiting or {}).get("case") == case.token:
        former.awaiting = None
    if not on_paper(former):
        await tell(
            session,
            tables,
            former.address,
            say("told.account_changed", number=number),
            buttons=[[button("button.human", "go", value="human")]],
        )
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say("desk.linked", number=number),
            case=case,
            buttons=[[button("button.details", "sv", case)]],
        )
    await follow.show(session, tables, case, answer, say("code.linked", number=number))
    return None


async def _usable(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, code: str
) -> Case | None:
    """The case that a code opens for this account; None after saying why it opens none."""
    row = await _row(session, code)
    case = await session.get(Case, row.case_id, with_for_update=True) if row is not None else None
    if row is None or case is None:
        await answer(say("code.wrong"), buttons=[[button("button.menu", "go", value="menu")]])
    elif case.account_id == account.id:
        await follow.show(
            session, tables, case, answer, say("code.yours", number=case.number or "")
        )
    elif row.ended_at is not None:
        await answer(say("code.used"), buttons=[[button("button.menu", "go", value="menu")]])
    elif tables.clock.now() > row.until:
        await answer(say("code.expired", days=tables.policy.case_code_days))
    elif account.id in {row.by_id, case.taker_id, case.entered_by_id}:
        await answer(say("code.not_staff", number=case.number or ""))
    else:
        return case
    return None


async def _row(session: AsyncSession, code: str) -> CaseCode | None:
    found: CaseCode | None = await session.scalar(
        select(CaseCode).where(CaseCode.code_hash == token_digest(code)).with_for_update()
    )
    return found


async def slip(
    session: AsyncSession, tables: Tables, case: Case, by: Account, day: Say
) -> tuple[Say, ...]:
    """What is printed or copied for who filed at the desk: number, whom to expect, and her code."""
    code, until = await issue(session, tables, case, by)
    desk = await hand_over.desk_of(session, case)
    return (
        say(
            "slip.text",
            number=case.number or "",
            filed=hand_over.clock_words(case),
            name=str((case.answers or {}).get("name", {}).get("v") or ""),
            merchant=case.merchant or say("band.unknown"),
            desk=desk.name if desk is not None else say("slip.triage"),
            day=day,
            until=until,
            **_ways(tables, code),
        ),
    )
