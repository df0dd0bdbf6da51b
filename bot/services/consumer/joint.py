"""Joint complaints (共同投诉, order 121 art. 12): each person has a case of her own, and says yes for herself.

Who is in learns how many there are and nothing of anybody; staff see the numbers of the cases. What is agreed
binds only whoever agrees to it, so every case keeps its own life. Who opens a code is in :mod:`bot.services.consumer.join`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.interview.answers import spot
from bot.ports import Press
from bot.services.sending import Answer, Rows, button, day_words, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind, new_token, token_digest, token_shown
from models.joint import Joint, JointPart
from models.lifecycle import OPEN, CaseStatus
from models.party import Account

VERB = "tj"
START = "joint_"
"""What a deep link's payload begins with."""

GONE = frozenset({CaseStatus.DRAFT, CaseStatus.DISCARDED, CaseStatus.WITHDRAWN})
"""A case that does not count: not filed yet, or taken back."""

Part = tuple[JointPart, Case]


def possible(case: Case) -> bool:
    """Whether a joint complaint may begin with it, or take it in."""
    open_to_others = OPEN - {CaseStatus.AGREED}
    return case.kind is CaseKind.COMPLAINT and case.status in open_to_others


async def part_of(session: AsyncSession, case: Case) -> JointPart | None:
    """The case's part in a joint complaint; None when it has none or has left."""
    found: JointPart | None = await session.scalar(
        select(JointPart).where(JointPart.case_id == case.id, JointPart.left_at.is_(None))
    )
    return found


async def parts(session: AsyncSession, joint: Joint) -> Sequence[Part]:
    """Who is in, in the order in which they came."""
    rows = await session.execute(
        select(JointPart, Case)
        .join(Case, Case.id == JointPart.case_id)
        .where(
            JointPart.joint_id == joint.id,
            JointPart.left_at.is_(None),
            Case.status.not_in(GONE),
        )
        .order_by(JointPart.consented_at, JointPart.id)
    )
    return [(part, case) for part, case in rows]


@dataclass(frozen=True, slots=True)
class Size:
    """How many people are in a joint complaint, and how many of them offer to represent."""

    people: int
    standing: int


async def sizes(session: AsyncSession, *cases: Case) -> Mapping[UUID, Size]:
    """By case: the size of the joint complaint that each of ``cases`` is in, of every case when none is given.
    Who the others are it does not say; one that nobody has joined yet is none."""
    inside = (
        select(JointPart)
        .join(Case, Case.id == JointPart.case_id)
        .where(JointPart.left_at.is_(None), Case.status.not_in(GONE))
    )
    own, all_of_it = (aliased(JointPart, inside.subquery()) for _ in range(2))
    counted = (
        select(own.case_id, func.count(all_of_it.id), func.count(all_of_it.stands_at))
        .join(all_of_it, all_of_it.joint_id == own.joint_id)
        .group_by(own.case_id)
        .having(func.count(all_of_it.id) > 1)
    )
    if cases:
        counted = counted.where(own.case_id.in_([case.id for case in cases]))
    rows = await session.execute(counted)
    return {case_id: Size(people, standing) for case_id, people, standing in rows}


async def size(session: AsyncSession, case: Case) -> Size | None:
    """Of the one that this case is in; None when it is in none."""
    return (await sizes(session, case)).get(case.id)


def begun_by(inside: Sequence[Part]) -> Case | None:
    """The case of whoever began it, while it is in."""
    return next((case for part, case in inside if part.begins), None)


async def by_code(session: AsyncSession, code: str) -> Joint | None:
    """The joint complaint that a code was made for, whether it still holds or not."""
    found: Joint | None = await session.scalar(
        select(Joint).where(Joint.code_hash == token_digest(code))
    )
    return found


def about(tables: Tables, joint: Joint, first: Case) -> dict[str, Any]:
    """What whoever opens the code is shown: kind, street, and the merchant if that was agreed to."""
    street = tables.gazetteer.streets.get(first.street_code)
    return {
        "object": say(f"object.{first.object}"),
        "street": street.name if street is not None else say("joint.no_street"),
        "merchant": first.merchant
        if joint.shows_merchant and first.merchant
        else say("joint.hidden"),
    }


def shared(tables: Tables, joint: Joint, first: Case) -> dict[str, Mapping[str, Any]]:
    """The answers that one who joins need not give again: what :func:`about` showed her, and no more."""
    known: dict[str, Any] = {"object": first.object}
    if joint.shows_merchant and first.merchant:
        known["merchant"] = first.merchant
    street = tables.gazetteer.streets.get(first.street_code)
    where = (first.answers or {}).get("where", {}).get("v") or {}
    if where.get("mode") == "online":
        known["where"] = spot("online")
    elif street is not None:
        known["where"] = spot("street", street.name, street=first.street_code)
    return {key: {"v": value, "said": "", "by": "person"} for key, value in known.items()}


async def line(session: AsyncSession, case: Case) -> Say | None:
    """In her own timeline: how many there are."""
    part = await part_of(session, case)
    if part is None:
        return None
    joint = await session.get_one(Joint, part.joint_id)
    return say("joint.line", count=len(await parts(session, joint)))


async def for_staff(session: AsyncSession, case: Case) -> Say | None:
    """To the taker and the officer: how many, the number of each case, and who offers to represent."""
    part = await part_of(session, case)
    if part is None:
        return None
    inside = await parts(session, await session.get_one(Joint, part.joint_id))
    standing = [each.number or "" for one, each in inside if one.stands_at is not None]
    return say(
        "joint.staff",
        count=len(inside),
        numbers=[each.number or "" for _, each in inside],
        standing=standing or say("joint.nobody"),
    )


async def pressed(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, press: Press
) -> Say | None:
    """The button under her own case: begin one, pass its code on, offer to represent, leave."""
    part = await part_of(session, case)
    if part is None:
        await _outside(session, tables, case, answer, press)
        return None
    joint = await session.get_one(Joint, part.joint_id, with_for_update=True)
    match press.question:
        case "new" if part.begins and possible(case):
            await _give_code(tables, case, joint, answer)
        case "stop" if part.begins:
            joint.ended_at = tables.clock.now()
            await show(session, tables, case, part, answer, say("joint.stopped"))
        case "stand":
            await _stand(session, tables, case, part, joint, answer)
        case "sit":
            part.stands_at = None
            await show(session, tables, case, part, answer, say("joint.sits"))
        case "leave":
            await answer(
                say("joint.leave_sure", number=case.number or ""),
                buttons=[
                    [button("joint.button.stay", VERB, case)],
                    [button("joint.button.leave_yes", VERB, case, "left")],
                ],
            )
        case "left":
            await _leave(session, tables, case, part, joint, answer)
        case _:
            await show(session, tables, case, part, answer)
    return None


async def _outside(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, press: Press
) -> None:
    """A case that is in none: what it means, what others would see, and the two ways to begin."""
    if press.question == "left":
        # A second tap on 退出.
        await answer(say("joint.gone", number=case.number or ""), buttons=_back(case))
        return
    if not possible(case):
        await answer(say("joint.not_now", number=case.number or ""), buttons=_back(case))
        return
    if press.question == "begin":
        now = tables.clock.now()
        joint = Joint(shows_merchant=press.value == "named", made_at=now, code_hash="", until=now)
        await _give_code(tables, case, joint, answer)
        session.add(joint)
        await session.flush()
        await take_in(session, tables, joint, case, begins=True)
        return
    named = Joint(shows_merchant=True)
    await answer(
        say("joint.what", most=tables.policy.joint_representatives),
        say("joint.seen", **about(tables, named, case)),
        buttons=[
            *([[button("joint.button.named", VERB, case, "begin", "named")]] * bool(case.merchant)),
            [button("joint.button.unnamed", VERB, case, "begin", "unnamed")],
            *_back(case),
        ],
    )


async def take_in(
    session: AsyncSession, tables: Tables, joint: Joint, case: Case, *, begins: bool = False
) -> None:
    """Her consent, on record; who was in one before and left comes in anew."""
    part = await session.scalar(select(JointPart).where(JointPart.case_id == case.id))
    if part is None:
        part = JointPart(case_id=case.id)
        session.add(part)
    part.joint_id, part.begins = joint.id, begins
    part.consented_at, part.left_at, part.stands_at = tables.clock.now(), None, None
    await session.flush()


async def came(session: AsyncSession, tables: Tables, case: Case) -> None:
    """A case was filed, or was taken in: who began it hears how many there are, its takers which."""
    part = await part_of(session, case)
    if part is None or part.begins:
        return
    inside = await parts(session, await session.get_one(Joint, part.joint_id))
    first = begun_by(inside)
    if first is None:
        return
    owner = await session.get_one(Account, first.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("joint.told_came", number=first.number or "", count=len(inside)),
        case=first,
        buttons=[[button("joint.button.open", VERB, first)]],
    )
    await _tell_takers(session, tables, "joint.desk_came", case, inside)


async def _tell_takers(
    session: AsyncSession, tables: Tables, key: str, case: Case, inside: Sequence[Part]
) -> None:
    """Whoever handles it, or the case that it all began with, hears the numbers once."""
    count = len(inside)
    first = begun_by(inside)
    takers = {each.taker_id: each for each in (first, case) if each is not None and each.taker_id}
    for taker_id, own in takers.items():
        taker = await session.get_one(Account, taker_id)
        await tell(
            session,
            tables,
            taker.address,
            say(key, number=case.number or "", first=own.number or "", count=count),
            case=own,
            buttons=[[button("button.details", "sv", own)]],
        )


async def show(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    part: JointPart,
    answer: Answer,
    before: Say | None = None,
) -> None:
    """Where it stands, to one who is in: numbers alone."""
    joint = await session.get_one(Joint, part.joint_id)
    inside = await parts(session, joint)
    standing = sum(one.stands_at is not None for one, _ in inside)
    holds = joint.ended_at is None and tables.clock.now() <= joint.until
    await answer(
        before,
        say(
            "joint.card",
            number=case.number or "",
            count=len(inside),
            standing=standing,
            most=tables.policy.joint_representatives,
        ),
        say("joint.you_stand") if part.stands_at is not None else None,
        say("joint.code_holds", until=_day(joint)) if holds else say("joint.code_ended"),
        say("joint.own_word"),
        buttons=[*_choices(case, part, holds), *_back(case)],
    )


def _choices(case: Case, part: JointPart, holds: bool) -> Rows:
    stands = part.stands_at is not None
    return [
        *([[button("joint.button.new", VERB, case, "new")]] * (part.begins and possible(case))),
        *([[button("joint.button.stop", VERB, case, "stop")]] * (part.begins and holds)),
        [
            button("joint.button.sit", VERB, case, "sit")
            if stands
            else button("joint.button.stand", VERB, case, "stand")
        ],
        [button("joint.button.leave", VERB, case, "leave")],
    ]


async def _give_code(tables: Tables, case: Case, joint: Joint, answer: Answer) -> None:
    """A new code, told once; the one before it holds no longer."""
    code = new_token()
    joint.code_hash, joint.ended_at = token_digest(code), None
    joint.until = tables.clock.now() + timedelta(days=tables.policy.joint_code_days)
    await answer(
        say(
            "joint.code",
            code=token_shown(code),
            link=tables.link(f"{START}{code}"),
            until=_day(joint),
        ),
        say("joint.pass_on"),
        buttons=[[button("joint.button.open", VERB, case)], *_back(case)],
    )


async def _stand(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    part: JointPart,
    joint: Joint,
    answer: Answer,
) -> None:
    """Offer to represent: two at most (order 121 art. 12)."""
    others = [one for one, _ in await parts(session, joint) if one.id != part.id and one.stands_at]
    most = tables.policy.joint_representatives
    if len(others) >= most:
        await show(session, tables, case, part, answer, say("joint.enough", most=most))
        return
    part.stands_at = part.stands_at or tables.clock.now()
    await show(session, tables, case, part, answer, say("joint.stands"))


async def _leave(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    part: JointPart,
    joint: Joint,
    answer: Answer,
) -> None:
    """Out of it; her own case goes on. With whoever began it goes what the code would show."""
    now = tables.clock.now()
    part.left_at, part.stands_at = now, None
    if part.begins:
        joint.ended_at = now
    await session.flush()
    await answer(say("joint.gone", number=case.number or ""), buttons=_back(case))
    await _tell_takers(session, tables, "joint.desk_left", case, await parts(session, joint))


def _day(joint: Joint) -> Say:
    return day_words(joint.until.astimezone(SHANGHAI).date())


def _back(case: Case) -> Rows:
    return [[button("button.progress", "tp", case)]]
