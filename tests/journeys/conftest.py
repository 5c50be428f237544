"""One running hospital per room version; each lives in one worker for the whole session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.clinic import Clinic, hospital

SIZES = {"derm": 5, "cardio": 2, "vide": 0, "duo": 2}


def _versions() -> list[object]:
    return [pytest.param(version, marks=pytest.mark.xdist_group(f"v{version}")) for version in ("11", "12")]


@pytest.fixture(scope="session", params=_versions())
async def clinic(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clinic]:
    directory = tmp_path_factory.mktemp("clinic")
    opened = await Clinic.open(directory, hospital(SIZES, invite=["cardio"]), request.param)
    yield opened
    await opened.close()
