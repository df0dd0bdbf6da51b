"""What the threat model says is shown by a test is shown by one that exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.attack.rights import ROOT

TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


ASVS = (
    *("1.2.10", "1.3.6", "2.1.3", "2.3.2", "2.3.3", "2.3.4", "2.3.5", "2.4.1", "5.1.1", "5.2.1"),
    *("5.2.2", "5.2.6", "5.3.2", "5.4.3", "6.5.1", "6.5.3", "6.5.4", "6.5.5", "8.2.2", "8.3.1"),
    *("11.3.2", "11.3.3", "14.1.2", "14.2.4", "14.2.7", "14.2.8", "15.4.2", "16.2.5", "16.3.2"),
    *("16.3.3", "16.4.1", "16.4.2", "16.4.3"),
)
"""The ids of OWASP ASVS 5.0 that are claimed, or said not to be."""


def test_every_id_stands_in_the_list_once_and_in_order() -> None:
    assert tuple(re.findall(r"^\| (\d+\.\d+\.\d+) \|", TEXT, re.M)) == ASVS


def test_every_row_names_a_test_or_says_that_it_is_not_claimed() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and " --- " not in line]
    bare = [row for row in rows if "::" not in row and "not claimed" not in row]
    assert [row.split("|")[1].strip() for row in bare] == ["threat", "id"], "only the headings"


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    defined = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    } | {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert name in defined
