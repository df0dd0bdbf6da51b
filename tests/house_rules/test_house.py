"""Two truths that must agree get a test: what is installed and why, what is documented and is."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house_rules import tree

PROJECT = tomllib.loads(tree.code("pyproject.toml"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [
    Requirement(line) for group in PROJECT["optional-dependencies"].values() for line in group
]
DIRECT = {canonicalize_name(requirement.name) for requirement in (*RUNTIME, *EXTRAS)}

# Installed, needed, and named by no import of ours.
NOT_IMPORTED = {
    "aiosqlite": "the driver that a SQLite address names",
    "python-multipart": "starlette reads uploaded files with it",
    "sniffio": "httpx's transport looks for it, at every lock",
    "tzdata": "zoneinfo reads it where the system has no time zones",
}

DOCUMENTS = tree.under("", suffix=".md")


# -- dependencies -----------------------------------------------------------------------------


def test_every_dependency_is_explained_and_nothing_else_is() -> None:
    table = re.findall(r"^\| *`([A-Za-z0-9._-]+)`", tree.code("docs/dependencies.md"), re.MULTILINE)
    explained = {canonicalize_name(name) for name in table}
    assert sorted(DIRECT - explained) == [], "say in docs/dependencies.md why we need it"
    assert sorted(explained - DIRECT) == [], "explained, but not a dependency any more"


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    lines = tree.code("constraints.txt").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    loose = [str(pin) for pin in pins if [s.operator for s in pin.specifier] != ["=="] or pin.url]
    assert not loose, f"not an exact version: {loose}"
    version = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}
    wrong = [
        str(requirement)
        for requirement in (*RUNTIME, *EXTRAS)
        if not requirement.specifier.contains(
            version.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]
    assert not wrong, f"constraints.txt lacks it or holds another version: {wrong}"


def imported(names: tuple[str, ...]) -> set[str]:
    """The packages of others that these files import, by their names on the package index."""
    tops: set[str] = set()
    for name in names:
        for node in tree.nodes(tree.parsed(tree.code(name))):
            if isinstance(node, ast.Import):
                tops.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                tops.add(node.module.split(".")[0])
    owners = packages_distributions()
    foreign = tops - sys.stdlib_module_names - {"bot", "handlers", "models", "tests"}
    return {canonicalize_name(owner) for top in foreign for owner in set(owners.get(top, [top]))}


OUR_CODE = tree.under("bot/", "handlers/", "models/", suffix=".py")


def test_every_import_is_a_declared_dependency() -> None:
    undeclared = imported(OUR_CODE) - DIRECT
    assert not undeclared, f"imported, but only there because something else needs it: {undeclared}"


def test_every_runtime_dependency_is_used() -> None:
    declared = {canonicalize_name(requirement.name) for requirement in RUNTIME}
    assert sorted(declared - imported(OUR_CODE) - set(NOT_IMPORTED)) == []


# -- documents --------------------------------------------------------------------------------

TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?!=)", tree.code("Makefile"), re.MULTILINE))
FOR_DEVELOPERS = {"help", "format", "clean"}


def test_every_make_target_is_documented() -> None:
    readme, contributing = tree.code("README.md"), tree.code("CONTRIBUTING.md")
    assert [t for t in sorted(TARGETS - FOR_DEVELOPERS) if f"make {t}" not in readme] == []
    assert [t for t in sorted(TARGETS - {"help"}) if f"make {t}" not in contributing] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_that_a_document_names_exists(name: str) -> None:
    named = set(re.findall(r"`(?:\$ )?make ([a-z][a-z-]*)", tree.code(name)))
    named.update(re.findall(r"^ *(?:\$ )?make ([a-z][a-z-]*)", tree.code(name), re.MULTILINE))
    assert named <= TARGETS, f"{name} names targets that do not exist: {named - TARGETS}"


def test_every_make_target_has_a_line_in_make_help() -> None:
    told = set(re.findall(r"^([a-z-]+):.*## ", tree.code("Makefile"), re.MULTILINE))
    assert told == TARGETS


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_links_of_a_document_lead_somewhere(name: str) -> None:
    prose = re.sub(r"^```.*?^```", "", tree.code(name), flags=re.MULTILINE | re.DOTALL)
    here = (tree.ROOT / name).parent
    dead = [
        link
        for link in re.findall(r"\]\(([^)\s]+)[^)]*\)", prose)
        if not re.match(r"[a-z]+:|#", link) and not (here / link.split("#")[0]).exists()
    ]
    assert not dead, f"{name} links to nothing: {dead}"


# -- what must not be in a repository ---------------------------------------------------------

# Each with an example made up here, in pieces where it would be found in this very file.
UNWANTED = {
    "a bot token": (r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b", "123456789:" + "A" * 35),
    "a private key": (r"-----BEGIN [A-Z ]*PRIVATE KEY", "-----BEGIN " + "PRIVATE KEY-----"),
    "a cloud key": (r"\b(?:AKIA|LTAI)[A-Za-z0-9]{12,}", "AKIA" + "B" * 16),
    "a web hook's key": (
        r"(?:access_token|webhook/send\?key)=[0-9a-f-]{32,}",
        "access_token=" + "0" * 64,
    ),
    "a password in an address": (
        r"\b(?:postgres(?:ql)?|https?)(?:\+\w+)?://[^\s:/@{<]+:(?!password@|secret@)[^\s/@{<*]{8,}@",
        "postgresql://suda:" + "correct-horse@db.example/suda",
    ),
    "a path of somebody's machine": (
        r"(?<![\w.$}])/(?:work|root|home|Users)/[\w.]",
        "/ho" + "me/wang/suda",
    ),
    "the host of a package index": (
        r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org)",
        "https://pypi" + ".org/simple",
    ),
}


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(UNWANTED[what][0])
    found = [
        f"{name}:{content.count(chr(10), 0, match.start()) + 1}"
        for name in tree.files()
        if (content := tree.text(name)) is not None
        for match in pattern.finditer(content)
    ]
    assert not found, f"{what} in {found}"


@pytest.mark.parametrize("what", UNWANTED)
def test_the_pattern_finds_it(what: str) -> None:
    pattern, example = UNWANTED[what]
    assert re.search(pattern, f"x = '{example}'")


def test_nothing_is_kept_that_is_made() -> None:
    made = {".db", ".db-wal", ".sqlite", ".pyc", ".key", ".pem", ".log", ".pkl", ".env"}
    found = [name for name in tree.files() if PurePosixPath(name).suffix in made]
    assert not [*found, *(n for n in tree.files() if PurePosixPath(n).name == ".env")]
