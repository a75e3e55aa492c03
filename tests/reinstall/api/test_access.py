"""Who is let in, what they may do there, and what they are told when not."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern
from django.utils.timezone import now

from reinstall.domain.states import JobState
from reinstall.models import ApiToken, Job, Order, Project, SyncRun
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.rows import a_job, a_person, a_project, a_server, an_approval, an_entry, an_order
from tests.reinstall.signing import proved

UUID = "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f"
LISTS = [
    *("projects", "servers", "key-pairs", "kms-keys", "images", "orders", "jobs", "tokens", "audit"),
    "approvals",
]
NUMBERS = ("order_id", "approval_id", "job_id", "token_id", "entry_id", "cloud_id", "run_id", "number")


def addresses() -> list[str]:
    """Every address of the interface, as the resolver knows it, with ids filled in."""
    found: Any = get_resolver()
    for prefix in ("api/", "v1/"):
        [found] = [inner for inner in found.url_patterns if str(inner.pattern) == prefix]
    filled: list[str] = []
    for pattern in found.url_patterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        for kind, value in (("<slug:slug>", "shop"), ("<uuid:server_id>", UUID)):
            route = route.replace(kind, value)
        for name in NUMBERS:
            route = route.replace(f"<int:{name}>", "1")
        assert "<" not in route, "an address this test cannot fill in"
        filled.append(route)
    return filled


@pytest.mark.parametrize("path", [*addresses(), "nowhere/", "servers"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS"])
def test_nobody_gets_in_without_signing_in(db: None, path: str, method: str):
    answer = Caller().send(method, path)
    problem_of(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_is_none_is_refused(db: None, bob: User):
    for header in ("Bearer ecsp_wrong", "Bearer ", "Bearer é", "bearer x y"):
        problem_of(Caller(**{"Authorization": header}).get("servers/"), 401)


@pytest.mark.parametrize("end", ["expired", "revoked", "person disabled"])
def test_a_token_that_has_ended_is_refused(bob: User, end: str):
    caller = Caller(a_token(bob))
    assert caller.get("servers/").status_code == 200
    if end == "expired":
        ApiToken.objects.update(expires_at=now() - timedelta(seconds=1))
    elif end == "revoked":
        ApiToken.objects.update(revoked_at=now())
    else:
        User.objects.update(is_active=False)
    problem_of(caller.get("servers/"), 401)


def test_scopes_are_for_reading_and_for_requests(bob: User):
    reader, writer = Caller(a_token(bob, "read")), Caller(a_token(bob, "request"))
    assert reader.get("servers/").status_code == 200
    assert "request" in problem_of(reader.post("orders/", {}), 403)["detail"]
    assert "read" in problem_of(writer.get("servers/"), 403)["detail"]


def test_a_browser_session_needs_the_csrf_token_to_change_something(bob: User):
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    proved(client)
    assert client.get("/api/v1/servers/").status_code == 200
    problem_of(client.post("/api/v1/tokens/", {}, content_type="application/json"), 403)
    assert not ApiToken.objects.exists()
    client.cookies["ecsportal-csrf"] = "a" * 32
    body = {"name": "mine", "scopes": ["read"]}
    answer = client.post(
        "/api/v1/tokens/", body, content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )
    assert answer.status_code == 201


@pytest.fixture
def foreign(bob: User) -> dict[str, Any]:
    """Addresses of things in a project bob is not in."""
    other = a_project("other")
    eve = a_person("eve", other)
    order = an_order(other, eve)
    job = a_job(order, a_server(other, "secret-server"), JobState.QUEUED)
    entry = an_entry(job, JobState.QUEUED, 1, order.created_at, "secret-note")
    a_token(eve)
    reading = SyncRun.objects.create(project=other, requested_by_name="eve", requested_at=order.created_at)
    return {
        "projects/other/": "GET",
        "projects/other/check/": "POST",
        "projects/other/sync/": "POST",
        f"projects/other/syncs/{reading.pk}/": "GET",
        f"servers/{job.server_id}/": "GET",
        f"orders/{order.pk}/": "GET",
        f"jobs/{job.pk}/": "GET",
        f"jobs/{job.pk}/cancel/": "POST",
        f"jobs/{job.pk}/events/": "GET",
        f"jobs/{job.pk}/exchange/": "GET",
        f"audit/{entry.pk}/": "GET",
        f"approvals/{an_approval(order).pk}/": "GET",
        f"tokens/{ApiToken.objects.get(user=eve).pk}/": "DELETE",
    }


def test_what_is_not_theirs_is_not_there(foreign: dict[str, str], call: Caller):
    for path, method in foreign.items():
        problem_of(call.send(method, path), 404)
    assert Job.objects.get().state == JobState.QUEUED
    assert not ApiToken.objects.filter(revoked_at__isnull=False).exists()


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("query", ["", "?q=secret", "?project=other", "?format=csv"])
def test_lists_show_nothing_of_other_projects(foreign: dict[str, str], call: Caller, name: str, query: str):
    answer = call.get(f"{name}/{query}")
    assert b"secret" not in answer.content
    assert b'"other"' not in answer.content


def test_ids_beyond_any_number_are_not_there(call: Caller):
    for path in ("jobs", "orders", "audit", "tokens"):
        problem_of(call.get(f"{path}/{2**63}/"), 404)
        problem_of(call.get(f"{path}/{10**30}/"), 404)
    assert call.get("jobs/?order=999999999999999999").json()["results"] == []


def test_a_viewer_is_told_which_role_is_missing(shop: Project):
    viewer = Caller(a_token(a_person("eve", shop, role="viewer")))
    server = a_server(shop)
    body = {"project": "shop", "servers": [str(server.pk)], "spec": {}}
    answer = viewer.post("orders/", body, **{"Idempotency-Key": "k"})
    assert "role requester" in problem_of(answer, 403)["detail"]
    assert not Order.objects.exists()
    problem_of(viewer.post("projects/shop/sync/"), 403)
    problem_of(viewer.post("projects/shop/check/"), 403)


def test_a_limited_token_sees_its_projects_only(bob: User, shop: Project):
    other = a_project("other")
    other.memberships.create(user=bob, role="requester")
    caller = Caller(a_token(bob, projects=(other,)))
    assert [found["slug"] for found in caller.get("projects/").json()["results"]] == ["other"]
    problem_of(caller.get("projects/shop/"), 404)
