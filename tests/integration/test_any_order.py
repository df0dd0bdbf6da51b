"""Whatever four people press and type, in whatever order and however late: no case comes into a state that the
table does not know, none is stuck, none is without a next step, and the group learns nothing of the person."""

from __future__ import annotations

import asyncio
import random
import tempfile
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from bot.ports import Press
from bot.services.consumer import follow
from bot.texts.catalogue import Catalogue
from models.case import Case
from models.delivery import Timer, TimerState
from models.lifecycle import CLOSED, OPEN, TAKEN, TRANSITIONS, Action, CaseStatus
from models.mediation import AdvancePayment, AdvanceState, Settlement, SettlementState
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office
from tests.integration.mediation_desk import COLLEAGUE, fire, of, press_of, presses, staffed, waits

SEEDS, ROUNDS = 2, 60
A = Action
NEW = {A.AGREE, A.FULFIL, A.BREAK, A.WISH, A.ADVANCE, A.CLAIM, A.RECORD, A.REOPEN, A.END}
"""What a case comes to after it was taken."""

GIVEN_BACK = ("busy", "duplicate", "address_unclear")
WORDS = ("320", "昨天", "12月5日", "店长李某在电话里说同意", "取消", "返回", "退 200 元")
SECRETS = ("王秀英", "13800138000", "健身房关门不退卡", "店长李某")

Act = tuple[str, ...]
"""What is typed (one word), or what is pressed: verb, question, value."""

STAFF: tuple[tuple[Act, ...], ...] = (
    (("st",),),
    (("sv",),),
    (("sa",), ("请问鞋盒还在吗？",)),
    (
        *(("szr", "open"), ("昨天",), ("szr", "way", "phone"), ("szr", "people", "both")),
        *(("szr", "consumer", "filed"), ("szr", "merchant", "refuses")),
        *(("szr", "outcome", "failed"), ("szr", "yes")),
    ),
    (
        *(("szg", "open"), ("320",), ("szg", "how", "cash"), ("szg", "also", "nothing")),
        *(("szg", "gives", "nothing"), ("szg", "due", "days_3"), ("szg", "side", "signed")),
        *(("szg", "under", "committee"), ("szg", "yes")),
    ),
    (
        *(("szp", "open"), ("400",), ("szp", "proof", "purchase"), ("szp", "proof", "paid")),
        *(("szp", "proof", "goods"), ("szp", "proof", "duty"), ("szp", "proof", "ticked")),
        *(("szp", "why", "gone"), ("szp", "yes")),
    ),
    (("szq", "yes"),),
    (("szq", "no"), ("凭据里没有付款记录",)),
    (("szp", "paid", "yes"), ("szq", "back", "back")),
    (("szf", "kept", "yes"),),
    (("szf", "broken", "yes"),),
    (("ss",), ("320",), ("商家当场退了三百二十元",), ("scy",)),
    (("ser", "", "no_agreement"), ("商家不肯，双方谈不拢",), ("scm",), ("50",), ("scy",)),
)
"""What the two colleagues do; the services say which of them may."""

HERS: tuple[tuple[Act, ...], ...] = (
    (("tzw", "same"),),
    (("tzw", "different"), ("不是现金，是微信",)),
    (("tzd", "yes"),),
    (("tzd", "no"), ("一分钱没到",)),
    (("tzc",), ("退 300 元",), ("tzc", "yes")),
    (("tza", "whom", "elder"), ("张桂英",)),
    (("ta",), ("还有一张收据",)),
    (("tr", "solved", "3"),),
    (("to",), ("还没解决",)),
)

LIKELY: dict[CaseStatus, tuple[tuple[str, tuple[Act, ...]], ...]] = {
    CaseStatus.WAITING: ((TEACHER, STAFF[0]),),
    CaseStatus.HANDLING: (*((TEACHER, one) for one in STAFF[2:7]), (COLLEAGUE, STAFF[6])),
    CaseStatus.ASKING: ((AUNT, HERS[6]), (TEACHER, STAFF[4])),
    CaseStatus.AGREED: (
        *((AUNT, one) for one in HERS[:4]),
        *((TEACHER, one) for one in STAFF[9:11]),
    ),
    CaseStatus.SETTLED: ((AUNT, HERS[7]), (AUNT, HERS[8])),
    CaseStatus.ENDED: ((AUNT, HERS[8]),),
}
"""What somebody would do next, so that the cases come far."""


async def act(office: Office, dice: random.Random) -> None:
    """Something that one of them does about one of the cases, finished or broken off; or time goes by."""
    if dice.random() < 0.15:
        office.clock.at += timedelta(hours=dice.choice((1, 9, 30, 80)))
        await fire(office)
        return
    number = dice.choice(("PD-1", "PD-1", "PD-2"))
    who = dice.choice((TEACHER, TEACHER, COLLEAGUE, AUNT))
    doings = dice.choice(HERS if who == AUNT else STAFF)
    if dice.random() < 0.6:
        async with office.rows() as session:
            status = (await of(session, number)).status
        who, doings = dice.choice(LIKELY.get(status, ((AUNT, HERS[5]),)))
    if dice.random() < 0.02:
        doings = (("twy",),) if who == AUNT else (("srr", "", dice.choice(GIVEN_BACK)),)
    kept = len(doings) if dice.random() < 0.8 else dice.randrange(len(doings))
    for doing in doings[:kept]:
        if (len(doing) == 1 and not doing[0].isascii()) or doing[0].isdigit():
            await office.write(who, doing[0])
        else:
            verb, *more = doing
            chat = GROUP if verb == "st" else ""
            await office.write(who, chat=chat, press=await press_of(office, verb, number, *more))
    if dice.random() < 0.1:
        await office.write(who, dice.choice(WORDS))
    if dice.random() < 0.1 and (old := await presses(office, who, 12)):
        press = dice.choice([one for one in old if one.case] or old)
        await office.write(who, press=Press.unpack(press.pack()))
    if dice.random() < 0.3:
        triage = await presses(office, BOSS, 1)
        assign = [press for press in triage if press.verb == "mt"]
        if assign:
            await office.write(BOSS, press=assign[0])


async def check(office: Office, texts: Catalogue) -> None:
    async with office.rows() as session:
        for case in (await session.scalars(select(Case).where(Case.filed_at.is_not(None)))).all():
            before = CaseStatus.DRAFT
            for event in case.events:
                assert event.was is before
                assert TRANSITIONS[event.was, event.action] is event.status
                before = event.status
            assert case.status is before
            assert case.status in OPEN | CLOSED
            assert texts.plain(await follow._next(session, office.tables, case))
            assert (case.taker_id is not None) == (case.status in TAKEN) or case.status in CLOSED
            if case.status is CaseStatus.WAITING:
                assert case.desk_id is not None
            agreed = list(
                await session.scalars(
                    select(Settlement).where(
                        Settlement.case_id == case.id, Settlement.state == SettlementState.OPEN
                    )
                )
            )
            assert len(agreed) <= 1
            if case.status is CaseStatus.AGREED:
                assert agreed, "nothing is waited for"
                waits_for = select(Timer.state).where(
                    Timer.about_id == case.id, Timer.kind.startswith("performance")
                )
                states = set(await session.scalars(waits_for))
                assert states & {TimerState.WAITING, TimerState.FIRED}
            if case.status in CLOSED:
                assert case.closed_at is not None
                assert not agreed
                assert case.status is CaseStatus.WITHDRAWN or case.result
        for paid in (await session.scalars(select(AdvancePayment))).all():
            assert paid.decided_by_id != paid.by_id
            if paid.second and paid.state in {AdvanceState.APPROVED, AdvanceState.PAID}:
                assert paid.decided_by_id is not None
    group = "\n".join(shown.text for shown in await office.read(GROUP))
    assert not [secret for secret in SECRETS if secret in group]


async def play(seed: int) -> set[Action]:
    """Some rounds from a seed; the actions that the cases came to."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with staffed(Path(folder)) as office:
            await waits(office, "PD-1")
            await waits(office, "PD-2")
            for count in range(ROUNDS):
                await act(office, dice)
                if count % 10 == 9:
                    await check(office, office.tables.texts)
            async with office.rows() as session:
                cases = (await session.scalars(select(Case))).all()
                return {event.action for case in cases for event in case.events}


def test_no_order_of_things_leaves_a_case_stuck() -> None:
    done: set[Action] = set()
    for seed in range(SEEDS):
        done |= asyncio.run(play(seed))
    assert len(done & NEW) > 5, "the play has become too tame"
