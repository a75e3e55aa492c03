"""Whatever the OpenAPI document lets one send, and what it does not: no fault, and only answers it names."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.openapi import from_dict

from reinstall.models import Job, Project
from tests.reinstall.api.client import Caller, a_token
from tests.reinstall.api.test_openapi import filled, mistakes

__all__ = ["filled"]

#: Waits for changes instead of answering; its refusals are tested with the matrix.
STREAMS = {"watch_job"}
#: Of each operation, for each way of making input.
EXAMPLES = 2
SEED = 20_260_102
#: What no operation names, as it is refused before one is reached: an address that is too long.
BEFORE_ANY = {"414"}


@pytest.fixture
def token(shop: Project, bob: User) -> str:
    """Of somebody who may do everything: what is refused is refused for what was sent."""
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    return a_token(bob)


def sent(case: Case[Any], token: str, ids: dict[str, Any]) -> Any:
    """The answer; what it changed is taken back. `ids` replace what was made up for the path."""
    parts = {name: ids.get(name, value) for name, value in (case.path_parameters or {}).items()}
    path = case.path
    for name, value in parts.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    query = urlencode({name: value for name, value in (case.query or {}).items()}, doseq=True)
    headers = {name: str(value) for name, value in (case.headers or {}).items() if str(value).isascii()}
    body = json.dumps(case.body).encode() if isinstance(case.body, dict | list | str | int | None) else b""
    with transaction.atomic():
        answer = Client(raise_request_exception=False).generic(
            case.method,
            f"{path}?{query}",
            body,
            case.media_type or "application/json",
            headers=headers | {"Authorization": f"Bearer {token}"},
        )
        transaction.set_rollback(True)
    return answer


def judged(answer: Any, operation: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """What is wrong with an answer, as sentences."""
    status, kind = str(answer.status_code), answer.get("Content-Type", "").partition(";")[0]
    if answer.status_code >= 500:
        return [f"a fault: {status}"]
    if status not in operation["responses"]:
        return [] if status in BEFORE_ANY else [f"{status} is not named"]
    content = operation["responses"][status].get("content", {})
    if content and kind not in content:
        return [f"{status} is {kind}, not {' or '.join(content)}"]
    if kind not in ("application/json", "application/problem+json"):
        return []
    return [
        f"{status}: {wrong}"
        for wrong in mistakes(document, content[kind]["schema"], json.loads(answer.content))
    ]


def test_the_judgement_sees_what_is_wrong(token: str, shop: Project) -> None:
    caller = Caller(token)
    document = caller.get("openapi.json").json()
    operation = document["paths"]["/api/v1/servers/{server_id}/"]["get"]
    unknown = caller.get("nowhere/")
    assert judged(unknown, operation, document) == []
    without = {"responses": {"200": operation["responses"]["200"]}}
    assert judged(unknown, without, document) == ["404 is not named"]
    assert judged(HttpResponse(status=500), operation, document) == ["a fault: 500"]
    assert judged(HttpResponse("x", status=404), operation, document)[0].startswith("404 is text/html")
    wrong = JsonResponse({"id": 1}, status=200)
    assert any("required" in sentence for sentence in judged(wrong, operation, document))


def answers(
    operation: Any, mode: GenerationMode, token: str, ids: dict[str, Any]
) -> list[tuple[Case[Any], Any]]:
    """What is answered to EXAMPLES requests made up for one operation; the same ones each time."""
    found: list[tuple[Case[Any], Any]] = []

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        found.append((case, sent(case, token, ids)))

    ask()
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("there", [True, False], ids=["things that are there", "made-up things"])
def test_no_input_is_a_fault(
    token: str,
    filled: dict[str, Any],  # noqa: F811
    mode: GenerationMode,
    there: bool,
) -> None:
    document = Caller(token).get("openapi.json").json()
    wrong, statuses = [], []
    for result in from_dict(document).get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        raw = document["paths"][operation.path][operation.method.lower()]
        if raw["operationId"] in STREAMS:
            continue
        for case, answer in answers(operation, mode, token, filled if there else {}):
            statuses.append(answer.status_code)
            wrong += [
                f"{case.method} {case.path}: {sentence} for {case.query} {case.body!r}"[:400]
                for sentence in judged(answer, raw, document)
            ]
    assert wrong == [], "\n".join(wrong)
    assert len(statuses) >= 40 * EXAMPLES and {400, 404} & set(statuses)
    assert Job.objects.count() == 2, "what was sent was not taken back"
