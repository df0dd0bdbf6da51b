"""Whole conversations, as they were read and agreed to: every reply must be the recorded one.

After an intended change: ``make test ARGS="tests/transcripts --rewrite-transcripts"``, then read the diff.
"""

from __future__ import annotations

import shutil
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.transcripts.stage import on_stage, staged

FILES = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(
    path: Path, empty_house: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    script = path.read_text("utf-8")
    shutil.copytree(empty_house, tmp_path, dirs_exist_ok=True)
    played = on_stage(_play(script, tmp_path))
    if pytestconfig.getoption("--rewrite-transcripts"):
        path.write_text(played, "utf-8")
    elif played != script:
        pytest.fail(
            "\n".join(unified_diff(*map(str.splitlines, (script, played)), lineterm="")), False
        )


async def _play(script: str, folder: Path) -> str:
    async with staged(script, folder) as stage:
        return await stage.play(script)
