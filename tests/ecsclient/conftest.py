from collections.abc import Iterator

import pytest

from tests.ecsclient.scriptedcloud import ScriptedCloud, running


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with running(ScriptedCloud()) as started:
        yield started
