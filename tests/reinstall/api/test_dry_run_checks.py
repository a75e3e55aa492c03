"""`dry_run` over REST: each check passing, failing, and passing again once it is put right."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.verdicts import Level
from reinstall.models import Order
from reinstall.services import glance
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, fields_of
from tests.reinstall.check_cases import CASES, CheckCase
from tests.reinstall.check_scenes import Scene, furnished
from tests.reinstall.conftest import added_project

pytestmark = pytest.mark.django_db

Told = set[tuple[str, str, str]]


@pytest.fixture
def scene(db: None, simulator: RunningSimulator) -> Scene:
    """A server nothing is wrong with, and root, who may everything."""
    person = User.objects.create_superuser("root")

    def rest(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = root.send(method, path, body, Idempotency_Key=str(uuid.uuid4()))
        assert answer.status_code < 300, answer.content
        found: dict[str, Any] = answer.json()
        return found

    made = furnished(simulator, "web-prod-01", person.username, rest)
    added_project(simulator)
    root = Caller(a_token(person))
    return made


@pytest.fixture
def caller(scene: Scene) -> Caller:
    return Caller(a_token(User.objects.get()))


def asked_of(caller: Caller, scene: Scene, spec: dict[str, Any], **more: Any) -> Any:
    """The answer to a dry run; the cloud is asked anew."""
    glance.forget()
    body = {"project": "shop-prod", "servers": [scene.server_id], "spec": scene.asked(spec), "dry_run": True}
    return caller.post("orders/", body | more)


def told_by(answer: Any) -> Told:
    """(name, level, sentence) of each check; of a request that can be none, the fields that are wrong."""
    if answer.status_code == 400:
        return {(row["field"], Level.MUST_FIX.value, row["message"]) for row in answer.json()["errors"]}
    assert answer.status_code == 200, answer.content
    return {(row["name"], row["level"], row["sentence"]) for row in answer.json()["checks"]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_check_fails_says_why_and_passes_once_it_is_put_right(
    case: CheckCase, scene: Scene, caller: Caller, simulator: RunningSimulator
) -> None:
    first = asked_of(caller, scene, case.right)
    seen = [row["seen"] for row in first.json()["requests"]]
    passing = (case.check, Level.PASSED.value, scene.filled(case.passes))
    failing = case.level.value
    assert {level for _, level, _ in told_by(first)} == {Level.PASSED.value}, (
        "something else is wrong as well"
    )

    undo = case.spoiled(scene)
    told = told_by(asked_of(caller, scene, case.wrong, seen=seen))
    assert (case.check, failing, scene.filled(case.fails)) in told, told
    assert passing not in told

    if case.spoil is not None and case.right != case.wrong and case.right:
        # What the request can put right needs no change of the cloud.
        told = told_by(asked_of(caller, scene, case.right, seen=seen))
        assert passing in told, told
    undo()
    told = told_by(asked_of(caller, scene, case.right, seen=seen))
    assert passing in told, told
    assert case.check not in {name for name, level, _ in told if level != Level.PASSED.value}
    assert simulator.accepted() == []


def test_every_check_there_is_has_a_case(scene: Scene, caller: Caller) -> None:
    told = told_by(
        asked_of(caller, scene, {"user_data": "#!/bin/sh\n", "encrypted": True, "cmkid": "{cmkid}"})
    )
    assert {name for name, _, _ in told} <= {case.check for case in CASES}


def test_an_order_of_a_server_that_is_another_by_now_is_refused(caller: Caller, scene: Scene) -> None:
    (row,) = asked_of(caller, scene, {}).json()["requests"]
    body = {"project": "shop-prod", "servers": [scene.server_id], "spec": scene.asked({})}
    body |= {"reason": "OPS-1", "confirm": scene.words["server"]}
    other = row["seen"] | {"addresses": ["10.99.0.1"]}
    answer = caller.post("orders/", body | {"seen": [other]}, Idempotency_Key="seen-0001")
    assert answer.status_code == 400 and answer.json()["errors"][0]["code"] == "stale"
    assert "changed since you looked at it: its addresses were 10.99.0.1" in answer.json()["detail"]
    assert not Order.objects.exists() and scene.simulator.accepted() == []
    answer = caller.post("orders/", body | {"seen": [row["seen"]]}, Idempotency_Key="seen-0001")
    assert answer.status_code == 201, answer.content


def test_what_was_seen_is_read_strictly(caller: Caller, scene: Scene) -> None:
    seen = asked_of(caller, scene, {}).json()["requests"][0]["seen"]
    for wrong in ({"id": "web-prod-01"}, {"disks": [{"id": "x"}]}, {"colour": "red"}, {"addresses": [4]}):
        assert all("seen" in name for name in fields_of(asked_of(caller, scene, {}, seen=[seen | wrong])))
