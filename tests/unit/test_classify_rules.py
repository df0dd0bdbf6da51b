"""Every rule file keeps its own examples, and they come out as the file says."""

import pytest

from bot.classify import rules as rulebook
from bot.classify import taxonomy
from bot.classify.engine import Classifier, Decision
from bot.texts import catalogue

BOOK = rulebook.load()


def answer(decision: Decision, axis: str) -> tuple[str, ...]:
    return {
        "object": (decision.object,),
        "nature": (decision.nature,),
        "channel": (decision.channel,),
        "fraud": ("sign", *decision.fraud_kinds) if decision.fraud else ("doubt",),
        "danger": (decision.danger,),
        "hint": ("just_now",) if decision.just_now else (),
    }[axis]


@pytest.mark.parametrize("name", list(BOOK.tests))
def test_examples_of_a_rule_file(name: str) -> None:
    classifier = Classifier.load()
    wrong = [
        (rule.code, text, found)
        for rule, text in BOOK.tests[name]
        if rule.code not in (found := answer(classifier.classify(text), rule.axis))
    ]
    assert BOOK.tests[name], "a rule file without examples is not tested"
    assert not wrong


def test_every_object_code_but_the_fallback_has_rules_and_examples() -> None:
    ruled = {rule.code for rule in BOOK.rules if rule.axis == "object"}
    tested = {rule.code for rule in BOOK.rules if rule.axis == "object" and rule.tests}
    # hard_case is what staff choose when nothing fits: no words speak for it
    assert set(taxonomy.codes()) - ruled == {"hard_case"}
    assert tested == ruled


def test_every_code_has_a_name_for_people() -> None:
    texts = catalogue.load()
    spoken = {"sign", "doubt"}
    keys = {f"object.{code}" for code in taxonomy.codes()}
    keys |= {f"nature.{code}" for code in taxonomy.NATURES}
    keys |= {f"channel.{code}" for code in taxonomy.CHANNELS}
    keys |= {f"{r.axis}.{r.code}" for r in BOOK.rules if r.axis in ("fraud", "danger")} - {
        f"fraud.{code}" for code in spoken
    }
    assert keys | {"fraud.unnamed"} <= texts.keys()


def test_codes_of_the_later_axes_are_known() -> None:
    assert {r.code for r in BOOK.rules if r.axis == "nature"} == set(taxonomy.NATURES)
    assert {r.code for r in BOOK.rules if r.axis == "channel"} == set(taxonomy.CHANNELS) - {
        "unknown"
    }
    assert set(BOOK.lexicon["nature_of"]) == set(taxonomy.codes())
    kin = {c for codes in BOOK.lexicon["kin"].values() for c in codes.split()}
    assert kin <= set(taxonomy.codes())


RULE = {"axis": "object", "code": "food", "rule": [{"any": "面包", "weight": 3}]}
LEXICON = {"class": {}, "spelling": {}}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"any": "面包", "weight": 3, "whenever": "x"}, "unknown fields"),
        ({"any": "", "weight": 3}, "needed"),
        ({"any": "面包"}, "needed"),
        ({"any": "@nobody", "weight": 3}, "no class @nobody"),
        ({"any": "面包", "weight": 3, "code": "bread"}, "no object code bread"),
        ({"any": "面包", "weight": 3, "near": "发霉"}, "near is a list of groups"),
    ],
)
def test_a_wrong_rule_is_told_by_file_and_place(rule: dict[str, object], told: str) -> None:
    tables = {"lexicon.toml": LEXICON, "goods.toml": {**RULE, "rule": [rule]}}
    with pytest.raises(rulebook.BadRule, match=rf"goods\.toml rule 1: .*{told}"):
        rulebook.build(tables, "v")


def test_version_follows_the_rules() -> None:
    assert Classifier.load().classify("面包").version == BOOK.version
    assert len(BOOK.version) == 12
