"""The project's own files, as a reader of the repository sees them."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("bot/", "handlers/", "models/")
MADE = {".venv", ".git", ".hypothesis", "__pycache__", "node_modules", "data", "build"}


@cache
def files() -> tuple[str, ...]:
    """Paths from the root, with ``/``: what git tracks or would; without git, what lies there."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        found = {name for name in listing.stdout.split("\0") if name}
    else:
        found = {
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*")
            if not MADE.intersection(parts := path.relative_to(ROOT).parts)
            if not any(part.endswith(("_cache", ".egg-info")) for part in parts)
        }
    return tuple(sorted(name for name in found if (ROOT / name).is_file()))


def under(*prefixes: str, suffix: str = "") -> tuple[str, ...]:
    """The files whose path begins with one of the prefixes and ends with the suffix."""
    return tuple(name for name in files() if name.startswith(prefixes) and name.endswith(suffix))


@cache
def text(name: str) -> str | None:
    """A file's text; None when it is no text."""
    try:
        return (ROOT / name).read_text("utf-8")
    except UnicodeDecodeError:
        return None


def code(name: str) -> str:
    """The text of a Python file of ours."""
    return (ROOT / name).read_text("utf-8")


@cache
def parsed(source: str) -> ast.Module:
    """The tree of some code; many rules read the same files."""
    return ast.parse(source)


@cache
def nodes(root: ast.AST) -> tuple[ast.AST, ...]:
    """Everything in a tree."""
    return tuple(ast.walk(root))
