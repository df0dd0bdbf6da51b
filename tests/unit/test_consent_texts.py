"""The consent's text and its version belong together: whoever agreed knows to what."""

from __future__ import annotations

import hashlib

from bot.classify.taxonomy import codes, kinds
from bot.interview.questions import BY_KEY
from bot.law import policy, sensitive
from bot.texts.catalogue import load

TEXTS = (
    "consent.card",
    "sensitive.card",
    "sensitive.kind.finance",
    "sensitive.kind.health",
    "review.receives",
)


def digest() -> str:
    joined = "\0".join(load().raw(key) for key in TEXTS)
    return hashlib.sha256(joined.encode()).hexdigest()[:16]


def test_no_word_of_the_consent_changes_under_the_same_version() -> None:
    kept = policy.load()
    assert kept.consent_digest == digest(), (
        f"the text changed: give it a new consent_version and consent_digest = {digest()!r}"
    )


def test_the_card_promises_the_periods_that_the_policy_keeps() -> None:
    raw = load().raw("consent.card")
    assert "{years}" in raw
    assert "{days}" in raw
    assert policy.load().keep_closed_days % 365 == 0, "the card tells whole years"


def test_what_is_sensitive_is_named_by_codes_that_exist() -> None:
    groups = {kind.group for kind in kinds().values()}
    for kind in sensitive.kinds():
        assert kind.groups <= groups
        assert kind.objects <= set(codes())
        assert kind.yes <= set(BY_KEY)
        assert set(kind.answers) <= set(BY_KEY)
        assert f"sensitive.kind.{kind.name}" in load()


def test_what_a_matter_brings_up() -> None:
    def names(code: str, group: str, fraud: bool = False, harm: str = "no") -> list[str]:
        return [k.name for k in sensitive.found(code, group, fraud, {"harm": {"v": harm}})]

    assert names("apparel", "goods") == []
    assert names("fund", "finance") == ["finance"]
    assert names("apparel", "goods", fraud=True) == ["finance"]
    assert names("medical_beauty", "services") == ["health"]
    assert names("food", "goods", harm="yes") == ["health"]
