"""The OpenAPI document is valid, complete, and what the interface really answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from reinstall.domain.states import JobState
from reinstall.models import Exchange, Image, Project, SyncRun
from tests.reinstall.api.client import Caller, problem_of
from tests.reinstall.api.test_access import NUMBERS, addresses
from tests.reinstall.rows import (
    T0,
    a_job,
    a_key_pair,
    a_kms_key,
    a_preset,
    a_server,
    an_approval,
    an_entry,
    an_order,
)


@pytest.fixture
def document(call: Caller) -> dict[str, Any]:
    answer = call.get("openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.content)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def closed(schema: Any) -> Any:
    """The same schema, refusing what it does not name: an answer may hold no undeclared field."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        inner.setdefault("additionalProperties", False)
    return inner


def mistakes(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = closed({"components": document["components"]}) | closed(schema)
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]


def test_it_is_a_valid_document_of_version_3_1(document: dict[str, Any]):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_only_those_who_are_signed_in_read_it(db: None):
    problem_of(Caller().get("openapi.json"), 401)


def test_every_address_is_described(document: dict[str, Any]):
    described = {path.removeprefix("/api/v1/").replace("{slug}", "shop") for path in document["paths"]}
    for name in NUMBERS:
        described = {path.replace(f"{{{name}}}", "1") for path in described}
    described = {path.replace("{server_id}", "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f") for path in described}
    assert described == set(addresses()) - {"openapi.json"}


def test_every_answer_has_an_example_that_fits_its_schema(document: dict[str, Any]):
    wrong, seen = [], 0
    for path, method, operation in operations(document):
        answers = operation["responses"].items()
        bodies = [(status, answer.get("content", {})) for status, answer in answers]
        bodies.append(("body", operation.get("requestBody", {}).get("content", {})))
        for status, content in bodies:
            for kind, media in content.items():
                if kind in ("text/csv", "text/event-stream"):
                    continue
                assert media.get("examples"), f"{method} {path} {status} {kind} has no example"
                for example in media["examples"].values():
                    found = mistakes(document, media["schema"], example["value"])
                    wrong += [f"{method} {path} {status}: {sentence}" for sentence in found]
                    seen += 1
    assert seen > 100 and not wrong, "\n".join(wrong)


def test_every_operation_names_the_answers_it_can_give(document: dict[str, Any]):
    for path, method, operation in operations(document):
        given = set(operation["responses"])
        assert {"401", "403", "500", "503"} <= given, path
        assert ("{" in path) == ("404" in given) or operation["operationId"] in (
            "place_order",
            "add_preset",
        )
        if "requestBody" in operation and method == "post" and operation["operationId"] != "sync_project":
            assert {"400", "413", "415"} <= given or not operation["requestBody"].get("required"), path
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("If-Match" in names) == ("412" in given)
        assert ("If-None-Match" in names) == ("304" in given)
    assert {"200", "201", "409", "422"} <= set(document["paths"]["/api/v1/orders/"]["post"]["responses"])


def test_the_operation_ids_are_unique(document: dict[str, Any]):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) == 47


@pytest.fixture
def filled(shop: Project, bob: User) -> dict[str, Any]:
    """One row of everything, with what may be null filled in once and null once; the ids for addresses."""
    server, order = a_server(shop, data_disks=2, created_at=T0), an_order(shop, bob)
    job = a_job(
        order,
        server,
        JobState.FAILED,
        failure_code="Ecs.0021",
        failure_message="No quota.",
        sent_at=T0,
        accepted_at=T0,
        snapshot={
            "server_id": str(server.pk),
            "name": server.name,
            "disks": [{"volume_id": "v", "boot_index": 0}],
        },
        baseline={"server_id": str(server.pk), "name": server.name, "status": "ACTIVE"},
        cloud_steps=[{"id": "1", "type": "reInitOsSingle", "status": "FAIL", "begin": "", "end": ""}],
    )
    a_job(order, a_server(shop), JobState.QUEUED)
    job.attempts.create(
        number=1, verdict="accepted", body_sha256="0" * 64, signed_at=T0, intent_at=T0, status=200
    )
    seen = {"server_id": str(server.pk), "name": server.name, "status": "SHUTOFF"}
    for kind, data, grade in (("status", seen, ""), ("verdict", {"decision": "verify"}, "E2")):
        job.evidence.create(kind=kind, grade=grade, observed_at=T0, digest=kind, summary="Seen.", data=data)
    Exchange.objects.create(job=job, at=T0, last_at=T0, method="GET", path="/v1/x")
    entry = an_entry(job, JobState.FAILED, 1, T0, "it failed")
    a_key_pair(shop)
    a_kms_key(shop)
    Image.objects.create(project=shop, image_id="an-image", name="Debian", seen_at=T0, gone_at=T0)
    run = SyncRun.objects.create(
        project=shop,
        requested_by_name="bob",
        requested_at=T0,
        started_at=T0,
        ended_at=T0,
        differences={"changed": [{"id": str(server.pk), "name": "x", "fields": ["status"]}]},
    )
    return {
        "run_id": run.pk,
        # The preset has the address of its project: one word fills in both.
        "slug": a_preset(shop, shop.slug).slug,
        "number": 1,
        "server_id": server.pk,
        "order_id": order.pk,
        "approval_id": an_approval(order).pk,
        "job_id": job.pk,
        "entry_id": entry.pk,
        "token_id": bob.api_tokens.get().pk,
    }


def test_real_answers_fit_their_schemas(document: dict[str, Any], call: Caller, filled: dict[str, Any]):
    wrong, seen = [], 0
    for path, method, operation in operations(document):
        content = operation["responses"].get("200", {}).get("content", {})
        if method != "get" or "application/json" not in content:
            continue
        answer = call.get(path.format(**filled))
        assert answer.status_code == 200, (path, answer.content)
        found = mistakes(document, content["application/json"]["schema"], answer.json())
        wrong += [f"{path}: {sentence}" for sentence in found]
        seen += 1
    assert seen == 25 and not wrong, "\n".join(wrong)


def test_real_problems_fit_their_schema(document: dict[str, Any], call: Caller):
    schema = {"$ref": "#/components/schemas/ProblemShape"}
    answers = [
        call.get("servers/?limit=0"),
        call.get("jobs/1/"),
        call.post("orders/", {}),
        Caller().get("jobs/"),
    ]
    for answer in answers:
        assert not mistakes(document, schema, answer.json())


def test_every_parameter_of_a_list_is_described(document: dict[str, Any], call: Caller):
    for path, method, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        if method != "get" or "cursor" not in names:
            continue
        document_of_a_mistake = problem_of(call.get(f"{path}?colour=red"), 400)
        known = document_of_a_mistake["detail"].partition("Known: ")[2].rstrip(".").split(", ")
        assert set(known) == names, path
