"""Which texts the code asks for, read from the code itself."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.house_rules.rules import dotted, ends, strings
from tests.house_rules.tree import nodes, parsed


@dataclass(frozen=True)
class Call:
    """A ``say("key", ...)`` in the code; with ``dynamic`` the key is only its beginning.

    ``args`` is None when they cannot be read from the code (``**args``, or a variable).
    """

    where: str
    key: str
    dynamic: bool
    args: frozenset[str] | None


def calls(path: str, source: str) -> Iterator[Call]:
    """Every ``Say(...)`` and ``say(...)`` whose key is written there, whole or in part."""
    for node in nodes(parsed(source)):
        if not (isinstance(node, ast.Call) and ends(dotted(node.func), "Say", "say")):
            continue
        keyword = next((k.value for k in node.keywords if k.arg == "key"), None)
        key = node.args[0] if node.args else keyword
        for branch in _branches(key):
            where = f"{path}:{node.lineno}"
            if isinstance(branch, ast.Constant) and isinstance(branch.value, str):
                yield Call(where, branch.value, False, _args(node))
            elif isinstance(branch, ast.JoinedStr):
                yield Call(where, _beginning(branch), True, _args(node))


def _branches(node: ast.expr | None) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from _branches(node.body)
        yield from _branches(node.orelse)
    elif node is not None:
        yield node


def _beginning(node: ast.JoinedStr) -> str:
    first = node.values[0] if node.values else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _args(node: ast.Call) -> frozenset[str] | None:
    if dotted(node.func).split(".")[-1] == "say":
        names = [k.arg for k in node.keywords]
        return None if None in names else frozenset(n for n in names if n is not None)
    given = node.args[1] if len(node.args) > 1 else None
    given = next((k.value for k in node.keywords if k.arg == "args"), given)
    if given is None:
        return frozenset()
    if isinstance(given, ast.Dict) and all(isinstance(k, ast.Constant) for k in given.keys):
        return frozenset(str(k.value) for k in given.keys if isinstance(k, ast.Constant))
    return None


@cache
def literals(source: str) -> frozenset[str]:
    """Every whole string of the code, for keys that are kept in tables."""
    return frozenset(value for _, value in strings(parsed(source)))


@cache
def beginnings(source: str) -> frozenset[str]:
    """What every f-string of the code begins with."""
    return frozenset(
        _beginning(node) for node in nodes(parsed(source)) if isinstance(node, ast.JoinedStr)
    )


def values(toml: str) -> frozenset[str]:
    """Every string of a data file, for keys that are named there."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            for item in value.values():
                yield from walk(item)
        elif isinstance(value, list):
            for item in value:
                yield from walk(item)

    return frozenset(walk(tomllib.loads(toml)))


def fields(text: str) -> frozenset[str]:
    """The arguments that a text wants. Raises ValueError when its braces do not match."""
    return frozenset(
        re.split(r"[.\[]", name, maxsplit=1)[0]
        for _, name, _, _ in string.Formatter().parse(text)
        if name is not None
    )
