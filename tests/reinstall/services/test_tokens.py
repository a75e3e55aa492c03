"""API tokens: made, used, ended. Each refusal leaves no trace."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.models import ApiToken, AuditEvent, Project
from reinstall.services import tokens
from tests.reinstall.conftest import OPERATOR, actor_for

pytestmark = pytest.mark.django_db


def new_token(actor: Actor, user: User, **changes: Any) -> tokens.NewToken:
    values: dict[str, Any] = {"name": "ci", "scopes": ["read"], "days": 30}
    asked = tokens.TokenRequest(**(values | changes))
    return tokens.create_token(actor=actor, now=now(), user=user, request=asked)


def entries(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def test_a_token_is_shown_once_and_kept_as_a_digest(user: User) -> None:
    made = new_token(actor_for(user), user)
    assert made.secret.startswith("ecsp_")
    assert len(made.secret) >= 48
    stored = ApiToken.objects.values().get()
    assert made.secret not in repr(stored)
    assert made.secret not in repr(list(AuditEvent.objects.values()))
    assert stored["prefix"] == made.secret[:10]
    assert entries("token.created") == 1


def test_two_tokens_are_never_the_same(user: User) -> None:
    assert new_token(actor_for(user), user).secret != new_token(actor_for(user), user).secret


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"scopes": ["read", "approve"]}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
        ({"days": -1}, "days"),
    ],
)
def test_a_token_that_breaks_a_rule_is_not_made(changes: dict[str, Any], field: str, user: User) -> None:
    with pytest.raises(RuleBroken) as caught:
        new_token(actor_for(user), user, **changes)
    assert caught.value.errors[0].field == field
    assert ApiToken.objects.count() == entries("token.created") == 0


def test_nobody_makes_a_token_of_somebody_else(user: User) -> None:
    bob = User.objects.create_user("bob")
    with pytest.raises(NotAllowed, match="for themselves"):
        new_token(actor_for(bob), user)
    assert new_token(OPERATOR, user).token.user == user
    user.is_active = False
    with pytest.raises(RuleBroken, match="disabled"):
        new_token(OPERATOR, user)


def test_a_token_makes_no_token_and_ends_only_itself(user: User) -> None:
    mine = new_token(actor_for(user), user).token
    other = new_token(actor_for(user), user).token
    as_token = replace(actor_for(user), source=Source.TOKEN, token_id=mine.pk, scopes=frozenset({"read"}))
    with pytest.raises(NotAllowed, match="cannot make tokens"):
        new_token(as_token, user)
    with pytest.raises(NotAllowed, match="revoke itself"):
        tokens.revoke_token(actor=as_token, now=now(), token_id=other.pk)
    assert tokens.revoke_token(actor=as_token, now=now(), token_id=mine.pk).revoked_at


def test_a_token_for_a_project_its_maker_cannot_see_is_not_made(user: User, project: Project) -> None:
    with pytest.raises(NotFound):
        new_token(actor_for(user), user, projects=[project.slug])
    assert ApiToken.objects.count() == 0


def test_a_good_token_names_its_person(user: User, requester: User, project: Project) -> None:
    made = new_token(actor_for(user), user, projects=[project.slug, project.slug])
    found = tokens.authenticate_token(secret=made.secret, now=now(), address="127.0.0.1")
    assert found == (user, made.token)
    assert [p.slug for p in made.token.projects.all()] == [project.slug]


@pytest.mark.parametrize("case", ["", "unknown", "prefix", "expired", "revoked", "disabled", "case"])
def test_a_token_that_is_not_good_names_nobody(case: str, user: User) -> None:
    made = new_token(actor_for(user), user, days=1)
    secret, moment = made.secret, now()
    if case == "revoked":
        tokens.revoke_token(actor=actor_for(user), now=now(), token_id=made.token.pk)
    if case == "disabled":
        User.objects.update(is_active=False)
    if case == "expired":
        moment += timedelta(days=1, seconds=1)
    secret = {"": "", "unknown": f"ecsp_{'x' * 43}", "prefix": secret[:10], "case": secret.swapcase()}.get(
        case, secret
    )
    assert tokens.authenticate_token(secret=secret, now=moment, address="") is None


def test_use_is_noted_once_a_minute(user: User) -> None:
    made, start = new_token(actor_for(user), user), now()

    def used(after: float) -> object:
        tokens.authenticate_token(secret=made.secret, now=start + timedelta(seconds=after), address="")
        return ApiToken.objects.get().last_used_at

    assert used(0) == start
    assert used(59) == start
    assert used(61) == start + timedelta(seconds=61)


def test_a_token_ends_at_once_and_is_ended_once(user: User) -> None:
    token = new_token(actor_for(user), user).token
    first = tokens.revoke_token(actor=actor_for(user), now=now(), token_id=token.pk)
    second = tokens.revoke_token(actor=actor_for(user), now=now(), token_id=token.pk)
    assert first.revoked_at == second.revoked_at is not None
    assert entries("token.revoked") == 1


def test_somebody_elses_token_is_not_found_and_a_superuser_may_end_it(user: User) -> None:
    token = new_token(actor_for(user), user).token
    bob = User.objects.create_user("bob")
    with pytest.raises(NotFound):
        tokens.revoke_token(actor=actor_for(bob), now=now(), token_id=token.pk)
    with pytest.raises(NotFound):
        tokens.revoke_token(actor=actor_for(bob), now=now(), token_id=10**9)
    bob.is_superuser = True
    assert tokens.revoke_token(actor=actor_for(bob), now=now(), token_id=token.pk).revoked_at


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("10.1.0.0/16", "10.1.0.0/16"),
        (" 10.1.2.3 ", "10.1.2.3/32"),
        ("10.1.0.0/255.255.0.0", "10.1.0.0/16"),
        ("2001:DB8::/48", "2001:db8::/48"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_are_kept_as_they_are_meant(said: str, kept: str, user: User) -> None:
    made = new_token(actor_for(user), user, networks=[said, said])
    assert made.token.networks == [kept]
    assert AuditEvent.objects.get(action="token.created").after["networks"] == [kept]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("10.1.2.3/16", "10.1.2.3/16 is an address inside a network; write 10.1.0.0/16 or 10.1.2.3."),
        ("10.1.0.0/33", "'10.1.0.0/33' is not a network; write 10.1.0.0/16, 2001:db8::/48 or one address."),
        ("office", "'office' is not a network"),
        ("", "'' is not a network"),
        ("10.1.0.0/16/8", "is not a network"),
        ("fe80::1%eth0", "is not a network"),
        ("x" * 5000, "is not a network"),
    ],
)
def test_what_is_no_network_is_refused_with_what_would_be_right(said: str, sentence: str, user: User) -> None:
    with pytest.raises(RuleBroken) as caught:
        new_token(actor_for(user), user, networks=["10.0.0.0/8", said])
    (error,) = caught.value.errors
    assert error.field == "networks" and sentence in error.message and len(error.message) < 200
    assert not ApiToken.objects.exists()


def test_all_that_is_wrong_is_named_at_once(user: User) -> None:
    with pytest.raises(RuleBroken) as caught:
        new_token(actor_for(user), user, name="", scopes=["approve"], days=0, networks=["x"] * 21)
    assert {error.field for error in caught.value.errors} == {"name", "scopes", "days", "networks"}


@pytest.mark.parametrize(
    ("networks", "address", "good"),
    [
        ([], "192.0.2.7", True),
        (["192.0.2.0/24"], "192.0.2.7", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
        (["192.0.2.0/24"], "192.0.3.7", False),
        (["192.0.2.0/24", "2001:db8::/48"], "2001:db8::1", True),
        (["2001:db8::/48"], "2001:db9::1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "192.0.2.7", False),
        (["192.0.2.0/24"], "", False),
        (["192.0.2.0/24"], "not an address", False),
    ],
)
def test_a_token_is_good_in_its_networks_only(
    networks: list[str], address: str, good: bool, user: User
) -> None:
    made = new_token(actor_for(user), user, networks=networks)
    found = tokens.authenticate_token(secret=made.secret, now=now(), address=address)
    assert (found is not None) == good
    token = ApiToken.objects.get()
    assert (token.last_used_at is not None) == good
    assert token.last_used_from == (address if good else "")
