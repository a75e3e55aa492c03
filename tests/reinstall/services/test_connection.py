"""A connection test: every step told with what it found, and none hidden by one that failed before it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.errors import NotAllowed, NotFound
from reinstall.models import AuditEvent, Cloud, Membership, Project
from reinstall.services import clouds, connection
from reinstall.services.connection import CheckStep
from simulator.server import RunningSimulator
from tests.reinstall.conftest import OPERATOR, actor_for, added_project

pytestmark = pytest.mark.django_db

SECRET = "canary-secret-key-4711"
READS = ["servers", "disks", "key_pairs", "kms_keys", "images", "traces"]


def check(project: Project) -> dict[str, CheckStep]:
    steps = connection.check_connection(actor=OPERATOR, now=now(), slug=project.slug)
    return {step.name: step for step in steps}


def results(steps: dict[str, CheckStep]) -> dict[str, str]:
    return {name: str(step.result) for name, step in steps.items()}


def at(project: Project, **endpoints: str) -> Project:
    """The project, some of its services at other addresses."""
    Cloud.objects.filter(pk=project.cloud_id).update(endpoints=project.cloud.endpoints | endpoints)
    return project


def test_every_step_is_told_with_its_time_and_a_sentence(
    project: Project, simulator: RunningSimulator
) -> None:
    steps = check(project)
    assert list(steps) == ["name_lookup", "tls", "clock", "sign_in", *READS]
    assert {result for name, result in results(steps).items() if name != "tls"} == {"passed"}
    assert steps["tls"].result == "warned" and steps["tls"].sentence.startswith(
        "Not encrypted, simulator only"
    )
    assert steps["clock"].sentence == "Both clocks agree to the second."
    assert steps["servers"].sentence == f"{project.servers.count()} servers listed."
    assert all(step.sentence.endswith(".") and step.duration_ms >= 0 for step in steps.values())
    assert simulator.accepted() == []


def test_what_was_found_is_audited_also_when_nobody_reads_to_the_end(project: Project) -> None:
    check(project)
    assert AuditEvent.objects.get(action="project.checked").after["servers"] == "passed"
    steps = connection.check_connection(actor=OPERATOR, now=now(), slug=project.slug)
    next(steps)
    steps.close()
    entry = AuditEvent.objects.filter(action="project.checked").latest("pk")
    assert entry.after == {"name_lookup": "passed"}


def test_of_each_list_one_page_is_read(project: Project, simulator: RunningSimulator) -> None:
    before = len(simulator.ledger()["requests"])
    check(project)
    paths = [row["path"] for row in simulator.ledger()["requests"][before:]]
    assert len(paths) == 1 + 1 + len(READS), paths


@pytest.mark.parametrize("kind", ["aksk", "password"])
def test_wrong_credentials_are_one_failed_step_and_one_call(simulator: RunningSimulator, kind: str) -> None:
    document = simulator.cloud_json("shop-prod", kind=kind)
    name = "secret_key" if kind == "aksk" else "password"
    wrong = {"credentials": document["credentials"] | {name: SECRET}}
    project = clouds.add_project(actor=OPERATOR, now=now(), document=document | wrong)
    before = len(simulator.ledger()["requests"])
    steps = check(project)
    # More of them lock the key, or the user, at the cloud.
    assert len(simulator.ledger()["requests"]) - before == 2
    assert results(steps) == {
        "name_lookup": "passed", "tls": "warned", "clock": "passed", "sign_in": "failed",
        **dict.fromkeys(READS, "not_tried"),
    }  # fmt: skip
    assert steps["images"].sentence == "Not tried: the sign-in failed."
    assert SECRET not in repr(steps)


def test_a_password_signs_in_anew_each_time(simulator: RunningSimulator) -> None:
    project = added_project(simulator, **simulator.cloud_json("shop-prod", kind="password"))
    assert check(project)["sign_in"].sentence.startswith("A token was given for user ")
    with simulator.lock:
        for user in simulator.cloud.world.users.values():
            user.password = "changed"
    assert check(project)["sign_in"].result == "failed"


def test_a_failed_step_does_not_hide_the_others(project: Project) -> None:
    steps = check(at(project, kms="http://127.0.0.1:9", ims="http://no-such-host.invalid"))
    found = results(steps)
    assert found["name_lookup"] == "failed" and "no-such-host.invalid" in steps["name_lookup"].sentence
    assert found["images"] == "not_tried" and "no-such-host.invalid" in steps["images"].sentence
    assert found["kms_keys"] == "failed" and steps["kms_keys"].sentence.endswith("encrypt system disks.")
    assert {found[name] for name in ("servers", "disks", "key_pairs", "traces")} == {"passed"}


def test_a_service_without_an_address_is_not_tried(project: Project) -> None:
    endpoints = {name: url for name, url in project.cloud.endpoints.items() if name != "cts"}
    Cloud.objects.filter(pk=project.cloud_id).update(
        endpoints=endpoints, region="x", profile="huawei-tr-central"
    )
    steps = check(project)
    assert steps["traces"].result == "not_tried" and "no CTS" in steps["traces"].sentence


def test_an_address_that_must_not_be_called_ends_at_the_name(project: Project) -> None:
    Project.objects.update(environment="production")
    steps = check(project)
    assert steps["name_lookup"].result == "failed"
    assert "127.0.0.1 is a private or reserved address" in steps["name_lookup"].sentence
    assert not any(step.ok for step in steps.values() if step.name != "tls")


def test_a_tls_connection_is_checked_against_known_authorities(project: Project, simulator: Any) -> None:
    wrong = f"https://127.0.0.1:{simulator.port}"
    steps = check(at(project, kms=wrong))
    assert steps["tls"].result == "warned" or steps["tls"].result == "failed"
    assert steps["servers"].result == "passed"


@pytest.mark.parametrize(
    ("skew", "result"), [(0, "passed"), (45, "passed"), (90, "warned"), (-1200, "failed")]
)
def test_the_difference_of_the_clocks_is_told(
    project: Project, simulator: RunningSimulator, skew: int, result: str
) -> None:
    with simulator.lock:
        simulator.cloud.clock.skew_s = skew
    try:
        step = check(project)["clock"]
    finally:
        with simulator.lock:
            simulator.cloud.clock.skew_s = 0
    assert step.result == result, step
    assert skew == 0 or ("ahead of" if skew > 0 else "behind") in step.sentence


def test_a_list_that_may_not_be_read_says_what_it_is_for(
    project: Project, simulator: RunningSimulator
) -> None:
    refusal = {"error_code": "Pdp.0001", "error_msg": "Policy doesn't allow it"}
    match = {"method": "GET", "path": "*/traces"}
    simulator.faults([{"match": match, "times": 1, "do": "answer", "status": 403, "json": refusal}])
    step = check(project)["traces"]
    assert step.result == "failed"
    assert "Policy doesn't allow it" in step.sentence and step.sentence.endswith("settle by themselves.")


def test_credentials_that_do_not_open_are_one_failed_step(project: Project) -> None:
    Project.objects.update(credentials_sealed=b"junk", credential_version=9)
    steps = check(project)
    assert results(steps) == {"credentials": "failed"}
    assert "ECSPORTAL_ENCRYPTION_KEYS" in steps["credentials"].sentence


def test_sealed_credentials_of_one_project_do_not_open_in_another(simulator: RunningSimulator) -> None:
    first = added_project(simulator)
    second = added_project(simulator, **simulator.cloud_json("shop-staging"))
    Project.objects.filter(pk=second.pk).update(credentials_sealed=first.credentials_sealed)
    assert results(check(second)) == {"credentials": "failed"}


def test_testing_a_connection_needs_the_role_admin(user: User, project: Project) -> None:
    with pytest.raises(NotFound):
        connection.check_connection(actor=actor_for(user), now=now(), slug=project.slug)
    Membership.objects.create(user=user, project=project, role="requester")
    with pytest.raises(NotAllowed, match="admin"):
        connection.check_connection(actor=actor_for(user), now=now(), slug=project.slug)
    assert json.dumps(list(AuditEvent.objects.values_list("action"))).count("checked") == 0
