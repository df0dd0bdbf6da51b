"""Whatever a stand-in says here, and every call that it takes, is judged by code that is not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.judge import judging


@pytest.fixture(autouse=True)
def judged() -> Iterator[None]:
    with judging(refused=False):
        yield
