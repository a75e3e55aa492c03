"""Placing an order: what is refused is refused by name and leaves no trace; what is placed is placed once."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, KeyPair, KmsKey, Membership, Order, Project, Server
from reinstall.services import orders
from simulator.server import RunningSimulator
from tests.reinstall.conftest import (
    OPERATOR,
    actor_for,
    added_project,
    free_servers,
    order_request,
    placed_job,
)
from tests.reinstall.services.together import together

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]


def place(
    actor: Actor, request: orders.OrderRequest, submission_id: uuid.UUID | None = None
) -> orders.Placed:
    return orders.place_order(
        actor=actor, now=now(), request=request, submission_id=submission_id or uuid.uuid4()
    )


def nothing_happened(simulator: RunningSimulator) -> None:
    """No order, no job, no entry of one, and the cloud heard of no reinstall."""
    assert Order.objects.count() == Job.objects.count() == 0
    assert not AuditEvent.objects.filter(action__startswith="order.").exists()
    asked = [row for row in simulator.ledger()["requests"] if row["path"].endswith("/reinstallos")]
    assert asked == []


def refused(actor: Actor, request: orders.OrderRequest) -> list[tuple[str, str]]:
    with pytest.raises(RuleBroken) as caught:
        place(actor, request)
    return [(error.field, error.code) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"servers": ()}, "servers", "required"),
        ({"servers": ("x",)}, "servers", "format"),
        ({"servers": ("../../etc",)}, "servers", "format"),
        ({"keyname": ""}, "keyname", "required"),
        ({"keyname": "nobody-has-this"}, "keyname", "key_pair"),
        ({"userid": ""}, "userid", "required"),
        ({"userid": "0" * 32}, "userid", "key_pair"),
        ({"mode": "now"}, "mode", "choice"),
        ({"mode": ""}, "mode", "running"),
        ({"user_data": b"x" * 32_769}, "user_data", "too_large"),
        ({"encrypted": True}, "cmkid", "required"),
        ({"encrypted": True, "cmkid": str(uuid.uuid4())}, "cmkid", "kms_key"),
        ({"reason": "x" * 501}, "reason", "invalid"),
        ({"reason": "a\0b"}, "reason", "format"),
        ({"reason": "a\ud800"}, "reason", "format"),
        ({"confirm": ""}, "confirm", "mismatch"),
        ({"confirm": "WIPE 1 servers"}, "confirm", "mismatch"),
        ({"not_before": now()}, "not_before", "not_offered"),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_field(
    changes: dict[str, Any],
    field: str,
    code: str,
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
) -> None:
    assert refused(actor, order_request(server, **changes)) == [(field, code)]
    nothing_happened(simulator)


def test_all_that_is_wrong_is_said_at_once(actor: Actor, server: Server, simulator: RunningSimulator) -> None:
    request = order_request(server, keyname="", userid="x", confirm="no", reason="x" * 501)
    assert [field for field, _ in refused(actor, request)] == ["keyname", "userid", "reason", "confirm"]
    nothing_happened(simulator)


def test_a_server_named_twice_is_refused_however_it_is_spelled(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    spellings = (str(server.pk), str(server.pk).upper(), server.pk.hex)
    for again in spellings:
        request = order_request(server, servers=(str(server.pk), again), confirm="wipe 2 servers")
        assert refused(actor, request) == [("servers", "invalid")]
    nothing_happened(simulator)


def test_a_server_nobody_knows_is_not_found(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    stranger = str(uuid.uuid4())
    with pytest.raises(NotFound, match=stranger):
        place(actor, order_request(server, servers=(str(server.pk), stranger)))
    nothing_happened(simulator)


def test_a_server_of_another_project_is_not_found(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    other = added_project(simulator, **simulator.cloud_json("shop-staging"))
    foreign = Server.objects.filter(project=other)[0]
    with pytest.raises(NotFound):
        place(actor, order_request(server, servers=(str(foreign.pk),), confirm=foreign.name))
    with pytest.raises(NotFound):
        place(actor, order_request(server, project="shop-staging", servers=(str(foreign.pk),)))
    with pytest.raises(NotFound):
        place(actor, order_request(server, project="nowhere"))
    nothing_happened(simulator)


@pytest.mark.parametrize("role", ["viewer"])
def test_without_the_role_nothing_is_placed(
    role: str, user: User, server: Server, simulator: RunningSimulator
) -> None:
    with pytest.raises(NotFound):
        place(actor_for(user), order_request(server))
    Membership.objects.create(user=user, project=server.project, role=role)
    with pytest.raises(NotAllowed, match="requester"):
        place(actor_for(user), order_request(server))
    nothing_happened(simulator)


def test_a_token_needs_its_scope_and_its_project(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    token = replace(actor, token_id=1, scopes=frozenset({"read"}))
    with pytest.raises(NotAllowed, match='scope "request"'):
        place(token, order_request(server))
    elsewhere = replace(
        actor, token_id=1, scopes=frozenset({"request"}), only_projects=(server.project_id + 1,)
    )
    with pytest.raises(NotFound):
        place(elsewhere, order_request(server))
    nothing_happened(simulator)
    fitting = replace(elsewhere, only_projects=(server.project_id,))
    assert place(fitting, order_request(server)).created


def test_an_order_needs_a_person(server: Server, simulator: RunningSimulator) -> None:
    with pytest.raises(NotAllowed, match="a person"):
        place(OPERATOR, order_request(server))
    nothing_happened(simulator)


def test_a_held_server_is_refused_with_the_job_that_holds_it(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    job = placed_job(actor, server)
    with pytest.raises(Conflict, match=f"held by job #{job.pk} of alice, in state “Queued”") as caught:
        place(actor, order_request(server))
    assert (caught.value.job, caught.value.field, caught.value.code) == (job.pk, "servers", "held")
    assert Job.objects.count() == 1


def test_one_held_server_among_many_stops_all_of_them(
    actor: Actor, project: Project, simulator: RunningSimulator
) -> None:
    first, second, *_ = free_servers(project)
    placed_job(actor, second)
    request = order_request(first, servers=(str(first.pk), str(second.pk)), confirm="wipe 2 servers")
    with pytest.raises(Conflict):
        place(actor, request)
    assert not Job.objects.filter(server=first).exists()


def test_the_same_submission_is_the_same_order(actor: Actor, server: Server) -> None:
    submission = uuid.uuid4()
    first = place(actor, order_request(server), submission)
    second = place(actor, order_request(server), submission)
    assert (first.created, second.created) == (True, False)
    assert first.order == second.order
    assert Job.objects.count() == 1
    assert AuditEvent.objects.filter(action="order.placed").count() == 1


def test_a_submission_of_somebody_else_shows_nothing_of_theirs(actor: Actor, project: Project) -> None:
    first, second, *_ = free_servers(project)
    submission = uuid.uuid4()
    place(actor, order_request(first), submission)
    bob = User.objects.create_user("bob")
    Membership.objects.create(user=bob, project=project, role=Membership.Role.REQUESTER)
    with pytest.raises(Conflict, match="was not sent"):
        place(actor_for(bob), order_request(second), submission)
    assert Order.objects.get().requested_by_name == "alice"


def test_a_submission_is_replayed_in_its_own_project_only(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    submission = uuid.uuid4()
    place(actor, order_request(server), submission)
    other = added_project(simulator, **simulator.cloud_json("shop-staging"))
    Membership.objects.create(user_id=actor.user_id or 0, project=other, role="requester")
    there = Server.objects.filter(project=other, status="SHUTOFF", locked=False)[0]
    with pytest.raises(Conflict, match="was not sent"):
        place(actor, order_request(there), submission)
    assert not Job.objects.filter(server=there).exists()


def test_what_was_placed_is_written_down_without_the_script(actor: Actor, server: Server) -> None:
    placed = place(actor, order_request(server, user_data=b"#!/bin/sh\necho canary-9\n", reason=" OPS-1 "))
    order, job = placed.order, placed.order.jobs.get()
    assert (order.reason, order.requested_by_name, order.source) == ("OPS-1", "alice", "browser")
    assert (order.user_data_bytes, len(order.user_data_sha256), len(order.request_hash)) == (24, 64, 64)
    assert b"canary" not in bytes(Order.objects.get().user_data_sealed)
    assert job.state == JobState.QUEUED
    assert job.snapshot["name"] == server.name
    entry = AuditEvent.objects.get(action="order.placed")
    assert (entry.actor_name, entry.note, entry.project_slug) == ("alice", "OPS-1", "shop-prod")
    assert entry.after["request"]["os-reinstall"]["metadata"]["user_data"].startswith("hidden: 24 B")
    assert AuditEvent.objects.get(action="job.queued").seq == 1


def test_an_order_of_many_servers_has_a_job_for_each_in_their_order(actor: Actor, project: Project) -> None:
    chosen = list(reversed(free_servers(project)))
    ids = tuple(str(server.pk) for server in chosen)
    request = order_request(chosen[0], servers=ids, confirm=f"wipe {len(ids)} servers")
    assert len(ids) > 1
    order = place(actor, request).order
    assert [str(job.server_id) for job in order.jobs.order_by("position")] == list(ids)
    assert len({job.request_hash for job in order.jobs.all()}) == len(ids)


def test_what_failed_on_a_server_before_needs_no_look_once_it_is_reinstalled(
    actor: Actor, server: Server
) -> None:
    failed = placed_job(actor, server)
    Job.objects.filter(pk=failed.pk).update(state=JobState.FAILED, ended_at=now(), next_at=None)
    again = placed_job(actor, server)
    handled = dict(Job.objects.values_list("pk", "handled_at"))
    assert handled[failed.pk] is not None and handled[again.pk] is None


@pytest.mark.parametrize("confirm", ["wipe 3 servers", "wipe 2 server", "web", "yes"])
def test_many_servers_are_confirmed_by_their_count(confirm: str, actor: Actor, project: Project) -> None:
    chosen = free_servers(project)[:2]
    request = order_request(chosen[0], servers=tuple(str(s.pk) for s in chosen), confirm=confirm)
    assert refused(actor, request) == [("confirm", "mismatch")]


def test_the_phrase_is_the_name_or_the_count() -> None:
    assert orders.confirm_phrase(["web-1"]) == "web-1"
    assert orders.confirm_phrase(["a", "b"]) == "wipe 2 servers"


def test_white_space_around_the_phrase_is_forgiven_and_nothing_else(actor: Actor, server: Server) -> None:
    assert refused(actor, order_request(server, confirm=server.name.upper())) == [("confirm", "mismatch")]
    assert refused(actor, order_request(server, confirm=server.name[:-1])) == [("confirm", "mismatch")]
    assert place(actor, order_request(server, confirm=f" {server.name}\n")).created


@pytest.mark.parametrize("reason", ["", "   "])
def test_production_wants_a_reason(reason: str, actor: Actor, server: Server) -> None:
    Project.objects.update(environment="production")
    assert refused(actor, order_request(server, reason=reason)) == [("reason", "required")]
    assert place(actor, order_request(server, reason="OPS-1")).created


def test_outside_production_a_reason_may_be_left_out(actor: Actor, server: Server) -> None:
    assert place(actor, order_request(server, reason="")).created


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"locked": True}, "locked"),
        ({"temporary": True}, "server"),
        ({"gone_at": now()}, "server"),
    ],
)
def test_a_server_that_cannot_be_reinstalled_is_refused(
    columns: dict[str, Any], code: str, actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    Server.objects.filter(pk=server.pk).update(**columns)
    assert refused(actor, order_request(server)) == [("servers", code)]
    nothing_happened(simulator)


@pytest.mark.parametrize("boot_index", [None, 1])
def test_a_server_without_a_known_system_disk_is_refused(
    boot_index: int | None, actor: Actor, server: Server
) -> None:
    server.disks.filter(boot_index=0).update(boot_index=boot_index)
    assert refused(actor, order_request(server)) == [("servers", "system_disk")]


@pytest.mark.parametrize("state", [1, 3, 4, 5])
def test_a_kms_key_that_is_not_enabled_is_refused(state: int, actor: Actor, server: Server) -> None:
    key = KmsKey.objects.filter(project=server.project, state=KmsKey.ENABLED)[0]
    request = order_request(server, encrypted=True, cmkid=key.key_id)
    KmsKey.objects.filter(pk=key.pk).update(state=state)
    assert refused(actor, request) == [("cmkid", "kms_key")]
    KmsKey.objects.filter(pk=key.pk).update(state=KmsKey.ENABLED)
    assert place(actor, request).created


def test_a_key_pair_that_is_gone_or_another_users_is_refused(actor: Actor, server: Server) -> None:
    request = order_request(server)
    KeyPair.objects.filter(name=request.keyname).update(userid="f" * 32)
    with pytest.raises(RuleBroken, match=f"its owner is {'f' * 32}"):
        place(actor, request)
    KeyPair.objects.filter(name=request.keyname).update(userid=request.userid, gone_at=now())
    assert refused(actor, request) == [("keyname", "key_pair")]


def test_a_preview_says_the_same_and_stores_nothing(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    request = order_request(server, user_data=b"echo canary-3\n", confirm="")
    preview = orders.preview_order(actor=actor, now=now(), request=request)
    (call,) = preview.requests
    assert (call.method, call.path) == (
        "POST",
        f"/v2/{server.project.project_id}/cloudservers/{server.pk}/reinstallos",
    )
    assert "canary" not in repr(preview)
    assert len(preview.warnings) == 1
    assert {check.level for check in preview.checks} == {"passed", "to_know"}
    nothing_happened(simulator)
    job = place(actor, replace(request, confirm=server.name)).order.jobs.get()
    assert job.request_hash == call.request_hash


@pytest.mark.django_db(transaction=True)
def test_one_submission_from_many_tabs_at_once_is_one_order(
    transactional_db: None, actor: Actor, server: Server
) -> None:
    submission, request = uuid.uuid4(), order_request(server)
    results = together([lambda: place(actor, request, submission)] * 6)
    assert all(isinstance(result, orders.Placed) for result in results), results
    assert sorted(result.created for result in results if isinstance(result, orders.Placed)) == [
        False
    ] * 5 + [True]
    assert (Order.objects.count(), Job.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(action__in=("order.placed", "job.queued")).count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_requests_for_one_server_at_once_are_one_job(
    transactional_db: None, actor: Actor, server: Server
) -> None:
    request = order_request(server)
    results = together([lambda: place(actor, request)] * 6)
    placed = [result for result in results if isinstance(result, orders.Placed)]
    refusals = [result for result in results if isinstance(result, Conflict)]
    assert (len(placed), len(refusals)) == (1, 5), results
    assert {refusal.job for refusal in refusals} == {placed[0].order.jobs.get().pk}
    assert (Order.objects.count(), Job.objects.count()) == (1, 1)


def test_a_script_for_another_system_is_told_by_checks_and_warnings_alike(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    preview = orders.preview_order(
        actor=actor, now=now(), request=order_request(server, user_data=b"#ps1\nx\n")
    )
    (warning,) = preview.warnings
    assert "this server runs Linux" in warning
    assert warning in [check.sentence for check in preview.checks if check.name == "user_data"]
