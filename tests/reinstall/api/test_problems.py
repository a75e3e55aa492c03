"""Every error is a problem document, whoever raised it."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.api.bodies import MAX_BYTES
from reinstall.models import ApiToken
from tests.reinstall.api.client import Caller, fields_of, problem_of


def test_an_unknown_address(call: Caller):
    for path in ("nowhere/", "servers", "servers/1/", "jobs/x/", "/api/v1/", "jobs/1/cancel"):
        problem_of(call.get(path), 404)
        problem_of(call.post(path), 404)


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "servers/"), ("DELETE", "jobs/1/"), ("OPTIONS", "jobs/")]
)
def test_a_method_that_is_not_offered(call: Caller, method: str, path: str):
    answer = call.send(method, path)
    problem_of(answer, 405)
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_another_media_type(call: Caller, kind: str):
    problem_of(call.post("tokens/", b"name=x", **{"Content-Type": kind}), 415)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b"nonsense",
        b'{"name": NaN}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"name": 1e}',
    ],
    ids=lambda raw: raw[:16].decode("latin-1"),
)
def test_a_body_that_is_not_json(call: Caller, raw: bytes):
    problem_of(call.post("tokens/", raw), 400)


@pytest.mark.parametrize("body", [[], "text", 1, None, True])
def test_a_body_that_is_no_object(call: Caller, body: Any):
    problem_of(call.post("tokens/", [body] if body is None else body), 400)


def test_a_body_that_is_too_large(call: Caller):
    fits = {"name": "n", "scopes": ["read"], "x": "a" * (MAX_BYTES - 200)}
    assert fields_of(call.post("tokens/", fits)) == {"x"}
    problem_of(call.post("tokens/", b'{"name": "' + b"a" * MAX_BYTES + b'"}'), 413)


def test_a_charset_parameter_is_welcome(call: Caller):
    kind = "application/json; charset=utf-8"
    assert fields_of(call.post("orders/", {}, **{"Content-Type": kind})) == {"project", "servers", "spec"}


def test_whatever_is_accepted_json_comes_back(call: Caller):
    for accepted in ("text/html", "text/event-stream", "application/xml", "*/*"):
        assert call.get("servers/", Accept=accepted)["Content-Type"] == "application/json"


@pytest.mark.django_db(transaction=True)
def test_a_failure_of_our_own_is_a_problem_without_a_trace(bob: User, call: Caller, django_db_blocker: Any):
    from django.db import connection

    with connection.schema_editor() as editor:
        editor.execute("ALTER TABLE reinstall_kmskey RENAME TO kept_away")
    try:
        document = problem_of(call.get("kms-keys/"), 500)
    finally:
        with connection.schema_editor() as editor:
            editor.execute("ALTER TABLE kept_away RENAME TO reinstall_kmskey")
    assert "kmskey" not in str(document) and "request_id" in document["detail"]


def test_every_mistake_of_a_body_is_named_at_once(call: Caller):
    body = {"name": 5, "scopes": "read", "days": "30", "projects": [1], "colour": "red"}
    document = problem_of(call.post("tokens/", body), 400)
    told = {error["field"]: error["message"] for error in document["errors"]}
    assert told == {
        "name": "name is a text.",
        "scopes": "scopes is a list of texts.",
        "days": "days is a whole number.",
        "projects.0": "projects.0 is a text.",
        "colour": "colour is not a field here; known are name, scopes, projects, days, networks.",
    }
    assert not ApiToken.objects.filter(name="5").exists()


@pytest.mark.parametrize("value", [True, 1.5, "1", None, [1]])
def test_a_number_is_a_number(call: Caller, value: Any):
    assert fields_of(call.post("tokens/", {"name": "n", "scopes": ["read"], "days": value})) == {"days"}


@pytest.mark.parametrize("value", ["\0", "\ud800"])
def test_texts_the_database_cannot_keep_are_refused(call: Caller, value: str):
    assert fields_of(call.post("tokens/", {"name": value, "scopes": ["read"]})) == {"name"}
