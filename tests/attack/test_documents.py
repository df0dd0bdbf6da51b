"""What the threat model says is shown by a test is shown by one that exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.attack.rights import ROOT

TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


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
