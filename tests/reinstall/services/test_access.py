"""Who may do what: rights and roles. Each refusal leaves no trace."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.models import AuditEvent, Membership, Project
from reinstall.services import access
from tests.reinstall.conftest import OPERATOR, actor_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]


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


def test_the_last_admin_does_not_lock_themselves_out(user: User, project: Project) -> None:
    Membership.objects.create(user=user, project=project, role="admin")
    gone = User.objects.create_user("gone", is_active=False)
    Membership.objects.create(user=gone, project=project, role="admin")
    alice = actor_for(user)
    for act in (
        lambda who: access.set_role(actor=who, now=now(), user_id=user.pk, project=project, role="viewer"),
        lambda who: access.end_role(actor=who, now=now(), user_id=user.pk, project=project),
    ):
        with pytest.raises(RuleBroken, match="You are the last admin of shop-prod") as caught:
            act(alice)
        assert caught.value.errors[0].field == "role"
    assert not AuditEvent.objects.filter(object_type="membership").exists()
    access.end_role(actor=alice, now=now(), user_id=gone.pk, project=project)
    access.end_role(actor=replace(alice, sees_all=True), now=now(), user_id=user.pk, project=project)
    assert not Membership.objects.exists()


def test_a_role_somebody_has_is_not_given_again(user: User, project: Project) -> None:
    for _ in range(2):
        access.set_role(actor=OPERATOR, now=now(), user_id=user.pk, project=project, role="viewer")
    assert AuditEvent.objects.filter(object_type="membership").count() == 1
