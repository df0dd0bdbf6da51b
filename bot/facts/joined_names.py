"""Names of one business, joined (店名归并): its forms, branches, other names and slips of the pen, for counting.

Only likely, and only for officers, who see every spelling that was joined.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from rapidfuzz import fuzz

from bot.facts.names import same_merchant


@dataclass(frozen=True, slots=True)
class Joined:
    """One business: its likely ``name``, every spelling with how often it was written, and the keys of all
    that named it."""

    name: str
    spellings: tuple[tuple[str, int], ...]
    keys: tuple[int, ...]


def join(
    names: Sequence[str],
    also: Mapping[str, str],
    *,
    alike: float,
    least_alike: int,
    least_branch: int,
) -> list[Joined]:
    """The businesses behind ``names``, the most named first; ``keys`` are places in it.

    ``also`` gives other names (compared without form and branch) and the one they count as. Names of at least
    ``least_alike`` characters are one from a rapidfuzz ratio of ``alike`` (of 100); a name that begins with another
    of at least ``least_branch``, or with one that is named in ``also``, is that one's.
    """
    known = {same_merchant(other): same_merchant(name) for other, name in also.items()}
    bare = [known.get(key, key) for key in (same_merchant(name.strip()) for name in names)]
    firms = frozenset(known.values())
    parent = {key: key for key in bare if key}
    for one, other in _near(sorted(parent)):
        short, long = sorted((one, other), key=len)
        known_name = len(short) >= least_branch or short in firms
        branch = known_name and long.startswith(short)
        like = len(short) >= least_alike and fuzz.ratio(one, other) >= alike
        if branch or like:
            parent[_root(parent, long)] = _root(parent, short)
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for at, key in enumerate(bare):
        if key:
            groups[_root(parent, key)].append(at)
    joined = []
    for keys in groups.values():
        spelt = Counter(names[at].strip() for at in keys)
        spellings = tuple(sorted(spelt.items(), key=lambda each: (-each[1], each[0])))
        joined.append(Joined(spellings[0][0], spellings, tuple(keys)))
    joined.sort(key=lambda one: (-len(one.keys), one.name))
    return joined


@cache
def packaged() -> Mapping[str, str]:
    """The packaged other names, each with the name that it counts as."""
    data = tomllib.loads(files("bot.facts").joinpath("aliases.toml").read_text("utf-8"))
    return {other: name for name, others in data["also"].items() for other in others.split()}


def _near(names: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Pairs that share two characters in a row: others are never one."""
    holding: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        for pair in {"".join(two) for two in pairwise(name)}:
            holding[pair].append(name)
    seen: set[tuple[str, str]] = set()
    for inside in holding.values():
        for at, one in enumerate(inside):
            for other in inside[at + 1 :]:
                if (one, other) not in seen:
                    seen.add((one, other))
                    yield one, other


def _root(parent: dict[str, str], name: str) -> str:
    while parent[name] != name:
        parent[name] = parent[parent[name]]
        name = parent[name]
    return name
