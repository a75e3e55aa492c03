"""Orders over REST against the simulated cloud: placed once, refused without a trace, previewed."""

import base64
import hashlib
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.models import AuditEvent, IdempotencyKey, Job, KeyPair, Order, Project, Server
from reinstall.services import idempotency
from reinstall.web.forms import ReinstallForm
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.conftest import Clock, finished, free_servers

KEY = {"Idempotency-Key": "6e1c0b7a"}


@pytest.fixture
def caller(requester: User) -> Caller:
    return Caller(a_token(requester))


def body_for(server: Server, /, **changes: Any) -> dict[str, Any]:
    """A right order for `server`; `changes` go into the spec, or into the body where they are its fields."""
    pair = KeyPair.objects.filter(project=server.project).order_by("name")[0]
    spec = {"keyname": pair.name, "userid": pair.userid, "mode": "withStopServer"}
    body: dict[str, Any] = {
        "project": server.project.slug,
        "servers": [str(server.pk)],
        "reason": "OPS-4417",
        "confirm": server.name,
    }
    outer = {"project", "servers", "reason", "confirm", "not_before", "waves", "dry_run", "colour"}
    body |= {name: value for name, value in changes.items() if name in outer}
    return body | {"spec": spec | {name: value for name, value in changes.items() if name not in outer}}


def test_an_order_is_placed_and_reinstalls_the_server(
    caller: Caller, server: Server, clock: Clock, simulator: RunningSimulator
):
    script = "#!/bin/sh\r\necho ü\n"
    answer = caller.post("orders/", body_for(server, user_data=script), **KEY)
    assert answer.status_code == 201, answer.content
    order = answer.json()
    assert answer["Location"] == f"/api/v1/orders/{order['id']}/"
    assert (order["state"], order["requested_by"], order["source"]) == ("running", "alice", "token")
    assert order["counts"] == {"queued": 1}
    [job] = order["jobs"]
    assert job == {"id": job["id"], "server": str(server.pk), "name": server.name, "state": "queued"}
    stored = Order.objects.get()
    assert stored.user_data_sha256 == hashlib.sha256(script.encode()).hexdigest()
    finished(Job.objects.get(), clock, simulator)
    shown = caller.get(f"jobs/{job['id']}/").json()
    assert shown["state"] == "succeeded" and shown["done"]
    assert {step["state"] for step in shown["steps"]} == {"done"}
    assert shown["disks"][0]["id_after"] not in ("", shown["disks"][0]["id"])
    assert shown["attempts"][0]["verdict"] == "accepted"
    assert caller.get(answer["Location"]).json()["state"] == "finished"


def test_no_answer_shows_the_script(
    caller: Caller, server: Server, clock: Clock, simulator: RunningSimulator
):
    secret = "canary-4711-swordfish"
    script = f"#!/bin/sh\necho {secret}\n"
    hidden = [secret.encode(), base64.b64encode(script.encode())[8:-8]]
    answers = [
        caller.post("orders/", body_for(server, user_data=script, dry_run=True)),
        caller.post("orders/", body_for(server, user_data=script), **KEY),
        caller.post("orders/", body_for(server, user_data=script), **KEY),
    ]
    job = finished(Job.objects.get(), clock, simulator)
    for path in (
        "orders/",
        f"orders/{job.order_id}/",
        "jobs/",
        f"jobs/{job.pk}/",
        f"jobs/{job.pk}/exchange/",
    ):
        answers.append(caller.get(path))
    answers += [caller.get("audit/"), caller.get("audit/?format=csv"), caller.get(f"servers/{server.pk}/")]
    for answer in answers:
        assert answer.status_code in (200, 201)
        assert not any(part in answer.content for part in hidden)
    assert hashlib.sha256(script.encode()).hexdigest().encode() in answers[0].content


def test_f63_the_same_key_and_body_give_the_first_answer_again(caller: Caller, server: Server):
    first = caller.post("orders/", body_for(server), **KEY)
    Job.objects.update(waiting_for="something changed meanwhile")
    again = caller.post("orders/", body_for(server), **KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first
    assert (again["Location"], again["ETag"]) == (first["Location"], first["ETag"])
    assert Order.objects.count() == 1


def test_f63_the_same_key_with_another_body_is_refused(
    caller: Caller, server: Server, simulator: RunningSimulator
):
    caller.post("orders/", body_for(server), **KEY)
    answer = caller.post("orders/", body_for(server, reason="OPS-9"), **KEY)
    assert fields_of(answer, 422) == {"Idempotency-Key"}
    assert Order.objects.count() == 1 and simulator.accepted() == []


def test_f63_while_the_first_is_at_work_the_second_is_told_to_wait(caller: Caller, server: Server):
    assert caller.post("orders/", body_for(server, keyname=""), **KEY).status_code == 400
    caller.post("orders/", body_for(server), **KEY)
    IdempotencyKey.objects.update(status=None, answer=None)
    answer = caller.post("orders/", body_for(server), **KEY)
    problem_of(answer, 409)
    assert answer["Retry-After"] == "2"


def test_a_lost_answer_cannot_place_the_order_twice(caller: Caller, server: Server):
    """The process died after placing and before keeping the answer; the key was given back by time."""
    first = caller.post("orders/", body_for(server), **KEY).json()
    key = IdempotencyKey.objects.get()
    key.delete()
    again = caller.post("orders/", body_for(server), **KEY)
    assert again.status_code == 201 and again.json()["id"] == first["id"]
    assert Order.objects.count() == 1


def test_a_refused_order_gives_the_key_back(caller: Caller, server: Server):
    problem_of(caller.post("orders/", body_for(server, confirm="wrong"), **KEY), 400)
    assert not IdempotencyKey.objects.exists()
    assert caller.post("orders/", body_for(server), **KEY).status_code == 201


def test_f63_the_same_key_of_another_caller_is_another_key(caller: Caller, server: Server, requester: User):
    other_server = free_servers(server.project)[1]
    caller.post("orders/", body_for(server), **KEY)
    answer = Caller(a_token(requester)).post("orders/", body_for(other_server), **KEY)
    assert answer.status_code == 201 and Order.objects.count() == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 129])
def test_an_order_needs_a_key(caller: Caller, server: Server, key: str):
    headers = {"Idempotency-Key": key} if key else {}
    assert fields_of(caller.post("orders/", body_for(server), **headers)) == {"Idempotency-Key"}
    assert not Order.objects.exists()


WRONG: list[tuple[dict[str, Any], set[str]]] = [
    ({"keyname": ""}, {"keyname"}),
    ({"keyname": 5}, {"keyname"}),
    ({"userid": "x"}, {"userid"}),
    ({"mode": "stop"}, {"mode"}),
    ({"byol": "true"}, {"byol"}),
    ({"byol": "maybe"}, {"byol"}),
    ({"byol": 1}, {"byol"}),
    ({"byol": None}, {"byol"}),
    ({"encrypted": "1"}, {"encrypted"}),
    ({"encrypted": True}, {"cmkid"}),
    ({"cmkid": "x"}, {"cmkid"}),
    ({"user_data": "x" * 32_769}, {"user_data"}),
    ({"user_data": "a", "user_data_base64": "YQ=="}, {"user_data_base64"}),
    ({"user_data_base64": "%%%"}, {"user_data_base64"}),
    ({"user_data": None}, {"user_data"}),
    ({"approved_by": "me"}, {"approved_by"}),
    ({"colour": "red"}, {"colour"}),
    ({"servers": []}, {"servers"}),
    ({"servers": "all"}, {"servers"}),
    ({"servers": ["not-an-id"]}, {"servers"}),
    ({"project": None}, {"project"}),
    ({"reason": "x" * 501}, {"reason"}),
    ({"confirm": "something else"}, {"confirm"}),
    ({"not_before": "tomorrow"}, {"not_before"}),
    ({"not_before": "2026-01-02T03:04:05"}, {"not_before"}),
    ({"not_before": "2099-01-02T03:04:05Z"}, {"not_before"}),
    ({"waves": [1]}, {"waves"}),
    ({"dry_run": "no"}, {"dry_run"}),
    ({"dry_run": 0}, {"dry_run"}),
    ({"dry_run": None}, {"dry_run"}),
    ({"keyname": "", "confirm": "x", "reason": "x" * 501}, {"keyname", "confirm", "reason"}),
]


@pytest.mark.parametrize(("changes", "fields"), WRONG, ids=lambda value: ",".join(sorted(value)))
def test_what_is_wrong_is_named_and_nothing_is_stored(
    caller: Caller,
    server: Server,
    simulator: RunningSimulator,
    changes: dict[str, Any],
    fields: set[str],
):
    asked_before = len(simulator.ledger()["requests"])
    assert fields_of(caller.post("orders/", body_for(server, **changes), **KEY)) == fields
    assert len(simulator.ledger()["requests"]) == asked_before
    assert not Order.objects.exists() and not IdempotencyKey.objects.exists()
    assert not AuditEvent.objects.filter(action="order.placed").exists()


def test_a_flag_that_is_none_is_refused_in_the_words_of_the_form(caller: Caller, server: Server):
    answer = caller.post("orders/", body_for(server, byol="maybe"), **KEY)
    told = {error["field"]: error["message"] for error in problem_of(answer, 400)["errors"]}
    assert told == {"byol": str(ReinstallForm.base_fields["byol"].error_messages["invalid_choice"])}


def test_a_nul_character_is_refused_in_a_sentence(caller: Caller, server: Server):
    answer = caller.post("orders/", body_for(server, user_data="#!/bin/sh\0", keyname="a\0b"), **KEY)
    told = {error["field"]: error["message"] for error in problem_of(answer, 400)["errors"]}
    assert told == {
        "keyname": "keyname holds a NUL character.",
        "user_data": "user_data holds a NUL character.",
    }


def test_production_wants_a_reason(caller: Caller, server: Server):
    assert caller.post("orders/", body_for(server, reason="", dry_run=True)).status_code == 200
    Project.objects.update(environment="production")
    assert fields_of(caller.post("orders/", body_for(server, reason=" "), **KEY)) == {"reason"}
    assert not Order.objects.exists()


@pytest.mark.parametrize("given", [{"user_data": "héllo\r\n"}, {"user_data_base64": "aMOpbGxvDQo="}])
def test_a_script_arrives_byte_for_byte(caller: Caller, server: Server, given: dict[str, str]):
    assert caller.post("orders/", body_for(server, **given), **KEY).status_code == 201
    wanted = "héllo\r\n".encode()
    order = Order.objects.get()
    assert (order.user_data_bytes, order.user_data_sha256) == (8, hashlib.sha256(wanted).hexdigest())


def test_f64_a_held_server_is_a_conflict_that_names_the_job(
    caller: Caller, server: Server, simulator: RunningSimulator
):
    caller.post("orders/", body_for(server), **KEY)
    answer = caller.post("orders/", body_for(server), **{"Idempotency-Key": "another"})
    document = problem_of(answer, 409)
    job = Job.objects.get()
    assert document["job"] == job.pk and f"#{job.pk}" in document["detail"]
    assert document["errors"][0]["field"] == "servers"
    assert Order.objects.count() == 1 and simulator.accepted() == []


def test_an_unknown_project_or_server_is_not_there(caller: Caller, server: Server):
    problem_of(caller.post("orders/", body_for(server, project="nowhere"), **KEY), 404)
    missing = {"servers": ["bae51750-0089-41a1-9d5a-6a4d5a7a9b1f"]}
    problem_of(caller.post("orders/", body_for(server, **missing), **KEY), 404)
    assert not IdempotencyKey.objects.exists()


def test_several_servers_need_the_sentence(caller: Caller, server: Server):
    servers = free_servers(server.project)[:2]
    several: dict[str, Any] = {"servers": [str(found.pk) for found in servers]}
    assert fields_of(caller.post("orders/", body_for(server, **several), **KEY)) == {"confirm"}
    several["confirm"] = "wipe 2 servers"
    order = caller.post("orders/", body_for(server, **several), **KEY).json()
    assert [job["server"] for job in order["jobs"]] == several["servers"]


def test_a_dry_run_shows_the_exact_request_and_stores_nothing(caller: Caller, server: Server):
    before = AuditEvent.objects.count()
    answer = caller.post("orders/", body_for(server, user_data="echo hi", confirm="", dry_run=True))
    assert answer.status_code == 200
    preview = answer.json()
    [request] = preview["requests"]
    assert request["method"] == "POST" and request["path"].endswith(f"/{server.pk}/reinstallos")
    shown = request["body"]["os-reinstall"]
    assert shown["mode"] == "withStopServer" and shown["metadata"]["user_data"].startswith(
        "hidden: 7 B, sha256 "
    )
    assert {check["level"] for check in preview["checks"]} == {"passed", "to_know"}
    assert any("Cloud-Init will not run it" in warning for warning in preview["warnings"])
    assert request["path"] in preview["curl"] and "$TOKEN" in preview["curl"]
    assert "hidden: 7 B" in preview["curl"] and "echo hi" not in preview["curl"]
    assert not Order.objects.exists() and not IdempotencyKey.objects.exists()
    assert AuditEvent.objects.count() == before


def test_a_dry_run_without_a_login_names_the_field_and_shows_nothing(caller: Caller, server: Server):
    body = body_for(server, dry_run=True)
    del body["spec"]["keyname"], body["spec"]["userid"]
    assert fields_of(caller.post("orders/", body)) == {"keyname"}


def test_the_preview_and_the_order_agree_on_the_hash(caller: Caller, server: Server):
    dry = caller.post("orders/", body_for(server, dry_run=True)).json()
    caller.post("orders/", body_for(server), **KEY)
    assert Job.objects.get().request_hash == dry["requests"][0]["request_hash"]


def test_old_keys_are_forgotten(caller: Caller, server: Server, clock: Clock):
    caller.post("orders/", body_for(server), **KEY)
    clock.add(31 * 86_400)
    assert idempotency.forget_old(now=clock()) == 1
