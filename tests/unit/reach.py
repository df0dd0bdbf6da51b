"""Which services a person comes to, read from the code: menus and commands lead to functions, whose buttons lead on.

A function is a node. A reference to it stands under guards: the verbs, values and commands that are compared
before it. It counts once its caller is reached and one of those has been offered by a menu, a button or a card.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType

from bot import app, services
from bot.services import menus
from tests.attack.rights import ROOT

Guard = frozenset[str]
"""One of these must have been offered; empty: nothing is asked. ``m*`` is any verb that begins so."""

TIMED = ("fires", "_thinking", "_kept", "_printing", "_work", "sweep")
"""What of the composition root makes services act by themselves."""


@dataclass
class Node:
    """A function: the buttons it makes, the functions it may call, and whether it answers somebody."""

    answers: bool = False
    offers: set[str] = field(default_factory=set)
    leads: list[tuple[tuple[Guard, ...], str]] = field(default_factory=list)


@cache
def graph() -> Mapping[str, Node]:
    """All functions of the services as ``room.module:function``."""
    nodes: dict[str, Node] = {}
    for path in sorted((ROOT / "bot" / "services").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        nodes |= read(import_module(name), path.read_text("utf-8"))
    return nodes


def read(module: ModuleType, source: str) -> dict[str, Node]:
    """The functions of one module; what stands outside of them is offered by each."""
    tree = ast.parse(source)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    outside = {offer for n in tree.body if n not in functions for offer in _offers(n, module)}
    nodes = {}
    for function in functions:
        node = Node(answers=any(each.arg == "answer" for each in function.args.args))
        node.offers = outside | set(_offers(function, module))
        for part in function.body:
            node.leads += _leads(part, module, ())
        nodes[_key(module.__name__, function.name)] = node
    return nodes


def reached(nodes: Mapping[str, Node], shown: Collection[str], may: Collection[str]) -> set[str]:
    """The nodes that somebody comes to who begins with the tokens ``shown`` and may press verbs that begin with
    ``may``; what acts by itself counts too."""
    tokens, found = set(shown), set(acting_alone())
    todo = [_key(services.__name__ + ".hear", "hear"), *found]
    found.update(todo)
    while todo:
        for key in todo:
            tokens |= {t for t in nodes[key].offers if t[0] in may} if key in nodes else set()
        todo = [
            to
            for key in found
            if key in nodes
            for guards, to in nodes[key].leads
            if to not in found and all(_open(guard, tokens) for guard in guards)
        ]
        found.update(todo)
    return found


def beginning(menu_names: Collection[str], scopes: Collection[str]) -> set[str]:
    """The tokens of these menus and commands."""
    shown = {f"/{name}" for scope in scopes for name in menus.COMMANDS[scope]}
    for menu in menu_names:
        for item in (item for row in menus.MENUS[menu] for item in row):
            shown |= {item.verb, f"{item.verb}={item.value}"}
    return shown


@cache
def acting_alone() -> frozenset[str]:
    """What timers and errands begin."""
    tree = ast.parse((ROOT / "bot" / "app.py").read_text("utf-8"))
    return frozenset(
        to
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in TIMED
        for _, to in _leads(node, app, ())
    )


def _open(guard: Guard, tokens: Collection[str]) -> bool:
    return not guard or any(
        any(t.startswith(want[:-1]) for t in tokens) if want.endswith("*") else want in tokens
        for want in guard
    )


def _key(module: str, function: str) -> str:
    return f"{module.removeprefix(services.__name__ + '.')}:{function}"


def _offers(node: ast.AST, module: ModuleType) -> Iterator[str]:
    for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
        named = call.func.id if isinstance(call.func, ast.Name) else ""
        place = {"button": 1, "Press": 0}.get(named)
        if place is None or len(call.args) <= place:
            continue
        verb = value_of(call.args[place], module)
        given = [k.value for k in call.keywords if k.arg == "value"] or call.args[place + 3 :]
        if isinstance(verb, str) and verb:
            yield verb
            if given and isinstance(value := value_of(given[0], module), str):
                yield f"{verb}={value}"


def _leads(
    node: ast.AST, module: ModuleType, guards: tuple[Guard, ...]
) -> Iterator[tuple[tuple[Guard, ...], str]]:
    """Every function that is named below the node, with what is asked before it."""
    if isinstance(node, ast.If | ast.IfExp):
        asked = _asked(node.test, module)
        yield from _leads(node.test, module, guards)
        inner = node.body if isinstance(node.body, list) else [node.body]
        for part in inner:
            yield from _leads(part, module, (*guards, asked) if asked else guards)
        outer = node.orelse if isinstance(node.orelse, list) else [node.orelse]
        for part in outer:
            yield from _leads(part, module, guards)
    elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for part in node.values:
            yield from _leads(part, module, guards)
            asked = _asked(part, module)
            guards = (*guards, asked) if asked else guards
    elif isinstance(node, ast.Match):
        for case in node.cases:
            wanted = [n.value for n in ast.walk(case.pattern) if isinstance(n, ast.MatchValue)]
            asked = _tokens(node.subject, [value_of(each, module) for each in wanted], module)
            for part in case.body:
                yield from _leads(part, module, (*guards, asked) if asked else guards)
    elif isinstance(node, ast.Name | ast.Attribute):
        meant = value_of(node, module)
        if isinstance(meant, FunctionType) and meant.__module__.startswith(services.__name__):
            # A line is awaited because a button asked for it: by itself it leads nowhere.
            if not meant.__name__.endswith("typed"):
                yield guards, _key(meant.__module__, meant.__name__)
        elif isinstance(meant, Mapping):
            for verb, to in meant.items():
                if isinstance(to, FunctionType) and isinstance(verb, str):
                    yield (*guards, frozenset({verb})), _key(to.__module__, to.__name__)
    else:
        for part in ast.iter_child_nodes(node):
            yield from _leads(part, module, guards)


def _asked(test: ast.AST, module: ModuleType) -> Guard:
    """The tokens of which a condition wants one."""
    for node in ast.walk(test):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In):
            right = node.comparators[0]
            values = right.elts if isinstance(right, ast.Set | ast.Tuple) else [right]
            if asked := _tokens(node.left, [value_of(v, module) for v in values], module):
                return asked
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "startswith"
            and _said(node.func.value) == "verb"
        ):
            return frozenset({f"{value_of(node.args[0], module)}*"})
    return frozenset()


def _tokens(subject: ast.AST, values: Collection[object], module: ModuleType) -> Guard:
    flat = {
        str(each)
        for value in values
        for each in (value if isinstance(value, tuple | frozenset | set) else (value,))
        if isinstance(each, str)
    }
    match _said(subject):
        case "verb":
            return frozenset(flat)
        case "command":
            return frozenset(f"/{each}" for each in flat)
        case "value" if getattr(module, "VERB", "") == "m":
            return frozenset(f"m={each}" for each in flat)
    return frozenset()


def _said(node: ast.AST) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


def value_of(node: ast.AST, module: ModuleType) -> object:
    """What a constant, a name or a dotted name means in the module; None when it is a variable."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return getattr(module, node.id, None)
    if isinstance(node, ast.Attribute):
        return inspect.getattr_static(value_of(node.value, module), node.attr, None)
    return None
