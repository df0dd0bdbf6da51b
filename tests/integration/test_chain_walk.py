"""Whatever anybody of the chain presses, in whatever order: no illegal state, no stuck case, no name in a group,
and no decision of the law's but an officer's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from bot.ports import Press
from bot.services.chain import authority, refer, remind
from bot.services.chain.overdue import overdue
from models.case import Case, CaseKind
from models.delivery import Timer, TimerState
from models.lifecycle import OPEN, TRANSITIONS, Action, CaseStatus
from models.network import Organisation
from models.party import Account
from tests.integration.admin_office import AUNT, BOSS, OTHER_GROUP, TEACHER, Office, opened
from tests.integration.test_chain import BUREAU, BUREAU_GROUP, OFFICER, STREET, peopled

SECRETS = ("王秀英", "13800138000", "健身房")
STEPS = 90
OFTEN = frozenset({Action.REFER, Action.RECEIVE, Action.ACCEPT, Action.DELEGATE})
Steps = list[tuple[str, str, Press]]
OFFICIAL = frozenset(
    {
        Action.RECEIVE,
        Action.ACCEPT,
        Action.REFUSE,
        Action.TERMINATE,
        Action.APPRAISE,
        Action.EXTEND,
        Action.CHECKED,
        Action.DELEGATE,
    }
)
REASONS = [code for codes in authority.ENDS.values() for code in codes]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        await peopled(office)
        yield office


def wild(dice: Random, street: str, serials: list[str]) -> tuple[str, str, Press]:
    """Anybody presses anything; the case's token is put in later."""
    who = dice.choice((AUNT, TEACHER, OFFICER, BOSS))
    chat = dice.choice(("", OTHER_GROUP, BUREAU_GROUP)) if who in (TEACHER, OFFICER) else ""
    what = dice.choice(
        [
            ("st", "", ""),
            ("su", "", ""),
            ("tg", dice.choice(("yes", "no")), ""),
            ("so", dice.choice([f"{what}:yes" for what in authority.DONE]), dice.choice(REASONS)),
            ("sud", street, "3"),
            ("srr", "", "not_ours"),
            ("ss", "", ""),
            ("ser", "", "no_agreement"),
            ("sv", "", ""),
            ("mt", "to", dice.choice(serials)),
            ("tk", "unnamed", ""),
            ("to", "", ""),
        ]
    )
    return who, chat, Press(what[0], "", what[1], 0, what[2])


def fitting(dice: Random, case: Case, at_street: bool, street: str, serial: str) -> Steps:
    """What somebody would do with the case as it stands."""
    if case.status is CaseStatus.TRIAGE:
        return [(BOSS, "", Press("mt", "", "to", 0, serial))]
    if case.status is CaseStatus.WAITING:
        who, chat = (TEACHER, OTHER_GROUP) if at_street else (OFFICER, BUREAU_GROUP)
        return [(who, chat, Press("st"))]
    if case.kind is CaseKind.COMPLAINT and dice.random() < 0.2:
        return [(AUNT, "", Press("tk", "", "unnamed"))]
    if at_street:
        return [
            (TEACHER, "", Press("su")),
            (AUNT, "", Press("tg", "", dice.choice(("yes", "yes", "no")))),
            (TEACHER, "", Press("srr", "", "", 0, "busy")),
        ][: dice.choice((2, 2, 2, 3))]
    what = dice.choice([*authority.can(case), "down"])
    if what == "down":
        return [(OFFICER, "", Press("sud", "", street, 0, "3"))]
    reason = dice.choice(authority.ENDS.get(what, ("",)))
    return [(OFFICER, "", Press("so", "", f"{what}:yes", 0, reason))]


async def held(office: Office, case: Case) -> None:
    """What must be true of a case, whatever was done."""
    status = CaseStatus.DRAFT
    async with office.db.read() as session:
        officer = await session.scalar(select(Account.id).where(Account.address == OFFICER))
        waiting = (
            await session.scalars(
                select(Timer.kind).where(
                    Timer.about_id == case.id, Timer.state == TimerState.WAITING
                )
            )
        ).all()
        desk = await session.get(Organisation, case.desk_id) if case.desk_id else None
    for event in case.events:
        assert event.was is status
        assert event.status is TRANSITIONS[status, event.action]
        status = event.status
        assert event.action not in OFFICIAL or event.by_id == officer
    assert case.status is status
    if case.kind is CaseKind.CLUE and desk is not None:
        assert desk.level.value == "bureau"
    if status is CaseStatus.WAITING:
        assert desk is not None
        assert {remind.DESK, remind.NEXT} & set(waiting)
    elif status is CaseStatus.TRIAGE:
        assert remind.TRIAGE in waiting
    elif status in OPEN:
        assert case.taker_id is not None
    else:
        assert case.closed_at is not None


@pytest.mark.parametrize("seed", range(2))
async def test_any_walk_through_the_chain(office: Office, seed: int) -> None:
    dice = Random(seed)
    street, bureau = await office.desk(STREET), await office.desk(BUREAU)
    serials = [str(bureau.serial), str(street.serial)]
    made = 0
    for _ in range(STEPS):
        async with office.db.read() as session:
            cases = (await session.scalars(select(Case).order_by(Case.created_at))).all()
        still = [case for case in cases if case.status in OPEN]
        if not still:
            made += 1
            await office.case(f"PD261122-{made:04}", desk=STREET)
            async with office.rows() as session:
                case = (await session.scalars(select(Case).order_by(Case.id.desc()))).first()
                assert case is not None
                await remind.plan(session, office.tables, case)
            continue
        if dice.random() < 0.1:
            await let_time_pass(office, dice)
        else:
            case = dice.choice(still)
            steps = fitting(dice, case, case.desk_id == street.id, street.code, serials[0])
            if dice.random() < 0.3:
                steps = [wild(dice, street.code, serials)]
            for who, chat, what in steps:
                press = Press(what.verb, case.token, what.question, 0, what.value)
                await office.write(who, press=press, chat=chat)
        async with office.db.read() as session:
            for case in await session.scalars(select(Case)):
                await held(office, case)
    for group in (OTHER_GROUP, BUREAU_GROUP):
        for shown in await office.read(group):
            assert not any(secret in shown.text for secret in SECRETS)
    for shown in await office.read(TEACHER):
        assert "线索" not in shown.text
    async with office.db.read() as session:
        done = {
            event.action for case in await session.scalars(select(Case)) for event in case.events
        }
    assert done >= OFTEN, "the walk went far enough to mean something"


async def let_time_pass(office: Office, dice: Random) -> None:
    """The next timer falls due, if it does so before some days are over."""
    async with office.rows() as session:
        timer = await session.scalar(
            select(Timer)
            .where(Timer.state == TimerState.WAITING, Timer.kind.in_([*remind.WAITS, refer.TIMER]))
            .order_by(Timer.due_at)
        )
        if timer is None:
            office.clock.at += timedelta(hours=dice.randrange(1, 30))
            return
        office.clock.at = max(office.clock.at, timer.due_at)
        fire = refer.overdue if timer.kind == refer.TIMER else overdue
        then = await fire(session, office.tables, timer)
        if isinstance(then, TimerState):
            timer.state = then
        else:
            timer.due_at = then
