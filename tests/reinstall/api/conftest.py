import pytest
from django.contrib.auth.models import User

from tests.reinstall.api.client import Caller, a_token


@pytest.fixture
def call(bob: User) -> Caller:
    """bob, with a token that may everything he may."""
    return Caller(a_token(bob))
