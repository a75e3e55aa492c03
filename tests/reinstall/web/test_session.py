"""Signing in and out, and that nothing is shown without it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver

from reinstall.models import AuditEvent
from reinstall.web import kept, stale, urls
from tests.reinstall.rows import a_project
from tests.reinstall.unrecorded import audit_log_full

pytestmark = pytest.mark.django_db

PUBLIC = {"sign-in", "sign-in-code", "sign-out", "sso", "sso-callback", "live", "ready"}
VALUES = {
    "server_id": "00000000-0000-0000-0000-000000000001",
    "job_id": 1,
    "token_id": 1,
    "cloud_id": 1,
    "approval_id": 1,
    "view_id": 1,
    "entry_id": 1,
    "factor_id": 1,
    "session_id": 1,
    "slug": "x",
    "number": 1,
}


def test_signing_in_leads_to_where_one_wanted_to_go(user: User) -> None:
    client = Client()
    assert client.get("/jobs/?tab=all")["Location"] == "/sign-in/?next=/jobs/%3Ftab%3Dall"
    said = {"username": "alice", "password": "correct horse battery", "next": "/jobs/?tab=all"}
    assert client.post("/sign-in/", said)["Location"] == "/jobs/?tab=all"
    assert client.get("/jobs/").status_code == 200


def test_the_page_says_where_nothing_real_can_be_wiped(user: User) -> None:
    said = b"This is the simulator. Nothing real can be wiped."
    assert said not in Client().get("/sign-in/").content
    a_project("toy", environment="simulator")
    assert said in Client().get("/sign-in/").content
    a_project("real")
    assert said not in Client().get("/sign-in/").content


def test_another_site_is_never_led_to(user: User) -> None:
    said = {"username": "alice", "password": "correct horse battery", "next": "https://evil.example/"}
    assert Client().post("/sign-in/", said)["Location"] == "/servers/"


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_every_failure_says_the_same(name: str, user: User) -> None:
    html = Client().post("/sign-in/", {"username": name, "password": "wrong"}).content.decode()
    assert html.count("This user name and password do not fit.") == 1
    assert "Error: Sign in" in html
    assert 'value="wrong"' not in html


def test_a_disabled_account_gets_no_other_sentence(user: User) -> None:
    User.objects.update(is_active=False)
    said = {"username": "alice", "password": "correct horse battery"}
    assert b"do not fit" in Client().post("/sign-in/", said).content


def test_signing_out_takes_a_post(stranger: Client) -> None:
    assert stranger.get("/sign-out/").status_code == 405
    assert stranger.get("/jobs/").status_code == 200
    stranger.post("/sign-out/")
    assert stranger.get("/jobs/").status_code == 302


@pytest.mark.parametrize("door", ["/sign-in/", "/admin/login/"])
def test_signing_in_and_out_is_in_the_history(door: str, user: User) -> None:
    User.objects.update(is_staff=True)
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.post(door, {"username": "alice", "password": "wrong"})
    assert not AuditEvent.objects.exists()
    client.post(door, {"username": "alice", "password": "correct horse battery"})
    client.post("/sign-out/")
    client.post("/sign-out/")
    told = [
        (entry.action, entry.actor_name, entry.address, entry.source)
        for entry in AuditEvent.objects.order_by("id")
    ]
    assert told == [
        ("account.signed_in", "alice", "192.0.2.7", "browser"),
        ("account.signed_out", "alice", "192.0.2.7", "browser"),
    ]


def test_the_admin_lets_in_nobody_but_staff(user: User) -> None:
    client = Client()
    said = {"username": "alice", "password": "correct horse battery", "next": "/admin/"}
    assert b"do not fit" in client.post("/admin/login/", said).content
    client.post("/sign-in/", said)
    assert client.get("/admin/", follow=True).status_code == 200, "the form, no loop"
    User.objects.update(is_staff=True)
    assert client.post("/admin/login/", said)["Location"] == "/admin/"


def test_a_refused_sign_in_is_logged_without_the_name(caplog: pytest.LogCaptureFixture, user: User) -> None:
    Client(REMOTE_ADDR="192.0.2.7").post("/sign-in/", {"username": "my-password-by-mistake", "password": "x"})
    (line,) = [record.getMessage() for record in caplog.records if "sign-in" in record.getMessage()]
    assert line == "sign-in refused address=192.0.2.7"


def test_without_its_entry_nobody_is_signed_in(user: User) -> None:
    client = Client(raise_request_exception=False)
    with audit_log_full():
        answer = client.post("/sign-in/", {"username": "alice", "password": "correct horse battery"})
    assert answer.status_code == 503
    assert "Nothing was done" in answer.content.decode()
    assert client.get("/jobs/").status_code == 302


def views_of(found: list[Any]) -> list[Any]:
    """The view of every address, those of included files as well."""
    nested = [views_of(one.url_patterns) if hasattr(one, "url_patterns") else [one.callback] for one in found]
    return [view for views in nested for view in views]


def test_no_address_of_the_sign_in_library_is_reachable() -> None:
    views = views_of(get_resolver().url_patterns)
    assert len(views) > 100
    assert [view for view in views if view.__module__.startswith("allauth")] == []


def test_every_form_that_may_be_kept_can_be_shown_again() -> None:
    assert set(stale.SHOWN_AGAIN) == kept.COME_BACK
    assert {pattern.name for pattern in patterns()} >= kept.COME_BACK


def patterns() -> list[URLPattern]:
    return [pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)]


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: str(pattern.name))
def test_every_page_asks_who_is_there(pattern: URLPattern) -> None:
    wanted = {name: VALUES[name] for name in pattern.pattern.converters}
    address = get_resolver().reverse(str(pattern.name), **wanted)
    answer = Client().get(f"/{address}")
    if pattern.name in PUBLIC:
        assert not answer.get("Location", "").startswith("/sign-in/?")
    else:
        assert answer["Location"].startswith("/sign-in/?next=")
