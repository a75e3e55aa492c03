"""The staff corner: everything to read, nothing that could touch a server, each change in the history."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reinstall.admin.readonly import ReadOnlyAdmin
from reinstall.domain.actors import Actor
from reinstall.models import AuditEvent, Job, Membership, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, finished, placed_job
from tests.reinstall.rows import T0, an_event
from tests.reinstall.signing import PASSWORD, proved, signed_in

pytestmark = pytest.mark.django_db

READ_ONLY = sorted(
    model._meta.model_name or ""
    for model, options in admin.site._registry.items()
    if isinstance(options, ReadOnlyAdmin)
)
#: Per page: words its search finds, one of its filters, and its date, where it has one.
PAGES: dict[str, tuple[str, dict[str, str], str]] = {
    "attempt": ("web-prod", {"verdict__exact": "accepted"}, "intent_at"),
    "auditevent": ("alice", {"source__exact": "browser"}, "at"),
    "job": ("web-prod", {"state__exact": "succeeded"}, "created_at"),
    "keypair": ("KeyPair", {}, ""),
    "order": ("OPS-4417", {"source__exact": "browser"}, "created_at"),
    "project": ("shop", {"environment__exact": "simulator"}, ""),
    "server": ("web-prod", {"status__exact": "ACTIVE"}, "seen_at"),
}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


@pytest.fixture
def history(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    """A job that ran to its end, so that every page has rows."""
    job = placed_job(actor, server, user_data=b"#!/bin/sh\necho canary-script\n")
    return finished(job, clock, simulator)


def page(client: Client, name: str, **query: str) -> str:
    answer = client.get(reverse(f"admin:reinstall_{name}_changelist"), query)
    assert answer.status_code == 200, name
    return answer.content.decode()


def rows(html: str) -> int:
    return len(re.findall(r'class="action-checkbox"|<th class="field-', html))


def test_every_read_only_page_is_tried() -> None:
    assert list(PAGES) == READ_ONLY


@pytest.mark.parametrize("name", READ_ONLY)
def test_a_page_opens_with_rows_search_filter_and_date(name: str, staff: Client, history: Job) -> None:
    words, chosen, date = PAGES[name]
    everything = rows(page(staff, name))
    assert everything > 0
    assert 0 < rows(page(staff, name, q=words)) <= everything
    assert rows(page(staff, name, q="nothing-is-called-this")) == 0
    if chosen:
        assert 0 < rows(page(staff, name, **chosen)) <= everything
    if date:
        assert rows(page(staff, name, **{f"{date}__year": str(history.created_at.year)})) > 0
        assert rows(page(staff, name, **{f"{date}__year": "1999"})) == 0


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"actor_name": "carol"}, 1),
        ({"action": "order.cancelled"}, 1),
        ({"object": "order 4711"}, 1),
        ({"object": "proposal"}, 1),
        ({"project_slug": "elsewhere"}, 2),
        ({"source": "token", "project_slug": "elsewhere"}, 1),
        ({"from": "2026-01-02", "to": "2026-01-02", "project_slug": "elsewhere"}, 1),
        ({"from": "2026-01-03", "to": "2026-01-05", "project_slug": "elsewhere"}, 1),
        ({"from": "soon"}, 0),
        ({"to": "9999-12-31"}, 0),
    ],
    ids=str,
)
def test_the_audit_history_is_narrowed_as_on_its_page(
    query: dict[str, str], shown: int, staff: Client
) -> None:
    an_event(project_slug="elsewhere", object_id="4711", actor_name="carol", action="order.cancelled")
    later = T0 + timedelta(days=2)
    an_event(project_slug="elsewhere", object_type="proposal", source="token", at=later)
    html = page(staff, "auditevent", **query)
    assert rows(html) == shown
    for name, value in query.items():
        if name not in ("project_slug", "source"):
            assert f'name="{name}" value="{value}"' in html


@pytest.mark.parametrize("name", READ_ONLY)
def test_one_of_its_rows_opens_and_offers_no_change(name: str, staff: Client, history: Job) -> None:
    model = next(m for m in admin.site._registry if m._meta.model_name == name)
    for row in model._default_manager.order_by("-pk")[:3]:
        answer = staff.get(reverse(f"admin:reinstall_{name}_change", args=[row.pk]))
        assert answer.status_code == 200
        html = answer.content.decode()
        assert 'name="_save"' not in html
        assert "deletelink" not in html
        shown = [
            tag for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", html) if '"hidden"' not in tag
        ]
        assert [tag for tag in shown if re.search(r' name="(?!theme)', tag)] == []


@pytest.mark.parametrize("name", READ_ONLY)
def test_nothing_can_be_added_changed_or_deleted(name: str, staff: Client, history: Job) -> None:
    model = next(m for m in admin.site._registry if m._meta.model_name == name)
    row = model._default_manager.order_by("pk")[0]
    before = model._default_manager.filter(pk=row.pk).values().get()
    added = reverse(f"admin:reinstall_{name}_add")
    changed = reverse(f"admin:reinstall_{name}_change", args=[row.pk])
    deleted = reverse(f"admin:reinstall_{name}_delete", args=[row.pk])
    for answer in (
        staff.get(added),
        staff.post(added, {"name": "x"}),
        staff.post(changed, {"name": "x", "state": "queued"}),
        staff.get(deleted),
        staff.post(deleted, {"post": "yes"}),
    ):
        assert answer.status_code == 403
    action = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    staff.post(reverse(f"admin:reinstall_{name}_changelist"), action)
    assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_no_secret_is_on_any_page(staff: Client, history: Job, simulator: RunningSimulator) -> None:
    secrets = ["canary-script", simulator.cloud_json("shop-prod")["credentials"]["secret_key"], "_sealed"]
    project = Project.objects.get(pk=history.project_id)
    order = history.order
    for name in READ_ONLY:
        model = next(m for m in admin.site._registry if m._meta.model_name == name)
        for row in model._default_manager.order_by("-pk")[:20]:
            html = staff.get(reverse(f"admin:reinstall_{name}_change", args=[row.pk])).content.decode()
            for secret in (
                *secrets,
                bytes(project.credentials_sealed).hex()[:24],
                repr(bytes(order.user_data_sealed))[:24],
            ):
                assert secret not in html, (name, row.pk)


def test_who_is_not_staff_does_not_get_in(client: Client, user: User) -> None:
    client.force_login(user)
    answer = client.get(reverse("admin:reinstall_job_changelist"))
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


def membership(client: Client, act: str, pk: int | None = None, **fields: Any) -> int:
    address = reverse(f"admin:reinstall_membership_{act}", args=[pk] if pk else [])
    return client.post(address, fields).status_code


def told() -> list[tuple[str, str, dict[str, str], dict[str, str]]]:
    entries = AuditEvent.objects.filter(object_type="membership").order_by("id")
    return [(e.actor_name, e.action, e.before, e.after) for e in entries]


def test_roles_are_given_changed_and_taken_with_an_entry_each(
    staff: Client, user: User, project: Project
) -> None:
    assert membership(staff, "add", user=user.pk, project=project.pk, role="viewer") == 302
    made = Membership.objects.get()
    assert (made.user, made.project, made.role) == (user, project, "viewer")
    assert membership(staff, "change", made.pk, role="admin") == 302
    assert Membership.objects.get().role == "admin"
    assert membership(staff, "delete", made.pk, post="yes") == 302
    assert not Membership.objects.exists()
    assert told() == [
        ("boss", "role.given", {}, {"role": "viewer"}),
        ("boss", "role.given", {"role": "viewer"}, {"role": "admin"}),
        ("boss", "role.ended", {"role": "admin"}, {}),
    ]
    assert AuditEvent.objects.filter(object_type="membership").latest("id").address == "127.0.0.1"


def test_an_entry_is_not_turned_into_another_persons(staff: Client, user: User, project: Project) -> None:
    bob = User.objects.create_user("bob")
    made = Membership.objects.create(user=user, project=project, role="viewer")
    assert membership(staff, "change", made.pk, user=bob.pk, project=project.pk, role="admin") == 302
    assert Membership.objects.get().user == user


def test_staff_without_the_role_admin_gives_no_role(client: Client, user: User, project: Project) -> None:
    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__model="membership"))
    client.force_login(helper)
    made = Membership.objects.create(user=user, project=project, role="viewer")
    assert membership(client, "add", user=helper.pk, project=project.pk, role="admin") == 403
    assert membership(client, "change", made.pk, role="admin") == 403
    assert membership(client, "delete", made.pk, post="yes") == 403
    assert list(Membership.objects.values_list("user", "role")) == [(user.pk, "viewer")]
    assert told() == []


def test_the_last_admin_keeps_the_role_here_too(client: Client, project: Project) -> None:
    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__model="membership"))
    client.force_login(helper)
    made = Membership.objects.create(user=helper, project=project, role="admin")
    assert membership(client, "change", made.pk, role="viewer") == 403
    assert membership(client, "delete", made.pk, post="yes") == 403
    assert Membership.objects.get().role == "admin" and told() == []


def accounts() -> list[tuple[str, str, bool | None]]:
    entries = AuditEvent.objects.filter(object_type="account").order_by("id")
    return [(e.action, e.object_label, e.after.get("is_superuser")) for e in entries]


def test_accounts_are_changed_with_an_entry_each_and_no_password_in_it(staff: Client) -> None:
    secret = "a very long pass phrase"
    fields = {"username": "carol", "password1": secret, "password2": secret, "usable_password": "true"}
    assert staff.post(reverse("admin:auth_user_add"), fields).status_code == 302
    carol = User.objects.get(username="carol")
    change = reverse("admin:auth_user_change", args=[carol.pk])
    granted = {
        "username": "carol",
        "is_active": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "10:00:00",
    }
    assert staff.post(change, granted).status_code == 302
    changed = {"password1": f"{secret} 2", "password2": f"{secret} 2", "usable_password": "true"}
    assert staff.post(reverse("admin:auth_user_password_change", args=[carol.pk]), changed).status_code == 302
    assert staff.post(reverse("admin:auth_user_delete", args=[carol.pk]), {"post": "yes"}).status_code == 302
    assert accounts() == [
        ("account.added", "carol", False),
        ("account.changed", "carol", True),
        ("account.changed", "carol", True),
        ("account.deleted", "carol", None),
    ]
    assert "Superuser status" in AuditEvent.objects.filter(action="account.changed")[1].note
    assert secret not in repr(list(AuditEvent.objects.values()))
    assert not User.objects.filter(username="carol").exists()


def test_the_admin_is_entered_with_a_fresh_second_factor(policy: str, shop: Project) -> None:
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    assert signed_in(boss, second_factor=False).get("/admin/").status_code == 403
    old = timezone.now() - timedelta(minutes=6)
    client = signed_in(boss, proved_at=old)
    assert client.get("/admin/auth/user/")["Location"] == "/sign-in/again/?next=/admin/auth/user/"
    proved(client)
    assert client.get("/admin/").status_code == 200
    proved(client, proved_at=old)
    assert client.get("/admin/auth/user/").status_code == 200, "whoever is in stays in for half an hour"
    session = client.session
    session["admin_until"] = old.isoformat()
    session.save()
    assert client.get("/admin/auth/user/").status_code == 303


def test_no_table_of_the_second_factors_has_a_page() -> None:
    assert [model for model in admin.site._registry if model.__module__.startswith("allauth.")] == []
