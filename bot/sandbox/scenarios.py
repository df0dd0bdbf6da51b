"""The packaged scenarios: what persons do in a play that the page shows step by step.

A scenario is a text file and holds no word of the bot's:

    # 健身房关门，退卡                  its title, then what it is about
    # 年卡还剩三千块，店关了门。
    人物：周阿姨（消费者）              who comes newly; the seeded persons are there already
    # 说不清地址，就点一下地图。        a remark, shown with the step after it
    周阿姨> 牛奶过期了                  a text or a /command
    周阿姨> [同意]                      presses the button of that label
    周阿姨> (照片) 票据                 sends a photo
    周阿姨> (位置 31.2 121.5)           sends a place: latitude and longitude in degrees
    陈老师、李老师@川沙新镇群> [接单]   both, at the same moment, in a group
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "scenarios"
ROLES = {"消费者": "consumer", "工作人员": "staff", "管理员": "admin"}

STEP = re.compile(r"(?P<who>[^>@\s]+)(?:@(?P<group>[^>]+)群)?> (?P<what>.+)")
PERSON = re.compile(r"([^、（]+)（([^）]+)）")
BUTTON = re.compile(r"\[(.+?)(?: ↗)?\]")
PHOTO = re.compile(r"\(照片\) ?(.*)")
PLACE = re.compile(r"\(位置 (-?[\d.]+) (-?[\d.]+)\)")


@dataclass(frozen=True, slots=True)
class Step:
    """``who`` do the same ``act`` at once, in the group of that title or in their own talks.

    ``act`` has the fields of the control API's act; ``note`` is what to look at.
    """

    who: tuple[str, ...]
    group: str
    act: dict[str, Any]
    note: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """``cast`` gives the role of each person who comes newly."""

    name: str
    title: str
    about: str
    cast: dict[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def load(folder: Path = FOLDER) -> list[Scenario]:
    """The scenarios of a folder, in the order of their file names. Raises ValueError on a line
    that nobody can play."""
    return [read(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.txt"))]


def read(name: str, text: str) -> Scenario:
    """One scenario from its text. Raises ValueError with the line's number."""
    heads: list[str] = []
    cast: dict[str, str] = {}
    steps: list[Step] = []
    note = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if line.startswith("# "):
            if len(heads) < 2:
                heads.append(line[2:])
            else:
                note = line[2:]
        elif line.startswith("人物："):
            cast |= {who: ROLES[role] for who, role in PERSON.findall(line[3:])}
        elif step := STEP.fullmatch(line):
            act = _act(step["what"].strip())
            steps.append(Step(tuple(step["who"].split("、")), step["group"] or "", act, note))
            note = ""
        else:
            raise ValueError(f"{name}, line {number}: nobody can play {line!r}")
    if len(heads) < 2 or not steps:
        raise ValueError(f"{name}: a title, what it is about and a step are needed")
    return Scenario(name, heads[0], heads[1], cast, tuple(steps))


def _act(what: str) -> dict[str, Any]:
    if button := BUTTON.fullmatch(what):
        return {"kind": "pick_button", "label": button[1]}
    if photo := PHOTO.fullmatch(what):
        return {"kind": "photo", "caption": photo[1]}
    if place := PLACE.fullmatch(what):
        return {"kind": "location", "lat": float(place[1]), "lon": float(place[2])}
    if what.startswith(("(", "[")):
        raise ValueError(f"nobody can do this: {what}")
    return {"kind": "text", "text": what}
