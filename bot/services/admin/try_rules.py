"""Try a text on the rules (试分类): what they make of it, and why; nothing of it is kept."""

from __future__ import annotations

from bot.classify.engine import PRECEDENTS, Decision, Match
from bot.ports import Button, Incoming
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.party import Account

VERB = "mr"
MATCHES = 12
"""Fired rules shown, the heaviest first."""

CODE_TEXTS = {
    "sign": "try.code.sign",
    "doubt": "try.code.doubt",
    "just_now": "try.code.just_now",
}
"""Codes that speak for no kind of their own, and so have no name that a person is told."""

ASK_TEXTS = {
    "near": "try.asks.near",
    "after": "try.asks.after",
    "before": "try.asks.before",
    "all": "try.asks.all",
    "not": "try.asks.not",
    "not_near": "try.asks.not_near",
    "helped_by": "try.asks.helped_by",
    "given": "try.asks.given",
    PRECEDENTS: "try.asks.precedents",
}
"""What a rule may ask for beside its words."""


async def begin(account: Account, answer: Answer) -> None:
    """Ask for a text; until 完成 every text is tried."""
    account.awaiting = {"verb": VERB}
    await answer(say("try.ask"), buttons=[[_done()]])


async def pressed(account: Account, answer: Answer) -> None:
    """完成: leave."""
    account.awaiting = None
    await answer(say("try.done"), buttons=[[button("admin.button.menu", "m", value="menu")]])


async def typed(tables: Tables, heard: Incoming, account: Account, answer: Answer) -> None:
    """One text, as a card."""
    text = heard.text.strip()
    if text == tables.texts.raw("try.button.done"):
        await pressed(account, answer)
        return
    if not text:
        await answer(say("try.only_text"), buttons=[[_done()]])
        return
    decision = tables.classifier.classify(text)
    await answer(
        *_decided(decision), _matches(tables, tables.classifier.explain(text)), buttons=[[_done()]]
    )


def _decided(decision: Decision) -> tuple[Say | None, ...]:
    first, *others = decision.candidates
    return (
        say(
            "try.object",
            name=say(f"object.{first.code}"),
            share=_percent(first.score),
            margin=_percent(decision.margin),
        ),
        say(
            "try.others",
            lines=[
                say("try.other", name=say(f"object.{other.code}"), share=_percent(other.score))
                for other in others
            ],
        )
        if others
        else None,
        say("try.will_ask") if decision.ask else say("try.will_not_ask"),
        say(
            "try.axes",
            nature=say(f"nature.{decision.nature}"),
            channel=say(f"channel.{decision.channel}"),
        ),
        say(
            "try.fraud",
            kinds=[say(f"fraud.{kind}") for kind in decision.fraud_kinds],
            words=list(decision.fraud_because),
        )
        if decision.fraud
        else say("try.no_fraud"),
        say("try.just_now") if decision.just_now else None,
        say("try.danger", kind=say(f"danger.{decision.danger}"))
        if decision.danger
        else say("try.no_danger"),
        say("try.version", version=decision.version),
    )


def _matches(tables: Tables, matches: tuple[Match, ...]) -> Say:
    if not matches:
        return say("try.no_words")
    lines = [
        say(
            "try.word",
            weight=f"{match.weight:+.1f}",
            name=_name(tables, match),
            words=list(match.words),
            why=_why(match),
        )
        for match in matches[:MATCHES]
    ]
    more = len(matches) - len(lines)
    return say("try.words", lines=[*lines, say("try.more", count=more)] if more else lines)


def _why(match: Match) -> list[Say | str]:
    """In Chinese: the reason that an admin gave, else what the rule asks for beside its words."""
    if sum(map(str.isascii, match.note)) * 2 < len(match.note):
        return [match.note]
    return [say(ASK_TEXTS[part]) for part in match.asks] or [say("try.asks.nothing")]


def _name(tables: Tables, match: Match) -> Say | str:
    """What a rule speaks for."""
    key = CODE_TEXTS.get(match.code, f"{match.axis}.{match.code}")
    return say(key) if key in tables.texts else match.code


def _percent(share: float) -> int:
    return round(share * 100)


def _done() -> Button:
    return button("try.button.done", VERB)
