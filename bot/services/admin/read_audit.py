"""The audit chain in chat (审计查询): filters by buttons and by what is typed, pages, and a file of what was found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Press
from bot.services import accounts
from bot.services.admin import take_out
from bot.services.network.bind_desk import number, stop
from bot.services.privacy import search_audit
from bot.services.privacy.search_audit import PER_PAGE, Found, Wanted
from bot.services.sending import Answer, button, minute_words
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.party import Account
from models.privacy import Act

VERB = "ma"
PERIODS: Mapping[str, int | None] = {"day": 0, "week": 6, "month": 29, "ever": None}
"""Days before today; None: from the first line."""

ACTS = frozenset(act.value for act in Act)


async def show(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    answer: Answer,
    wanted: Wanted | None = None,
    page: int = 0,
) -> None:
    """What was found by these filters, the newest first; a week by itself. What is typed narrows it."""
    if wanted is None:
        wanted = Wanted(since=_days_ago(tables, 6))
    account.awaiting = {"verb": VERB, **wanted.to_json()}
    count, lines = await search_audit.search(session, tables, wanted, account, page)
    last = max(0, (count - 1) // PER_PAGE)
    turns = [
        button(key, VERB, question="page", value=str(to))
        for key, to in (("choose.page_back", page - 1), ("choose.page_on", page + 1))
        if 0 <= to <= last
    ]
    await answer(
        say("search.head", count=count, filters=_filters(wanted)),
        say("search.lines", lines=[_line(one) for one in lines]) if lines else say("search.none"),
        say("search.how"),
        buttons=[
            turns,
            [
                button(f"search.period.{name}", VERB, question="since", value=name)
                for name in PERIODS
            ],
            [button("search.button.act", VERB, question="acts")],
            *([[button("search.button.clear", VERB)]] if wanted.act or wanted.whom else []),
            [button("search.button.file", VERB, question="file")],
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """``page``, ``since`` a period, the list of ``acts``, one ``act``, a ``file``; anything else begins anew."""
    wanted = _kept(account)
    match press.question:
        case "page" if wanted is not None:
            await show(session, tables, account, answer, wanted, number(press.value))
            return None
        case "since" if press.value in PERIODS:
            days = PERIODS[press.value]
            since = _days_ago(tables, days) if days is not None else ""
            kept = wanted or Wanted()
            wanted = Wanted(act=kept.act, whom=kept.whom, since=since)
        case "acts":
            await answer(say("search.which"), buttons=[*_acts(), [stop()]])
            return None
        case "act" if press.value in ACTS:
            kept = wanted or Wanted()
            wanted = Wanted(press.value, kept.whom, kept.since, kept.until)
        case "file" if wanted is not None:
            return await take_out.order(session, tables, "audit", account, wanted=wanted.to_json())
        case _:
            wanted = None
    await show(session, tables, account, answer, wanted)
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """A number, a name, one day (2026-11-28), or two days with a space between them."""
    kept = _kept(account) or Wanted()
    days = [search_audit.day(part) for part in text.split()]
    if days and len(days) <= 2 and all(days):
        first, last = days[0], days[-1]
        wanted = Wanted(kept.act, kept.whom, f"{first}", f"{last}")
        await show(session, tables, account, answer, wanted)
        return
    names = await search_audit.named(session, text)
    if len(names) != 1:
        await answer(say("search.many", count=len(names)) if names else say("search.nobody"))
        return
    await show(session, tables, account, answer, Wanted(kept.act, names[0], kept.since, kept.until))


def _kept(account: Account) -> Wanted | None:
    waiting = dict(account.awaiting or {})
    if waiting.pop("verb", "") != VERB:
        return None
    return Wanted(**{name: str(value) for name, value in waiting.items()})


def _days_ago(tables: Tables, days: int) -> str:
    return (accounts.today(tables) - timedelta(days=days)).isoformat()


def _filters(wanted: Wanted) -> list[Say]:
    said = [
        say("search.since", day=wanted.since) if wanted.since else say("search.ever"),
        say("search.until", day=wanted.until) if wanted.until else None,
        say(f"search.act.{wanted.act}") if wanted.act else None,
        say("search.one_only") if wanted.whom else None,
    ]
    return [one for one in said if one is not None]


def _line(one: Found) -> Say:
    return say(
        "search.line",
        seq=one.seq,
        at=minute_words(one.at),
        act=one.act,
        by=one.by,
        about=one.about,
        details=one.details,
    )


def _acts() -> list[list[Button]]:
    made = [button(f"search.act.{act.value}", VERB, question="act", value=act.value) for act in Act]
    return [made[at : at + 2] for at in range(0, len(made), 2)]
