"""The clocks of the law (法定期限) of a case, read from what happened to it; stored nowhere."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.book import LawBook
from bot.law.clocks import Clock, clocks
from bot.services.admin.live_law import law_now
from bot.services.tables import SHANGHAI
from models.case import Case, CaseKind
from models.lifecycle import HANDED, OPEN, Action

SET_BY = frozenset(
    {Action.RECEIVE, Action.ACCEPT, Action.APPRAISE, Action.APPRAISED, Action.EXTEND}
)
"""What starts a clock, stops it for a while, or moves its end."""


def of(case: Case, law: LawBook) -> tuple[Clock, ...]:
    """The clocks of a case. A return counts only where the authority itself gave the case out of its hands:
    not when a point returned it, nor when its officer left and it went to a colleague."""
    happened = []
    in_hand = False
    for event in case.events:
        returned = event.action is Action.SEND_BACK
        if not returned or (in_hand and (event.details or {}).get("code")):
            happened.append((event.action.value, event.at.astimezone(SHANGHAI).date()))
        if event.action in HANDED or returned:
            in_hand = False
        elif event.action is Action.RECEIVE:
            in_hand = True
    return clocks(happened, law, case.kind is CaseKind.CLUE)


async def running(session: AsyncSession, case: Case) -> Clock | None:
    """The clock that runs, or is stopped by an appraisal; None when no authority has to keep one."""
    if case.status not in OPEN or not any(event.action in SET_BY for event in case.events):
        return None
    law = await law_now(session)
    return next((clock for clock in of(case, law) if clock.done is None), None)
