import pytest
from django.contrib.auth.models import User

from tests.reinstall.api.client import Caller, a_token


@pytest.fixture(autouse=True)
def _as_by_default(policy: str) -> None:
    """REST is tried as a portal runs: who comes with a browser's session there has proved themselves."""


@pytest.fixture
def call(bob: User) -> Caller:
    """bob, with a token that may everything he may."""
    return Caller(a_token(bob))
