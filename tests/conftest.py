"""What holds for every test: no network but this machine's own, no settings but the test's own."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from bot.__main__ import NEW_OBJECTS

ROOT = Path(__file__).resolve().parent.parent
ROOM = 4 * 2**30
"""Bytes that must be free in memory before the tests' files are put there."""

# Two busy cores make honest tests slow, so time is no verdict; a failure must come again, so the
# examples follow from the test and not from chance.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


def _forget_settings() -> None:
    """A developer's own environment must not reach the tests (nor a bot token the network)."""
    example = ROOT / ".env.example"
    if example.exists():
        for line in example.read_text("utf-8").splitlines():
            name, separator, _ = line.removeprefix("#").strip().partition("=")
            if separator and name.isidentifier():
                os.environ.pop(name, None)


def _write_to_memory() -> None:
    """The tests commit thousands of times, and a killed process loses nothing of what it wrote to a
    file, wherever that lies: in memory the same files take no time. ``TMPDIR`` names another place."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return
    if shutil.disk_usage(memory).free > ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


def _is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host if isinstance(host, str) else "").is_loopback
    except ValueError:
        return False


class NetworkUsed(RuntimeError):
    """A test reached for the network."""


def _refuse_network(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if not _is_local(host):
        raise NetworkUsed(f"no test may reach the network: {event} {host!r}")


gc.set_threshold(NEW_OBJECTS)
_forget_settings()
_write_to_memory()
sys.addaudithook(_refuse_network)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: they are not looked through for garbage over and over."""
    gc.freeze()


def pytest_itemcollected(item: pytest.Item) -> None:
    if "tests/e2e/" in item.path.as_posix():
        item.add_marker(pytest.mark.browser)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-transcripts",
        action="store_true",
        help="record what the bot says now into tests/transcripts/*.txt",
    )


@pytest.fixture(scope="session")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as the bot's first start makes it; each play begins with a copy."""
    from tests.transcripts.stage import furnish

    folder = tmp_path_factory.mktemp("house")
    asyncio.run(furnish(folder))
    return folder
