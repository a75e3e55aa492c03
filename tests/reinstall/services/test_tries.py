"""How often one may try: the sixth wrong password, other people, other addresses, time."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.models import AuditEvent, FailedTry
from reinstall.services import tries
from reinstall.services.tries import Try
from tests.reinstall.services.together import together
from tests.reinstall.signing import PASSWORD

pytestmark = pytest.mark.django_db

NOW = timezone.now()
ALICE = Try("alice", "192.0.2.1")


def test_the_sixth_try_is_not_looked_at_until_the_time_it_says() -> None:
    for minute in range(5):
        tries.begin(one=ALICE, now=NOW + timedelta(minutes=minute))
    with pytest.raises(tries.TooMany) as caught:
        tries.begin(one=ALICE, now=NOW + timedelta(minutes=5))
    assert caught.value.until == NOW + tries.WINDOW
    shown = (NOW + tries.WINDOW + timedelta(seconds=59)).strftime("%H:%M")
    assert str(caught.value) == f"Too many tries. Try again at {shown}."
    tries.begin(one=ALICE, now=NOW + tries.WINDOW)
    with pytest.raises(tries.TooMany):
        tries.begin(one=ALICE, now=NOW + tries.WINDOW)


def test_others_and_other_addresses_are_not_concerned() -> None:
    for _ in range(5):
        tries.begin(one=ALICE, now=NOW)
    tries.begin(one=Try("bob", ALICE.address), now=NOW)
    tries.begin(one=Try("alice", "192.0.2.2"), now=NOW)
    with pytest.raises(tries.TooMany):
        tries.begin(one=Try(" ALICE", ALICE.address), now=NOW)


def test_an_address_has_a_limit_for_all_names_together() -> None:
    for number in range(tries.PER_ADDRESS):
        tries.begin(one=Try(f"name-{number}", "192.0.2.1"), now=NOW)
    with pytest.raises(tries.TooMany):
        tries.begin(one=Try("another", "192.0.2.1"), now=NOW)
    tries.begin(one=Try("another", "192.0.2.2"), now=NOW)


def test_who_was_right_begins_anew_and_old_tries_are_forgotten() -> None:
    for _ in range(5):
        tries.begin(one=ALICE, now=NOW)
    tries.was_right(one=ALICE)
    tries.begin(one=ALICE, now=NOW)
    assert tries.forget_tries(now=NOW + tries.WINDOW) == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_tries_than_one() -> None:
    done = together([lambda: tries.begin(one=ALICE, now=NOW)] * 12)
    looked_at = [one for one in done if isinstance(one, int)]
    assert len(looked_at) <= tries.PER_NAME
    assert all(isinstance(one, tries.TooMany) for one in done if not isinstance(one, int)), done
    assert FailedTry.objects.count() == len(looked_at)


def wrong(name: str, address: str = "192.0.2.1") -> str:
    client = Client(REMOTE_ADDR=address)
    return client.post("/sign-in/", {"username": name, "password": "wrong"}).content.decode()


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_the_page_says_the_same_for_names_that_exist_and_not(name: str, user: User) -> None:
    for _ in range(5):
        assert "do not fit" in wrong(name)
    html = wrong(name)
    assert "Too many tries. Try again at " in html
    assert "do not fit" not in html
    right = Client(REMOTE_ADDR="192.0.2.1").post("/sign-in/", {"username": name, "password": PASSWORD})
    assert b"Too many tries." in right.content, "a right password is not looked at either"
    (entry,) = AuditEvent.objects.filter(action="account.locked")
    assert entry.object_label == ("alice" if name == "alice" else "a name nobody has")
    assert "nobody" not in str(FailedTry.objects.values())
    other = {"username": "alice", "password": PASSWORD}
    if name == "nobody":
        assert Client(REMOTE_ADDR="192.0.2.1").post("/sign-in/", other).status_code == 302


def test_an_old_hash_becomes_argon2id_at_the_next_sign_in(settings: object, user: User) -> None:
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    assert identify_hasher(user.password).algorithm == "md5"
    Client().post("/sign-in/", {"username": "alice", "password": PASSWORD})
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")
