"""Each check of `check --deploy`: passes on a sound installation, and fails on what it is about."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.utils.timezone import now

from ecsportal import checks
from reinstall.models import Cloud, SystemFlag
from tests.reinstall.rows import a_project

pytestmark = pytest.mark.django_db

SOUND: dict[str, Any] = {
    "MADE_HERE": [],
    "FAULT_INJECTION": "",
    "ALLOW_PRIVATE_ENDPOINTS": False,
    "BROKER_URL": "redis://127.0.0.1/0",
    "ON_SQLITE": False,
    "CELERY_BROKER_TRANSPORT_OPTIONS": {"socket_timeout": 5},
    "BASE_URL": "https://portal.example.com",
    "TRUST_PROXY": True,
    "ALLOWED_HOSTS": ["portal.example.com"],
    "SECOND_PERSON": "production",
    "BREAKER": True,
    "DEBUG": False,
}
BROKEN: dict[str, dict[str, Any]] = {
    "W010": {"MADE_HERE": ["ECSPORTAL_SECRET_KEY"]},
    "E012": {"FAULT_INJECTION": "K2:0.2"},
    "W013": {"ALLOW_PRIVATE_ENDPOINTS": True},
    "W016": {"ON_SQLITE": True},
    "E017": {"CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 3600}},
    "W018": {"BASE_URL": "http://portal.example.com", "TRUST_PROXY": False},
    "E020": {"ALLOWED_HOSTS": ["portal.example.com", ".example.com"]},
    "E021": {"CONTENT_SECURITY_POLICY_REPORT_ONLY": {"DIRECTIVES": {"default-src": ["'self'"]}}},
    "W023": {"SECOND_PERSON": "never"},
    "W024": {"BREAKER": False},
    "E025": {"DEBUG": True},
}


def found() -> list[str]:
    """The ids of what is wrong, of ours."""
    return sorted(_id(message) for message in run_checks(include_deployment_checks=True) if _id(message))


def _id(message: CheckMessage) -> str:
    prefix, _, number = (message.id or "").partition(".")
    return number if prefix == "ecsportal" else ""


@pytest.fixture(autouse=True)
def sound(settings: Any) -> None:
    for name, value in SOUND.items():
        setattr(settings, name, value)


def test_a_sound_installation_passes() -> None:
    assert found() == []


@pytest.mark.parametrize("code", BROKEN)
def test_what_is_unsafe_is_named(code: str, settings: Any) -> None:
    for name, value in BROKEN[code].items():
        setattr(settings, name, value)
    assert found() == [code]


def test_a_pattern_for_all_hosts_is_named(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert found() == ["E020"]


def test_a_trusted_proxy_without_tls_is_an_error_beside_the_warning(settings: Any) -> None:
    settings.BASE_URL = ""
    assert found() == ["E019", "W018"]


def test_no_policy_at_all_is_named(settings: Any) -> None:
    settings.CONTENT_SECURITY_POLICY = {}
    assert found() == ["E021"]


def test_the_database_of_another_deployment_is_named(settings: Any) -> None:
    flag = SystemFlag.objects.create(name="deployment", value={"id": settings.DEPLOYMENT_ID}, set_at=now())
    assert found() == []
    flag.value = {"id": "original"}
    flag.save()
    assert found() == ["E011"]


def test_endpoints_that_are_no_public_https_are_named_unless_declared(settings: Any) -> None:
    cloud = Cloud.objects.create(
        profile="otc", region="x", endpoints={"ecs": "https://ecs.example.com"}, created_at=now()
    )
    a_project("shop", cloud=cloud)
    assert found() == []
    Cloud.objects.filter(pk=cloud.pk).update(
        endpoints={"ecs": "http://10.0.0.1:8080", "iam": "https://iam.example.com"}
    )
    assert found() == ["E014"]
    settings.ALLOW_PRIVATE_ENDPOINTS = True
    assert found() == ["W013"]


def test_projects_of_a_simulator_are_named() -> None:
    cloud = Cloud.objects.create(
        profile="otc", region="x", endpoints={"ecs": "http://127.0.0.1:1"}, created_at=now()
    )
    a_project("play", cloud=cloud, environment="simulator")
    assert found() == ["W015"]


def test_an_old_sqlite_is_named(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ON_SQLITE, settings.BROKER_URL = True, "memory://localhost/"
    assert found() == []
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 31, 1))
    assert found() == ["E022"]


def test_every_id_is_tried_above() -> None:
    source = checks.__file__
    with open(source, encoding="utf-8") as file:
        ids = {line.split(".")[-1].strip('",\n)') for line in file if 'id="ecsportal.' in line}
    assert ids == set(BROKEN) | {"E011", "E014", "W015", "E019", "E022"}


def test_what_is_wrong_says_what_to_do() -> None:
    assert all(checks.__doc__ and message.hint for message in [*checks.keys(), *checks.decisions()])
