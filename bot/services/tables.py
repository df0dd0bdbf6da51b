"""What every use case may look up: rules, texts, registers, settings. Read-only, made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bot.facts.places import Gazetteer
from bot.law.book import LawBook
from bot.law.policy import Policy
from bot.ports import Clock
from bot.route.register import Register
from bot.services.admin.live_classifier import LiveClassifier
from bot.services.admin.live_policy import LivePolicy
from bot.services.network.load_register import LiveRegister
from bot.texts.catalogue import Catalogue

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Tables:
    """``demo`` is true in the sandbox and the terminal: points are staffed on demand there.

    ``bot_name`` is the bot's username, for deep links; ``admin_ids`` are addresses that are admins
    from the start; ``geocodes`` says that a geocoder may be asked; ``basis`` is the operator's ground for sending data abroad (PIPL art. 38);
    ``robots`` are the group robots of the operator's file, each with its vendor;
    ``sends_per_second`` the channel's budget, from which a notice's end is foretold.
    """

    clock: Clock
    texts: Catalogue
    classifier: LiveClassifier
    network: LiveRegister
    law: LawBook
    limits: LivePolicy
    demo: bool
    bot_name: str = ""
    operator: str = ""
    basis: str = ""
    sends_per_second: float = 29
    admins: frozenset[str] = frozenset()
    geocodes: bool = False
    robots: Mapping[str, str] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        """Durations, promises and limits as they stand now."""
        return self.limits.policy

    @property
    def register(self) -> Register:
        """The network as it stands now."""
        return self.network.register

    @property
    def gazetteer(self) -> Gazetteer:
        """Its streets and committees, to be found in a text."""
        return self.network.gazetteer

    def link(self, payload: str) -> str:
        """A deep link that opens the private talk and hands over ``payload`` ([A-Za-z0-9_-], ≤ 64)."""
        return f"https://t.me/{self.bot_name}?start={payload}"

    def group_link(self, payload: str) -> str:
        """A deep link that adds the bot to a group of the opener's choice."""
        return f"https://t.me/{self.bot_name}?startgroup={payload}"
