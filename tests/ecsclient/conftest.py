from collections.abc import Iterator

import pytest

from tests.ecsclient.scriptedcloud import ScriptedCloud, scripted_cloud


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with scripted_cloud() as running:
        yield running
