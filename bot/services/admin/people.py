"""People and their rights (人员与权限): find somebody, make and unmake admins, move staff, ban and mute, lift.

Every change is in the audit chain. There is always an admin left, and one that the settings name is the settings' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Press
from bot.services import accounts
from bot.services.admin import restrict, second_step, take_out
from bot.services.network import bind_desk, enlist
from bot.services.network.bind_desk import stop
from bot.services.privacy import audit
from bot.services.sending import Answer, button, minute_words, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.network import Organisation, Staff
from models.party import Account, Restriction, RestrictionKind, SecondStep, StepKind, StepState
from models.privacy import Act

VERB = second_step.VERB
SHOWN = 8
KINDS = {kind.value: kind for kind in RestrictionKind}


async def home(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Who the admins are and who is restricted; anybody else is found by what is typed."""
    account.awaiting = {"verb": VERB}
    admins = await accounts.admins(session)
    shut = await _restricted(session, tables)
    await answer(
        say("people.home", count=len(admins), shut=len(shut)),
        say("people.how"),
        buttons=[
            *[[_to(one, _name(one))] for one in admins[:SHOWN]],
            *[
                [_to(who, say("people.shut_one", kind=say(f"restrict.kind.{row.kind.value}")))]
                for row, who in shut[:SHOWN]
            ],
            [button("people.button.invite", VERB, question="invite")],
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """A button of this menu, or a ``yes``, ``no``, ``drop`` of a second step, ``grant`` or ``deny`` of an appeal."""
    waiting = account.awaiting or {}
    account.awaiting = None
    match press.question:
        case "yes" | "no" | "drop":
            return await _decide(session, tables, press, account, answer)
        case "grant" | "deny":
            return await _appeal(session, tables, press, account, answer)
        case "invite":
            await _invite(session, tables, account, answer)
            return None
        case "reason" | "days" | "impose":
            return await _restricting(session, tables, press, account, answer, waiting)
        case "desk":
            return await _moving(session, tables, press, account, answer, waiting)
    who = await _somebody(session, press.value)
    if who is None:
        await home(session, tables, account, answer)
        return None
    match press.question:
        case "ban" | "mute":
            return await _ask_reason(tables, account, who, press.question, answer)
        case "lift":
            row = await restrict.in_force(session, tables, who)
            if row is None:
                return say("toast.stale")
            await restrict.lift(session, tables, row, account)
        case "move":
            await _ask_desk(session, account, who, answer)
            return None
        case "in" | "out":
            return await _ask_admin(session, tables, account, who, press.question, answer)
    await card(session, tables, who, account, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """A case's number, an account's number or a name; the name of a desk to move to; the word of a step."""
    waiting = account.awaiting or {}
    if "step" in waiting:
        await _word(session, tables, str(waiting["step"]), text, account, answer)
        return
    if "staff" in waiting:
        await bind_desk.offer_matches(
            session, tables, text, lambda desk: Press(VERB, "", "desk", 0, str(desk.serial)), answer
        )
        return
    found = await find(session, text)
    if len(found) == 1:
        await card(session, tables, found[0], account, answer)
        return
    await answer(
        say("people.many", count=len(found)) if found else say("people.none"),
        buttons=[*[[_to(one, _name(one))] for one in found[:SHOWN]], [stop()]],
    )


async def find(session: AsyncSession, text: str) -> list[Account]:
    """By a case's number its consumer, by an account's number anybody, by a name staff and admins alone."""
    words = text.strip()
    owner = await session.scalar(
        select(Account)
        .join(Case, Case.account_id == Account.id)
        .where(Case.number == words.upper(), Case.filed_at.is_not(None))
    )
    if owner is not None:
        return [owner]
    if words.isdecimal() and (one := await accounts.by_address(session, f"tg:{words}")):
        return [one]
    if not words:
        return []
    known = await session.scalars(
        select(Account)
        .where(
            or_(
                Account.is_admin,
                Account.id.in_(select(Staff.account_id).where(Staff.left_at.is_(None))),
            )
        )
        .order_by(Account.created_at)
    )
    return [one for one in known if words in (one.name or "")]


async def card(
    session: AsyncSession, tables: Tables, who: Account, account: Account, answer: Answer
) -> None:
    """What somebody is and may, and what can be done about it. A consumer's name is not shown."""
    duties = await accounts.duties(session, who)
    row = await restrict.in_force(session, tables, who)
    rows: list[list[Button]] = []
    if duties:
        rows.append([_act("move", who)])
    if who.id != account.id or who.is_admin:
        rows.append([_act("out" if who.is_admin else "in", who)])
    if who.id != account.id:
        rows.append([_act("lift", who)] if row else [_act("mute", who), _act("ban", who)])
    await answer(
        say(
            "people.card",
            name=_name(who) if duties or who.is_admin else say("people.consumer"),
            account=who.address.partition(":")[2],
            roles=[
                *([say("people.role.admin")] if who.is_admin else []),
                *[say("people.role.staff", name=desk.name) for _, desk in duties],
                say("people.role.cases", count=await _cases(session, who)),
            ],
        ),
        say(
            "people.restricted",
            kind=say(f"restrict.kind.{row.kind.value}"),
            until=minute_words(row.until),
            reason=say(f"restrict.reason.{row.reason}"),
        )
        if row
        else None,
        buttons=[*rows, [button("people.button.home", VERB)]],
    )


async def claim(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, token: str
) -> None:
    """Somebody opened an admin's invitation: another admin than the inviter is asked."""
    step = await second_step.opened(session, tables, token)
    if step is None or account.is_admin:
        await answer(say("admin.link_wrong") if step is None else say("people.already_admin"))
        return
    inviter = await session.get_one(Account, step.by_id)
    if not inviter.is_admin:
        await answer(say("admin.link_wrong"))
        return
    step.about_id, step.state = account.id, StepState.WAITING
    await answer(say("people.claimed"))
    await second_step.lay_before(session, tables, step, inviter, _what(step, account), None)


# A second step


def _what(step: SecondStep, about: Account | None) -> Say:
    """The act in words."""
    number = about.address.partition(":")[2] if about is not None else ""
    name = _name(about) if about is not None else ""
    return say(f"step.what.{step.kind.value}", name=name, account=number)


async def _decide(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    step = await second_step.held(session, tables, press.value)
    if step is None:
        return say("step.toast.decided")
    mine = account.id == step.by_id
    if press.question == "drop" and mine:
        await second_step.turned_down(session, tables, step, account, answer)
        return None
    if account.id not in {one.id for one in await second_step.deciders(session, step)}:
        return say("step.toast.own")
    if press.question == "yes":
        await _do(session, tables, step, account, answer)
    else:
        await second_step.turned_down(session, tables, step, account, answer)
    return None


async def _word(
    session: AsyncSession,
    tables: Tables,
    value: str,
    text: str,
    account: Account,
    answer: Answer,
) -> None:
    """The word of the only one who can decide: typed, so that no stray tap does it."""
    word = say("step.word")
    if text.strip() != tables.texts.plain(word):
        await answer(say("step.wrong_word", word=word), buttons=[[stop()]])
        return
    account.awaiting = None
    step = await second_step.held(session, tables, value)
    if step is None or step.by_id != account.id or await second_step.deciders(session, step):
        await answer(say("step.toast.decided"))
        return
    await _do(session, tables, step, account, answer)


async def _do(
    session: AsyncSession, tables: Tables, step: SecondStep, account: Account, answer: Answer
) -> None:
    """It is done once: the step is over with it."""
    who = await session.get(Account, step.about_id) if step.about_id is not None else None
    asker = await session.get_one(Account, step.by_id)
    step.state = StepState.DONE
    match step.kind:
        case StepKind.ADMIN_IN if who is not None:
            await _set_admin(session, tables, who, True, account)
        case StepKind.ADMIN_OUT if who is not None:
            if not await _may_go(session, tables, who):
                await answer(say("people.last_admin"))
                return
            await _set_admin(session, tables, who, False, account)
        case StepKind.BAN_ADMIN if who is not None:
            kind = KINDS[str(step.body["kind"])]
            reason, days = str(step.body["reason"]), int(step.body["days"])
            await restrict.impose(session, tables, who, kind, reason, days, account)
        case StepKind.EXPORT_ALL:
            await take_out.order(session, tables, "all", asker, second=account)
    await answer(say("step.done", what=_what(step, who)))
    if asker.id != account.id:
        await tell(
            session,
            tables,
            asker.address,
            say("step.agreed", who=_name(account), what=_what(step, who)),
        )


async def _set_admin(
    session: AsyncSession, tables: Tables, who: Account, admin: bool, by: Account
) -> None:
    who.is_admin, who.awaiting = admin, None
    how = "second_step" if admin else "out"
    await audit.record(session, tables.clock.now(), Act.ADMIN, by, who, how=how)
    await session.flush()
    await tell(
        session,
        tables,
        who.address,
        say("people.now_admin") if admin else say("people.no_admin"),
        buttons=[[button("admin.button.menu", "m", value="menu")]] if admin else (),
    )


# Admins


async def _invite(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    token, step = await second_step.invitation(session, tables, account)
    await answer(
        say(
            "people.link",
            link=tables.link(f"{second_step.START}{token}"),
            days=tables.policy.invitation_days,
        ),
        buttons=[
            [button("people.button.void", VERB, question="drop", value=step.id.hex)],
            [button("people.button.home", VERB)],
        ],
    )


async def _ask_admin(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    who: Account,
    way: str,
    answer: Answer,
) -> Say | None:
    """Make somebody an admin, or take it away: with a second person's word, or by herself when she goes."""
    if (way == "in") == who.is_admin:
        return say("toast.stale")
    if way == "out" and not await _may_go(session, tables, who):
        fixed = who.address in tables.admins
        await answer(say("people.fixed_admin") if fixed else say("people.last_admin"))
        return None
    if way == "out" and who.id == account.id:
        await _set_admin(session, tables, who, False, account)
        return None
    kind = StepKind.ADMIN_IN if way == "in" else StepKind.ADMIN_OUT
    words = say(f"step.what.{kind.value}", name=_name(who), account=who.address.partition(":")[2])
    await second_step.ask(session, tables, kind, account, who, words, answer)
    return None


async def _may_go(session: AsyncSession, tables: Tables, who: Account) -> bool:
    """Whether an admin is left without her; whom the settings name would be back with her next word."""
    left = await session.scalar(
        select(func.count()).select_from(Account).where(Account.is_admin, Account.id != who.id)
    )
    return bool(left) and who.address not in tables.admins


# Staff


async def _ask_desk(session: AsyncSession, account: Account, who: Account, answer: Answer) -> None:
    duties = await accounts.duties(session, who)
    if not duties:
        await answer(say("people.no_duty"), buttons=[[button("people.button.home", VERB)]])
        return
    staff, desk = duties[-1]
    account.awaiting = {"verb": VERB, "staff": staff.id.hex}
    await answer(say("people.move", name=_name(who), desk=desk.name), buttons=[[stop()]])


async def _moving(
    session: AsyncSession,
    tables: Tables,
    press: Press,
    account: Account,
    answer: Answer,
    waiting: dict[str, str],
) -> Say | None:
    """The one duty ends as a dismissal does, the other begins; she is told once."""
    staff = await session.get(Staff, UUID(waiting["staff"])) if "staff" in waiting else None
    to = await bind_desk.by_serial(session, press.value)
    if staff is None or staff.left_at is not None or to is None:
        return say("toast.stale")
    before = await session.get_one(Organisation, staff.organisation_id)
    who = await session.get_one(Account, staff.account_id)
    if any(desk.id == to.id for _, desk in await accounts.duties(session, who)):
        await answer(say("staff.already", name=to.name))
        return None
    await enlist.dismiss(session, tables, staff, before, by=account)
    now = tables.clock.now()
    session.add(Staff(account_id=who.id, organisation_id=to.id, joined_at=now))
    await session.flush()
    await audit.record(session, now, Act.STAFF_IN, account, who, desk=to.code, how="moved")
    await tell(
        session,
        tables,
        who.address,
        say("people.moved_you", before=before.name, after=to.name),
        buttons=[[button("staff.button.home", "j")]],
    )
    await answer(
        say("people.moved", name=_name(who), before=before.name, after=to.name),
        buttons=[[button("people.button.home", VERB)]],
    )
    return None


# Ban and mute


async def _ask_reason(
    tables: Tables, account: Account, who: Account, kind: str, answer: Answer
) -> Say | None:
    if who.id == account.id:
        return say("step.toast.own")
    if who.address in tables.admins:
        await answer(say("people.fixed_admin"))
        return None
    account.awaiting = {"verb": VERB, "who": who.id.hex, "kind": kind}
    await answer(
        say("people.ask_reason", kind=say(f"restrict.kind.{kind}")),
        buttons=[
            *[
                [button(f"restrict.reason.{code}", VERB, question="reason", value=code)]
                for code in restrict.rules().reasons
            ],
            [stop()],
        ],
    )
    return None


async def _restricting(
    session: AsyncSession,
    tables: Tables,
    press: Press,
    account: Account,
    answer: Answer,
    waiting: dict[str, str],
) -> Say | None:
    """Reason, then length, then seen as she will read it, then done."""
    who = await _somebody(session, waiting.get("who", ""))
    kind = KINDS.get(waiting.get("kind", ""))
    rules = restrict.rules()
    if who is None or kind is None:
        await home(session, tables, account, answer)
        return say("toast.stale")
    if press.question == "reason" and press.value in rules.reasons:
        account.awaiting = {**waiting, "reason": press.value}
        await answer(
            say("people.ask_days"),
            buttons=[
                *[
                    [button(say("people.days", n=days), VERB, question="days", value=str(days))]
                    for days in rules.days
                ],
                [stop()],
            ],
        )
        return None
    reason = waiting.get("reason", "")
    if press.question == "days" and reason in rules.reasons and press.value in map(str, rules.days):
        account.awaiting = {**waiting, "days": press.value}
        now = tables.clock.now()
        until = restrict.ends(now, int(press.value))
        await answer(*restrict.told(Restriction(kind=kind, reason=reason, until=until)))
        await answer(
            say("people.preview"),
            buttons=[[button(f"people.button.do_{kind.value}", VERB, question="impose")], [stop()]],
        )
        return None
    if press.question != "impose" or "days" not in waiting:
        return say("toast.stale")
    days = int(waiting["days"])
    if who.is_admin:
        words = say("step.what.ban_admin", name=_name(who), account=who.address.partition(":")[2])
        await second_step.ask(
            session,
            tables,
            StepKind.BAN_ADMIN,
            account,
            who,
            words,
            answer,
            {"kind": kind.value, "reason": reason, "days": days},
        )
        return None
    await restrict.impose(session, tables, who, kind, reason, days, account)
    await card(session, tables, who, account, answer)
    return say("people.toast.imposed")


async def _appeal(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    row = await restrict.by_id(session, UUID(press.value)) if len(press.value) == 32 else None
    if row is None:
        return say("toast.stale")
    granted = press.question == "grant"
    refused = await restrict.answer_appeal(session, tables, row, account, granted)
    if refused is None:
        await answer(say("people.appeal_granted") if granted else say("people.appeal_denied"))
    return refused


async def _restricted(
    session: AsyncSession, tables: Tables
) -> Sequence[tuple[Restriction, Account]]:
    found = await session.execute(
        select(Restriction, Account)
        .join(Account, Account.id == Restriction.account_id)
        .where(Restriction.lifted_at.is_(None), Restriction.until > tables.clock.now())
        .order_by(Restriction.since.desc())
    )
    return [(row, who) for row, who in found]


async def _cases(session: AsyncSession, who: Account) -> int:
    count = select(func.count()).select_from(Case)
    mine = count.where(Case.account_id == who.id, Case.filed_at.is_not(None))
    return await session.scalar(mine) or 0


async def _somebody(session: AsyncSession, value: str) -> Account | None:
    if len(value) != 32 or not all(char in "0123456789abcdef" for char in value):
        return None
    return await session.get(Account, UUID(value))


def _name(who: Account) -> str | Say:
    return who.name or say("notice.colleague")


def _to(who: Account, label: str | Say) -> Button:
    return button(say("people.button.one", name=label), VERB, question="card", value=who.id.hex)


def _act(what: str, who: Account) -> Button:
    return button(f"people.button.{what}", VERB, question=what, value=who.id.hex)
