"""Whatever six people press and type, in whatever order and however late: no case comes into a state that the
table does not know, none is stuck or without a next step, only an officer decides what the law leaves to officers,
and nobody learns what is not hers to know. Hypothesis looks for the order, and shrinks what it finds."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text

from bot.ports import Message, Press
from bot.services.chain import authority, hand_over, remind
from bot.services.consumer import follow
from models.case import Case, CaseKind
from models.delivery import Outbox, Timer, TimerState
from models.lifecycle import CLOSED, OPEN, TAKEN, TRANSITIONS, Action, CaseStatus
from models.mediation import AdvancePayment, AdvanceState, Settlement, SettlementState
from models.network import Level, Organisation
from models.party import Account
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office
from tests.integration.mediation_desk import COLLEAGUE, STRANGER, fire, presses, staffed, waits

EXAMPLES, STEPS = 16, 14
"""So many talks of so many steps, of which many are several presses."""

OFFICER, BUREAU_GROUP = "tg:1009", "tg:-100900"
SECRETS = ("王秀英", "13800138000", "健身房关门不退卡", "店长李某", "张桂英")
"""What no group and no stranger reads."""

A = Action
OFFICIAL = frozenset(
    {A.RECEIVE, A.ACCEPT, A.REFUSE, A.TERMINATE, A.APPRAISE, A.EXTEND, A.CHECKED, A.DELEGATE}
)
LEAST = 15
"""So many actions, at least, the examples together come to, or the search has become too tame."""

Step = tuple[str, ...]
"""What is typed (one word that is no verb), or what is pressed: verb, question, value."""
Doing = tuple[Step, ...]

RECORD: Doing = (
    *(("szr", "open"), ("昨天",), ("szr", "way", "phone"), ("szr", "people", "both")),
    *(("szr", "consumer", "filed"), ("szr", "merchant", "refuses")),
    *(("szr", "outcome", "failed"), ("szr", "yes")),
)
AGREE: Doing = (
    *(("szg", "open"), ("320",), ("szg", "how", "cash"), ("szg", "also", "nothing")),
    *(("szg", "gives", "nothing"), ("szg", "due", "days_3"), ("szg", "side", "signed")),
    *(("szg", "under", "committee"), ("szg", "yes")),
)
ADVANCE: Doing = (
    *(("szp", "open"), ("400",), ("szp", "proof", "purchase"), ("szp", "proof", "paid")),
    *(("szp", "proof", "goods"), ("szp", "proof", "duty"), ("szp", "proof", "ticked")),
    *(("szp", "why", "gone"), ("szp", "yes")),
)
ASK: Doing = (("sa",), ("请问鞋盒还在吗？",))
SETTLE: Doing = (("ss",), ("320",), ("商家当场退了三百二十元",), ("scy",))
END: Doing = (("ser", "", "no_agreement"), ("商家不肯，双方谈不拢",), ("scm",), ("50",), ("scy",))
STAFF: tuple[Doing, ...] = (
    *((("st",),), (("sv",),), ASK, RECORD, AGREE, ADVANCE, SETTLE, END),
    *((("szq", "yes"),), (("szq", "no"), ("凭据里没有付款记录",))),
    *((("szp", "paid", "yes"), ("szq", "back", "back")), (("su",),), (("sn",), ("店长李某很凶",))),
    *((("szf", "kept", "yes"),), (("szf", "broken", "yes"),), (("sm",), ("您好，在办了",))),
)
"""What anybody of the staff may try; the services say which of them may."""

GIVES_BACK = ("busy", "duplicate", "address_unclear", "not_ours")
CHANGES: Doing = (("tzc",), ("退 300 元",), ("tzc", "yes"))
HERS: tuple[Doing, ...] = (
    *((("tzw", "same"),), (("tzw", "different"), ("不是现金，是微信",))),
    *((("tzd", "yes"),), (("tzd", "no"), ("一分钱没到",)), (("ta",), ("还有一张收据",))),
    *(CHANGES, (("tza", "whom", "elder"), ("张桂英",))),
    *((("tr", "solved", "3"),), (("to",), ("还没解决",)), (("tg", "yes"),), (("tg", "no"),)),
    *((("tk", "unnamed"),), (("tj", "begin", "named"), ("tj", "stand")), (("tm",), ("在吗",))),
)
LAST: tuple[Doing, ...] = ((("twy",),), *((("srr", "", why),) for why in GIVES_BACK))
LIKELY: dict[CaseStatus, tuple[tuple[str, Doing], ...]] = {
    CaseStatus.HANDLING: (
        *((TEACHER, one) for one in (ASK, RECORD, AGREE, ADVANCE, SETTLE, END, (("su",),))),
        *((COLLEAGUE, (("szq", "yes"),)), (AUNT, (("tg", "yes"),)), (AUNT, CHANGES)),
    ),
    CaseStatus.ASKING: ((AUNT, (("ta",), ("还有一张收据",))), (TEACHER, AGREE)),
    CaseStatus.AGREED: (
        *((AUNT, one) for one in HERS[:4]),
        *((TEACHER, (("szf", how, "yes"),)) for how in ("kept", "broken")),
    ),
    CaseStatus.SETTLED: ((AUNT, (("tr", "solved", "3"),)), (AUNT, (("to",), ("还没解决",)))),
    CaseStatus.ENDED: ((AUNT, (("to",), ("还没解决",))),),
}
"""What somebody would do next, so that the cases come far."""

WORDS = ("320", "昨天", "12月5日", "店长在电话里说同意", "取消", "返回", "退 200 元", "查进度")
PEOPLE = (AUNT, TEACHER, COLLEAGUE, OFFICER, STRANGER)
START: dict[str, tuple[tuple[str, Doing], ...]] = {
    "waiting": (),
    "taken": (*((TEACHER, one) for one in ((("st",),), RECORD, ADVANCE)), (AUNT, CHANGES)),
    "asked": ((TEACHER, (("st",),)), (TEACHER, ASK)),
    "agreed": ((TEACHER, (("st",),)), (TEACHER, AGREE)),
    "official": (
        *((TEACHER, (("st",), ("su",))), (AUNT, (("tg", "yes"),))),
        (OFFICER, (("st",),)),
    ),
}
"""Where the first case has come to when an example begins, and by what."""


async def _furnish(office: Office) -> None:
    """Beside the point and its street the bureau with an officer, and two cases that wait at the point."""
    async with office.rows() as session:
        bureau = await _bureau(session)
        bureau.chat = BUREAU_GROUP
        name = bureau.name
    await office.enlist(name, OFFICER)
    for number in ("PD-1", "PD-2"):
        await waits(office, number)
        async with office.rows() as session:
            found = await session.scalars(select(Case).where(Case.number == number))
            await remind.plan(session, office.tables, found.one())


async def _bureau(session: Any) -> Organisation:
    found = await session.scalars(select(Organisation).where(Organisation.level == Level.BUREAU))
    bureau: Organisation = found.one()
    return bureau


async def act(office: Office, who: str, case: Case, doing: Doing) -> None:
    """Somebody presses and types, one after another."""
    for step in doing:
        if step[0].isascii() and step[0].isalpha():
            await tap(office, who, case, *step)
        else:
            await office.write(who, step[0])


async def tap(office: Office, who: str, case: Case, verb: str, *more: str) -> None:
    question, value = (*more, "", "")[:2]
    chat = (BUREAU_GROUP if who == OFFICER else GROUP) if verb == "st" else ""
    press = Press(verb, case.token, question, case.version, value)
    await office.write(who, press=press, chat=chat)


class Town:
    """One office for all examples, put back to one of its beginnings before each: to open an office takes longer
    than an example."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._file = folder / "suda.db"
        self.office = self.runner.run(self._open(folder))
        self._at = self.office.clock.at
        self._copy("waiting", back=False)
        for start, doings in START.items():
            self.again("waiting")
            self.runner.run(self._come_to(doings))
            self._copy(start, back=False)

    def _copy(self, start: str, *, back: bool) -> None:
        beginning = self._file.with_name(f"{start}.db")
        with (
            closing(sqlite3.connect(self._file)) as now,
            closing(sqlite3.connect(beginning)) as kept,
        ):
            kept.backup(now) if back else now.backup(kept)

    async def _come_to(self, doings: tuple[tuple[str, Doing], ...]) -> None:
        for who, doing in doings:
            async with self.office.db.read() as session:
                found = await session.scalars(select(Case).where(Case.number == "PD-1"))
                case = found.one()
            await act(self.office, who, case, doing)

    async def _open(self, folder: Path) -> Office:
        office = await self._stack.enter_async_context(staffed(folder))
        await _furnish(office)
        return office

    def again(self, start: str) -> None:
        """As it was in that beginning."""
        self._copy(start, back=True)
        self.office.clock.at = self._at + timedelta(minutes=5)

    def close(self) -> None:
        self.runner.run(self._stack.aclose())
        self.runner.close()


class AnyOrder(RuleBasedStateMachine):
    """Each rule is something that one of them does; after each everything must be right."""

    done: set[Action] = set()  # noqa: RUF012 - of all examples together

    def __init__(self, town: Town) -> None:
        super().__init__()
        self.town = town
        self.office, self.runner = town.office, town.runner
        self.seen = 0
        self.cases: list[Case] = []
        self.steps = 0

    def teardown(self) -> None:
        self.runner.run(self._nothing_leaked(0))

    # What is done

    async def _do(self, who: str, case: Case, doing: Doing, kept: int = 99) -> None:
        self.steps += 1
        await act(self.office, who, case, doing[:kept])

    def _case(self, number: int) -> Case:
        return self.cases[number % len(self.cases)]

    @initialize(start=st.sampled_from(("official", "taken", "agreed", "asked", "waiting")))
    def so_far(self, start: str) -> None:
        self.town.again(start)
        self.runner.run(self._load())

    @rule(hours=st.sampled_from((1, 9, 30, 80, 400)))
    def time_goes_by(self, hours: int) -> None:
        self.office.clock.at += timedelta(hours=hours)
        self.runner.run(fire(self.office))

    @rule(
        number=st.sampled_from((0, 0, 1, 2)),
        choices=st.lists(st.sampled_from(range(21)), min_size=1, max_size=4),
    )
    def what_comes_next(self, number: int, choices: list[int]) -> None:
        for choice in choices:
            self.runner.run(self._go_on(self._case(number), choice))
            self.runner.run(self._load())

    async def _go_on(self, case: Case, choice: int) -> None:
        async with self.office.db.read() as session:
            desk = await hand_over.desk_of(session, case)
            street = await session.scalar(
                select(Organisation.code).where(Organisation.code == case.street_code)
            )
        at_bureau = desk is not None and desk.level is Level.BUREAU
        official = authority.can(case)
        if case.status is CaseStatus.TRIAGE and desk is None:
            await self._assign(case)
        elif case.status is CaseStatus.WAITING:
            await self._do(OFFICER if at_bureau else TEACHER, case, (("st",),))
        elif at_bureau and official:
            what = (*official, "down")[choice % (len(official) + 1)]
            why = authority.ENDS.get(what, ("",))[0]
            down = ("sud", str(street), "3")
            await self._do(OFFICER, case, (down if what == "down" else ("so", f"{what}:yes", why),))
        else:
            fits = LIKELY.get(case.status, ((AUNT, HERS[4]),))
            await self._do(*_at(fits, choice, case))

    async def _assign(self, case: Case) -> None:
        async with self.office.db.read() as session:
            bureau = await _bureau(session)
        await tap(self.office, BOSS, case, "mt", "to", str(bureau.serial))

    @rule(
        who=st.sampled_from((TEACHER, COLLEAGUE, OFFICER, STRANGER)),
        number=st.integers(0, 2),
        doing=st.sampled_from(STAFF),
        kept=st.sampled_from((9, 9, 9, 4, 1)),
    )
    def somebody_of_the_staff_does_something(
        self, who: str, number: int, doing: Doing, kept: int
    ) -> None:
        self.runner.run(self._do(who, self._case(number), doing, kept))

    @rule(number=st.integers(0, 2), doing=st.sampled_from(HERS), kept=st.sampled_from((3, 3, 1)))
    def she_does_something(self, number: int, doing: Doing, kept: int) -> None:
        self.runner.run(self._do(AUNT, self._case(number), doing, kept))

    @rule(
        who=st.sampled_from((TEACHER, OFFICER)),
        number=st.integers(0, 2),
        what=st.sampled_from(sorted(authority.DONE)),
    )
    def somebody_decides(self, who: str, number: int, what: str) -> None:
        why = authority.ENDS.get(what, ("",))[-1]
        self.runner.run(self._do(who, self._case(number), (("so", f"{what}:yes", why),)))

    @rule(who=st.sampled_from(PEOPLE), word=st.sampled_from(WORDS))
    def somebody_types_something(self, who: str, word: str) -> None:
        self.runner.run(self.office.write(who, word))

    @rule(who=st.sampled_from((AUNT, TEACHER, OFFICER)), back=st.integers(0, 12))
    def somebody_presses_an_old_button(self, who: str, back: int) -> None:
        old = self.runner.run(presses(self.office, who, 8))
        if old:
            press = Press.unpack(old[back % len(old)].pack())
            self.runner.run(self.office.write(who, press=press))

    @precondition(lambda self: self.steps > 6)
    @rule(number=st.integers(0, 2), doing=st.sampled_from(LAST))
    def somebody_gives_it_up(self, number: int, doing: Doing) -> None:
        who = AUNT if doing[0][0] == "twy" else TEACHER
        self.runner.run(self._do(who, self._case(number), doing))

    # What must be true

    async def _load(self) -> None:
        async with self.office.db.read() as session:
            found = await session.scalars(
                select(Case).where(Case.filed_at.is_not(None)).order_by(Case.created_at, Case.id)
            )
            self.cases = list(found)

    @invariant()
    def everything_is_right(self) -> None:
        self.runner.run(self._everything_is_right())

    async def _everything_is_right(self) -> None:
        await self._load()
        async with self.office.db.read() as session:
            officer = await session.scalar(select(Account.id).where(Account.address == OFFICER))
            timers = (
                await session.execute(
                    select(Timer.about_id, Timer.kind, Timer.state).where(
                        Timer.state.in_((TimerState.WAITING, TimerState.FIRED))
                    )
                )
            ).all()
            terms = (
                await session.scalars(
                    select(Settlement).where(Settlement.state == SettlementState.OPEN)
                )
            ).all()
            paid = (await session.scalars(select(AdvancePayment))).all()
            held = {case.desk_id for case in self.cases}
            found = await session.scalars(select(Organisation).where(Organisation.id.in_(held)))
            desks = {desk.id: desk for desk in found}
            for case in self.cases:
                assert self.office.tables.texts.plain(
                    await follow._next(session, self.office.tables, case)
                )
        for case in self.cases:
            self._follows_the_table(case, officer)
            waiting = {
                kind for about, kind, state in timers
                if about == case.id and state is TimerState.WAITING
            }  # fmt: skip
            armed = {kind for about, kind, _ in timers if about == case.id}
            desk = desks.get(case.desk_id) if case.desk_id else None
            agreed = [one for one in terms if one.case_id == case.id]
            self._is_not_stuck(case, desk, waiting, armed, agreed)
        for one in paid:
            assert one.decided_by_id != one.by_id
            if one.second and one.state in {AdvanceState.APPROVED, AdvanceState.PAID}:
                assert one.decided_by_id is not None
        await self._nothing_leaked(self.seen)

    def _follows_the_table(self, case: Case, officer: Any) -> None:
        status = CaseStatus.DRAFT
        for event in case.events:
            assert event.was is status
            assert event.status is TRANSITIONS[status, event.action]
            assert event.action not in OFFICIAL or event.by_id == officer, event.action
            status = event.status
            self.done.add(event.action)
        assert case.status is status
        assert status in OPEN | CLOSED

    def _is_not_stuck(
        self,
        case: Case,
        desk: Organisation | None,
        waiting: set[str],
        armed: set[str],
        agreed: list[Settlement],
    ) -> None:
        status = case.status
        assert len(agreed) <= 1
        assert (case.taker_id is not None) == (status in TAKEN) or status in CLOSED
        if case.kind is CaseKind.CLUE and desk is not None:
            assert desk.level is Level.BUREAU, "a clue is at no point"
        if status is CaseStatus.WAITING:
            assert desk is not None
            assert {remind.DESK, remind.NEXT} & waiting, "nobody would notice that nobody comes"
        if status is CaseStatus.TRIAGE:
            assert remind.TRIAGE in waiting
        if status is CaseStatus.AGREED:
            assert agreed, "nothing is waited for"
            assert {remind.DUE, remind.DUE_AGAIN, remind.DUE_TAKER} & armed
        if status in CLOSED:
            assert case.closed_at is not None
            assert not agreed
            assert status in {CaseStatus.WITHDRAWN, CaseStatus.MERGED} or case.result

    async def _nothing_leaked(self, since: int) -> None:
        """What was written after that row: no group and no stranger reads what is the person's, and nobody of
        the point that there is a clue (order 121 art. 37)."""
        async with self.office.db.read() as session:
            rows = await session.scalars(
                select(Outbox).where(text("outbox.rowid > :since")).params(since=since)
            )
            for row in rows:
                if row.kind == "message" and row.payload:
                    self._may_read(row.target, Message.from_json(row.payload))
            self.seen = await session.scalar(text("SELECT max(rowid) FROM outbox")) or 0

    def _may_read(self, target: str, message: Message) -> None:
        plain = self.office.tables.texts.plain
        if target in {GROUP, BUREAU_GROUP, STRANGER}:
            told = "\n".join(plain(part) for part in message.parts)
            assert not [secret for secret in SECRETS if secret in told], told
        if target in {TEACHER, COLLEAGUE, GROUP}:
            assert not any("线索" in plain(part) for part in message.parts)


def _at(fits: tuple[tuple[str, Doing], ...], choice: int, case: Case) -> tuple[str, Case, Doing]:
    who, doing = fits[choice % len(fits)]
    return who, case, doing


def test_no_order_of_acts_leaves_a_case_stuck_or_tells_what_is_hers(tmp_path: Path) -> None:
    AnyOrder.done.clear()
    town = Town(tmp_path)
    try:
        run_state_machine_as_test(
            partial(AnyOrder, town),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        town.close()
    assert len(AnyOrder.done) >= LEAST, f"the search has become too tame: {AnyOrder.done}"
