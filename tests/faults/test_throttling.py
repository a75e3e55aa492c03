"""The cloud says "too many", or nothing for an hour, or ten thousand wait: F37, F39, F52, F76."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.budgets import Share
from reinstall.domain.states import JobState
from reinstall.models import Cloud, Job, Project, Server
from reinstall.services import budget, engine, plans, turns, watching
from simulator.server import RunningSimulator
from tests.reinstall import rows
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

REINSTALL = {"method": "POST", "path": "*/reinstallos"}
POLL = {"method": "GET", "path": "*/jobs/*"}
TOO_MANY = {"error_code": "APIGW.0308", "error_msg": "The throttling threshold has been reached"}


class _Here(ThreadPoolExecutor):
    def map(self, fn: Any, *iterables: Any, **_: Any) -> Iterator[Any]:
        return map(fn, *iterables)


@pytest.fixture(autouse=True)
def _gateway_clock(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "simulator" in request.fixturenames:
        request.getfixturevalue("running_simulator").cloud.clock.skew_s = 0.0


def posts(simulator: RunningSimulator) -> list[dict[str, Any]]:
    return [row for row in simulator.ledger()["requests"] if row["path"].endswith("/reinstallos")]


def in_a_while(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        pytest.param(lambda: {"Retry-After": "7"}, 7, 7.7, id="seconds"),
        pytest.param(lambda: {"Retry-After": in_a_while(45)}, 43, 49.5, id="date"),
        pytest.param(dict, 1, 60, id="absent"),
        pytest.param(lambda: {"Retry-After": "1000000000"}, 600, 600, id="absurd"),
    ],
)
def test_F37_a_429_brakes_every_worker_and_one_call_is_accepted(
    actor: Actor,
    project: Project,
    simulator: RunningSimulator,
    clock: Clock,
    header: Any,
    least: float,
    most: float,
) -> None:
    first, second = (placed_job(actor, server) for server in free_servers(project)[:2])
    fault = {"match": REINSTALL, "do": "answer", "status": 429, "json": TOO_MANY, "headers": header()}
    simulator.faults([fault])
    answered = clock()
    engine.advance(job_id=first.pk, clock=clock, owner="one")
    first.refresh_from_db()
    assert (first.state, first.attempts.get().verdict) == (JobState.QUEUED, "throttled")
    assert first.next_at is not None
    assert least <= (first.next_at - answered).total_seconds() <= most + 2

    # Another worker, another job: it does not even look at its server.
    before = len(simulator.ledger()["requests"])
    clock.add(least * 0.9)
    engine.advance(job_id=second.pk, clock=clock, owner="two")
    second.refresh_from_db()
    assert second.state == JobState.PREFLIGHT
    assert "turn" in second.waiting_for
    assert second.next_at is not None
    assert second.next_at >= first.next_at
    assert len(simulator.ledger()["requests"]) == before
    assert len(posts(simulator)) == 1

    with simulator.lock:
        # The wait was ours alone; the gateway's clock has to come along, or nothing would be signed for it.
        simulator.cloud.clock.skew_s = clock.ahead.total_seconds()
    for job in (first, second):
        assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert len(posts(simulator)) == 3
    assert len(simulator.accepted()) == 2


@pytest.mark.django_db
def test_F37_the_limit_named_in_a_429_is_kept_to(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    named = TOO_MANY | {"error_msg": "policy user over ratelimit,limit:6,time:1 minute"}
    simulator.faults([{"match": REINSTALL, "do": "answer", "status": 429, "json": named}])
    job = advanced(placed_job(actor, server), clock)
    assert job.next_at is not None
    assert (job.next_at - clock()).total_seconds() > 55
    _, rate, _ = budget.line(cloud_id=job.project.cloud_id, share=Share.SUBMIT, now=clock())
    assert rate.per_s == pytest.approx(0.09)
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED


@pytest.mark.django_db
def test_F39_a_job_that_starts_ten_minutes_later_is_only_late(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": REINSTALL, "do": "slow_job", "start_after_s": 600}])
    job = advanced(placed_job(actor, server), clock)
    assert job.state == JobState.RUNNING
    for _ in range(20):
        clock.add(30)
        simulator.advance(30)
        plans.forget()
        watching.watch(clock=clock, owner="test", pool=_Here(1))
        job.refresh_from_db()
        assert job.state == JobState.RUNNING, job.waiting_for
    assert job.cloud_status in ("INIT", "RUNNING")
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert len(posts(simulator)) == len(simulator.accepted()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fault",
    [
        {"do": "answer", "status": 500, "json": {"error": {"code": "Ecs.0000", "message": "internal"}}},
        {"do": "answer", "status": 429, "json": TOO_MANY, "headers": {"Retry-After": "20"}},
        {"do": "drop_after_read"},
    ],
    ids=["500", "429", "reset"],
)
@pytest.mark.parametrize("together", [True, False], ids=["in batches", "alone"])
def test_F52_an_hour_without_an_answer_changes_nothing_but_the_pace(
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
    fault: dict[str, Any],
    together: bool,
) -> None:
    job = advanced(placed_job(actor, server), clock)
    simulator.faults([{"match": POLL, "times": None, **fault}])
    # The cloud's own clock stands still: what is tried is the waiting, not the end of the job.
    waits, started = [], clock()
    while clock() - started < timedelta(hours=1):
        assert job.next_at is not None
        clock.ahead = max(clock.ahead, job.next_at - datetime.now(UTC) + timedelta(milliseconds=1))
        asked_at = clock()
        if together:
            plans.forget()
            watching.watch(clock=clock, owner="test", pool=_Here(1))
        else:
            engine.advance(job_id=job.pk, clock=clock, owner="test")
        job.refresh_from_db()
        assert (job.state, job.seq) == (JobState.RUNNING, job.seq)
        assert job.next_at is not None
        waits.append((job.next_at - asked_at).total_seconds())
    assert len(waits) < 200, "one call every few seconds would be 900"
    assert max(waits) > 60
    assert max(waits) <= 600 + 5
    assert job.waiting_for.startswith("The cloud did not say") or "turn" in job.waiting_for
    simulator.clear_faults()
    job = advanced(job, clock)
    assert job.poll_failures == 0, "as before, once it answers"
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert len(posts(simulator)) == 1


def a_line(project: Project, count: int, at: datetime) -> None:
    """`count` queued jobs, one after the other, due since then."""
    person = rows.a_person(f"p-{project.slug}", project)
    order = rows.an_order(project, person)
    servers = [
        Server(id=uuid.uuid4(), project=project, name=f"{project.slug}-{n:05}", status="ACTIVE", seen_at=at)
        for n in range(count)
    ]
    Server.objects.bulk_create(servers, batch_size=1000)
    jobs = [
        Job(
            order=order,
            project=project,
            server=server,
            server_name=server.name,
            state=JobState.QUEUED,
            state_since=at,
            request_hash="0" * 64,
            lease_until=at,
            next_at=at + timedelta(microseconds=n),
            created_at=at,
        )
        for n, server in enumerate(servers)
    ]
    Job.objects.bulk_create(jobs, batch_size=1000)


@pytest.mark.django_db
def test_F76_ten_thousand_queued_jobs_hold_up_neither_another_cloud_nor_the_watching(settings: Any) -> None:
    settings.CALLS_PER_SECOND = {"submit": 30.0, "evidence": 20.0, "poll": 50.0, "sync": 20.0}
    start = datetime.now(UTC)
    crowd = rows.a_project("crowd")
    other = Cloud.objects.create(profile="huawei", region="eu-west-101", created_at=start)
    urgent_project = rows.a_project("urgent", cloud=other)
    a_line(crowd, 10_000, start)
    a_line(urgent_project, 1, start + timedelta(seconds=1))
    urgent = Job.objects.get(project=urgent_project)
    watched = rows.a_job(
        rows.an_order(crowd, rows.a_person("w", crowd)),
        rows.a_server(crowd),
        JobState.UNCERTAIN,
        next_at=start,
    )

    now = start + timedelta(seconds=2)
    chosen = turns.due(now=now)
    assert urgent.pk in chosen[:3], "one line after the other, however long each is"
    assert watched.pk in chosen, "evidence has a share of its own"
    assert len(chosen) == 60 + 2, "a full bucket: 300 calls, five each"
    for share, calls in ((Share.EVIDENCE, 100), (Share.POLL, 50)):
        assert budget.take(cloud_id=crowd.cloud_id, share=share, now=now, calls=calls).calls == calls

    # From then on as many a second as the budget has room for, in the order in which they were asked for.
    started: list[int] = []
    for second in range(1, 61):
        now += timedelta(seconds=1)
        turn = turns.due(now=now)
        for job_id in turn:
            got = budget.take(cloud_id=crowd.cloud_id, share=Share.SUBMIT, now=now, calls=5)
            if got.calls:
                started.append(job_id)
        Job.objects.filter(pk__in=started).update(next_at=None)
        assert len(started) <= 60 + 6 * second + 1
    assert len(started) >= 300
    crowd_ids = list(
        Job.objects.filter(project=crowd, state="queued").order_by("pk").values_list("pk", flat=True)
    )
    places = {pk: place for place, pk in enumerate(crowd_ids)}
    reached = [places[pk] for pk in started if pk in places]
    assert max(reached) < len(reached) + 600, "nobody jumps the line by more than a slot"
    waiting = Job.objects.filter(project=crowd, state="queued", next_at__gt=now).first()
    assert waiting is not None
    assert "at most 30 times a second" in waiting.waiting_for
    oldest = Job.objects.filter(next_at__lte=now).order_by("next_at").first()
    assert oldest is None or now - oldest.next_at < timedelta(seconds=120), "a line is no stopped engine"  # type: ignore[operator]


@pytest.mark.django_db
def test_F76_an_empty_poll_bucket_only_makes_the_looks_rarer(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    settings.CALLS_PER_SECOND = {"submit": 30.0, "evidence": 20.0, "poll": 0.2, "sync": 20.0}
    job = advanced(placed_job(actor, server), clock)
    for _ in range(5):
        clock.add(10)
        plans.forget()
        assert watching.watch(clock=clock, owner="test", pool=_Here(1)).asked <= 1
    while budget.take(cloud_id=job.project.cloud_id, share=Share.POLL, now=clock(), calls=1).calls:
        pass
    Job.objects.filter(pk=job.pk).update(next_at=clock())
    assert watching.watch(clock=clock, owner="test", pool=_Here(1)).asked == 0
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    assert job.next_at is not None
    assert clock() < job.next_at <= clock() + timedelta(seconds=60)
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
