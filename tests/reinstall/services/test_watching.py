"""Running jobs watched together: the list points, the job proves, and what that taught is kept."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Exchange, Job, Project, Server, Watch
from reinstall.services import engine, exchanges, lists, plans, polling, watching
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, free_servers, placed_job

pytestmark = pytest.mark.django_db

LIST, JOB = "/cloudservers/detail", "/jobs/"


class _Here(ThreadPoolExecutor):
    """Asks in the thread of the test: the rows of a test are seen by its own connection only."""

    def map(self, fn: Any, *iterables: Any, **_: Any) -> Iterator[Any]:
        return map(fn, *iterables)


def look(clock: Clock) -> watching.Watched:
    plans.forget()
    return watching.watch(clock=clock, owner="test", pool=_Here(1))


def calls(simulator: RunningSimulator, part: str) -> int:
    return sum(part in row["path"] for row in simulator.ledger()["requests"])


def running_jobs(actor: Actor, project: Project, clock: Clock, count: int) -> list[Job]:
    usable = Server.objects.filter(
        project=project, status="ACTIVE", locked=False, image_name__contains="Debian"
    )
    plain = usable.exclude(disks__encrypted=True)
    jobs = [placed_job(actor, server) for server in plain.order_by("name")[:count]]
    assert len(jobs) == count
    for job in jobs:
        advanced(job, clock)
        assert job.state == JobState.RUNNING, job.waiting_for
    return jobs


def believe(project: Project, clock: Clock, **changes: Any) -> None:
    """As if the list had been right often enough."""
    values = {"next_at": clock(), "listed_at": clock(), "servers": 24, "agreed": 9} | changes
    Watch.objects.update_or_create(project=project, defaults=values)
    plans.forget()


def pass_on(clock: Clock, simulator: RunningSimulator, seconds: float) -> None:
    clock.add(seconds)
    simulator.advance(seconds)


def test_many_jobs_are_asked_in_one_batch_and_counted_on_one_row_each(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    jobs = running_jobs(actor, project, clock, 2)
    pass_on(clock, simulator, 10)
    assert look(clock).asked == 2
    pass_on(clock, simulator, 5)
    before = calls(simulator, JOB)
    assert look(clock).asked == 2
    assert calls(simulator, JOB) == before + 2
    for job in jobs:
        job.refresh_from_db()
        assert (job.state, job.cloud_status, job.crash_count) == (JobState.RUNNING, "RUNNING", 0)
        assert job.lease_until <= clock()
        assert job.polled_at is not None
        assert timedelta(0) < job.next_at - clock() <= timedelta(seconds=5)  # type: ignore[operator]
        [row] = Exchange.objects.filter(job=job, path__contains=JOB)
        assert row.times == 2


def test_the_end_is_found_and_proven_as_for_a_single_job(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    jobs = running_jobs(actor, project, clock, 2)
    pass_on(clock, simulator, 700)
    assert look(clock).asked == 2
    for job in jobs:
        job.refresh_from_db()
        assert job.state == JobState.VERIFYING
        engine.advance(job_id=job.pk, clock=clock, owner="test")
        job.refresh_from_db()
        assert job.state == JobState.SUCCEEDED
    durations = Watch.objects.get(project=project).durations
    assert len(durations) == 2
    assert all(0 < took < 800 for took in durations)


def test_where_the_list_is_believed_it_alone_says_when_to_ask(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    jobs = running_jobs(actor, project, clock, 4)
    believe(project, clock)
    pass_on(clock, simulator, 8)
    look(clock)
    assert Job.objects.filter(busy_seen_at__isnull=False).count() == 4
    asked = calls(simulator, JOB)
    for _ in range(8):
        pass_on(clock, simulator, 5.5)
        assert look(clock).asked == 0
    assert calls(simulator, JOB) == asked
    assert calls(simulator, LIST) >= 8
    pass_on(clock, simulator, 700)
    seen = look(clock)
    assert (seen.pointed_at, seen.asked) == (4, 4)
    assert {Job.objects.get(pk=job.pk).state for job in jobs} == {JobState.VERIFYING}
    assert Watch.objects.get(project=project).agreed == 9 + 4


def test_few_jobs_are_asked_by_themselves_and_no_list_is_read(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    running_jobs(actor, project, clock, 1)
    lists_before = calls(simulator, LIST)
    for _ in range(5):
        pass_on(clock, simulator, 5)
        look(clock)
    assert calls(simulator, LIST) == lists_before
    assert calls(simulator, JOB) >= 5


def test_when_lists_stop_paying_nobody_waits_for_them(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    jobs = running_jobs(actor, project, clock, 4)
    believe(project, clock)
    pass_on(clock, simulator, 8)
    look(clock)
    Job.objects.filter(pk__in=[job.pk for job in jobs[1:]]).update(state=JobState.VERIFYING)
    pass_on(clock, simulator, 6)
    assert look(clock).asked == 1
    job = Job.objects.get(pk=jobs[0].pk)
    assert job.next_at is not None
    assert job.next_at - clock() <= timedelta(seconds=5)


def test_lists_that_fail_three_times_give_way_to_questions(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    running_jobs(actor, project, clock, 4)
    believe(project, clock)
    pass_on(clock, simulator, 8)
    look(clock)
    assert calls(simulator, JOB) == 0
    simulator.faults([{"match": {"path": f"*{LIST}"}, "times": None, "do": "answer", "status": 500}])
    for _ in range(8):
        pass_on(clock, simulator, 10)
        look(clock)
    assert Watch.objects.get(project=project).failures >= plans.FAILURES
    assert calls(simulator, JOB) >= 4
    assert not Job.objects.exclude(state=JobState.RUNNING).exists()


def test_a_list_that_misleads_is_not_believed_for_long(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    [job] = running_jobs(actor, project, clock, 1)
    believe(project, clock, agreed=5)
    job.busy_seen_at = job.idle_seen_at = clock()
    lists.learn(job, ended=False, now=clock())
    watch = Watch.objects.get(project=project)
    assert (watch.agreed, watch.misled) == (5, 1)
    assert not plans.is_believed([watch])
    job.polled_at = clock() + timedelta(seconds=1)
    lists.learn(job, ended=False, now=clock())
    assert Watch.objects.get(project=project).misled == 1, "one answer of a job is one lesson"


def test_a_job_whose_server_rested_before_its_end_is_asked_again_soon_then_slower(
    actor: Actor, project: Project, clock: Clock
) -> None:
    [job] = running_jobs(actor, project, clock, 1)
    job.idle_seen_at = clock()
    plan = plans.plan_of(cloud_id=project.cloud_id, now=clock())
    waits = [plan.wait_s(job, clock() + timedelta(seconds=after)) for after in (0, 3, 60)]
    assert waits == [2.0, pytest.approx(3.0, abs=0.1), 4.0]


def test_nothing_is_asked_seldom_enough_for_the_cloud_to_forget(
    actor: Actor, project: Project, clock: Clock
) -> None:
    [job] = running_jobs(actor, project, clock, 1)
    believe(project, clock)
    plan = plans.plan_of(cloud_id=project.cloud_id, now=clock())
    job.busy_seen_at = clock()
    for hours in (0, 1, 3, 12, 100):
        assert plan.wait_s(job, clock() + timedelta(hours=hours)) <= 3600


def test_a_second_worker_claims_nothing_of_what_the_first_holds(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    jobs = running_jobs(actor, project, clock, 3)
    pass_on(clock, simulator, 5)
    ids = [job.pk for job in jobs]
    first, taken = watching._claim(ids, clock(), "one")
    second, rest = watching._claim(ids, clock(), "two")
    assert (len(taken), rest) == (3, [])
    assert first != second
    before = {job.pk: job.fence for job in jobs}
    assert all(job.fence == before[job.pk] + 1 for job in taken)


def test_answers_of_a_lost_claim_change_nothing(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    [job] = running_jobs(actor, project, clock, 1)
    pass_on(clock, simulator, 5)
    name, [held] = watching._claim([job.pk], clock(), "frozen")
    clock.add(engine.LEASE.total_seconds() + 1)
    assert engine.advance(job_id=job.pk, clock=clock, owner="other")
    row = Job.objects.values().get(pk=job.pk)
    answer = watching._ask(held, begin_by=float("inf"))
    assert answer.found is not None
    watching._settle([answer], name, clock)
    watching._keep_on([answer], name, clock())
    changed = Job.objects.values().get(pk=job.pk)
    assert {name: changed[name] for name in ("state", "seq", "fence", "owner", "next_at", "polled_at")} == {
        name: row[name] for name in ("state", "seq", "fence", "owner", "next_at", "polled_at")
    }


def test_a_job_whose_last_step_died_goes_alone(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    from reinstall.services import turns

    jobs = running_jobs(actor, project, clock, 2)
    pass_on(clock, simulator, 5)
    Job.objects.filter(pk=jobs[0].pk).update(crash_count=1)
    assert turns.due(now=clock()) == [jobs[0].pk]
    assert look(clock).asked == 1
    engine.advance(job_id=jobs[0].pk, clock=clock, owner="test")
    assert Job.objects.get(pk=jobs[0].pk).crash_count == 0


def test_an_answer_that_is_not_the_one_before_is_never_counted_as_quiet(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    [job] = running_jobs(actor, project, clock, 1)
    pass_on(clock, simulator, 10)
    advanced(job, clock)
    found = watching._ask(job, begin_by=float("inf")).found
    assert found is not None
    assert polling.keeps_on(job, found, clock())
    for name, value in (("cloud_status", "INIT"), ("poll_failures", 1), ("tries", 1), ("waiting_for", "x")):
        before = getattr(job, name)
        setattr(job, name, value)
        assert not polling.keeps_on(job, found, clock()), name
        setattr(job, name, before)
    job.server_id = free_servers(project)[1].pk
    assert not polling.keeps_on(job, found, clock())


def test_calls_that_brought_something_new_get_rows_of_their_own(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    [job] = running_jobs(actor, project, clock, 1)
    pass_on(clock, simulator, 10)
    [call] = watching._ask(job, begin_by=float("inf")).calls
    exchanges.note_again({job.pk: call})
    exchanges.note_again({job.pk: call})
    assert [row.times for row in Exchange.objects.filter(job=job, path__contains=JOB)] == [2]


def test_lists_by_id_where_the_cloud_has_them(project: Project, settings: Any) -> None:
    assert Server.objects.filter(project=project).count() == 24
    watch = Watch(project=project, servers=50_000, next_at=datetime.now(UTC))
    assert lists._way(project, watch, jobs=300) == lists.Way(by_id=True, calls=3, jobs=300)
    assert lists._way(project, watch, jobs=9000) == lists.Way(by_id=False, calls=50, jobs=9000)
    project.cloud.profile = "otc"
    assert lists._way(project, watch, jobs=300) == lists.Way(by_id=False, calls=50, jobs=300)
