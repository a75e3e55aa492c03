"""Every operation asked in every wrong way: it answers what the document says, as the document says it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.api.bodies import MAX_BYTES
from reinstall.domain.throttles import DEFAULTS, Kind, Limit
from reinstall.models import AuditEvent, Cloud, Job, Order
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.api.test_openapi import document, filled, mistakes, operations

__all__ = ["document", "filled"]

Operation = tuple[str, str, dict[str, Any]]


class _Nowhere(dict[str, object]):
    """A value for each part of an address, of nothing there is."""

    def __missing__(self, name: str) -> object:
        return 2**31


NOWHERE = _Nowhere(slug="nowhere", server_id="00000000-0000-0000-0000-000000000000")


def walk(document: dict[str, Any]) -> Iterator[Operation]:
    for path, method, operation in operations(document):
        yield path, method.upper(), operation


def a_body(operation: dict[str, Any]) -> Any:
    """The example of its body, if it has one."""
    content = operation.get("requestBody", {}).get("content", {})
    return next(iter(content["application/json"]["examples"].values()))["value"] if content else None


def refuses(document: dict[str, Any], operation: dict[str, Any], answer: Any, status: int) -> None:
    """The answer is the problem that was provoked, and the document says that it can come."""
    name = operation["operationId"]
    found = problem_of(answer, status)
    assert str(status) in operation["responses"], f"{name} answers {status}, the document does not say so"
    assert not mistakes(document, {"$ref": "#/components/schemas/ProblemShape"}, found), name


def test_nobody_who_is_not_signed_in(document: dict[str, Any]):
    for path, method, operation in walk(document):
        answer = Caller().send(method, path.format_map(NOWHERE), a_body(operation))
        refuses(document, operation, answer, 401)


def test_no_token_without_the_scope(document: dict[str, Any], bob: User):
    reader, writer = Caller(a_token(bob, "read")), Caller(a_token(bob, "request"))
    for path, method, operation in walk(document):
        caller = writer if method == "GET" else reader
        refuses(document, operation, caller.send(method, path.format_map(NOWHERE), a_body(operation)), 403)


def test_nobody_too_often(document: dict[str, Any], settings: Any, bob: User):
    for path, method, operation in walk(document):
        settings.THROTTLES = {**DEFAULTS, Kind.READ: Limit(1, 86_400), Kind.WRITE: Limit(1, 86_400)}
        caller = Caller(a_token(bob))
        caller.send(method, path.format_map(NOWHERE), b"[")
        answer = caller.send(method, path.format_map(NOWHERE), a_body(operation))
        refuses(document, operation, answer, 429)
        headers = operation["responses"]["429"]["headers"]
        assert {"Retry-After", "RateLimit", "RateLimit-Policy"} == set(headers)
        assert all(answer[name] for name in headers)


def test_nothing_that_is_not_there(document: dict[str, Any], bob: User):
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    caller, walked = Caller(a_token(bob)), 0
    for path, method, operation in walk(document):
        if "{" in path:
            answer = caller.send(method, path.format_map(NOWHERE), a_body(operation), **{"If-Match": '"x"'})
            refuses(document, operation, answer, 404)
            walked += 1
    assert walked > 25


def bodies(document: dict[str, Any]) -> Iterator[Operation]:
    return (found for found in walk(document) if "requestBody" in found[2])


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b"[", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'{"colour": "red"}', "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b" " * (MAX_BYTES + 1), "application/json", 413),
    ],
    ids=["no JSON", "no object", "unknown field", "no JSON at all", "too large"],
)
def test_no_body_that_is_none(
    document: dict[str, Any],
    call: Caller,
    filled: dict[str, Any],
    bob: User,
    raw: bytes,
    kind: str,
    status: int,
):
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    there = filled | {"cloud_id": Cloud.objects.get().pk}
    before = AuditEvent.objects.count()
    for path, method, operation in bodies(document):
        headers = {"Content-Type": kind, "If-Match": "*", "Idempotency-Key": "k"}
        answer = call.send(method, path.format(**there), raw, **headers)
        assert answer.status_code == status, (operation["operationId"], answer.content)
        refuses(document, operation, answer, status)
    assert (Order.objects.count(), Job.objects.count(), AuditEvent.objects.count()) == (1, 2, before)


def test_no_parameter_that_is_none(document: dict[str, Any], call: Caller):
    walked = 0
    for path, method, operation in walk(document):
        names = {item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"}
        for query in (
            ("colour=red", "limit=0", "limit=x", "cursor=x", "format=xml") if "cursor" in names else ()
        ):
            refuses(document, operation, call.send(method, f"{path}?{query}"), 400)
            walked += 1
    assert walked > 40


def test_no_version_that_is_outdated(document: dict[str, Any], call: Caller, filled: dict[str, Any]):
    walked = 0
    for path, method, operation in walk(document):
        headers = {item["name"] for item in operation.get("parameters", ()) if item["in"] == "header"}
        if "If-Match" in headers and "428" not in operation["responses"]:
            answer = call.send(method, path.format(**filled), a_body(operation), **{"If-Match": '"outdated"'})
            refuses(document, operation, answer, 412)
            walked += 1
    assert walked >= 4


def test_good_answers_carry_the_headers_the_document_names(
    document: dict[str, Any], call: Caller, filled: dict[str, Any]
):
    walked = 0
    for path, method, operation in walk(document):
        if method != "GET" or "text/event-stream" in json.dumps(operation["responses"]["200"]):
            continue
        answer = call.get(path.format(**filled))
        assert answer.status_code == 200
        for name in operation["responses"]["200"]["headers"]:
            assert answer[name], (operation["operationId"], name)
            walked += 1
        if "304" in operation["responses"]:
            again = call.get(path.format(**filled), **{"If-None-Match": answer["ETag"]})
            assert (again.status_code, again.content) == (304, b""), operation["operationId"]
    assert walked > 50
