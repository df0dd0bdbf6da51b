"""What somebody with cases in hand typed though no button asked for it: for whom is it?"""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming
from bot.services.sending import Answer, button
from bot.services.staff import notes, relay
from bot.texts.catalogue import say
from models.case import Case
from models.lifecycle import TAKEN
from models.party import Account

OFFERED = 5
"""Cases that such a line may be meant for."""

_HELD = (
    select(Case)
    .where(Case.taker_id == bindparam("account"), Case.status.in_(TAKEN))
    .order_by(Case.touched_at.desc())
    .limit(OFFERED)
)


async def ask(session: AsyncSession, heard: Incoming, account: Account, answer: Answer) -> bool:
    """A line of somebody who has cases in hand, meant for no button: which case, or a matter of her own?

    Nothing is sent to anybody before she says so. Returns whether that was asked.
    """
    cases = list(await session.scalars(_HELD, {"account": account.id}))
    if not cases or heard.edited:
        return False
    if not heard.text:
        await answer(
            say("relay.outside_file"),
            buttons=[
                *(
                    [
                        button(
                            say("relay.button.with", number=case.number or ""),
                            relay.STAFF_VERB,
                            case,
                        )
                    ]
                    for case in cases
                ),
                [button("relay.button.own", "go", value="complaint")],
            ],
        )
        return True
    before = account.awaiting or {}
    text = f"{before['text']}\n{heard.text}" if before.get("verb") == "use" else heard.text
    account.awaiting = {"verb": "use", "text": text}
    await answer(
        say("relay.outside"),
        buttons=[
            *(
                [
                    button(
                        say("relay.button.send", number=case.number or ""),
                        relay.STAFF_VERB,
                        case,
                        "this",
                    )
                ]
                for case in cases
            ),
            *(
                [
                    button(
                        say("relay.button.note", number=case.number or ""), notes.VERB, case, "this"
                    )
                ]
                for case in cases[:1]
            ),
            [button("relay.button.own", "use", value="new")],
        ],
    )
    return True
