"""Somebody who may reinstall in shop, as selectors know them."""

import pytest

from reinstall.domain.actors import Actor
from reinstall.models import Project
from tests.reinstall.rows import a_person, an_actor


@pytest.fixture
def bob(shop: Project) -> Actor:
    return an_actor(a_person("bob", shop))
