"""What browsers are told about every answer, and whom the portal believes about a request."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from ecsportal.headers import ADMIN_POLICY, PERMISSIONS, POLICY
from tests.reinstall.edge.asking import Door
from tests.reinstall.edge.routes import by_name
from tests.reinstall.edge.test_matrix import STREAMS
from tests.reinstall.edge.world import ANONYMOUS, MISSING, OWN, SUPERUSER, World, a_world

ROUTES = by_name()
#: On every answer, to the letter.
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "Reporting-Endpoints": 'csp="/csp-reports/"',
}


@pytest.fixture
def world(db: None) -> World:
    return a_world()


def wrong_headers(answer: Any) -> list[str]:
    """What of ALWAYS, the policy and the request id is not as it has to be."""
    wrong = [name for name, value in ALWAYS.items() if answer.get(name) != value]
    said = policy_of(answer)
    expected = POLICY.keys() if said.get("require-trusted-types-for") else ADMIN_POLICY.keys()
    wrong += sorted(set(expected) ^ set(said))
    wrong += [name for name in ("default-src", "base-uri", "object-src") if said.get(name) != "'none'"]
    if "'unsafe" in answer.get("Content-Security-Policy", "") or "*" in said.get("script-src", ""):
        wrong.append("script-src")
    return wrong + ([] if re.fullmatch(r"[0-9a-f]{32}", answer.get("X-Request-Id", "")) else ["X-Request-Id"])


def policy_of(answer: Any) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer.get("Content-Security-Policy", "").split(";")]
    return {name: values for name, _, values in parts}


@pytest.mark.timeout(600)
def test_every_answer_has_every_header(world: World) -> None:
    """Pages, REST, the admin; those that are there, those that are refused, those that are not there."""
    door, seen = Door(world), set()
    for route in ROUTES.values():
        for which, who in ((OWN, SUPERUSER), (MISSING, SUPERUSER), (OWN, ANONYMOUS)):
            if route.name in STREAMS and who == SUPERUSER:
                continue
            answer = door.send(route, "GET", which, who)
            assert wrong_headers(answer) == [], f"{route.name}, {which}, {who}: {answer.status_code}"
            seen.add(answer.status_code)
    assert seen >= {200, 302, 401, 404, 405}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted(STREAMS))
def test_streams_have_them(name: str) -> None:
    answer = Door(a_world()).send(ROUTES[name], "GET", OWN, SUPERUSER)
    assert answer.streaming and wrong_headers(answer) == []
    assert answer["Cache-Control"] == "no-store" and answer["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize(
    "path", ["css/base.css", "js/app.js", "img/favicon.svg", "admin/css/base.css", "none.js"]
)
def test_files_have_them(client: Client, path: str) -> None:
    answer = client.get(f"/static/{path}")
    assert wrong_headers(answer) == []
    answer.close()


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "/servers/", {"HTTP_HOST": "evil.example"}),
        ("GET", "/api/v1/servers/", {"HTTP_HOST": "evil.example"}),
        ("GET", "/servers/", {"HTTP_HOST": "localhost:99999999"}),
        ("POST", "/sign-in/", {"HTTP_HOST": "localhost"}),
        ("TRACE", "/servers/", {}),
        ("GET", "/servers/%00", {}),
    ],
)
def test_errors_have_them(db: None, method: str, path: str, options: dict[str, Any]) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    answer = client.generic(method, path, **options)
    assert wrong_headers(answer) == [], answer.status_code


def test_each_answer_has_its_own_nonce_and_its_scripts_have_it(db: None) -> None:
    nonces: list[str] = []
    for _ in range(2):
        answer = Client().get("/sign-in/")
        found = set(re.findall(r'<script[^>]* nonce="([^"]+)"', answer.content.decode()))
        assert len(found) == 1 and answer.content.count(b"<script") == answer.content.count(b" nonce=")
        nonces += found
        assert f"'nonce-{nonces[-1]}'" in policy_of(answer)["script-src"]
    assert nonces[0] != nonces[1]


def test_an_answer_without_scripts_lets_none_run(db: None) -> None:
    said = policy_of(Client().get("/live"))
    assert said["script-src"] == "'strict-dynamic' 'self'"
    assert said["require-trusted-types-for"] == "'script'" and said["trusted-types"] == "ecsportal"


def test_the_admin_has_its_own_policy_and_our_pages_below_it_have_ours(world: World) -> None:
    client = Door(world).client(SUPERUSER)
    admin = policy_of(client.get("/admin/"))
    assert admin["script-src"] == "'self'" and admin["img-src"] == "'self' data:"
    assert "trusted-types" not in admin
    assert "trusted-types" in policy_of(Client().get("/admin/login/"))


# ---------------------------------------------------------------- cookies
def test_cookies_are_of_this_site_only_and_the_session_is_not_for_scripts(world: World) -> None:
    client = Client()
    User.objects.create_user("eve", password="correct horse battery")
    client.post("/sign-in/", {"username": "eve", "password": "correct horse battery"})
    session, csrf = client.cookies["ecsportal-session"], client.cookies["ecsportal-csrf"]
    assert (session["httponly"], session["samesite"], session["path"], session["domain"]) == (
        True,
        "Lax",
        "/",
        "",
    )
    assert (csrf["samesite"], csrf["path"], csrf["domain"]) == ("Lax", "/", "")


# ---------------------------------------------------------------- whom the portal believes
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "evil host"]
)
@pytest.mark.parametrize("path", ["/sign-in/", "/api/v1/servers/", "/live"])
def test_a_host_that_is_not_ours_is_refused(db: None, host: str, path: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    answer = Client(raise_request_exception=False).get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert host.encode() not in answer.content or not host


def test_a_forwarded_host_is_never_believed(db: None, settings: Any) -> None:
    settings.TRUST_PROXY = True
    answer = Client().get(
        "/jobs/", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    )
    assert answer["Location"] == "/sign-in/?next=/jobs/"
    assert b"evil" not in Client().get("/sign-in/", headers={"X-Forwarded-Host": "evil.example"}).content


def test_no_answer_is_given_to_other_origins(world: World) -> None:
    """There is no CORS here: another page's script reads nothing, with or without a token."""
    client = Door(world).client(SUPERUSER)
    for method in ("GET", "OPTIONS"):
        answer = client.generic(method, "/api/v1/servers/", headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
