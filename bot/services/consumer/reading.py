"""What the rules read in a story, as lines for those who decide: nature and signs of fraud."""

from __future__ import annotations

from bot.texts.catalogue import Say, say
from models.case import Case


def reading(case: Case) -> tuple[Say, ...]:
    """A hint, never a finding: the officer judges."""
    decision = case.decision or {}
    parts = []
    if decision.get("nature"):
        parts.append(say("reading.nature", nature=say(f"nature.{decision['nature']}")))
    kinds = [say(f"fraud.{kind}") for kind in decision.get("kinds", ())]
    if decision.get("fraud"):
        parts.append(say("reading.fraud", kinds=kinds or [say("fraud.unnamed")]))
    return tuple(parts)
