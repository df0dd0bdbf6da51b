"""Whatever befalls the processes, in whatever order: each update takes effect once and in its chat's
order, and each answer arrives, in that order, at least once. The same on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters import migrate
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database, new_seat
from bot.services.queue.deliver import Claimed, Deliverer, owe, owe_errand
from bot.services.queue.intake import Taken, Worker, accept
from bot.services.queue.timers import Scanner, arm
from models.base import Base, install_cipher
from models.delivery import InboxState, Meta, OutboxState, Priority, Refused, Timer, TimerState
from tests.integration.durable import WIDE, HandClock, create_database, inbox, outbox
from tests.integration.durable import text as message

Answer = TypeVar("Answer")
CHATS = ("tg:1", "tg:2", "tg:3")
TROUBLES = {
    "none": None,
    "429": Refused("429", retry_after=timedelta(seconds=2)),
    "5xx": Refused("500"),
    "no way": Refused("ConnectError", down=True),
    "unheard": Refused("ReadTimeout", unknown=True),
}
PROCESSES = st.integers(0, 1)
MOST = 12


@pytest.fixture(scope="module")
def server(server: str) -> str:
    """The same, migrated."""
    migrate.upgrade(server)
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes an empty database and tells its address."""
    install_cipher(Keyring.open(tmp_path / "keyring.json"))
    if request.param == "sqlite":
        yield lambda: create_database(tmp_path / f"{uuid4().hex}.db")
    else:
        url = request.getfixturevalue("server")

        def emptied() -> str:
            asyncio.run(_empty(url))
            return str(url)

        yield emptied
    install_cipher(None)


async def _empty(url: str) -> None:
    db = Database(url)
    async with db.write() as session:
        for table in ("inbox", "outbox", "timer", "rate_slot", "meta"):
            assert table in Base.metadata.tables
            await session.execute(text(f"DELETE FROM {table}"))
    await db.close()


class Process:
    """A process with what it has in hand; a crash forgets that."""

    def __init__(self, db: Database, clock: HandClock, outside: Outside) -> None:
        self.db = db
        self.worker = Worker(db, clock, outside.handle, attempts=1000)
        self.sender = Deliverer(db, clock, {"tg": outside.send}, WIDE)
        self.updates: list[Taken] = []
        self.messages: list[Claimed] = []

    @property
    def busy(self) -> bool:
        return bool(self.updates or self.messages)

    async def work(self, which: int) -> None:
        """On one update and one message of those in hand."""
        if self.updates:
            await self.worker._guarded(self.updates.pop(which % len(self.updates)))
        if self.messages:
            await self.sender._guarded(self.messages.pop(which % len(self.messages)))

    async def vanish(self) -> None:
        """The server lets go of its seat; it may still go on for a while."""
        if self.db._seated is not None:
            await self.db._seated.invalidate()


class Outside:
    """The handler of updates, and the far end of the channel."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.trouble = "none"
        self.arrived: defaultdict[str, list[int]] = defaultdict(list)

    async def handle(self, session: AsyncSession, payload: Mapping[str, Any]) -> None:
        chat, seq = payload["chat"], payload["seq"]
        done = await session.get(Meta, chat)
        if done is None:
            session.add(Meta(key=chat, value=[seq]))
        else:
            done.value = [*done.value, seq]
        await owe(
            session,
            chat,
            message(str(seq)),
            now=self.clock.now(),
            key=f"answer:{seq}",
            priority=Priority.HAND_OVER,
        )

    async def send(self, target: str, said: Any, _ids: Any, /) -> list[Any]:
        trouble, self.trouble = TROUBLES[self.trouble], "none"
        if trouble is None or trouble.unknown:
            self.arrived[target].append(int(said.parts[0].key))
        if trouble is not None:
            raise trouble
        return [1]


class Lives(RuleBasedStateMachine):
    """Two processes on PostgreSQL; on SQLite one after another."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.loop = asyncio.new_event_loop()
        self.clock = HandClock()
        self.outside = Outside(self.clock)
        self.last = 0
        self.sent: dict[int, str] = {}
        self.open = Database(url)
        self.dead: list[Process] = []
        self.processes = [self.run(self.born()) for _ in range(1 if self.open.sqlite else 2)]

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(work)

    async def born(self) -> Process:
        db = self.open if self.open.sqlite else Database(self.url)
        db.seat = new_seat()
        await db.take_seat()
        return Process(db, self.clock, self.outside)

    def process(self, number: int) -> Process:
        return self.processes[number % len(self.processes)]

    async def arrive(self, *seqs: int) -> None:
        rows = [
            (str(seq), seq, self.sent[seq], {"chat": self.sent[seq], "seq": seq}) for seq in seqs
        ]
        async with self.open.write() as session:
            await accept(session, "tg:7", rows, now=self.clock.now())

    @precondition(lambda self: self.last < MOST)
    @rule(chats=st.lists(st.sampled_from(CHATS), min_size=2, max_size=4), backwards=st.booleans())
    def updates_come(self, chats: list[str], backwards: bool) -> None:
        new = range(self.last + 1, self.last + 1 + len(chats))
        self.last += len(chats)
        self.sent |= dict(zip(new, chats, strict=True))
        self.run(self.arrive(*(reversed(new) if backwards else new)))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def updates_come_again(self, data: st.DataObject) -> None:
        self.run(
            self.arrive(
                *data.draw(st.lists(st.sampled_from(sorted(self.sent)), min_size=1, max_size=4))
            )
        )

    @precondition(lambda self: self.sent)
    @rule(number=PROCESSES, trouble=st.sampled_from(sorted(TROUBLES)), room=st.integers(1, 4))
    def claim(self, number: int, trouble: str, room: int) -> None:
        self.outside.trouble = trouble
        process = self.process(number)
        updates, _ = self.run(process.worker.claim(room))
        process.worker.in_flight |= {item.row.id for item in updates}
        process.updates += updates
        messages, _ = self.run(process.sender.claim(room))
        process.sender.in_flight |= {item.row.id for item in messages}
        process.messages += messages

    @precondition(lambda self: any(process.busy for process in self.processes))
    @rule(number=PROCESSES, which=st.lists(st.integers(0, 3), min_size=1, max_size=4))
    def work(self, number: int, which: list[int]) -> None:
        """In any order: what was claimed together is worked on side by side."""
        process = self.process(number)
        for each in which:
            self.run(process.work(each))

    @precondition(lambda self: any(process.busy for process in self.dead))
    @rule(which=st.integers(0, 3))
    def one_taken_for_dead_goes_on(self, which: int) -> None:
        self.run(self.dead[which % len(self.dead)].work(which))

    @precondition(lambda self: any(process.busy for process in self.processes))
    @rule(number=PROCESSES, sending=st.booleans())
    def crash(self, number: int, sending: bool) -> None:
        """Perhaps in the middle of sending: it arrived, and nobody wrote that down."""
        at = number % len(self.processes)
        process = self.processes[at]
        if sending and process.messages:
            row = process.messages[0].row
            self.outside.arrived[row.target].append(int(row.payload["parts"][0][0]))
        self.run(process.vanish())
        self.dead.append(process)
        self.processes[at] = self.run(self.born())

    @precondition(lambda self: self.dead)
    @rule(number=PROCESSES)
    def look_for_the_dead(self, number: int) -> None:
        process = self.process(number)
        self.run(process.worker.recover())
        self.run(process.sender.recover())

    @precondition(lambda self: self.sent)
    @rule(seconds=st.sampled_from([1, 10, 130, 400]))
    def time_passes(self, seconds: int) -> None:
        """At 130 s the lease of a message has ended, at 400 s that of an update too."""
        self.clock.pass_(seconds=seconds)

    def teardown(self) -> None:
        try:
            self.run(self.all_comes_right())
        finally:
            for process in (*self.processes, *self.dead):
                self.run(process.db.close())
            self.run(self.open.close())
            self.loop.close()

    async def all_comes_right(self) -> None:
        self.outside.trouble = "none"
        last = self.processes[-1]
        for process in (*self.processes, *self.dead):
            while process.updates or process.messages:
                await process.work(0)
        for _ in range(200):
            self.clock.pass_(seconds=400)
            await last.worker.recover()
            await last.sender.recover()
            if not await last.worker.drain_once() + await last.sender.drain_once():
                break
        states = Counter(row.state for row in await inbox(self.open))
        assert states == Counter({InboxState.DONE: len(self.sent)}) or not self.sent
        states_out = Counter(row.state for row in await outbox(self.open))
        assert states_out == Counter({OutboxState.SENT: len(self.sent)}) or not self.sent
        async with self.open.read() as session:
            for chat in CHATS:
                wanted = [seq for seq in sorted(self.sent) if self.sent[seq] == chat]
                done = await session.get(Meta, chat)
                assert (done.value if done else []) == wanted, "each once, in order"
                assert list(dict.fromkeys(self.outside.arrived[chat])) == wanted


def test_whatever_befalls_the_processes_nothing_is_lost_doubled_or_out_of_order(
    fresh: Callable[[], str],
) -> None:
    # A failure is told as it was found: to make it smaller takes longer than a test may.
    run_state_machine_as_test(
        lambda: Lives(fresh()),
        settings=settings(max_examples=5, stateful_step_count=20, phases=[Phase.generate]),
    )


# A wake-up that comes twice, for each kind of work


@pytest.mark.parametrize("kind", ["inbox", "outbox", "errand", "timer"])
async def test_a_doubled_wake_up_takes_effect_once(fresh: Callable[[], str], kind: str) -> None:
    url = await asyncio.to_thread(fresh)
    clock, effects = HandClock(), Counter[str]()
    first = Database(url)
    bases = [first, first if first.sqlite else Database(url)]

    async def handle(_session: AsyncSession, _payload: Mapping[str, Any]) -> None:
        effects["inbox"] += 1

    async def send(_target: str, _message: Any, _ids: Any, /) -> list[Any]:
        effects["outbox"] += 1
        return [1]

    async def errand(_payload: Mapping[str, Any]) -> None:
        effects["errand"] += 1

    async def fire(_session: AsyncSession, _timer: Timer) -> TimerState:
        effects["timer"] += 1
        return TimerState.FIRED

    async with first.write() as session:
        update = ("1", 1, "tg:1", {"update_id": 1})
        await accept(session, "tg:7", [update], now=clock.now())
        await owe(session, "tg:1", message("x"), now=clock.now())
        await owe_errand(session, "walk", {}, now=clock.now())
        await arm(session, uuid4(), "clock", clock.now())
    drains = [
        {
            "inbox": lambda db=db: Worker(db, clock, handle),
            "outbox": lambda db=db: Deliverer(db, clock, {"tg": send}, WIDE),
            "errand": lambda db=db: Deliverer(db, clock, {}, WIDE, errands={"walk": errand}),
            "timer": lambda db=db: Scanner(db, clock, {"clock": fire}),
        }[kind]()
        for db in bases
    ]
    for _ in range(2):
        await asyncio.gather(*(drain.drain_once() for drain in drains for _ in range(2)))
    assert effects == {kind: 1}
    for db in set(bases):
        await db.close()
