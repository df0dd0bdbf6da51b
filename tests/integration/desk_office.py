"""The office of the tests of the staff desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.admin_office import Office, opened
from tests.integration.test_staff import COLLEAGUE, POINT, STREET


@pytest.fixture(name="office")
async def desk_office(tmp_path: Path) -> AsyncIterator[Office]:
    """A street with a group and a teacher, and a point of its whose cards come to that group; an operator
    answers for it."""
    async with opened(tmp_path) as office:
        await office.appoint()
        await office.bind(STREET)
        await office.enlist(POINT, COLLEAGUE)
        office.tables = replace(office.tables, operator="浦东某单位", basis="单独同意")
        yield office
