"""Our code keeps the rules of the house, and each rule catches what it is there to catch."""

from __future__ import annotations

import pytest

from tests.house_rules import tree
from tests.house_rules.rules import EMPTY_INITS, RULES, Rule

# In one process, which reads every file once for all rules.
pytestmark = pytest.mark.xdist_group("house rules")

ALL = (*RULES, EMPTY_INITS)
BAD = [
    pytest.param(rule, source, id=f"{rule.name}: {source}") for rule in ALL for source in rule.bad
]
GOOD = [
    pytest.param(rule, source, id=f"{rule.name}: {source}") for rule in ALL for source in rule.good
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_our_code_keeps_the_rule(rule: Rule) -> None:
    breaches = [
        line
        for name in tree.under(*rule.within, suffix=".py")
        for line in rule.breaches(name, tree.code(name))
    ]
    assert not breaches, "\n".join(breaches)


def test_package_files_are_empty() -> None:
    inits = [name for name in tree.files() if name.endswith("__init__.py")]
    breaches = [line for name in inits for line in EMPTY_INITS.breaches(name, tree.code(name))]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(("rule", "source"), BAD)
def test_a_rule_catches_its_bad_examples(rule: Rule, source: str) -> None:
    breaches = rule.breaches(f"{rule.within[0]}example.py", source)
    assert breaches
    assert rule.reason in breaches[0]


@pytest.mark.parametrize(("rule", "source"), GOOD)
def test_a_rule_leaves_good_examples_alone(rule: Rule, source: str) -> None:
    assert not rule.breaches(f"{rule.within[0]}example.py", source)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_an_exemption_is_of_something_that_exists(rule: Rule) -> None:
    stale = [path for path in rule.exempt if not tree.under(path)]
    assert not stale, f"exempt, but there is no such file any more: {stale}"
