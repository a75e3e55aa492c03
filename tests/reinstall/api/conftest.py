import pytest
from django.contrib.auth.models import User

from reinstall.models import Project
from tests.reinstall.api.client import Caller, a_token
from tests.reinstall.rows import a_person, a_project


@pytest.fixture
def shop(db: None) -> Project:
    return a_project("shop")


@pytest.fixture
def bob(shop: Project) -> User:
    """May reinstall in shop."""
    return a_person("bob", shop)


@pytest.fixture
def call(bob: User) -> Caller:
    """bob, with a token that may everything he may."""
    return Caller(a_token(bob))
