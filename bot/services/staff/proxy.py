"""File for somebody at the desk or on the telephone (代登记): the short interview, paper consent, a slip.

The case belongs to an account without a channel until she links her own with the code on the slip.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services import accounts
from bot.services.chain import hand_over, remind
from bot.services.consumer import codes, drafts, file_case, welcome
from bot.services.privacy import audit
from bot.services.sending import Answer, button, moment_words
from bot.services.staff import today
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind
from models.lifecycle import Action, CaseStatus, after
from models.network import Level
from models.party import Account
from models.privacy import Act

VERB = "sb"
ADD_VERB = "sy"


async def begin(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """Begin one, after the desk was chosen where she works for several."""
    duties = await accounts.duties(session, account)
    if not duties:
        return say("toast.not_staff")
    if await drafts.current(session, account) is not None:
        await answer(
            say("proxy.draft"),
            buttons=[
                [button("button.resume", "go", value="resume")],
                [button("button.anew", "go", value="anew")],
            ],
        )
        return None
    desks = {str(desk.serial): desk for _, desk in duties}
    desk = desks.get(press.value) or (duties[0][1] if len(desks) == 1 else None)
    if desk is None:
        await answer(
            say("proxy.where"),
            buttons=[
                [button(say("pass_on.name", who=one.name), VERB, value=serial)]
                for serial, one in desks.items()
            ],
        )
        return None
    case = await drafts.begin(session, tables, account, CaseKind.COMPLAINT)
    case.entered_by_id = account.id
    case.consented_at = None
    if desk.level is Level.POINT:
        case.asked_code = desk.code
    await session.flush()
    await welcome.ask_consent(session, tables, case, answer)
    return None


async def file(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    """Submit it: the case is hers who told it, the slip goes to the staff member."""
    now = tables.clock.now()
    owner = Account(
        address=f"{codes.PAPER}:{case.token}",
        created_at=now,
        seen_at=now,
        is_admin=False,
        subscribed=False,
        blocked=False,
    )
    owner.name = str((case.answers or {}).get("name", {}).get("v") or "") or None
    session.add(owner)
    await session.flush()
    case.account_id = owner.id
    plan = await file_case.enter(
        session, tables, case, account, {"who": account.name or "", "paper": True}
    )
    due = moment_words(await remind.promised(session, tables, case), now)
    desk = await hand_over.desk_of(session, case)
    mine = desk is not None and await accounts.may_act(session, tables, account, desk)
    take = mine and case.status is CaseStatus.WAITING
    await answer(
        say("proxy.done", number=case.number or ""),
        *file_case.door_card(plan.route.door),
        say("file.reasons", reasons=list(plan.route.because)),
    )
    await answer(
        *await codes.slip(session, tables, case, account, due),
        buttons=[
            *([[button("button.take", "st", case)]] if take else []),
            [button("today.button.list", today.VERB)],
        ],
    )


async def add_pressed(case: Case, account: Account, answer: Answer) -> None:
    """Wait for what she said on the telephone. Raises NotPossible."""
    after(case.status, Action.ADD)
    account.awaiting = {"verb": ADD_VERB, "case": case.token}
    await answer(
        say("proxy.add", number=case.number or ""),
        buttons=[[button("button.never_mind", "sx", case)]],
    )


async def add_typed(
    tables: Tables, case: Case, account: Account, answer: Answer, text: str
) -> None:
    """Keep it with the case; to an open question it is the answer. Raises NotPossible."""
    if len(text.strip()) < 2:
        await answer(say("proxy.add", number=case.number or ""))
        return
    asked = case.status is CaseStatus.ASKING
    case.apply(
        Action.ANSWER if asked else Action.ADD,
        at=tables.clock.now(),
        by=account.id,
        details={"text": text, "who": account.name or "", "paper": True},
    )
    account.awaiting = None
    await answer(
        say("proxy.added", number=case.number or ""),
        buttons=[[button("button.details", "sv", case)]],
    )


async def by_telephone(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    *,
    private: bool,
) -> bool:
    """What wants her Telegram cannot reach who has none linked: her number instead, to her taker in private
    and with a view on record; a group is told to take the case first. Whether it is so. Raises NotPossible.
    """
    owner = await session.get_one(Account, case.account_id)
    if not codes.on_paper(owner):
        return False
    if not private:
        take = [[button("button.take", "st", case)]] if case.taker_id is None else []
        await answer(say("proxy.take_first", number=case.number or ""), buttons=take)
        return True
    now = tables.clock.now()
    case.apply(Action.VIEW, at=now, by=account.id, details={"who": account.name or ""})
    await audit.record(session, now, Act.VIEW, account, case)
    phone = str((case.answers or {}).get("phone", {}).get("v") or "")
    await answer(
        say("proxy.call", number=case.number or "", phone=phone or say("proxy.no_phone")),
        buttons=[
            [button("proxy.button.add", ADD_VERB, case)],
            [button("button.code", codes.STAFF_VERB, case)],
            [button("button.details", "sv", case)],
        ],
    )
    return True
