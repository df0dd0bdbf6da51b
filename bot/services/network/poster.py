"""A point's poster (海报), its page of facts, and the invitation sheet of a street, as plain words.

Scanning a poster opens the bot at that point. The link may not open everywhere, so phone and address are
in print. Barracks (军营) have no poster.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Media, Poster, Vault
from bot.route.offer import hours_words
from bot.route.register import Desk
from bot.services import accounts
from bot.services.chain.hand_over import by_code
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.network import Organisation
from models.party import Account

START = "p_"
"""What a deep link's payload begins with; a point's code follows."""

ERRAND = "poster"


class NoPoster(Exception):
    """This desk has no poster; ``why`` says so in words."""

    def __init__(self, why: Say) -> None:
        super().__init__(why.key)
        self.why = why


def compose(tables: Tables, desk: Desk) -> Poster:
    """A point's poster. Raises NoPoster."""
    if desk.level != "point":
        raise NoPoster(say("poster.no_point", name=desk.name))
    if not desk.public:
        raise NoPoster(say("poster.barracks"))
    if not tables.bot_name:
        raise NoPoster(say("poster.no_bot"))

    def words(key: str, **args: Any) -> str:
        return tables.texts.plain(say(key, **args))

    hours = [tables.texts.plain(line) for line in hours_words(desk.hours)]
    street = tables.register.street_of(desk.code)
    return Poster(
        title=words("poster.title"),
        subtitle=words("poster.subtitle"),
        name=desk.name,
        link=tables.link(START + desk.code),
        scan=words("poster.scan"),
        facts=(
            (
                words("poster.address"),
                desk.address or (street.name if street else "") or words("poster.ask"),
            ),
            (words("poster.phone"), "；".join(desk.contacts) or words("poster.phone_none")),
            (words("poster.hours"), "；".join(hours) or words("poster.ask")),
        ),
        does=(words("poster.does"), words("poster.free")),
        foot=(words("poster.foot"), words("poster.code", code=desk.code)),
    )


def facts(desk: Desk) -> tuple[Say, ...]:
    """A point's card for a person who scanned its poster: what it is, where, when."""
    hours = hours_words(desk.hours)
    return (
        say("place.head", name=desk.name),
        say(
            "place.facts",
            address=desk.address or say("place.unknown"),
            phone=list(desk.contacts) or say("place.unknown"),
            hours=hours or say("place.unknown"),
        ),
    )


async def open_at(tables: Tables, account: Account, answer: Answer, code: str) -> bool:
    """Somebody scanned a poster: she sees the point, and her next case asks for it. False when it is
    none that may be shown."""
    desk = tables.register.get(code)
    if desk is None or desk.level != "point" or not desk.public:
        return False
    account.point_code = desk.code
    await answer(
        *facts(desk),
        say("place.prefers"),
        buttons=[
            [button("button.emergency", "go", value="emergency")],
            [button("button.complaint", "go", value="complaint")],
            [
                button("button.consult", "go", value="consult"),
                button("button.menu", "go", value="menu"),
            ],
        ],
    )
    return True


async def order(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, desk: Organisation
) -> Say | None:
    """A button of staff's: the poster is drawn outside the event loop and comes as a file."""
    if not await _may(session, tables, account, desk):
        return say("toast.not_yours_to_manage")
    known = tables.register.get(desk.code)
    try:
        if known is not None:
            compose(tables, known)
    except NoPoster as refused:
        await answer(refused.why)
        return None
    await owe_errand(
        session,
        ERRAND,
        {"account": account.address, "code": desk.code},
        now=tables.clock.now(),
        ordering=ERRAND,
    )
    return say("poster.coming")


async def _may(session: AsyncSession, tables: Tables, account: Account, desk: Organisation) -> bool:
    if await accounts.may_manage(session, tables, account, desk):
        return True
    return await accounts.may_act(session, tables, account, desk)


def drawer(tables: Tables, draw: Callable[[Poster], Awaitable[bytes]], vault: Vault) -> Errand:
    """The errand ``poster``; run twice it draws the same file under the same key.

    ``draw`` gives the PDF and raises RuntimeError when it cannot.
    """

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        desk = tables.register.get(str(payload["code"]))
        if desk is None:
            return None
        key = f"poster-{desk.code}"
        try:
            await vault.put(key, await draw(compose(tables, desk)))
            problem = ""
        except RuntimeError as error:
            problem = str(error)

        async def finish(session: AsyncSession) -> None:
            address = str(payload["account"])
            account = await accounts.by_address(session, address)
            place = await by_code(session, desk.code)
            if account is None or place is None or not await _may(session, tables, account, place):
                return
            if problem:
                await tell(session, tables, address, say("poster.failed", why=problem))
                return
            await tell(
                session,
                tables,
                address,
                say("poster.here", name=desk.name),
                media=[Media("document", "", key, f"{desk.code}.pdf")],
            )

        return finish

    return work
