"""One running hospital per room version; each lives in one worker for the whole session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.clinic import Clinic, hospital

MAILS_AN_HOUR = 15
PUBLIC_URL = "https://colloque.hopital.example"
CHANGES = {
    "care": {"undo_within_s": 8},
    "mail": {"limits": {"of_question": MAILS_AN_HOUR}},
    "web": {"public_url": PUBLIC_URL},
}
"""What can be undone is told to patients after this; a question has so many mails an hour."""
SIZES = {"derm": 5, "cardio": 2, "vide": 0, "duo": 2, "secret": 2}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All journeys of one room version run in one worker, which starts its hospital once."""
    for item in items:
        version = (
            item.callspec.params.get("clinic")
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else None
        )
        if version:
            item.add_marker(pytest.mark.xdist_group(f"v{version}"))


@pytest.fixture(scope="session", params=["11", "12"])
async def clinic(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clinic]:
    directory = tmp_path_factory.mktemp("clinic")
    opened = await Clinic.open(
        directory, hospital(SIZES, invite=["cardio"], link=["secret"]), request.param, changes=CHANGES
    )
    yield opened
    await opened.close()
