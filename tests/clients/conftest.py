from collections.abc import Iterator

import pytest

from ecsportal_client import Portal
from tests.clients.scriptedportal import ScriptedPortal, running

TOKEN = "ecsp_" + "x" * 43


@pytest.fixture
def scripted() -> Iterator[ScriptedPortal]:
    with running() as portal:
        yield portal


@pytest.fixture
def slept() -> list[float]:
    """How long the client waited, each time; it does not really wait."""
    return []


@pytest.fixture
def client(scripted: ScriptedPortal, slept: list[float]) -> Portal:
    return Portal(scripted.url, TOKEN, sleep=slept.append)
