"""Everything the parsers find in one long message, to pre-fill the interview."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from bot.facts.common import Span, plain_of
from bot.facts.dates import When, read_dates
from bot.facts.dictionary import Cut
from bot.facts.money import Money, is_loss, read_money
from bot.facts.names import PlatformSpan, read_merchants, read_platforms
from bot.facts.orders import read_orders
from bot.facts.payment import Paid, read_payee_personal, read_payment
from bot.facts.phones import read_phones
from bot.facts.places import Gazetteer, PlaceMatch


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text says. ``merchants`` leaves out platforms, which stand in ``platforms``."""

    text: str
    today: date
    money: list[Money] = field(default_factory=list)
    dates: list[When] = field(default_factory=list)
    merchants: list[Span] = field(default_factory=list)
    platforms: list[PlatformSpan] = field(default_factory=list)
    phones: list[Span] = field(default_factory=list)
    orders: list[Span] = field(default_factory=list)
    payments: list[Paid] = field(default_factory=list)
    payee_personal: bool | None = None
    places: list[PlaceMatch] = field(default_factory=list)

    def best_amount(self) -> Money | None:
        """The loss or the price: of the amounts that the words call so, else of those that are not
        called a refund, a wage or the like, the largest; None if there is none."""
        weighed = [(is_loss(self.text, m), m.fen, -m.start, m) for m in self.money]
        usable = [w for w in weighed if w[0] >= 0 and w[1] > 0]
        return max(usable)[3] if usable else None

    def best_date(self) -> When | None:
        """When it happened: the first exact day not after today, else the narrowest stretch."""
        past = [w for w in self.dates if w.first <= self.today]
        return min(past, key=lambda w: (w.last - w.first, w.start), default=None)


def read_facts(
    text: str, today: date, gazetteer: Gazetteer | None = None, cut: Cut | None = None
) -> Facts:
    """Runs every parser over a text; places only with a gazetteer. Today is Shanghai's date.

    ``cut`` parts a clause into words, for names; by default the shared dictionary.
    """
    plain = plain_of(text)
    platforms = read_platforms(text, plain)
    known = {(p.start, p.end) for p in platforms}
    return Facts(
        text=text,
        today=today,
        money=read_money(text, plain),
        dates=read_dates(text, today, plain),
        merchants=[
            m for m in read_merchants(text, plain, platforms, cut) if (m.start, m.end) not in known
        ],
        platforms=platforms,
        phones=read_phones(text, plain),
        orders=read_orders(text, plain),
        payments=read_payment(text, plain),
        payee_personal=read_payee_personal(text, plain),
        places=gazetteer.find(text, plain=plain) if gazetteer else [],
    )
