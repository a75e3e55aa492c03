"""Adding a project: each mistake named by its field, only addresses of clouds, no secret left about."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed, RuleBroken
from reinstall.models import AuditEvent, Cloud, Membership, Project
from reinstall.services import clouds, links
from tests.reinstall.conftest import OPERATOR, actor_for

pytestmark = pytest.mark.django_db

SECRET = "canary-secret-key-4711"
DOCUMENT: dict[str, Any] = {
    "name": "Shop (EU)",
    "environment": "production",
    "profile": "otc",
    "region": "eu-de",
    "project_id": "0123456789abcdef0123456789abcdef",
    "credentials": {"kind": "aksk", "access_key": "AK1", "secret_key": SECRET},
}


def add(actor: Actor = OPERATOR, /, **changes: Any) -> Project:
    document = {name: value for name, value in (DOCUMENT | changes).items() if value is not ...}
    return clouds.add_project(actor=actor, now=now(), document=document)


def refused(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(RuleBroken) as caught:
        add(**changes)
    assert not Project.objects.exists()
    assert not Cloud.objects.exists()
    assert not AuditEvent.objects.exists()
    assert SECRET not in repr([error.message for error in caught.value.errors])
    return [(error.field, error.code) for error in caught.value.errors]


def test_a_document_becomes_a_project_with_an_entry() -> None:
    project = add()
    assert (project.slug, project.name, project.environment) == ("shop-eu", "Shop (EU)", "production")
    assert links.endpoints_of(project)["ecs"] == "https://ecs.eu-de.otc.t-systems.com"
    entry = AuditEvent.objects.get()
    assert (entry.action, entry.object_id, entry.after["credentials"]) == ("project.added", "shop-eu", "aksk")


def test_secrets_are_nowhere_in_the_clear() -> None:
    add()
    add(
        name="two", project_id="f" * 32,
        credentials={"kind": "password", "user": "svc", "password": SECRET, "domain": "OTC-1"},
    )  # fmt: skip
    for model in apps.get_app_config("reinstall").get_models():
        rows = json.dumps(
            list(model._base_manager.values()),
            default=lambda value: (
                repr(bytes(value)) if isinstance(value, (bytes, memoryview)) else repr(value)
            ),
        )
        assert SECRET not in rows, model


@pytest.mark.parametrize("name", ["name", "environment", "profile", "region", "project_id"])
@pytest.mark.parametrize("value", [..., None, "", "  ", " x", 7, ["x"], "x" * 61, "a\nb", "a\0b"])
def test_a_field_that_is_missing_or_no_line_is_named(name: str, value: object) -> None:
    assert refused(**{name: value}) == [(name, "required")]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": "---"}, "name", "format"),
        ({"environment": "prod"}, "environment", "choice"),
        ({"environment": "Production"}, "environment", "choice"),
        ({"profile": "aws"}, "profile", "choice"),
        ({"region": "atlantis"}, "endpoints", "invalid"),
        ({"region": "eu-de.evil.com/"}, "endpoints", "invalid"),
        ({"project_id": "../../v3/projects"}, "project_id", "format"),
        ({"project_id": "0123456789ABCDEF0123456789ABCDEF"}, "project_id", "format"),
        ({"endpoints": []}, "endpoints", "format"),
        ({"endpoints": ""}, "endpoints", "format"),
        ({"endpoints": {"ecs": 7}}, "endpoints", "format"),
        ({"endpoints": {"s3": "https://s3.example.com"}}, "endpoints.s3", "unknown"),
        ({"endpoints": {"ecs": "http://ecs.example.com"}}, "endpoints.ecs", "address"),
        ({"endpoints": {"ecs": "https://10.0.0.1"}}, "endpoints.ecs", "address"),
        ({"endpoints": {"iam": "https://169.254.169.254"}}, "endpoints.iam", "address"),
        ({"endpoints": {"evs": "https://[64:ff9b::a9fe:a9fe]"}}, "endpoints.evs", "address"),
        ({"endpoints": {"evs": "https://localhost."}}, "endpoints.evs", "address"),
        ({"endpoints": {"kms": "https://u:p@kms.example.com"}}, "endpoints.kms", "address"),
        ({"credentials": ...}, "credentials.kind", "choice"),
        ({"credentials": "x"}, "credentials.kind", "choice"),
        ({"credentials": {}}, "credentials.kind", "choice"),
        ({"credentials": {"kind": ["aksk"]}}, "credentials.kind", "choice"),
        ({"credentials": {"kind": "token"}}, "credentials.kind", "choice"),
        ({"credentials": {"kind": "aksk", "access_key": "a"}}, "credentials.secret_key", "required"),
        (
            {"credentials": {"kind": "aksk", "access_key": 7, "secret_key": SECRET}},
            "credentials.access_key",
            "required",
        ),
        (
            {"credentials": {"kind": "aksk", "access_key": "a\nb", "secret_key": SECRET}},
            "credentials.access_key",
            "required",
        ),
        (
            {"credentials": {"kind": "aksk", "access_key": "a", "secret_key": SECRET, "security_token": 7}},
            "credentials.security_token",
            "required",
        ),
        (
            {"credentials": {"kind": "password", "user": "u", "password": SECRET, "domain": ""}},
            "credentials.domain",
            "required",
        ),
        (
            {"credentials": {"kind": "aksk", "access_key": "a", "secret_key": SECRET, "user": "u"}},
            "credentials.user",
            "unknown",
        ),
        ({"secret": "x"}, "secret", "unknown"),
    ],
)
def test_each_mistake_is_named(changes: dict[str, Any], field: str, code: str) -> None:
    assert refused(**changes) == [(field, code)]


def test_all_mistakes_are_named_at_once() -> None:
    wrong = refused(
        environment="x", project_id="y", credentials={"kind": "aksk"}, endpoints={"ecs": "https://::1"}
    )
    assert [field for field, _ in wrong] == [
        "environment",
        "project_id",
        "endpoints.ecs",
        "credentials.access_key",
        "credentials.secret_key",
    ]


PRIVATE = {"ecs": "http://10.0.0.5:8080", "iam": "http://10.0.0.5:8080", "evs": "http://simulator:9000"}


def test_a_private_address_is_for_the_simulator(settings: Any) -> None:
    assert len(refused(endpoints=PRIVATE)) == 3
    assert len(refused(endpoints=PRIVATE, environment="staging")) == 3
    assert add(endpoints=PRIVATE, environment="simulator").pk
    settings.ALLOW_PRIVATE_ENDPOINTS = True
    assert add(name="allowed", project_id="1" * 32, endpoints=PRIVATE).pk


def test_the_credentials_of_the_machine_itself_are_never_an_endpoint() -> None:
    wrong = refused(endpoints=PRIVATE | {"ecs": "http://169.254.169.254"}, environment="simulator")
    assert wrong == [("endpoints.ecs", "address")]


def test_one_project_of_a_cloud_is_added_once_however_its_addresses_are_written() -> None:
    add()
    same: list[dict[str, Any]] = [
        {},
        {"endpoints": {}},
        {"endpoints": {"ecs": "https://ecs.eu-de.otc.t-systems.com"}},
        {
            "endpoints": {
                "ecs": "https://ECS.eu-de.otc.t-systems.com/",
                "iam": "https://iam.eu-de.otc.t-systems.com",
            }
        },
    ]
    for changes in same:
        with pytest.raises(RuleBroken) as caught:
            add(name="again", **changes)
        assert (caught.value.errors[0].field, caught.value.errors[0].code) == ("project_id", "taken")
    assert Project.objects.count() == 1
    assert add(name="elsewhere", region="eu-nl").pk


def test_a_name_that_is_taken_is_named() -> None:
    add()
    with pytest.raises(RuleBroken) as caught:
        add(name="shop eu", project_id="1" * 32)
    assert (caught.value.errors[0].field, caught.value.errors[0].code) == ("name", "taken")


def test_only_an_administrator_adds_projects_and_becomes_their_admin(user: User) -> None:
    Membership.objects.create(user=user, project=add(name="other", project_id="1" * 32), role="admin")
    with pytest.raises(NotAllowed):
        add(actor_for(user))
    user.is_superuser = True
    boss = actor_for(user)
    with pytest.raises(NotAllowed, match="read only"):
        add(replace(boss, token_id=1, scopes=frozenset({"read"})))
    project = add(boss)
    assert Membership.objects.get(project=project).role == "admin"


@pytest.mark.parametrize("name", ["new", "New", "(new)"])
def test_a_name_that_is_an_address_of_a_page_is_refused(name: str) -> None:
    assert refused(name=name) == [("name", "taken")]


def test_who_set_the_credentials_is_kept() -> None:
    project = add()
    assert project.credentials_set_by_name == OPERATOR.name
    assert project.credentials_set_at == project.created_at
