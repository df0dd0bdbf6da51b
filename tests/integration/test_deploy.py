"""What lies in deploy/ names commands, settings and files that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.__main__ import app
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMMANDS = {command.callback.__name__ for command in app.registered_commands if command.callback}
SETTINGS = {name.upper() for name in Settings.model_fields}
OF_OTHERS = {"POSTGRES_USER", "POSTGRES_PASSWORD"}


@pytest.mark.parametrize("name", ["suda.service", "suda-worker@.service"])
def test_a_unit_starts_a_command_and_sets_settings_that_exist(name: str, tmp_path: Path) -> None:
    unit = (DEPLOY / name).read_text("utf-8")
    started = re.findall(r"^ExecStart\w*=\S+ -m bot (\w+)$", unit, re.MULTILINE)
    assert started
    assert set(started) <= COMMANDS
    assert set(re.findall(r"^Environment=(\w+)=", unit, re.MULTILINE)) <= SETTINGS
    assert "Restart=always" in unit
    if shutil.which("systemd-analyze") is None:
        return
    here = unit.replace("/opt/suda/.venv/bin/python", sys.executable)
    here = here.replace("User=suda\n", "").replace("=/etc/suda/env", f"=-{tmp_path}/env")
    (tmp_path / name).write_text(here, "utf-8")
    instance = name.replace("@", "@1")
    if instance != name:
        (tmp_path / instance).write_text(here, "utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(tmp_path / instance)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert name not in ran.stderr, ran.stderr


def block(text: str, name: str, depth: int) -> str:
    """The lines below ``name:`` at this depth of indentation."""
    found = re.search(
        rf"^{' ' * depth}{name}:.*\n((?: {{{depth + 1},}}.*\n|\n)*)", text, re.MULTILINE
    )
    assert found, f"{name} is not there"
    return found.group(1)


def test_the_compose_file_starts_commands_and_sets_settings_that_exist() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert "\t" not in text
    services = block(text, "services", 0)
    names = re.findall(r"^  (\w+):$", services, re.MULTILINE)
    assert names == ["database", "migrate", "run", "worker"]
    commands = re.findall(r'^    command: \["(\w+)"\]$', services, re.MULTILINE)
    assert commands == names[1:]
    assert set(commands) <= COMMANDS
    set_here = set(re.findall(r"^ +([A-Z_]+):", text, re.MULTILINE))
    assert set_here <= SETTINGS | OF_OTHERS
    assert set(re.findall(r"\$\{(\w+)", text)) <= SETTINGS | OF_OTHERS
    for waited in re.findall(r"^      (\w+):\n        condition", services, re.MULTILINE):
        assert waited in names
    volumes = set(re.findall(r"^  (\w+):$", block(text, "volumes", 0), re.MULTILINE))
    assert set(re.findall(r"^ +- (\w+):/", text, re.MULTILINE)) == volumes
    image = re.search(r"image: postgres:(\d+)", text)
    assert image
    assert int(image.group(1)) >= 16
    assert "replicas: 2" in block(services, "worker", 2)
    built = re.search(r"dockerfile: (\S+)", text)
    assert built
    assert (ROOT / built.group(1)).is_file()


def test_the_image_installs_what_postgresql_needs_and_runs_the_bot() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "'.[postgres]'" in text
    assert "constraints.txt" in text
    assert 'ENTRYPOINT ["python", "-m", "bot"]' in text
    assert set(re.findall(r"^ENV (\w+)=", text, re.MULTILINE)) <= SETTINGS
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)


def test_the_page_names_every_figure() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    code = (ROOT / "bot" / "adapters" / "metrics.py").read_text("utf-8")
    named = {name.split("{")[0] for name in re.findall(r"`(suda_[a-z_{},]+)`", page)}
    made = set(re.findall(r'"(suda_[a-z_]+)"', code)) | {
        "suda_updates_total",
        "suda_messages_total",
    }
    assert named == made
