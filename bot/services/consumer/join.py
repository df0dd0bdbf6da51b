"""Join a joint complaint (加入共同投诉): who opens the code sees what it is about, and says yes for herself.

She then has a case of her own, by the short interview, or brings one that she has filed (order 121 art. 12).
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.consumer import codes, converse, drafts, joint
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind
from models.joint import Joint
from models.party import Account

VERB = "y"
OWN_SHOWN = 3
"""So many of her own cases are offered to be brought."""


async def typed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, text: str
) -> bool:
    """Whether what was typed is the code of a joint complaint."""
    code = codes.read(text)
    if not code or await joint.by_code(session, code) is None:
        return False
    await opened(session, tables, account, answer, code)
    return True


async def opened(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, code: str
) -> None:
    """What it is about, what joining means, and the buttons to say yes."""
    found = await _usable(session, tables, account, answer, code)
    if found is None:
        return
    it, first, count = found
    own = [
        [button(say("joint.button.bring", number=mine.number or ""), VERB, mine, value=code)]
        for mine in await drafts.filed(session, account)
        if joint.possible(mine)
        and mine.object == first.object
        and await joint.part_of(session, mine) is None
    ]
    await answer(
        say("joint.invited", count=count, **joint.about(tables, it, first)),
        say("joint.means", most=tables.policy.joint_representatives),
        buttons=[
            *own[:OWN_SHOWN],
            [button("joint.button.join", VERB, value=code)],
            [button("joint.button.not", "go", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """Her yes: with a case of hers, or with a new draft of the few things that only she knows."""
    found = await _usable(session, tables, account, answer, press.value)
    if found is None:
        return None
    it, first, _ = found
    if press.case:
        return await _bring(session, tables, account, answer, press, it)
    draft = await drafts.current(session, account)
    if draft is not None and (draft.answers or draft.evidence):
        mine = await joint.part_of(session, draft)
        again = mine is not None and mine.joint_id == it.id
        await answer(
            say("joint.draft_here" if again else "joint.draft"),
            buttons=[
                [button("button.resume", "go", value="resume")],
                *([] if again else [[button("button.anew", "go", value="anew")]]),
            ],
        )
        return None
    if draft is not None:
        await drafts.erase(session, tables, draft)
    case = await drafts.begin(session, tables, account, CaseKind.COMPLAINT)
    case.decision = {drafts.BRIEF: True}
    case.answers = joint.shared(tables, it, first)
    await session.flush()
    await joint.take_in(session, tables, it, case)
    await answer(say("joint.begin"))
    await converse.first_question(session, tables, case, answer)
    return None


async def _bring(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    answer: Answer,
    press: Press,
    it: Joint,
) -> Say | None:
    """A case that she has filed already comes in."""
    case = await drafts.by_token(session, press.case)
    if case is None or case.account_id != account.id or not joint.possible(case):
        return say("toast.stale")
    if await joint.part_of(session, case) is None:
        await joint.take_in(session, tables, it, case)
        await joint.came(session, tables, case)
    part = await joint.part_of(session, case)
    if part is not None:
        await joint.show(session, tables, case, part, answer, say("joint.brought"))
    return None


async def _usable(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, code: str
) -> tuple[Joint, Case, int] | None:
    """The joint complaint that a code opens for her, the case that it began with, and how many are in;
    None after saying why it opens none."""
    it = await joint.by_code(session, codes.read(code))
    inside = await joint.parts(session, it) if it is not None else []
    mine = next(((part, case) for part, case in inside if case.account_id == account.id), None)
    if mine is not None:
        part, case = mine
        await joint.show(session, tables, case, part, answer, say("joint.yours"))
        return None
    first = joint.begun_by(inside)
    late = it is not None and (it.ended_at is not None or tables.clock.now() > it.until)
    if it is None or first is None or late or not joint.possible(first):
        await answer(
            say("joint.no_code"),
            buttons=[
                [button("button.complaint", "go", value="complaint")],
                [button("button.menu", "go", value="menu")],
            ],
        )
        return None
    return it, first, len(inside)
