"""Each refusal in both formats: a page with the request id to copy, or a problem document with that id."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from reinstall.models import Project
from reinstall.web.errors import MAX_ADDRESS
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.rows import a_job, a_person, a_project, a_server, an_order

TOO_MUCH = 300 * 1024


@pytest.fixture
def viewer(shop: Project) -> User:
    return a_person("eve", shop, role="viewer")


def client_of(person: User, **options: Any) -> Client:
    client = Client(raise_request_exception=False, **options)
    client.force_login(person)
    return client


def is_page(answer: Any, status: int, heading: str) -> str:
    """The page's text. It names its request, offers to copy that, and leads on."""
    assert answer.status_code == status
    html: str = answer.content.decode()
    assert f"<h1>{heading}</h1>" in html
    request_id = answer["X-Request-Id"]
    assert f"<code>{request_id}</code>" in html and f'data-copy="{request_id}"' in html
    assert 'class="btn pri" href="/' in html
    return html


def break_the_jobs() -> None:
    """From here on, in this test, a query about jobs fails: a mistake nobody foresaw."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE reinstall_exchange RENAME TO somewhere_else")


def test_pages(viewer: User, shop: Project) -> None:
    client = client_of(viewer)
    job = a_job(an_order(shop, viewer), a_server(shop))
    is_page(client.get("/jobs/999999/"), 404, "There is nothing at this address")
    is_page(client.get("/nowhere/"), 404, "There is nothing at this address")
    is_page(client.post(f"/jobs/{job.pk}/cancel/"), 403, "You may not do this")
    not_allowed = client.get(f"/jobs/{job.pk}/cancel/")
    is_page(not_allowed, 405, "This address shows no page")
    assert not_allowed["Allow"] == "POST"
    is_page(client.get("/jobs/", {"q": "x" * MAX_ADDRESS}), 414, "This address is too long")
    assert client.get("/jobs/", {"q": "x" * (MAX_ADDRESS - 100)}).status_code == 200
    is_page(client.get("/jobs/", headers={"Host": "evil.example"}), 400, "The request could not be read")
    large = client.post("/sign-in/", {"username": "x" * TOO_MUCH})
    is_page(
        client_of(viewer).post("/settings/tokens/", {"name": "x" * TOO_MUCH}), 413, "This form is too large"
    )
    assert large.status_code in (302, 413)
    without = client_of(viewer, enforce_csrf_checks=True).post("/settings/tokens/", {"name": "x"})
    is_page(without, 403, "This form is no longer good")


def test_rest(viewer: User, shop: Project) -> None:
    caller = Caller(a_token(viewer))
    job = a_job(an_order(shop, viewer), a_server(shop))
    problem_of(caller.get("jobs/999999/"), 404)
    problem_of(caller.get("nowhere/"), 404)
    problem_of(caller.get("/api/nowhere"), 404)
    problem_of(caller.post(f"jobs/{job.pk}/cancel/"), 403)
    problem_of(caller.get(f"jobs/{job.pk}/cancel/"), 405)
    problem_of(caller.get(f"jobs/?q={'x' * MAX_ADDRESS}"), 414)
    problem_of(caller.get("jobs/", Host="evil.example"), 400)
    problem_of(caller.post("orders/", b"{"), 400)
    problem_of(caller.post("orders/", b"[" + b"1," * 600_000 + b"1]"), 413)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="breaks a table in SQLite's way")
def test_a_mistake_of_ours(viewer: User, shop: Project) -> None:
    job = a_job(an_order(shop, viewer), a_server(shop))
    caller, client = Caller(a_token(viewer)), client_of(viewer)
    break_the_jobs()
    page = client.get(f"/jobs/{job.pk}/exchange.json")
    is_page(page, 500, "This portal made a mistake")
    problem = problem_of(caller.get(f"jobs/{job.pk}/exchange/"), 500)
    for text in (page.content.decode(), json.dumps(problem)):
        assert "exchange" not in text.replace("/exchange", "") and "Traceback" not in text


def test_the_page_says_what_is_missing_and_who_can_give_it(viewer: User, shop: Project) -> None:
    server = a_server(shop)
    job = a_job(an_order(shop, viewer), server)
    client = client_of(viewer)
    addresses = [f"/servers/{server.pk}/protect/", f"/jobs/{job.pk}/cancel/", "/clouds/shop/test/"]
    for address in addresses:
        html = is_page(client.post(address, {"reason": "x"}), 403, "You may not do this")
        assert "Nobody is admin of shop; a superuser of this portal gives rights in it." in html
    for name in ("ada", "bea"):
        a_person(name, shop, role="admin")
    a_person("gone", shop, role="admin", is_active=False)
    html = is_page(client.get(f"/servers/{server.pk}/reinstall/"), 403, "You may not do this")
    assert "Rights in shop are given by ada, bea." in html
    assert "requester" in html


def test_it_names_nobody_to_whom_it_does_not_concern(viewer: User, shop: Project) -> None:
    other = a_project("other")
    a_person("mallory", other, role="admin")
    server = a_server(other)
    answer = client_of(viewer).post(f"/servers/{server.pk}/protect/", {"reason": "x"})
    assert "mallory" not in is_page(answer, 404, "There is nothing at this address")
    assert "given by" not in is_page(client_of(viewer).get("/manage/health/"), 403, "You may not do this")
