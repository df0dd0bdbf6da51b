"""The copies of a notice in the queue: made in chunks, claimed after every reply, counted as they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, insert, literal, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from sqlalchemy.orm.attributes import set_committed_value

from bot.services.outreach.readers import Audience, readers
from bot.services.queue.timers import arm
from models.delivery import WAKES, OutboxState, literally
from models.outreach import OUTCOMES, Delivery, Notice, NoticeState
from models.party import Account

SPREAD = "notice_spread"
PROGRESS = "notice_progress"
"""Kinds of timers: the next chunk of copies; the next look at how far the notice is."""

CHUNK = 20_000
"""Copies made in one commit. SQLite has one writer: 50,000 held its lock for 140 to 200 ms on a quiet
machine, 20,000 for 50 to 80 ms, and a million were no slower."""

ON_THE_WAY = (NoticeState.SENDING, NoticeState.PAUSED, NoticeState.RESTING)
"""States of a notice some of whose copies are still to go out."""

LEFT = "unsubscribed"
"""In ``last_error`` of a copy that was not sent because its reader had left by then."""


_GOING_OUT = (
    select(Notice)
    .where(
        Notice.state == NoticeState.SENDING,
        or_(Notice.rests_at.is_(None), Notice.rests_at > bindparam("now")),
    )
    .order_by(Notice.sent_at)
)


async def spread(session: AsyncSession, notice: Notice, now: datetime, chunk: int = CHUNK) -> bool:
    """Make the next ``chunk`` of copies; whether there may be more.

    How far it came is noted in the same commit, so it goes on from there after any crash.
    """
    chosen = readers(Audience.from_json(notice.audience))
    if notice.reached is not None:
        chosen = chosen.where(Account.id > notice.reached)
    made = await session.execute(
        insert(Delivery)
        .from_select(
            ["notice_id", "account_id", "state", "attempts", "run_at", "last_error"],
            chosen.order_by(Account.id)
            .limit(chunk)
            .with_only_columns(
                literal(notice.id, Delivery.notice_id.type),
                Account.id,
                literal(OutboxState.DUE, Delivery.state.type),
                literal(0),
                literal(now, Delivery.run_at.type),
                literal(""),
            ),
            include_defaults=False,
        )
        .execution_options(preserve_rowcount=True)
    )
    if count := int(getattr(made, "rowcount", 0)):
        # The newest copies are the furthest ones: it goes by their key.
        furthest = Delivery.account_id
        notice.reached = await session.scalar(
            select(furthest)
            .where(Delivery.notice_id == notice.id)
            .order_by(furthest.desc())
            .limit(1)
        )
        notice.total += count
        session.info.setdefault(WAKES, set()).add("outbox")
    if count >= chunk:
        return True
    notice.spread_at = now
    if session.get_bind().dialect.name == "postgresql":
        # Or the planner, which knows of no rows here yet, reads them all for each claim.
        await session.execute(text("ANALYZE delivery"))
    if not notice.waiting:
        await arm(session, notice.id, PROGRESS, now)
    return False


async def going_out(session: AsyncSession, now: datetime) -> Sequence[Notice]:
    """The notices that are being sent, the oldest first; none that is paused, stopped or to rest by now."""
    return (await session.scalars(_GOING_OUT, {"now": now})).all()


async def claimable(
    session: AsyncSession, channel: str, room: int, notices: Sequence[Notice], now: datetime
) -> tuple[list[Delivery], int]:
    """Up to ``room`` due copies of ``notices``, as :func:`going_out` read them in this transaction, each
    with its account and notice; and how many rows were looked at.

    A reader who has left or shut the bot out meanwhile is counted and not written to.
    """
    if room <= 0:
        return [], 0
    copies: list[Delivery] = []
    looked_at = 0
    for notice in notices:
        rows = await session.scalars(
            select(Delivery)
            .outerjoin(Delivery.account)
            .options(contains_eager(Delivery.account))
            .where(
                Delivery.notice_id == notice.id,
                Delivery.state == literally(OutboxState.DUE),
                Delivery.run_at <= now,
                or_(Account.id.is_(None), Account.address.startswith(f"{channel}:")),
            )
            .order_by(Delivery.run_at)
            .limit(room - looked_at)
            .with_for_update(skip_locked=True, of=Delivery)
        )
        audience = Audience.from_json(notice.audience)
        found = rows.all()
        still = await _still(session, audience, found) if notice.for_staff and found else None
        for copy in found:
            looked_at += 1
            set_committed_value(copy, "notice", notice)
            account: Account | None = copy.account
            there = account is not None and (
                account.subscribed if still is None else account.id in still
            )
            if account is None or not there:
                await give_up(session, copy, "left", LEFT, now)
            elif account.blocked:
                await give_up(session, copy, "blocked", "blocked before it was sent", now)
            else:
                copies.append(copy)
        if looked_at >= room:
            break
    return copies, looked_at


async def _still(
    session: AsyncSession, audience: Audience, found: Sequence[Delivery]
) -> frozenset[UUID]:
    """Of a notice to staff, those who are still staff, or shut the bot out."""
    ids = [copy.account_id for copy in found]
    away = select(Account.id).where(Account.id.in_(ids), Account.blocked)
    there = readers(audience).where(Account.id.in_(ids))
    return frozenset((await session.scalars(there.union(away))).all())


async def addressed(
    session: AsyncSession, chats: Sequence[str], now: datetime
) -> Sequence[Delivery]:
    """The due copies for these addresses, for a channel that shows them without a worker."""
    rows = await session.scalars(
        select(Delivery)
        .join(Delivery.account)
        .join(Delivery.notice)
        .options(contains_eager(Delivery.account), contains_eager(Delivery.notice))
        .where(
            Account.address.in_(chats),
            Notice.state == NoticeState.SENDING,
            or_(Notice.rests_at.is_(None), Notice.rests_at > now),
            Delivery.state == OutboxState.DUE,
        )
        .order_by(Notice.sent_at)
    )
    return rows.all()


async def held(session: AsyncSession, copy: Delivery, token: UUID) -> Delivery | None:
    """The copy if the lease is still ours, locked, with its account and notice."""
    found: Delivery | None = await session.scalar(
        select(Delivery)
        .join(Delivery.account)
        .join(Delivery.notice)
        .options(contains_eager(Delivery.account), contains_eager(Delivery.notice))
        .where(*_same(copy), Delivery.lease_token == token)
        .with_for_update(of=Delivery)
    )
    return found


async def arrived(
    session: AsyncSession, copy: Delivery, token: UUID | None, ids: list[Any], now: datetime
) -> None:
    """The copy was sent, if the lease is still ours (None: it needed none)."""
    marked = await session.execute(
        update(Delivery)
        .where(*_same(copy), Delivery.lease_token.is_not_distinct_from(token))
        .values(
            state=OutboxState.SENT,
            last_error="",
            message_ids=ids,
            done_at=now,
            lease_token=None,
            lease_until=None,
        )
        .returning(Delivery.account_id)
    )
    if marked.scalar_one_or_none() is not None:
        await count(session, copy.notice_id, "sent", now)


async def give_up(
    session: AsyncSession, copy: Delivery, outcome: str, reason: str, now: datetime
) -> None:
    """It will not be sent, or not again: ``outcome`` is one of OUTCOMES but ``sent``."""
    copy.state = OutboxState.UNKNOWN if outcome == "unknown" else OutboxState.DEAD
    copy.last_error, copy.done_at = reason[:500], now
    copy.lease_token = copy.lease_until = None
    await count(session, copy.notice_id, outcome, now)


async def tokens(session: AsyncSession) -> list[UUID]:
    """The tokens of all copies that are leased."""
    leased = select(Delivery.lease_token).where(Delivery.state == literally(OutboxState.LEASED))
    return [token for token in await session.scalars(leased) if token is not None]


async def interrupted(
    session: AsyncSession, now: datetime, mine: Sequence[UUID], dead: Sequence[UUID] | None
) -> None:
    """Copies whose process died with them in hand: they may have arrived, so they are not sent again.
    Those under the tokens ``dead``, or those whose lease is over."""
    rows = await session.scalars(
        select(Delivery)
        .where(
            Delivery.state == literally(OutboxState.LEASED),
            Delivery.lease_token.not_in(mine),
            Delivery.lease_until < now if dead is None else Delivery.lease_token.in_(dead),
        )
        .with_for_update(skip_locked=True)
    )
    for copy in rows.all():
        await give_up(session, copy, "unknown", "the process ended while it was being sent", now)


async def take_away(session: AsyncSession, account: Account, now: datetime) -> None:
    """Her copies that still wait are not sent."""
    rows = await session.scalars(
        select(Delivery)
        .where(
            Delivery.notice_id.in_(
                select(Notice.id).where(Notice.state.in_(ON_THE_WAY), Notice.for_staff.is_(False))
            ),
            Delivery.account_id == account.id,
            Delivery.state == OutboxState.DUE,
        )
        .with_for_update()
    )
    for copy in rows.all():
        await give_up(session, copy, "left", LEFT, now)


async def count(session: AsyncSession, notice: UUID, outcome: str, now: datetime) -> None:
    """One more copy came to this end; the last of all brings the last look at the notice."""
    column = getattr(Notice, outcome)
    ended = sum(getattr(Notice, name) for name in OUTCOMES)
    row = await session.execute(
        update(Notice)
        .where(Notice.id == notice)
        .values({column: column + 1})
        .returning(Notice.total - ended, Notice.spread_at)
        .execution_options(synchronize_session=False)
    )
    waiting, spread_at = row.one()
    if waiting == 0 and spread_at is not None:
        await arm(session, notice, PROGRESS, now)


async def waiting(session: AsyncSession) -> int:
    """How many copies are still to be sent, of all notices."""
    found = await session.scalars(select(Notice).where(Notice.state.in_(ON_THE_WAY)))
    return sum(notice.waiting for notice in found)


async def forget(
    session: AsyncSession, now: datetime, keep: timedelta, keep_read: timedelta
) -> int:
    """Delete a chunk of the copies of a notice that ended longer than ``keep`` ago, of one to staff longer
    than ``keep_read``: who got it is no longer needed, and the counts stay. How many that were."""
    old = (
        select(Delivery.notice_id, Delivery.account_id)
        .join(Delivery.notice)
        .where(
            or_(
                and_(Notice.for_staff.is_(False), Notice.ended_at < now - keep),
                Notice.ended_at < now - max(keep, keep_read),
            )
        )
    )
    first = (await session.execute(old.limit(1))).first()
    if first is None:
        return 0
    chunk = (
        select(Delivery.account_id)
        .where(Delivery.notice_id == first.notice_id)
        .order_by(Delivery.account_id)
        .limit(CHUNK)
        .subquery()
    )
    last = select(chunk.c.account_id).order_by(chunk.c.account_id.desc()).limit(1)
    gone = await session.execute(
        delete(Delivery)
        .where(
            Delivery.notice_id == first.notice_id,
            Delivery.account_id <= last.scalar_subquery(),
        )
        .execution_options(synchronize_session=False)
    )
    return int(getattr(gone, "rowcount", 0))


def _same(copy: Delivery) -> tuple[Any, Any]:
    return Delivery.notice_id == copy.notice_id, Delivery.account_id == copy.account_id
