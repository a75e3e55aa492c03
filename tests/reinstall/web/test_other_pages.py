"""Key pairs, audit log, tokens, probes, error pages, headers."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.models import ApiToken, AuditEvent, EngineTick, KeyPair, Project, Server
from reinstall.services.tokens import authenticate_token
from reinstall.web import errors
from tests.reinstall.conftest import placed_job

pytestmark = pytest.mark.django_db


def test_key_pairs_stand_under_the_user_they_belong_to(browser: Client, project: Project) -> None:
    key = KeyPair.objects.filter(project=project).order_by("name")[0]
    KeyPair.objects.filter(pk=key.pk).update(gone_at=timezone.now())
    html = browser.get("/key-pairs/").content.decode()
    assert key.name in html
    assert f'data-copy="{key.userid}"' in html
    assert "not found at the cloud" in html


def test_the_audit_log_shows_who_did_what_from_where(browser: Client, actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    html = browser.get("/audit/", {"object_type": "job", "object_id": str(job.pk)}).content.decode()
    assert "alice" in html
    assert "127.0.0.1" in html
    assert f'href="/jobs/{job.pk}/"' in html
    assert (
        html.count("<code>job.")
        == AuditEvent.objects.filter(object_type="job", object_id=str(job.pk)).count()
    )


def test_the_audit_log_is_narrowed_by_days(browser: Client, actor: Actor, server: Server) -> None:
    placed_job(actor, server)
    today = timezone.localdate()
    assert b"order.placed" in browser.get("/audit/", {"since": str(today), "until": str(today)}).content
    tomorrow = today + timedelta(days=1)
    assert b"No entries" in browser.get("/audit/", {"since": str(tomorrow)}).content
    assert browser.get("/audit/", {"since": "yesterday"}).status_code == 400


def test_somebody_else_sees_no_entry_of_a_project_they_are_not_in(stranger: Client, project: Project) -> None:
    assert AuditEvent.objects.filter(project_slug=project.slug).exists()
    assert b"No entries" in stranger.get("/audit/").content


def token_form(**changes: object) -> dict[str, object]:
    return {"name": "pipeline", "scopes": ["read", "request"], "projects": [], "days": 30} | changes


def test_a_token_is_shown_once_and_works(browser: Client, project: Project) -> None:
    said = token_form(projects=[project.slug], networks="192.0.2.0/24, 2001:db8::/48")
    answer = browser.post("/settings/tokens/", said)
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert authenticate_token(secret=secret, now=timezone.now(), address="") is None
    found = authenticate_token(secret=secret, now=timezone.now(), address="192.0.2.7")
    html = browser.get("/settings/tokens/").content.decode()
    assert secret not in html
    assert "from 192.0.2.0/24, 2001:db8::/48" in html and "from 192.0.2.7" in html
    assert found is not None
    assert found[0].username == "alice"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "Give the token a name"),
        ({"scopes": []}, "Scopes are one or more of"),
        ({"scopes": ["admin"]}, "Scopes are read and request."),
        ({"days": 91}, "A token lives 1 to 90 days."),
        ({"networks": "10.1.2.3/16"}, "write 10.1.0.0/16 or 10.1.2.3."),
        ({"days": "soon"}, "A token lives 1 to 90 days."),
        ({"projects": ["not-mine"]}, "Choose among your projects."),
    ],
)
def test_a_wrong_token_form_says_what_would_be_right(
    changes: dict[str, object], sentence: str, browser: Client
) -> None:
    assert sentence in browser.post("/settings/tokens/", token_form(**changes)).content.decode()
    assert not ApiToken.objects.exists()


def test_revoking_is_immediate_and_only_for_ones_own(browser: Client) -> None:
    secret = browser.post("/settings/tokens/", token_form()).context["secret"]
    token = ApiToken.objects.get()
    other = Client()
    other.force_login(User.objects.create_user("eve", password="correct horse battery"))
    assert other.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 404
    assert authenticate_token(secret=secret, now=timezone.now(), address="") is not None
    browser.post(f"/settings/tokens/{token.pk}/revoke/")
    assert authenticate_token(secret=secret, now=timezone.now(), address="") is None
    assert b"Revoked" in browser.get("/settings/tokens/").content


def test_ready_says_whether_the_engine_ticks() -> None:
    answer = Client().get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert "The engine has not looked" in answer.json()["problems"][0]
    EngineTick.objects.create(pk=1, at=timezone.now())
    assert Client().get("/ready").status_code == 200
    assert Client().get("/live").json() == {"status": "ok"}


def test_no_get_changes_a_row(browser: Client, actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    before = (AuditEvent.objects.count(), job.order.jobs.get().seq)
    for address in (
        "/projects/x/sync/",
        f"/jobs/{job.pk}/cancel/",
        "/settings/tokens/1/revoke/",
        "/sign-out/",
    ):
        assert browser.get(address).status_code == 405, address
    assert browser.get(f"/servers/{server.pk}/reinstall/check/").status_code == 405
    assert (AuditEvent.objects.count(), job.order.jobs.get().seq) == before


def test_a_post_without_its_token_is_refused_in_words(requester: User, server: Server) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(requester)
    answer = careful.post(f"/servers/{server.pk}/reinstall/", {"confirm": server.name})
    assert answer.status_code == 403
    assert b"This form is no longer good" in answer.content
    assert b"Nothing was sent." in answer.content


def test_error_pages_carry_the_request_id_and_need_nothing(browser: Client) -> None:
    answer = browser.get("/no-such-page/", headers={"X-Request-Id": "abc-12345"})
    assert answer.status_code == 404
    assert b"There is nothing at this address" in answer.content
    assert b"abc-12345" in answer.content
    assert b"tried" not in answer.content, "the list of addresses is nobody's business"


def test_a_mistake_of_ours_is_a_page_without_any_help() -> None:
    request = RequestFactory().get("/")
    request.META["ecsportal.request_id"] = "abc-12345"
    answer = errors.server_error(request)
    assert answer.status_code == 500
    assert b"abc-12345" in answer.content
    assert errors.bad_request(request, ValueError("secret detail")).content.count(b"secret detail") == 0


@pytest.mark.parametrize(
    "address", ["/servers/", "/jobs/", "/no-such-page/", "/sign-in/", "/servers/?cursor=x"]
)
def test_every_answer_has_the_strict_policy(address: str, browser: Client) -> None:
    policy = browser.get(address)["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in policy
    assert json.dumps(policy).isascii()
