"""Locate a typed address (定位) that the register's own words did not know: an errand asks a geocoder,
and a case that nobody has taken goes on to where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Geocoder
from bot.services.chain import hand_over
from bot.services.consumer.choose_point import UNTAKEN
from bot.services.consumer.drafts import by_token
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.sending import button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case
from models.party import Account

ERRAND = "locate"


async def owe(session: AsyncSession, tables: Tables, case: Case) -> None:
    """Owe the errand, if a geocoder is set and an address is all that is known of the place."""
    text = _unplaced(case)
    if tables.geocodes and text and case.status in UNTAKEN:
        await owe_errand(
            session,
            ERRAND,
            {"case": case.token, "text": text},
            now=tables.clock.now(),
            key=f"{ERRAND}:{case.token}",
        )


def locator(tables: Tables, geocoder: Geocoder | None) -> Errand:
    """The errand ``locate``; run twice it changes nothing the second time."""

    async def locate(payload: Mapping[str, Any]) -> Finish | None:
        text = str(payload["text"])
        found = await geocoder.find(text) if geocoder is not None else None
        if found is None:
            return None
        lat, lon = found

        async def finish(session: AsyncSession) -> None:
            case = await by_token(session, str(payload["case"]))
            if case is None or case.status not in UNTAKEN or _unplaced(case) != text:
                return
            answers = dict(case.answers or {})
            place = {**answers["where"]["v"], "lat": lat, "lon": lon}
            case.answers = {**answers, "where": {**answers["where"], "v": place}}
            owner = await session.get_one(Account, case.account_id)
            route, desk = await hand_over.again(session, tables, case, owner)
            if desk is not None:
                await tell(
                    session,
                    tables,
                    owner.address,
                    say("told.located", number=case.number or "", text=text, desk=desk.name),
                    say("file.reasons", reasons=list(route.because)),
                    case=case,
                    buttons=[[button("button.progress", "tp", case)]],
                )

        return finish

    return locate


def _unplaced(case: Case) -> str:
    """The words of an address of which neither street nor pin is known; "" otherwise."""
    place = (case.answers or {}).get("where", {}).get("v") or {}
    if place.get("mode") != "address" or place.get("lat") is not None:
        return ""
    return "" if place.get("street") or place.get("committee") else str(place.get("text") or "")
