"""The rules of the house that no linter knows: each with its reason, and with what it must catch.

A rule is one function over the tree of one file. To add one: write the function, add a row to
RULES with a bad and a good example. ``test_code.py`` runs every row over the project, and over
its own examples.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.house_rules.tree import nodes, parsed

Found = Iterator[tuple[ast.AST, str]]
"""The offending node (its line is shown) and what is wrong there."""

OURS = ("bot/", "handlers/", "models/")


@dataclass(frozen=True)
class Rule:
    """``within`` and ``exempt`` are beginnings of paths; every exemption says why beside it."""

    name: str
    reason: str
    check: Callable[[ast.Module], Found]
    within: tuple[str, ...]
    bad: tuple[str, ...]
    good: tuple[str, ...]
    exempt: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        return path.startswith(self.within) and not path.startswith(self.exempt)

    def breaches(self, path: str, source: str) -> list[str]:
        """One line for each breach: place, what, and why it matters."""
        if not self.covers(path):
            return []
        return [
            f"{path}:{getattr(node, 'lineno', 1)}: {what} ({self.reason})"
            for node, what in self.check(parsed(source))
        ]


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for names and attributes, the last name alone behind anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def ends(name: str, *endings: str) -> bool:
    """Whether a dotted name is one of the endings or finishes with it."""
    return any(name == ending or name.endswith(f".{ending}") for ending in endings)


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """Strings that stand alone as a statement: documentation, not data."""
    return {
        node.value
        for node in nodes(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def strings(tree: ast.AST) -> Iterator[tuple[ast.Constant, str]]:
    """Every string of the code, parts of f-strings included, documentation left out."""
    documentation = docstrings(tree)
    for node in nodes(tree):
        if node in documentation or not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str):
            yield node, node.value


def imports(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every imported name, dotted."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module or ''}.{alias.name}") for alias in node.names)


def async_commands(tree: ast.Module) -> Found:
    for node in nodes(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                made_by = decorator.func if isinstance(decorator, ast.Call) else decorator
                if ends(dotted(made_by), "command", "callback"):
                    yield node, f"{node.name} is an async command"


def unordered_handling(tree: ast.Module) -> Found:
    for node in nodes(tree):
        if isinstance(node, ast.keyword):
            if node.arg == "block" and getattr(node.value, "value", None) is False:
                yield node.value, "block=False"
            if node.arg == "concurrent_updates":
                yield node.value, "concurrent_updates"
        if isinstance(node, ast.Attribute) and node.attr in ("concurrent_updates", "job_queue"):
            yield node, node.attr


def foreign_state(tree: ast.Module) -> Found:
    for node, name in imports(tree):
        if ends(name, "ConversationHandler", "JobQueue"):
            yield node, name
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("ConversationHandler", "JobQueue"):
            yield node, node.attr


def loose_tasks(tree: ast.Module) -> Found:
    for node in nodes(tree):
        if isinstance(node, ast.Call) and ends(
            dotted(node.func), "create_task", "ensure_future", "run_coroutine_threadsafe"
        ):
            yield node, dotted(node.func)


CLOCKS = (
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
)


def own_clocks(tree: ast.Module) -> Found:
    for node in nodes(tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and ends(dotted(node), *CLOCKS):
            yield node, dotted(node)
    for node, name in imports(tree):
        if name in CLOCKS:
            yield node, f"import of {name}"


SQL_CLOCK = re.compile(
    r"\bnow\(\)|\bcurrent_timestamp\b|\bcurrent_date\b|\bclock_timestamp\(|"
    r"\b(?:date|time|datetime|julianday|strftime|unixepoch)\([^)]*'now'",
    re.IGNORECASE,
)


def sql_clocks(tree: ast.Module) -> Found:
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and ends(
            dotted(node),
            "func.now",
            "func.current_timestamp",
            "func.current_date",
            "func.localtimestamp",
            "func.clock_timestamp",
        ):
            yield node, dotted(node)
    for string, value in strings(tree):
        if SQL_CLOCK.search(value):
            yield string, "SQL that asks the database's clock"


def environment(tree: ast.Module) -> Found:
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and ends(
            dotted(node), "os.environ", "os.environb", "os.getenv", "os.putenv"
        ):
            yield node, dotted(node)
    for node, name in imports(tree):
        if name in ("os.environ", "os.environb", "os.getenv", "os.putenv"):
            yield node, name


CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


def spoken_chinese(tree: ast.Module) -> Found:
    for node, value in strings(tree):
        if CHINESE.search(value):
            yield node, f"Chinese in code: {value[:30]!r}"


def mocks(tree: ast.Module) -> Found:
    for node, name in imports(tree):
        if name.split(".")[0] in ("mock", "pytest_mock") or name.startswith("unittest.mock"):
            yield node, name
    for node in nodes(tree):
        if isinstance(node, ast.Call) and ends(dotted(node.func), "monkeypatch.setattr"):
            target = node.args[0] if node.args else None
            if isinstance(target, ast.Constant) and str(target.value).startswith(
                ("bot.", "handlers.", "models.")
            ):
                yield node, f"{target.value} is replaced"


def full_inits(tree: ast.Module) -> Found:
    yield from ((node, "code in an __init__.py") for node in tree.body)


RULES = (
    Rule(
        "commands are not async",
        "Typer runs nothing of an async command and exits 0",
        async_commands,
        within=OURS,
        bad=(
            "@app.command()\nasync def run(): ...",
            "@points.command('import')\nasync def read(): ...",
            "@app.callback\nasync def main(): ...",
        ),
        good=("@app.command()\ndef run(): asyncio.run(serve())", "async def command(): ..."),
    ),
    Rule(
        "updates of a chat are handled in order",
        "the intake keeps the order and the one transaction; these run outside of both",
        unordered_handling,
        within=OURS,
        bad=(
            "MessageHandler(f, g, block=False)",
            "Application.builder().concurrent_updates(True)",
            "Thing(concurrent_updates=8)",
            "context.job_queue.run_once(f, 5)",
        ),
        good=("MessageHandler(f, g)", "MessageHandler(f, g, block=True)"),
    ),
    Rule(
        "state and timers are rows",
        "these keep them in memory, where a restart loses them and a double tap files twice",
        foreign_state,
        within=OURS,
        bad=(
            "from telegram.ext import ConversationHandler",
            "import telegram.ext as e\nx = e.JobQueue()",
        ),
        good=("from telegram.ext import MessageHandler",),
    ),
    Rule(
        "handlers start no tasks",
        "a loose task runs after the commit with the session in hand; owe a row instead",
        loose_tasks,
        within=("handlers/",),
        bad=(
            "asyncio.create_task(f())",
            "context.application.create_task(f())",
            "asyncio.ensure_future(f())",
            "asyncio.get_running_loop().create_task(f())",
        ),
        good=("await f()",),
    ),
    Rule(
        "one clock",
        "time comes from the Clock port, so that tests and the sandbox can set it",
        own_clocks,
        within=OURS,
        exempt=(
            "bot/adapters/clock.py",  # it is the clock
            "models/base.py",  # a UUIDv7 wants the machine's milliseconds; nothing else reads them
            "bot/sandbox/",  # stands for another machine, with a clock of its own
        ),
        bad=(
            "import datetime\ndatetime.datetime.now()",
            "from datetime import datetime\nf(default=datetime.utcnow)",
            "from datetime import date\ndate.today()",
            "import time\ntime.time()",
            "from time import time",
        ),
        good=("clock.now()", "import time\ntime.monotonic()", "datetime(2026, 1, 1)"),
    ),
    Rule(
        "SQL asks no clock",
        "two clocks in one system disagree",
        sql_clocks,
        within=OURS,
        exempt=("bot/adapters/database.py",),  # asks the server's clock, for the Clock to be set by
        bad=(
            "from sqlalchemy import func\nselect(func.now())",
            "text('select * from inbox where run_at < CURRENT_TIMESTAMP')",
            "text(\"select datetime('now')\")",
            "Column(server_default=sa.func.current_timestamp())",
        ),
        good=("select(Inbox).where(Inbox.run_at <= clock.now())", '"""SQL never calls now()."""'),
    ),
    Rule(
        "one reader of the environment",
        "what can be set is seen in bot/settings.py and .env.example, and nowhere else",
        environment,
        within=OURS,
        exempt=("bot/settings.py",),
        bad=(
            "import os\nos.environ['BOT_TOKEN']",
            "import os\nos.getenv('X')",
            "from os import environ",
        ),
        good=("import os\nos.replace(a, b)",),
    ),
    Rule(
        "sentences are data",
        "texts live in bot/texts, where they are read together and translated",
        spoken_chinese,
        within=OURS,
        exempt=(
            "bot/facts/",  # recognises words and writes amounts and dates; says no sentence
            "bot/classify/",  # recognises words, says none
            "bot/interview/answers.py",  # recognises words, says none
            "bot/interview/asides.py",  # recognises words, says none
            "bot/sandbox/",  # another program, with a page of its own
        ),
        bad=("reply('您好')", "f'已登记 {number}'", "LABELS = {'yes': '是'}"),
        good=('"""The complainant (投诉人)."""', "glue = '、'", "x = 1  # 注意"),
    ),
    Rule(
        "no mocks of our own code",
        "a mock agrees with whatever we got wrong; use the real part, or a fake of a port",
        mocks,
        within=("tests/",),
        bad=(
            "from unittest.mock import Mock",
            "from unittest import mock",
            "import unittest.mock",
            "def test(monkeypatch):\n    monkeypatch.setattr('bot.settings.load', f)",
        ),
        good=("from unittest import TestCase", "monkeypatch.setenv('BOT_TOKEN', '')"),
    ),
)

EMPTY_INITS = Rule(
    "package files are empty",
    "a name is imported from the file that defines it, so that directions can be checked",
    full_inits,
    within=(*OURS, "tests/"),
    bad=("from bot.ports import Clock", '"""The ports."""'),
    good=("",),
)
