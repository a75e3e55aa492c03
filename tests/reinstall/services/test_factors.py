"""Second factors where they are stored: sealed for their person, rotated with the keys, reset by command."""

import base64
import secrets
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.utils import timezone

from reinstall.models import AuditEvent
from reinstall.services import factors, keys
from tests.reinstall.conftest import OPERATOR
from tests.reinstall.signing import by_password, code_of, with_app

pytestmark = pytest.mark.django_db


def right(user: User, code: str) -> str:
    return factors.check_code(user=user, code=code, now=timezone.now())


def test_a_code_counts_for_thirty_seconds_and_its_neighbours(user: User) -> None:
    secret, _ = with_app(user)
    for later, fits in ((-2, ""), (-1, "totp"), (0, "totp"), (1, "totp"), (2, "")):
        assert right(user, code_of(secret, later=later)) == fits, later


def test_a_code_from_before_the_last_one_does_not_count(user: User) -> None:
    secret, _ = with_app(user)
    assert right(user, code_of(secret)) == "totp"
    assert right(user, code_of(secret, later=-1)) == ""


def test_a_secret_moved_to_another_person_does_not_open(user: User, bob: User) -> None:
    secret, codes = with_app(user)
    Authenticator.objects.filter(user=user).update(user=bob)
    assert right(bob, code_of(secret)) == ""
    assert right(bob, codes[0]) == ""


def test_keys_rotate_takes_the_factors_along(user: User, settings: Any) -> None:
    secret, codes = with_app(user)
    (old,) = settings.ENCRYPTION_KEYS.items()
    settings.ENCRYPTION_KEYS = {"next": secrets.token_bytes(32), old[0]: old[1]}
    done = keys.rotate_keys(actor=OPERATOR, now=timezone.now())
    assert (done.rewrapped, done.already, done.shut) == (3, 0, ()), (
        "app, codes, and the key of the audit history"
    )
    settings.ENCRYPTION_KEYS = {"next": settings.ENCRYPTION_KEYS["next"]}
    assert right(user, code_of(secret)) == "totp"
    assert right(user, codes[0]) == "recovery_code"
    assert keys.rotate_keys(actor=OPERATOR, now=timezone.now()).already == 3


def test_a_factor_whose_key_is_gone_is_named_and_proves_nothing(user: User, settings: Any) -> None:
    secret, _ = with_app(user)
    settings.ENCRYPTION_KEYS = {"other": secrets.token_bytes(32)}
    assert right(user, code_of(secret)) == ""
    shut = keys.rotate_keys(actor=OPERATOR, now=timezone.now()).shut
    assert [sentence for sentence in shut if f"mfa_authenticator:totp:{user.pk}" in sentence]
    assert [sentence for sentence in shut if f"mfa_authenticator:recovery_codes:{user.pk}" in sentence]


def test_what_is_stored_is_an_envelope(user: User) -> None:
    secret, _ = with_app(user)
    data = Authenticator.objects.get(type="totp").data
    assert base64.b64decode(data["secret"])[:1] == b"\x01"
    assert secret not in str(data)


def test_a_reset_takes_every_factor_and_session_and_is_written_down(user: User) -> None:
    with_app(user)
    client = by_password(user)
    assert factors.reset_factors(actor=OPERATOR, now=timezone.now(), username="alice") == 2
    assert client.get("/jobs/").status_code == 302
    assert not Authenticator.objects.exists()
    entry = AuditEvent.objects.get(action="factor.reset")
    assert (entry.actor_name, entry.object_label) == ("tests", "alice")
    assert sorted(entry.after["factors"]) == ["recovery_codes", "totp"]
