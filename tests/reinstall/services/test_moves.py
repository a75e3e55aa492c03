"""The one UPDATE that changes a state: guarded by state, count and fence, with its entry or not at all."""

import threading
from functools import partial

import pytest
from django.db import transaction
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotRecorded
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, Server
from reinstall.services import history, moves
from tests.reinstall.conftest import placed_job
from tests.reinstall.services.together import together
from tests.reinstall.unrecorded import audit_log_full

pytestmark = pytest.mark.django_db

S = JobState


@pytest.fixture
def job(actor: Actor, server: Server) -> Job:
    return placed_job(actor, server)


def read(job: Job) -> Job:
    return Job.objects.select_related("project").get(pk=job.pk)


def test_a_move_changes_the_row_and_the_object_and_writes_its_entry(job: Job) -> None:
    moment = now()
    moves.move(job, S.PREFLIGHT, now=moment, note="looked", waiting_for="x")
    stored = read(job)
    for seen in (job, stored):
        assert (seen.state, seen.seq, seen.state_since, seen.waiting_for) == (S.PREFLIGHT, 2, moment, "x")
    entry = AuditEvent.objects.get(action="job.preflight")
    assert (entry.seq, entry.note, entry.actor_name) == (2, "looked", "engine")
    assert (entry.before, entry.after) == ({"state": "queued"}, {"state": "preflight"})


def test_an_end_has_its_moment_and_waits_for_nothing(job: Job) -> None:
    moment = now()
    moves.move(job, S.REJECTED, now=moment, waiting_for="something", next_at=moment, failure_code="Ecs.0314")
    stored = read(job)
    assert (stored.ended_at, stored.next_at, stored.waiting_for) == (moment, None, "")
    assert AuditEvent.objects.get(action="job.rejected").after["failure_code"] == "Ecs.0314"


@pytest.mark.parametrize("to", [S.RUNNING, S.SUBMITTING, S.SUCCEEDED, S.QUEUED])
def test_a_move_the_table_does_not_have_is_a_mistake_of_the_caller(to: JobState, job: Job) -> None:
    with pytest.raises(ValueError, match="not a move of the state table"):
        moves.move(job, to, now=now())
    assert read(job).seq == 1


@pytest.mark.parametrize("changed", [{"state": "preflight"}, {"seq": 2}, {"fence": 1}])
def test_a_row_that_is_not_as_it_was_read_is_left_alone(changed: dict[str, object], job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(**changed)
    before = Job.objects.filter(pk=job.pk).values().get()
    with pytest.raises(moves.Overtaken):
        moves.move(job, S.CANCELLED, now=now())
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert not AuditEvent.objects.filter(action="job.cancelled").exists()
    assert job.state == S.QUEUED


@pytest.mark.parametrize("changed", [{"state": "preflight"}, {"fence": 1}])
def test_a_touch_is_guarded_too(changed: dict[str, object], job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(**changed)
    with pytest.raises(moves.Overtaken):
        moves.touch(job, waiting_for="mine")
    assert read(job).waiting_for == ""


def test_without_its_entry_the_act_does_not_happen(job: Job) -> None:
    before = Job.objects.filter(pk=job.pk).values().get()
    with audit_log_full(), pytest.raises(NotRecorded), transaction.atomic():
        moves.move(job, S.PREFLIGHT, now=now())
    assert Job.objects.filter(pk=job.pk).values().get() == before


def test_without_its_entry_no_order_is_placed(actor: Actor, server: Server) -> None:
    with audit_log_full(), pytest.raises(NotRecorded), transaction.atomic():
        placed_job(actor, server)
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused(transactional_db: None, actor: Actor) -> None:
    act = history.Act(action="x.y", object_type="x", object_id="1")
    with pytest.raises(RuntimeError, match="in the transaction of its act"):
        history.record(actor=actor, now=now(), act=act)
    assert not AuditEvent.objects.filter(action="x.y").exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_moves_at_once_one_wins(transactional_db: None, job: Job) -> None:
    copies = [read(job) for _ in range(6)]
    results = together([partial(moves.move, copy, S.PREFLIGHT, now=now()) for copy in copies])
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, moves.Overtaken) for result in results) == 5, results
    assert AuditEvent.objects.filter(action="job.preflight").count() == 1
    assert read(job).seq == 2


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_never_for_what_was_undone(
    transactional_db: None, job: Job
) -> None:
    from reinstall.services import wake

    heard: list[tuple[int, str]] = []

    def listen(*, job_id: int, **_: object) -> None:
        heard.append((job_id, Job.objects.get(pk=job_id).state))
        assert threading.current_thread() is threading.main_thread()

    wake.job_changed.connect(listen)
    try:
        with pytest.raises(KeyError), transaction.atomic():
            moves.move(read(job), S.PREFLIGHT, now=now())
            raise KeyError
        assert heard == []
        moves.move(read(job), S.PREFLIGHT, now=now())
    finally:
        wake.job_changed.disconnect(listen)
    assert heard == [(job.pk, "preflight")]
