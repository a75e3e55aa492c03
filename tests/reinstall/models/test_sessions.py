"""What the tables of sessions and tries refuse by themselves."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from reinstall.models import FailedTry, SignedIn
from tests.reinstall.rows import T0

pytestmark = pytest.mark.django_db


def test_a_try_is_of_a_known_step() -> None:
    with pytest.raises(IntegrityError, match="try_step_known"), transaction.atomic():
        FailedTry.objects.create(step="guess", who="x", at=T0)


def test_a_session_is_listed_once(user: User) -> None:
    SignedIn.objects.create(user=user, key="k", signed_in_at=T0, seen_at=T0)
    with pytest.raises(IntegrityError), transaction.atomic():
        SignedIn.objects.create(user=user, key="k", signed_in_at=T0, seen_at=T0)
