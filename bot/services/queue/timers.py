"""What falls due later, as rows: armed with the change that causes it, fired once with its effects.

:func:`arm` writes a timer. :class:`Scanner` claims what is due under a lease with a fencing token and
fires it in one commit, so that a doubled claim, a crash or a jump of the clock fires nothing twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Clock
from bot.services.queue.drain import Drain, Store, insert_new, where
from models.delivery import WAKES, Timer, TimerState, literally

log = structlog.get_logger(__name__)

BATCH = 16
LEASE = timedelta(minutes=5)
FAILURES_TO_GIVE_UP = 12
LONGEST_WAIT = timedelta(minutes=5)

Fire = Callable[[AsyncSession, Timer], Awaitable[datetime | TimerState]]
"""What a kind of timer does, inside the commit that says so: FIRED; CANCELLED when what it was for
has passed; or a time until which the same timer waits once more."""


async def arm(
    session: AsyncSession, about: UUID, kind: str, due_at: datetime, *, generation: int = 0
) -> None:
    """Let the timer fall due then. One that waits already is moved; one that has fired stays so.

    Waiting timers of the same kind and an older generation are cancelled.
    """
    session.info.setdefault(WAKES, set()).add("timer")
    new = {"about_id": about, "kind": kind, "generation": generation, "due_at": due_at}
    stored = await insert_new(session, Timer, [new], ["about_id", "kind", "generation"])
    if stored and not generation:
        return
    same = (Timer.about_id == about, Timer.kind == kind, Timer.state == TimerState.WAITING)
    if not stored:
        await session.execute(
            update(Timer)
            .where(*same, Timer.generation == generation)
            .values(due_at=due_at, lease_token=None, lease_until=None)
        )
    if generation:
        await session.execute(
            update(Timer)
            .where(*same, Timer.generation < generation)
            .values(state=TimerState.CANCELLED)
        )


@dataclass(frozen=True, slots=True)
class Due:
    """A timer in our hands."""

    timer: Timer
    token: UUID


class Scanner(Drain[Due]):
    """Fires what is due, by the kinds in ``fires``; kinds that it does not know it leaves alone."""

    def __init__(self, db: Store, clock: Clock, fires: Mapping[str, Fire]) -> None:
        super().__init__(db, clock, "timer", BATCH)
        self._fires = dict(fires)

    def item_id(self, item: Due) -> UUID:
        return item.token

    async def held(self, session: AsyncSession) -> Sequence[UUID]:
        leased = select(Timer.lease_token).where(
            Timer.state == literally(TimerState.WAITING), Timer.lease_token.is_not(None)
        )
        return [token for token in await session.scalars(leased) if token is not None]

    async def take_back(self, tokens: Sequence[UUID]) -> None:
        """It never came to its commit, so it has not fired."""
        async with self._db.write() as session:
            await session.execute(
                update(Timer)
                .where(Timer.lease_token.in_(tokens))
                .values(lease_token=None, lease_until=None)
            )

    async def claim(self, room: int) -> tuple[list[Due], datetime | None]:
        waiting = (
            Timer.state == literally(TimerState.WAITING),
            Timer.kind.in_(list(self._fires)),
        )
        now = self._clock.now()
        free = or_(
            Timer.lease_until.is_(None),
            Timer.lease_until < now,
            # No lease is that long: it was taken by a clock that has since been set back.
            Timer.lease_until > now + LEASE,
        )
        async with self._db.read() as session:
            first = await session.scalar(select(func.min(Timer.due_at)).where(*waiting, free))
        if first is None or first > now:
            return [], first
        async with self._db.write() as session:
            found = await session.scalars(
                select(Timer)
                .where(*waiting, free, Timer.due_at <= now)
                .order_by(Timer.due_at)
                .limit(room)
                .with_for_update(skip_locked=True)
            )
            claimed = []
            for timer in found:
                timer.lease_token, timer.lease_until = self._db.token(), now + LEASE
                claimed.append(Due(timer, timer.lease_token))
        return claimed, now if len(claimed) == room else None

    async def work(self, item: Due) -> None:
        try:
            async with self._db.write() as session:
                timer = await self._held(session, item)
                if timer is not None:
                    await self._fire(session, timer)
        except Exception as error:
            log.error("timer failed", kind=item.timer.kind, error=where(error))
            away = self._db.away(error)
            await self.insist(lambda: self._failed(item, away))

    async def _held(self, session: AsyncSession, item: Due) -> Timer | None:
        found: Timer | None = await session.scalar(
            select(Timer)
            .where(
                Timer.id == item.timer.id,
                Timer.lease_token == item.token,
                Timer.state == TimerState.WAITING,
            )
            .with_for_update()
        )
        return found

    async def _fire(self, session: AsyncSession, timer: Timer) -> None:
        then = await self._fires[timer.kind](session, timer)
        timer.lease_token = timer.lease_until = None
        timer.attempts = 0
        if isinstance(then, TimerState):
            timer.state, timer.fired_at = then, self._clock.now()
        else:
            timer.due_at = then

    async def _failed(self, item: Due, away: bool) -> None:
        """Nothing of it took effect; it is tried again later, and set aside in the end, but not for a
        database that was ``away``."""
        async with self._db.write() as session:
            timer = await self._held(session, item)
            if timer is None:
                return
            timer.attempts += not away
            timer.lease_token = None
            wait = min(timedelta(seconds=2**timer.attempts), LONGEST_WAIT)
            timer.lease_until = self._clock.now() + wait
            if timer.attempts >= FAILURES_TO_GIVE_UP:
                timer.state = TimerState.DEAD
