"""A real bot on a fresh folder, one for each file of tests, its page in a real Chromium.

The tests of a file share their bot, whose start is what costs time: a test that tells a story brings
a person of its own (:meth:`Phone.arrives`).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import ROOT
from tests.dictionary import lend_dictionary
from tests.e2e.phones import Phone

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
# Nothing of the browser's own may look for the network, and root needs no-sandbox.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A person reads between two messages; a test does not.
HURRY = {"CHAT_PER_SECOND": "100", "CHAT_BURST": "100", "GROUP_PER_MINUTE": "6000"}
# A wait ends when it is so; only what never comes takes this long (milliseconds).
expect.set_options(timeout=30_000)
SHOTS = ROOT / "tests" / "e2e" / "shots"
PICTURES = ROOT / "docs" / "pictures"
IN_DOCUMENTS = re.compile(r"page|ended|phone-question|phone-group|desk-\d-\w+-light")

Shoot = Callable[[Page, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="renew the pictures in docs/pictures")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """``python -m bot run`` without a token, until it prints the page's address; then its end."""
    lend_dictionary(folder)
    environment = os.environ | HURRY | {"DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--port", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    try:
        address = next(filter(None, map(_address, process.stdout)), None)
        watchdog.cancel()
        assert address, f"no address was printed; exit {process.wait()}"
        yield address
    finally:
        watchdog.cancel()
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=30)
        process.kill()
        process.wait()
        process.stdout.close()


def _address(line: str) -> str | None:
    found = re.search(r"http://127\.0\.0\.1:\d+\S*", line)
    return found[0] if found else None


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("data")) as url:
        yield url


@contextlib.contextmanager
def opened(browser: Browser, address: str, **device: Any) -> Iterator[Page]:
    """The page on a device, the bot online; nothing may go wrong in the page's scripts."""
    context = browser.new_context(**{"locale": "zh-CN", "color_scheme": "light"} | device)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    page.locator("#health.up").wait_for(timeout=90_000)
    yield page
    context.close()
    assert not faults, faults


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address, viewport=WIDE) as page:
        yield page


@pytest.fixture
def consumer(page: Page) -> Phone:
    return Phone(page, "consumer")


@pytest.fixture
def staff(page: Page) -> Phone:
    return Phone(page, "staff")


@pytest.fixture
def admin(page: Page) -> Phone:
    return Phone(page, "admin")


def settled(page: Page) -> None:
    """Wait until nothing moves or fades any more."""
    expect(page.locator(".toast")).to_have_count(0)
    page.wait_for_function(
        "() => document.getAnimations().every((move) => move.playState !== 'running')"
    )


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Shoot:
    """Keep a picture of the page to look at; with --pictures, the documents' own are renewed."""
    renew = request.config.getoption("--pictures")

    def keep(page: Page, name: str) -> None:
        folder = PICTURES if renew and IN_DOCUMENTS.fullmatch(name) else SHOTS
        folder.mkdir(parents=True, exist_ok=True)
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement?.blur()")
        settled(page)
        page.screenshot(path=folder / f"{name}.png")

    return keep
