"""最新投诉热点, for everybody: what is complained about most, by kind and by street, with the trend; names of
firms only where an officer released them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures import rules
from bot.figures.hot import Line, hot
from bot.ports import Press
from bot.services.sending import Answer, button, day_words
from bot.services.tables import Tables
from bot.services.warning import counting, release
from bot.texts.catalogue import Say, say

VERB = "lh"
NAMED = "named"


async def pressed(
    session: AsyncSession, tables: Tables, answer: Answer, press: Press
) -> Say | None:
    """The list of a period, or the firms that were made public."""
    if press.question == NAMED:
        await release.public_list(session, answer)
        return None
    rule = rules.load().hot
    days = int(press.value) if press.value in map(str, rule.days) else rule.days[0]
    until = counting.midnight(tables)
    since = until - timedelta(days=days)
    filed = await counting.filed(session, since - timedelta(days=days), until)
    found = hot(
        [case for at, case in filed if at >= since],
        [case for at, case in filed if at < since],
        rule,
    )
    names = await counting.streets(session)
    parts = [
        say("hot.kinds", lines=_lines(found.kinds, names)) if found.kinds else None,
        say("hot.streets", lines=_lines(found.streets, names)) if found.streets else None,
        say("hot.cells", lines=_lines(found.cells, names)) if found.cells else None,
    ]
    public = await release.count(session)
    others = [each for each in rule.days if each != days]
    await answer(
        say(
            "hot.head",
            days=days,
            since=day_words(since.date()),
            until=day_words((until - timedelta(days=1)).date()),
        ),
        *(parts if any(parts) else [say("hot.too_few", k=rule.k)]),
        say("hot.how", k=rule.k),
        buttons=[
            *(
                [button(say("hot.button.days", days=each), VERB, value=str(each))]
                for each in others
            ),
            *(
                [[button(say("hot.button.named", count=public), VERB, question=NAMED)]]
                if public
                else []
            ),
            [button("protect.button.cards", "lc"), button("protect.button.home", "l")],
        ],
    )
    return None


def _lines(lines: Iterable[Line], names: Mapping[str, str]) -> list[Say]:
    return [
        say(
            "hot.line",
            what=_what(line, names),
            people=line.people,
            trend=say(f"hot.trend_{line.trend}"),
        )
        for line in lines
    ]


def _what(line: Line, names: Mapping[str, str]) -> Say | str:
    if not line.street:
        return say(f"object.{line.object}")
    street = names.get(line.street, line.street)
    if not line.object:
        return street
    return say("hot.cell", object=say(f"object.{line.object}"), street=street)
