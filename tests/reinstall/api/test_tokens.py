import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.models import ApiToken, Project
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.signing import proved


@pytest.fixture
def browser(bob: User) -> Caller:
    """bob at a browser: the test client does not ask for CSRF tokens."""
    caller = Caller()
    caller.client = Client(raise_request_exception=False)
    caller.client.force_login(bob)
    proved(caller.client)
    return caller


def test_a_token_is_shown_once_and_works(browser: Caller, shop: Project):
    body = {"name": "ci", "scopes": ["read"], "projects": ["shop"], "days": 7, "networks": ["127.0.0.1"]}
    answer = browser.post("tokens/", body)
    assert answer.status_code == 201
    made = answer.json()
    assert made["secret"].startswith("ecsp_") and made["prefix"] == made["secret"][:10]
    assert (made["scopes"], made["projects"], made["revoked_at"]) == (["read"], ["shop"], None)
    assert (made["networks"], made["last_used_at"], made["last_used_from"]) == (["127.0.0.1/32"], None, "")
    assert Caller(made["secret"]).get("servers/").status_code == 200
    assert browser.get(answer["Location"]).json()["last_used_from"] == "127.0.0.1"
    for path in ("tokens/", answer["Location"]):
        again = browser.get(path)
        assert made["secret"].encode() not in again.content and b'"secret"' not in again.content
    assert made["secret"] not in str(list(ApiToken.objects.values()))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["approve"]}, "scopes"),
        ({"days": 91}, "days"),
        ({"days": 0}, "days"),
        ({"networks": ["10.1.2.3/16"]}, "networks"),
        ({"networks": "10.1.0.0/16"}, "networks"),
        ({"networks": [1]}, "networks.0"),
        ({"user": 1}, "user"),
        ({"digest": "x"}, "digest"),
    ],
)
def test_what_is_wrong_is_named(browser: Caller, changes: dict[str, object], field: str):
    assert fields_of(browser.post("tokens/", {"name": "ci", "scopes": ["read"]} | changes)) == {field}
    assert not ApiToken.objects.exists()


def test_a_project_of_others_cannot_be_named(browser: Caller):
    problem_of(browser.post("tokens/", {"name": "ci", "scopes": ["read"], "projects": ["other"]}), 404)
    assert not ApiToken.objects.exists()


def test_a_token_makes_no_tokens(call: Caller):
    problem_of(call.post("tokens/", {"name": "ci", "scopes": ["read"]}), 403)
    assert ApiToken.objects.count() == 1


def test_revoking_is_at_once(browser: Caller, bob: User):
    other = Caller(a_token(bob))
    token = ApiToken.objects.get()
    etag = browser.get(f"tokens/{token.pk}/")["ETag"]
    problem_of(browser.delete(f"tokens/{token.pk}/", **{"If-Match": '"x"'}), 412)
    assert other.get("servers/").status_code == 200
    answer = browser.delete(f"tokens/{token.pk}/", **{"If-Match": etag})
    assert (answer.status_code, answer.content) == (204, b"")
    problem_of(other.get("servers/"), 401)
    problem_of(browser.delete(f"tokens/{token.pk}/", **{"If-Match": etag}), 412)
