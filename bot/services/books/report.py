"""Reports in chat (报表): the figures of a desk and all below it over a period, short enough to be read on a phone.

From the whole one goes down: district, street, point; or by type of point, category, nature. Each step looks
the right up anew. Nothing of a person stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.dates import read_dates
from bot.facts.money import show_money
from bot.figures import periods
from bot.figures.periods import Period
from bot.ports import Button, Incoming, Press
from bot.services import accounts
from bot.services.books import area, count, export_report, plan_work, words, write_up
from bot.services.books.record_work import work_lines
from bot.services.network.bind_desk import by_serial, number, stamp
from bot.services.sending import Answer, Rows, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.network import Level, Organisation
from models.party import Account

VERB = "si"
PER_PAGE = 8
KINDS = ("month", "quarter", "year")
BREAKDOWNS = ("desk", "type", "object", "nature")


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: a period, a desk, one of BREAKDOWNS or "" for the whole, and its page."""

    period: Period
    serial: int
    by: str = ""
    page: int = 0

    def press(self, opened: int) -> Press:
        return Press(VERB, "", self.by, opened, f"{self.period.code}.{self.serial}.{self.page}")

    @staticmethod
    def of(press: Press) -> View | None:
        """What a button means; None for one that is none of ours."""
        code, serial, page = (*press.value.split("."), "", "")[:3]
        period = periods.read(code)
        if period is None:
            return None
        return View(period, number(serial), press.question, number(page))


async def home(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer
) -> Say | None:
    """This month of the account's own desk; which one, is asked of somebody with several."""
    desks = await area.roots(session, tables, account)
    if not desks:
        return say("books.not_staff")
    opened, month = stamp(tables), periods.around(accounts.today(tables), "month")
    if len(desks) == 1:
        await _show(session, tables, answer, View(month, desks[0].serial), desks[0], opened)
        return None
    rows = [
        [
            Button(
                say("report.desk", name=desk.name),
                View(month, desk.serial).press(opened),
            )
        ]
        for desk in desks[:PER_PAGE]
    ]
    await answer(say("report.which"), buttons=rows, slot=_slot(opened))
    return None


async def pressed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """A button of a report; the right to see it is looked up anew each time."""
    press = heard.press
    if press is None or not heard.private:
        return say("toast.not_yours")
    account.awaiting = None
    if not press.value:
        return await home(session, tables, account, answer)
    view = View.of(press)
    desk = await by_serial(session, str(view.serial)) if view else None
    if view is None or desk is None:
        return say("toast.stale")
    if not await area.may_see(session, tables, account, desk):
        return say("books.not_staff")
    opened = press.version or stamp(tables)
    match press.question:
        case "xlsx" | "pictures":
            await export_report.order(session, tables, account, press.question, desk, view.period)
            return say(f"report.toast.{press.question}")
        case "range":
            account.awaiting = {"verb": VERB, "serial": desk.serial, "opened": opened}
            await answer(say("report.ask_range"), buttons=[[_back(view, opened)]])
        case "late":
            await plan_work.overdue(session, tables, desk, answer, [[_back(view, opened)]])
        case "" | "desk" | "type" | "object" | "nature":
            await _show(session, tables, answer, view, desk, opened)
        case _:
            return say("toast.stale")
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """From which day to which. Returns whether it was asked for."""
    waiting = account.awaiting or {}
    if waiting.get("verb") != VERB or not heard.private:
        return False
    desk = await by_serial(session, str(waiting.get("serial", "")))
    if desk is None or not await area.may_see(session, tables, account, desk):
        account.awaiting = None
        await answer(say("books.not_staff"))
        return True
    period = _range(heard.text, tables)
    if period is None:
        await answer(say("report.wrong_range"))
        return True
    account.awaiting = None
    await _show(session, tables, answer, View(period, desk.serial), desk, stamp(tables))
    return True


def _range(text: str, tables: Tables) -> Period | None:
    """A period as it is written in a button, or the days that a line names, from the first to the last."""
    if (known := periods.read(text)) is not None:
        return known
    found = read_dates(text, accounts.today(tables)) if text else []
    if not found:
        return None
    first, last = min(one.first for one in found), max(one.last for one in found)
    whole = periods.around(first, "month")
    if (first, last) == (whole.first, whole.last):
        return whole
    return replace(whole, kind="range", first=first, last=last)


async def _show(
    session: AsyncSession,
    tables: Tables,
    answer: Answer,
    view: View,
    desk: Organisation,
    opened: int,
) -> None:
    left = await write_up.catch_up(session, tables)
    shown = _breakdown if view.by else _whole
    parts, rows = await shown(session, tables, view, desk, opened)
    await answer(
        *parts,
        say("report.left", count=left) if left else None,
        buttons=rows,
        slot=_slot(opened),
    )


async def _whole(
    session: AsyncSession,
    tables: Tables,
    view: View,
    desk: Organisation,
    opened: int,
) -> tuple[list[Say], Rows]:
    """Everything of a desk, beside the period before, and the ways on."""
    now = await count.total(session, view.period, desk, times=True)
    before = await count.total(session, view.period.before(), desk)
    worked = count.together((await count.works(session, view.period, desk)).values())
    plan = await plan_work.shown(session, tables, desk, view.period, now)
    parts = [
        say("report.head", name=desk.name, period=words.period_words(view.period)),
        *(
            words.figures(now, before, tables.policy)
            if now.received or now.gave_up
            else (say("report.none"),)
        ),
        say("report.works", lines=work_lines(worked)) if worked.times else say("report.no_works"),
        *plan.words,
    ]
    ways: list[list[Button]] = [_turns(view, opened), _kinds(tables, view, opened)]
    below = [by for by in BREAKDOWNS if by in {"object", "nature"} or desk.level is not Level.POINT]
    picks = [
        Button(say(f"report.by.{by}"), replace(view, by=by, page=0).press(opened)) for by in below
    ]
    ways += [picks[at : at + 2] for at in range(0, len(picks), 2)]
    ways += [
        [
            Button(say("report.button.pictures"), replace(view, by="pictures").press(opened)),
            Button(say("report.button.xlsx"), replace(view, by="xlsx").press(opened)),
        ],
        *plan.buttons,
    ]
    if desk.level is not Level.POINT:
        ways.append([Button(say("report.button.late"), replace(view, by="late").press(opened))])
    return parts, ways


async def _breakdown(
    session: AsyncSession,
    _tables: Tables,
    view: View,
    desk: Organisation,
    opened: int,
) -> tuple[list[Say], Rows]:
    """The same figures by what is below, by type, category or nature, the most first; a page of it."""
    found, labels, serials = await words.broken_down(session, view.period, desk, view.by)
    order = sorted(found, key=lambda key: (-found[key].received, str(labels[key])))
    last = max(0, (len(order) - 1) // PER_PAGE)
    page = min(view.page, last)
    shown = order[page * PER_PAGE : (page + 1) * PER_PAGE]
    lines = [
        say(
            "report.line",
            at=at,
            label=labels[key],
            received=f"{found[key].received:,}",
            solved=f"{found[key].solved:,}",
            share=words.percent(found[key].solved_share),
            money=show_money(found[key].returned_fen),
        )
        for at, key in enumerate(shown, page * PER_PAGE + 1)
    ]
    parts = [
        say("report.head", name=desk.name, period=words.period_words(view.period)),
        say(f"report.by.{view.by}"),
        say("report.lines", lines=lines) if lines else say("report.none"),
    ]
    if last:
        parts.append(say("report.page", page=page + 1, pages=last + 1))
    rows: list[list[Button]] = [
        [
            Button(
                say("report.button.into", label=labels[key]),
                View(view.period, serials[key]).press(opened),
            )
        ]
        for key in shown
        if key in serials and serials[key] != desk.serial
    ]
    turns = []
    if page:
        turns.append(Button(say("bind.button.back"), replace(view, page=page - 1).press(opened)))
    if page < last:
        turns.append(Button(say("bind.button.more"), replace(view, page=page + 1).press(opened)))
    rows += [turns] if turns else []
    rows += [_turns(view, opened), [_back(view, opened)]]
    return parts, rows


def _turns(view: View, opened: int) -> list[Button]:
    made = []
    for sign, period in (("back", view.period.before()), ("on", view.period.after())):
        if periods.read(period.code) is not None:
            label = say(f"report.button.{sign}", period=words.period_words(period))
            made.append(Button(label, replace(view, period=period, page=0).press(opened)))
    return made


def _kinds(tables: Tables, view: View, opened: int) -> list[Button]:
    """The other lengths of a period around the same days, not after today."""
    day = min(view.period.last, accounts.today(tables))
    kinds = [kind for kind in KINDS if kind != view.period.kind]
    return [
        *(
            Button(
                say(f"report.button.{kind}"),
                replace(view, period=periods.around(day, kind), page=0).press(opened),
            )
            for kind in kinds
        ),
        Button(say("report.button.range"), replace(view, by="range").press(opened)),
    ]


def _back(view: View, opened: int) -> Button:
    return Button(say("report.button.whole"), replace(view, by="", page=0).press(opened))


def _slot(opened: int) -> str:
    return f"{VERB}:{opened}"


def entry() -> Sequence[Button]:
    """The way in, for menus."""
    return (button("report.button.show", VERB),)
