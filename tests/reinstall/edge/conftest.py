"""The matrix asks for more in a minute than anybody does."""

from typing import Any

import pytest

from reinstall.domain.throttles import DEFAULTS


@pytest.fixture(autouse=True)
def _no_limits(settings: Any) -> None:
    settings.THROTTLES = dict.fromkeys(DEFAULTS, None)
