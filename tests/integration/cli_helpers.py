"""Run a command as a person types it, and set the scene that some commands want."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot import app
from bot.__main__ import main
from bot.ports import Incoming
from bot.services import accounts
from bot.services.consumer import drafts, file_case
from bot.services.sending import Answer
from bot.settings import load
from models.base import install_cipher
from models.case import CaseKind

AUNT = "term:consumer:王阿姨"
STREET = "310115103"
PHONE = "13987654321"
SHOP_PHONE = "13812345678"
STORY = f"健身房关门了，我叫王秀英，还剩三千块没退，店长电话{SHOP_PHONE}"


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str


Suda = Callable[..., Ran]


@pytest.fixture
def suda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Suda]:
    """``suda("points", "import", "x.csv")`` in an installation of its own, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["suda", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    yield run
    install_cipher(None)


def process(folder: Path, *words: str, typed: str = "") -> Ran:
    """The same in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    return Ran(ended.returncode, ended.stdout, ended.stderr)


def said(value: Any) -> dict[str, Any]:
    """An answer as the interview keeps it."""
    return {"v": value, "said": str(value), "by": "person"}


def install(folder: Path) -> None:
    """A database as after a first start. Copied: to make one takes longer than most tests."""
    shutil.copytree(_template(), folder / "data")


def file_one(folder: Path) -> str:
    """An installation with one filed case, handed to a street; its number."""
    template, number = _template_with_case()
    shutil.copytree(template, folder / "data")
    return number


@cache
def _made() -> TemporaryDirectory[str]:
    """Goes with the process."""
    return TemporaryDirectory()


@cache
def _template() -> Path:
    folder = Path(_made().name, "empty")

    async def go() -> None:
        async with app.open_house(load(env_file=None, data_dir=folder), demo=True):
            pass

    asyncio.run(go())
    return folder


@cache
def _template_with_case() -> tuple[Path, str]:
    folder = Path(_made().name, "case")
    shutil.copytree(_template(), folder)
    return folder, asyncio.run(_file(folder))


async def _file(folder: Path) -> str:
    settings = load(env_file=None, data_dir=folder)
    async with app.open_house(settings, demo=True) as house, house.db.write() as session:
        now = house.clock.now()
        heard = Incoming(key="1", chat=AUNT, account=AUNT, name="王阿姨", at=now)
        account = await accounts.meet(session, house.tables, heard)
        account.consent_version = house.tables.policy.consent_version
        case = await drafts.begin(session, house.tables, account, CaseKind.CONSULT)
        case.decision = {"object": "prepaid_card"}
        case.answers = {
            "story": said(STORY),
            "object": said("prepaid_card"),
            "where": said({"mode": "place", "street": STREET, "text": "川沙"}),
            "name": said("王秀英"),
            "phone": said(PHONE),
            "merchant": said("=美力健身房"),
            "home": {"v": None, "said": "", "by": "person", "skipped": True},
            "amount": said(398_000),
        }
        await session.flush()
        answer = Answer(session, house.tables, heard)
        await file_case.file(session, house.tables, case, account, answer)
        assert case.desk_id is not None, "it went to a desk"
        return str(case.number)
