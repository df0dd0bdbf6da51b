"""Every update, call and result of a transcript is also judged by code that is not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.judge import judging


@pytest.fixture(autouse=True)
def judged() -> Iterator[None]:
    with judging() as heard:
        yield
    assert heard.updates, "nobody has done anything"
    assert heard.calls, "the bot has said nothing"
