"""``keys rotate`` again and again in processes that die; run by test_rotate_keys.

Each line on its input begins one and says when it dies: ``made`` (its new key is in the file), a number (so many
rows and files are sealed anew), ``drop`` or ``dropped`` (before, after the old key leaves the file), a time in
seconds with a point, or ``never``. On its output is how that one ended, as ``os.waitstatus_to_exitcode`` tells it. The
modules are loaded once, so that a life costs little.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bot import app, demo
from bot.__main__ import main
from bot.adapters import crypto
from bot.route.region import load_region
from bot.services.network import load_register
from bot.services.privacy import audit, rotate_keys

LOADED = (app, demo, audit)
crypto.FOLLOW_SECONDS = 0.02
# No place is looked for here.
load_register.gazetteer = lambda *_: None  # type: ignore[assignment,return-value]
load_region("pudong")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(work: Callable[..., Any], *given: Any) -> Any:
    work(*given)
    die()


def die_at(when: str) -> None:
    ring = crypto.Keyring
    if when == "made":
        ring.rotate = partial(then_die, ring.rotate)  # type: ignore[method-assign]
    elif when == "drop":
        ring.drop = lambda *_: die()  # type: ignore[assignment,return-value]
    elif when == "dropped":
        ring.drop = partial(then_die, ring.drop)  # type: ignore[method-assign]
    elif when.isdigit():
        whole, left = rotate_keys.reseal, int(when)

        async def reseal(db: Any, files: Any, prefix: bytes, tick: Any) -> rotate_keys.Resealed:
            def count() -> None:
                nonlocal left
                left -= 1
                if left <= 0:
                    die()
                tick()

            return await whole(db, files, prefix, count)

        rotate_keys.reseal = reseal


def rotate(when: str) -> None:
    """Never returns."""
    code = 99
    try:
        die_at(when)
        sys.argv = ["suda", "keys", "rotate"]
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os._exit(code)


for line in sys.stdin:
    moment = line.strip()
    child = os.fork()
    if child == 0:
        rotate(moment)
    if "." in moment:
        time.sleep(float(moment))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
    sys.stdout.flush()
