"""Plan, do, check, act (PDCA): a point's target for a month, what came of it, and its next step with a day.

Three short answers: a share of solved cases, what to do, by when. The street sees what is overdue.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.dates import coming_days
from bot.figures import periods
from bot.figures.periods import Period
from bot.figures.tally import Tally
from bot.ports import Button, Incoming
from bot.services import accounts
from bot.services.books import area
from bot.services.network.bind_desk import by_serial
from bot.services.sending import Answer, Rows, button, day_words
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.books import WorkPlan
from models.network import Level, Organisation
from models.party import Account

VERB = "sj"
TARGETS = (60, 70, 80, 90)
STEPS = ("daily", "call", "train")
"""Steps that are offered ready-made; any other is typed."""

WEEKS = (1, 2, 4)
SHOWN = 20


class Plan(NamedTuple):
    """What a report says of it, and the buttons that go with it."""

    words: list[Say]
    buttons: list[list[Button]]


async def shown(
    session: AsyncSession, tables: Tables, desk: Organisation, period: Period, now: Tally
) -> Plan:
    """The target of this month beside its result, and the next month's step; of a point's month only."""
    if desk.level is not Level.POINT or period.kind != "month":
        return Plan([], [])
    this = await _of(session, desk, period.first)
    then = await _of(session, desk, period.after().first)
    words = []
    if this is not None:
        reached = now.solved_share is not None and now.solved_share * 100 >= this.target_percent
        verdict = "none" if now.solved_share is None else "reached" if reached else "missed"
        words.append(
            say(
                "plan.checked",
                target=this.target_percent,
                verdict=say(f"plan.verdict.{verdict}"),
                step=_step(tables, this),
            )
        )
    if then is not None:
        words.append(
            say(
                "plan.next",
                month=then.month.month,
                target=then.target_percent,
                step=_step(tables, then),
            )
        )
    value = f"{desk.serial}.{period.after().code}"
    rows = [
        [button("plan.button.change" if then else "plan.button.make", VERB, None, "ask", value)]
    ]
    rows += [
        [
            button(
                say("plan.button.done", step=one.action or ""),
                *(VERB, None, "done", f"{desk.serial}.{one.month:%Y-%m}"),
            )
        ]
        for one in (this, then)
        if one is not None and one.done_at is None
    ]
    return Plan(words, rows)


async def pressed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """A tap about a point's plan; the right to it is looked up anew each time."""
    press = heard.press
    if press is None or not heard.private:
        return say("toast.not_yours")
    serial, month, rest = (*press.value.split("."), "", "")[:3]
    waiting = dict(account.awaiting or {})
    account.awaiting = None
    desk, period = await by_serial(session, serial), periods.read(month)
    if desk is None or desk.level is not Level.POINT or period is None or period.kind != "month":
        return say("toast.stale")
    if not await accounts.may_act(session, tables, account, desk):
        return say("books.not_staff")
    value = f"{serial}.{period.code}"
    match press.question:
        case "ask":
            await answer(
                say("plan.ask_target", name=desk.name, month=period.first.month),
                buttons=[
                    [
                        button(say("plan.button.target", n=n), VERB, None, "target", f"{value}.{n}")
                        for n in TARGETS
                    ]
                ],
            )
        case "target" if rest.isdecimal() and int(rest) in TARGETS:
            account.awaiting = {"verb": VERB, "plan": value, "target": int(rest)}
            await answer(
                say("plan.ask_step", most=tables.policy.plan_characters),
                buttons=[
                    [button(f"plan.step.{step}", VERB, None, "step", f"{value}.{step}")]
                    for step in STEPS
                ],
            )
        case "step" if rest in STEPS and waiting.get("plan") == value:
            step = tables.texts.plain(say(f"plan.step.{rest}"))
            await _ask_day(tables, account, answer, {**waiting, "step": step})
        case "due" if rest.isdecimal() and waiting.get("plan") == value and waiting.get("step"):
            due = accounts.today(tables) + timedelta(weeks=min(int(rest), max(WEEKS)))
            await _keep(session, tables, account, answer, desk, period, waiting, due)
        case "done":
            plan = await _of(session, desk, period.first)
            if plan is None:
                return say("toast.stale")
            plan.done_at = plan.done_at or tables.clock.now()
            await answer(say("plan.done", step=plan.action or ""))
        case _:
            return say("plan.toast.again")
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """The next step in her own words, or its day. Returns whether it was asked for."""
    waiting = dict(account.awaiting or {})
    if waiting.get("verb") != VERB or not heard.private:
        return False
    serial, _, month = str(waiting.get("plan", "")).partition(".")
    desk, period = await by_serial(session, serial), periods.read(month)
    if desk is None or period is None or not await accounts.may_act(session, tables, account, desk):
        account.awaiting = None
        await answer(say("books.not_staff"))
        return True
    text = " ".join(heard.text.split())
    if not waiting.get("step"):
        if not 4 <= len(text) <= tables.policy.plan_characters:
            await answer(say("plan.wrong_step", most=tables.policy.plan_characters))
        else:
            await _ask_day(tables, account, answer, {**waiting, "step": text})
        return True
    days = coming_days(text, accounts.today(tables)) if text else None
    if days is None:
        await answer(say("plan.wrong_day"))
        return True
    await _keep(session, tables, account, answer, desk, period, waiting, days[1])
    return True


async def overdue(
    session: AsyncSession, tables: Tables, desk: Organisation, answer: Answer, rows: Rows
) -> None:
    """The steps below a street (or an office, the bureau) whose day has passed."""
    found = await session.execute(
        select(WorkPlan, Organisation.name)
        .join(Organisation, Organisation.id == WorkPlan.desk_id)
        .where(
            WorkPlan.done_at.is_(None),
            WorkPlan.due_on < accounts.today(tables),
            area.within(WorkPlan.desk_id, desk),
        )
        .order_by(WorkPlan.due_on)
        .limit(SHOWN)
    )
    lines = [
        say("plan.late_line", name=name, step=plan.action or "", day=day_words(plan.due_on))
        for plan, name in found
    ]
    await answer(
        say("plan.late", lines=lines) if lines else say("plan.none_late"),
        buttons=rows,
    )


async def _ask_day(
    tables: Tables, account: Account, answer: Answer, waiting: dict[str, object]
) -> None:
    account.awaiting = waiting
    await answer(
        say("plan.ask_day", step=waiting["step"]),
        buttons=[
            [
                button(
                    day_words(accounts.today(tables) + timedelta(weeks=weeks)),
                    *(VERB, None, "due", f"{waiting['plan']}.{weeks}"),
                )
                for weeks in WEEKS
            ]
        ],
    )


async def _keep(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    answer: Answer,
    desk: Organisation,
    period: Period,
    waiting: dict[str, object],
    due: date,
) -> None:
    account.awaiting = None
    plan = await _of(session, desk, period.first)
    if plan is None:
        plan = WorkPlan(desk_id=desk.id, month=period.first)
        session.add(plan)
    plan.by_id, plan.made_at, plan.done_at = account.id, tables.clock.now(), None
    plan.target_percent, plan.due_on = int(str(waiting["target"])), due
    plan.action = str(waiting["step"])
    await session.flush()
    await answer(
        say(
            "plan.kept",
            name=desk.name,
            month=period.first.month,
            target=plan.target_percent,
            step=_step(tables, plan),
        )
    )


def _step(tables: Tables, plan: WorkPlan) -> Say:
    """The step with its day, and whether it is done or late."""
    if plan.done_at is not None:
        state = "done"
    else:
        state = "late" if plan.due_on < accounts.today(tables) else "open"
    return say(
        "plan.step_line",
        step=plan.action or "",
        day=day_words(plan.due_on),
        state=say(f"plan.state.{state}"),
    )


async def _of(session: AsyncSession, desk: Organisation, month: date) -> WorkPlan | None:
    found: WorkPlan | None = await session.scalar(
        select(WorkPlan).where(WorkPlan.desk_id == desk.id, WorkPlan.month == month)
    )
    return found
