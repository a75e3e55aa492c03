"""Who may do what: rights, tokens, roles. Each refusal leaves no trace."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.models import ApiToken, AuditEvent, Membership, Project
from reinstall.services import access
from tests.reinstall.conftest import OPERATOR, actor_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]


def new_token(actor: Actor, user: User, **changes: Any) -> access.NewToken:
    values: dict[str, Any] = {"name": "ci", "scopes": ["read"], "project_slugs": [], "days": 30}
    return access.create_token(actor=actor, now=now(), user=user, **(values | changes))


def entries(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def test_a_project_is_shown_to_its_people_only(user: User, project: Project) -> None:
    for slug in (project.slug, "nowhere"):
        with pytest.raises(NotFound, match=f"There is no project {slug}"):
            access.project_for_reading(actor_for(user), slug)
    Membership.objects.create(user=user, project=project, role="viewer")
    assert access.project_for_reading(actor_for(user), project.slug) == project
    assert access.project_for_reading(OPERATOR, project.slug) == project


def test_nobody_in_particular_sees_nothing(project: Project) -> None:
    nobody = Actor(user_id=None, name="", source=Source.BROWSER)
    with pytest.raises(NotFound):
        access.project_for_reading(nobody, project.slug)
    with pytest.raises(NotAllowed):
        access.must_manage(nobody, project)


@pytest.mark.parametrize(
    ("role", "requests", "manages"), [("viewer", 0, 0), ("requester", 1, 0), ("admin", 1, 1)]
)
def test_what_a_role_allows(role: str, requests: int, manages: int, user: User, project: Project) -> None:
    Membership.objects.create(user=user, project=project, role=role)
    for allowed, act in (
        (requests, lambda: access.project_for_requests(actor_for(user), project.slug)),
        (manages, lambda: access.must_manage(actor_for(user), project)),
    ):
        if allowed:
            act()
        else:
            with pytest.raises(NotAllowed, match="role"):
                act()


def test_a_role_elsewhere_is_none_here(user: User, project: Project) -> None:
    other = Project.objects.create(
        slug="other", name="other", environment="staging", cloud=project.cloud, project_id="0" * 32,
        credential_kind="aksk", credentials_sealed=b"", created_at=now(),
    )  # fmt: skip
    Membership.objects.create(user=user, project=other, role="admin")
    with pytest.raises(NotFound):
        access.project_for_requests(actor_for(user), project.slug)


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
        access.revoke_token(actor=as_token, now=now(), token_id=other.pk)
    assert access.revoke_token(actor=as_token, now=now(), token_id=mine.pk).revoked_at


def test_a_token_for_a_project_its_maker_cannot_see_is_not_made(user: User, project: Project) -> None:
    with pytest.raises(NotFound):
        new_token(actor_for(user), user, project_slugs=[project.slug])
    assert ApiToken.objects.count() == 0


def test_a_good_token_names_its_person(user: User, requester: User, project: Project) -> None:
    made = new_token(actor_for(user), user, project_slugs=[project.slug, project.slug])
    found = access.authenticate_token(secret=made.secret, now=now(), address="127.0.0.1")
    assert found == (user, made.token)
    assert [p.slug for p in made.token.projects.all()] == [project.slug]


@pytest.mark.parametrize("case", ["", "unknown", "prefix", "expired", "revoked", "disabled", "case"])
def test_a_token_that_is_not_good_names_nobody(case: str, user: User) -> None:
    made = new_token(actor_for(user), user, days=1)
    secret, moment = made.secret, now()
    if case == "revoked":
        access.revoke_token(actor=actor_for(user), now=now(), token_id=made.token.pk)
    if case == "disabled":
        User.objects.update(is_active=False)
    if case == "expired":
        moment += timedelta(days=1, seconds=1)
    secret = {"": "", "unknown": f"ecsp_{'x' * 43}", "prefix": secret[:10], "case": secret.swapcase()}.get(
        case, secret
    )
    assert access.authenticate_token(secret=secret, now=moment, address="") is None


def test_use_is_noted_once_a_minute(user: User) -> None:
    made, start = new_token(actor_for(user), user), now()

    def used(after: float) -> object:
        access.authenticate_token(secret=made.secret, now=start + timedelta(seconds=after), address="")
        return ApiToken.objects.get().last_used_at

    assert used(0) == start
    assert used(59) == start
    assert used(61) == start + timedelta(seconds=61)


def test_a_token_ends_at_once_and_is_ended_once(user: User) -> None:
    token = new_token(actor_for(user), user).token
    first = access.revoke_token(actor=actor_for(user), now=now(), token_id=token.pk)
    second = access.revoke_token(actor=actor_for(user), now=now(), token_id=token.pk)
    assert first.revoked_at == second.revoked_at is not None
    assert entries("token.revoked") == 1


def test_somebody_elses_token_is_not_found_and_a_superuser_may_end_it(user: User) -> None:
    token = new_token(actor_for(user), user).token
    bob = User.objects.create_user("bob")
    with pytest.raises(NotFound):
        access.revoke_token(actor=actor_for(bob), now=now(), token_id=token.pk)
    with pytest.raises(NotFound):
        access.revoke_token(actor=actor_for(bob), now=now(), token_id=10**9)
    bob.is_superuser = True
    assert access.revoke_token(actor=actor_for(bob), now=now(), token_id=token.pk).revoked_at


def test_a_role_is_given_changed_and_taken_with_an_entry_each(user: User, project: Project) -> None:
    for role in ("viewer", "admin"):
        access.set_role(actor=OPERATOR, now=now(), user_id=user.pk, project=project, role=role)
    access.end_role(actor=OPERATOR, now=now(), user_id=user.pk, project=project)
    access.end_role(actor=OPERATOR, now=now(), user_id=user.pk, project=project)
    told = AuditEvent.objects.filter(object_type="membership").order_by("id")
    assert [(e.action, e.before, e.after) for e in told] == [
        ("role.given", {}, {"role": "viewer"}),
        ("role.given", {"role": "viewer"}, {"role": "admin"}),
        ("role.ended", {"role": "admin"}, {}),
    ]
    assert not Membership.objects.exists()


def test_a_role_needs_a_known_role_a_person_and_the_right_to_give_it(user: User, project: Project) -> None:
    bob = User.objects.create_user("bob")
    Membership.objects.create(user=bob, project=project, role="requester")
    with pytest.raises(NotAllowed):
        access.set_role(actor=actor_for(bob), now=now(), user_id=bob.pk, project=project, role="admin")
    with pytest.raises(NotAllowed):
        access.end_role(actor=actor_for(bob), now=now(), user_id=bob.pk, project=project)
    with pytest.raises(RuleBroken) as caught:
        access.set_role(actor=OPERATOR, now=now(), user_id=user.pk, project=project, role="owner")
    assert caught.value.errors[0].field == "role"
    with pytest.raises(NotFound):
        access.set_role(actor=OPERATOR, now=now(), user_id=10**9, project=project, role="viewer")
    assert Membership.objects.get().role == "requester"
    assert not AuditEvent.objects.filter(object_type="membership").exists()


def test_a_reading_token_manages_nothing(user: User, project: Project) -> None:
    Membership.objects.create(user=user, project=project, role="admin")
    reading = replace(actor_for(user), token_id=1, scopes=frozenset({"read"}))
    with pytest.raises(NotAllowed, match="read only"):
        access.set_role(actor=reading, now=now(), user_id=user.pk, project=project, role="viewer")
