"""Every constraint with a test that breaks it. Safety may not depend on the worker's code being right."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction

from reinstall.domain.states import ACTIVE, FINAL, JobState, Verdict
from reinstall.models import (
    ApiToken,
    Approval,
    Attempt,
    AuditEvent,
    Cloud,
    Disk,
    IdempotencyKey,
    Job,
    KeyPair,
    KmsKey,
    Membership,
    Order,
    Project,
    Proposal,
    Server,
)
from tests.reinstall.rows import an_event

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: Each is broken by a test below, or in test_access_constraints; `test_no_constraint_is_forgotten` compares.
TRIED = {
    "one_cloud_per_address",
    "one_row_per_cloud_project",
    "project_environment_known",
    "one_role_per_person_and_project",
    "one_row_per_attachment",
    "one_system_disk_per_server",
    "one_row_per_key_pair",
    "one_row_per_kms_key",
    "one_active_job_per_server",
    "one_job_per_order_and_server",
    "job_state_known",
    "running_has_cloud_job",
    "ended_exactly_when_final",
    "attempt_number_once",
    "one_live_attempt",
    "verdict_known",
    "one_entry_per_move",
    "one_entry_per_place",
    "one_answer_per_key",
    "one_open_proposal",
    "proposal_answer_known",
    "proposal_ended_exactly_with_an_end",
    "confirmed_by_another",
    "role_known",
    "approval_ended_exactly_with_an_end",
    "approval_good_exactly_when_agreed",
    "approved_by_another",
    "overridden_by_two",
}


@contextmanager
def refused(words: str = "") -> Iterator[None]:
    """The statement inside breaks a constraint; the test's own transaction goes on."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    if words:
        assert words in str(caught.value)


def cloud(**changes: Any) -> Cloud:
    values = {
        "profile": "huawei",
        "region": "sim-1",
        "endpoints": {"ecs": "http://127.0.0.1:1"},
        "created_at": NOW,
    }
    return Cloud.objects.create(**(values | changes))


def project(**changes: Any) -> Project:
    values: dict[str, Any] = {
        "slug": uuid.uuid4().hex[:12],
        "name": "shop",
        "environment": "staging",
        "project_id": uuid.uuid4().hex,
        "credential_kind": "aksk",
        "credentials_sealed": b"",
        "created_at": NOW,
    }
    if "cloud" not in changes:
        changes["cloud"] = cloud(region=uuid.uuid4().hex)
    return Project.objects.create(**(values | changes))


def server(of: Project | None = None, **changes: Any) -> Server:
    values = {"id": uuid.uuid4(), "name": "web-1", "status": "ACTIVE", "seen_at": NOW}
    return Server.objects.create(project=of or project(), **(values | changes))


def order(of: Project, **changes: Any) -> Order:
    who, _ = User.objects.get_or_create(username="alice")
    values = {
        "requested_by": who,
        "requested_by_name": "alice",
        "source": "browser",
        "submission_id": uuid.uuid4(),
        "request_hash": "0" * 64,
        "created_at": NOW,
    }
    return Order.objects.create(project=of, **(values | changes))


def job(on: Server | None = None, state: str = JobState.QUEUED, **changes: Any) -> Job:
    on = on or server()
    values: dict[str, Any] = {
        "server_name": on.name,
        "state": state,
        "state_since": NOW,
        "request_hash": "0" * 64,
        "lease_until": NOW,
        "created_at": NOW,
        "cloud_job_id": "ff808082739334d8",
        "ended_at": NOW if state in FINAL else None,
    }
    made_for = changes.pop("order", None) or order(on.project)
    return Job.objects.create(order=made_for, project=on.project, server=on, **(values | changes))


def attempt(of: Job, number: int, verdict: str) -> Attempt:
    return Attempt.objects.create(
        job=of, number=number, verdict=verdict, body_sha256="0" * 64, signed_at=NOW, intent_at=NOW
    )


def put(rows: models.QuerySet[Any], **values: Any) -> None:
    """A raw UPDATE, as a worker that believes something wrong would send it."""
    rows.update(**values)


def test_no_constraint_is_forgotten() -> None:
    tables = (
        ApiToken, Approval, Attempt, AuditEvent, Cloud, Disk, IdempotencyKey, Job, KeyPair, KmsKey,
        Membership, Order, Project, Proposal, Server,
    )  # fmt: skip
    assert {constraint.name for table in tables for constraint in table._meta.constraints} == TRIED


@pytest.mark.parametrize("first", sorted(ACTIVE))
@pytest.mark.parametrize("second", [JobState.QUEUED, JobState.ATTENTION])
def test_a_server_has_one_active_job(first: JobState, second: JobState) -> None:
    on = server()
    job(on, first)
    with refused():
        job(on, second)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_an_ended_job_holds_no_server_and_cannot_come_back_beside_another(state: JobState) -> None:
    on = server()
    old = job(on, state)
    job(on)
    for back in ACTIVE:
        with refused():
            put(Job.objects.filter(pk=old.pk), state=back, ended_at=None)


def test_a_job_cannot_be_moved_to_a_held_server() -> None:
    on = server()
    job(on)
    other = job()
    with refused():
        put(Job.objects.filter(pk=other.pk), server=on)


def test_an_order_names_a_server_once() -> None:
    on = server()
    first = job(on, JobState.CANCELLED)
    with refused():
        job(on, order=first.order)


@pytest.mark.parametrize("state", ["", "done", "QUEUED", "paused"])
def test_a_state_nobody_knows_is_refused(state: str) -> None:
    for ended_at in (None, NOW):
        with refused():
            put(Job.objects.filter(pk=job().pk), state=state, ended_at=ended_at)


def test_running_needs_the_id_of_the_clouds_job() -> None:
    with refused("running_has_cloud_job"):
        job(state=JobState.RUNNING, cloud_job_id="")
    with refused("running_has_cloud_job"):
        put(Job.objects.filter(pk=job(state=JobState.RUNNING).pk), cloud_job_id="")
    assert job(state=JobState.UNCERTAIN, cloud_job_id="").pk


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_an_active_job_has_no_end(state: JobState) -> None:
    with refused("ended_exactly_when_final"):
        job(state=state, ended_at=NOW)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_an_ended_job_has_its_moment(state: JobState) -> None:
    with refused("ended_exactly_when_final"):
        job(state=state, ended_at=None)


@pytest.mark.parametrize("live", [Verdict.ARMED, Verdict.UNKNOWN, Verdict.ACCEPTED])
@pytest.mark.parametrize("second", [Verdict.ARMED, Verdict.UNKNOWN, Verdict.ACCEPTED])
def test_beside_a_live_attempt_no_second_one_can_be_written(live: Verdict, second: Verdict) -> None:
    of = job()
    attempt(of, 1, live)
    with refused():
        attempt(of, 2, second)
    assert of.attempts.count() == 1


@pytest.mark.parametrize(
    "closed", [Verdict.NOT_SENT, Verdict.THROTTLED, Verdict.AUTH_REFUSED, Verdict.REJECTED]
)
def test_a_closed_attempt_lets_one_more_be_made_and_cannot_come_alive_again(closed: Verdict) -> None:
    of = job()
    old = attempt(of, 1, closed)
    attempt(of, 2, Verdict.ARMED)
    for live in (Verdict.ARMED, Verdict.UNKNOWN, Verdict.ACCEPTED):
        with refused():
            put(Attempt.objects.filter(pk=old.pk), verdict=live)


def test_live_attempts_of_two_jobs_do_not_touch() -> None:
    attempt(job(), 1, Verdict.ARMED)
    assert attempt(job(), 1, Verdict.ARMED).pk


def test_an_attempt_has_its_number_once_and_a_known_verdict() -> None:
    of = job()
    attempt(of, 1, Verdict.NOT_SENT)
    with refused():
        attempt(of, 1, Verdict.THROTTLED)
    with refused("verdict_known"):
        attempt(of, 2, "maybe")


def test_a_job_with_attempts_cannot_be_deleted() -> None:
    of = job()
    attempt(of, 1, Verdict.ARMED)
    with pytest.raises(models.ProtectedError):
        of.delete()
    with pytest.raises(models.ProtectedError):
        of.server.delete()
    with pytest.raises(models.ProtectedError):
        of.order.requested_by.delete()


def test_a_submission_is_one_order() -> None:
    of = project()
    first = order(of)
    with refused():
        order(of, submission_id=first.submission_id)
    with refused():
        order(project(), submission_id=first.submission_id)


def test_one_move_has_one_entry() -> None:
    values = {"action": "job.queued", "object_type": "job"}
    an_event(object_id="1", seq=1, **values)
    an_event(object_id="1", seq=2, **values)
    an_event(object_id="2", seq=1, **values)
    for _ in range(2):
        an_event(object_id="1", seq=None, **values)
    with refused():
        an_event(object_id="1", seq=2, **values)


def test_one_place_of_the_chain_has_one_entry() -> None:
    first = an_event()
    again = AuditEvent.objects.filter(pk=first.pk).values().get() | {"id": first.pk + 1}
    with refused():
        AuditEvent.objects.create(**again)
    AuditEvent.objects.create(**again | {"position": first.position + 1})


def test_a_cloud_project_is_entered_once() -> None:
    first = project()
    with refused():
        project(cloud=first.cloud, project_id=first.project_id)
    with refused():
        project(slug=first.slug)
    assert project(project_id=first.project_id).pk


def test_a_cloud_is_entered_once() -> None:
    cloud()
    with refused():
        cloud()
    assert cloud(region="sim-2").pk


@pytest.mark.parametrize("environment", ["", "prod", "PRODUCTION"])
def test_a_project_says_what_is_at_stake(environment: str) -> None:
    with refused("project_environment_known"):
        project(environment=environment)


def test_a_person_has_one_role_in_a_project() -> None:
    of, who = project(), User.objects.create(username="alice")
    Membership.objects.create(user=who, project=of, role="viewer")
    with refused():
        Membership.objects.create(user=who, project=of, role="admin")


def test_a_server_has_one_system_disk_and_a_disk_one_row() -> None:
    on = server()
    Disk.objects.create(server=on, volume_id="a", boot_index=0)
    Disk.objects.create(server=on, volume_id="b", boot_index=1)
    Disk.objects.create(server=on, volume_id="c", boot_index=None)
    with refused():
        Disk.objects.create(server=on, volume_id="d", boot_index=0)
    with refused():
        Disk.objects.create(server=on, volume_id="b", boot_index=2)
    with refused():
        put(Disk.objects.filter(volume_id="b"), boot_index=0)


def test_a_server_id_is_there_once_whatever_the_project() -> None:
    first = server()
    with refused():
        server(project(), id=first.pk)


def test_keys_are_there_once() -> None:
    of = project()
    KeyPair.objects.create(project=of, name="k", userid="u", seen_at=NOW)
    KeyPair.objects.create(project=of, name="k", userid="v", seen_at=NOW)
    with refused():
        KeyPair.objects.create(project=of, name="k", userid="u", seen_at=NOW)
    KmsKey.objects.create(project=of, key_id="c", state=2, seen_at=NOW)
    with refused():
        KmsKey.objects.create(project=of, key_id="c", state=3, seen_at=NOW)


def test_an_idempotency_key_has_one_answer_per_principal() -> None:
    values = {"key": "k", "fingerprint": "f", "created_at": NOW}
    IdempotencyKey.objects.create(principal="user:1", **values)
    IdempotencyKey.objects.create(principal="token:1", **values)
    with refused():
        IdempotencyKey.objects.create(principal="user:1", **values)


def test_a_token_is_found_by_one_digest_only() -> None:
    who = User.objects.create(username="alice")
    values = {
        "user": who,
        "name": "ci",
        "digest": "d",
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    ApiToken.objects.create(**values)
    with refused():
        ApiToken.objects.create(**values)


def proposal(of: Job, by: User, **changes: Any) -> Proposal:
    values = {"answer": "never_ran", "reason": "r", "proposed_by_name": by.username, "proposed_at": NOW}
    return Proposal.objects.create(**(values | {"job": of, "proposed_by": by} | changes))


def test_what_two_people_decide_is_of_two_people() -> None:
    alice, bob = User.objects.create(username="alice"), User.objects.create(username="bob")
    of = job(server(), JobState.ATTENTION)
    made = proposal(of, alice)
    with refused():
        proposal(of, bob)
    with refused("proposal_answer_known"):
        put(Proposal.objects.filter(pk=made.pk), answer="ran_well")
    with refused("proposal_ended_exactly_with_an_end"):
        put(Proposal.objects.filter(pk=made.pk), end="withdrawn")
    with refused("proposal_ended_exactly_with_an_end"):
        put(Proposal.objects.filter(pk=made.pk), ended_at=NOW)
    for nobody in (None, alice):
        with refused("confirmed_by_another"):
            put(Proposal.objects.filter(pk=made.pk), end="confirmed", ended_at=NOW, ended_by=nobody)
    put(Proposal.objects.filter(pk=made.pk), end="confirmed", ended_at=NOW, ended_by=bob)
    assert proposal(of, bob).pk
