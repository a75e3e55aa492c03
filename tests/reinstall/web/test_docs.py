"""The pages about REST: every operation, examples that are calls, links that lead somewhere, their size."""

import json
import re
import shlex

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from reinstall.domain.throttles import DEFAULTS, Kind, Limit
from reinstall.models import Project
from reinstall.web.api_document import Operation, problems, resource, resources
from tests.reinstall.rows import a_person, a_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    """Somebody in a simulated project and in one of production."""
    simulated, real = a_project("toys", environment="simulator"), a_project("shop", environment="production")
    signed_in = Client()
    signed_in.force_login(a_person("bob", simulated, real))
    return signed_in


def operations() -> list[Operation]:
    return [operation for one in resources() for operation in one.operations]


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_operation_of_the_document_has_its_place(client: Client):
    document = client.get("/api/v1/openapi.json").json()
    named = {op["operationId"] for methods in document["paths"].values() for op in methods.values()}
    assert named == {operation.name for operation in operations()}
    overview = page(client, "/api/docs/")
    for one in resources():
        html = page(client, f"/api/docs/{one.slug}/")
        for operation in one.operations:
            assert html.count(f'id="{operation.name}"') == 1
            assert f'href="/api/docs/{one.slug}/#{operation.name}"' in overview


def test_every_link_inside_leads_to_something(client: Client):
    pages = {"/api/docs/": page(client, "/api/docs/")}
    pages |= {f"/api/docs/{one.slug}/": page(client, f"/api/docs/{one.slug}/") for one in resources()}
    links = 0
    for here, html in pages.items():
        for target in re.findall(r'href="([^"]*#[^"]+|/api/docs/[^"]*)"', html):
            address, _, anchor = target.partition("#")
            if target == "#main":
                continue
            there = pages[address or here]
            assert not anchor or f'id="{anchor}"' in there, f"{here}: {target}"
            links += 1
    assert links > 300


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_an_example_is_a_call_of_its_operation(operation: Operation):
    words = shlex.split(operation.curl("http://portal.example").replace("\\\n", " "))
    assert words[:2] == ["curl", "-s"] and "Authorization: Bearer $PORTAL_TOKEN" in words
    assert words[-1].startswith("http://portal.example/api/v1/")
    resolve(words[-1].removeprefix("http://portal.example"))
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    assert method == operation.method
    if operation.body_example is not None:
        assert json.loads(words[words.index("-d") + 1]) == operation.body_example
    assert ("Idempotency-Key" in " ".join(words)) == (operation.name == "place_order")


def test_good_answers_have_examples_and_fields_that_fit_each_other():
    shown = 0
    for operation in operations():
        assert operation.problems
        for answer in operation.answers:
            if answer.media == "application/json":
                names = {field.name for field in answer.fields}
                assert set(answer.example) <= names, operation.name
                shown += 1
    assert shown > 40


def test_each_refusal_is_explained_once(client: Client):
    assert [problem.status for problem in problems()] == sorted({problem.status for problem in problems()})
    assert {400, 401, 403, 404, 409, 412, 422, 429, 500, 503} <= {problem.status for problem in problems()}
    assert "Go on in 17 seconds" in page(client, "/api/docs/")


def test_it_tells_the_limits_of_this_installation(client: Client, settings: object):
    settings.THROTTLES = {**DEFAULTS, Kind.READ: Limit(1234, 3600), Kind.EXPORT: None}  # type: ignore[attr-defined]
    html = page(client, "/api/docs/")
    assert "1,234 an hour" in html and "not limited" in html


def test_only_simulated_projects_are_tried_on(client: Client):
    html = page(client, "/api/docs/jobs/")
    assert html.count("data-try=") == 1
    assert '<option value="toys">' in html and '<option value="shop">' not in html
    Project.objects.filter(slug="toys").update(environment="staging")
    assert "data-try=" not in page(client, "/api/docs/jobs/")


def test_a_form_to_try_asks_what_the_list_knows(client: Client):
    tried = 0
    for one in resources():
        html = page(client, f"/api/docs/{one.slug}/")
        for form in re.findall(r'<form class="rowx try".*?</form>', html, re.DOTALL):
            [address] = re.findall(r'action="([^"]+)"', form)
            names = re.findall(r'name="(\w+)"', form)
            answer = client.get(
                address, {name: {"limit": "3", "project": "toys"}.get(name, "") for name in names}
            )
            assert answer.status_code == 200 and "results" in answer.json()
            tried += 1
    assert tried >= 7


def test_the_pages_are_small(client: Client):
    assert len(page(client, "/api/docs/")) < 36_000
    for one in resources():
        assert len(page(client, f"/api/docs/{one.slug}/")) < 90_000, one.slug


def test_what_is_no_resource_is_not_there(client: Client):
    assert b"REST has nothing called x." in client.get("/api/docs/x/").content
    assert client.get("/api/docs/x/").status_code == 404


def test_only_those_who_are_signed_in_read_it(db: None, user: User):
    assert Client().get("/api/docs/")["Location"] == "/sign-in/?next=/api/docs/"


def test_one_is_found_by_its_name():
    assert resource("kms-keys").title == "KMS keys"
