"""Answers to the one call that do not say whether it was taken: F32, F36, F40 to F46."""

import base64
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Evidence, Job, Server
from reinstall.services import evidence
from simulator.server import RunningSimulator
from tests.faults import dying
from tests.reinstall.conftest import Clock, advanced, finished, placed_job

pytestmark = pytest.mark.django_db

REINSTALL = {"method": "POST", "path": "*/reinstallos"}
INTERNAL = {"error": {"code": "Ecs.1000", "message": "internal"}}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    evidence.forget()


def planted(simulator: RunningSimulator, do: str, **more: Any) -> None:
    simulator.faults([{"match": REINSTALL, "times": 1, "do": do, **more}])


def unclear(actor: Actor, server: Server, clock: Clock) -> Job:
    """The job after its call, which must be in doubt."""
    job = advanced(placed_job(actor, server), clock)
    assert (job.state, job.attempts.get().verdict) == (JobState.UNCERTAIN, "unknown"), job.failure_message
    return job


def went_through(job: Job) -> list[str]:
    rows = AuditEvent.objects.filter(object_type="job", object_id=str(job.pk)).order_by("seq")
    return [row.action.removeprefix("job.") for row in rows]


def ran_once(job: Job, simulator: RunningSimulator) -> None:
    """Found by its trace, followed, succeeded; one call was made and one taken."""
    assert job.state == JobState.SUCCEEDED, job.waiting_for
    assert went_through(job)[-4:] == ["uncertain", "running", "verifying", "succeeded"]
    (accepted,) = simulator.accepted()
    assert job.cloud_job_id == accepted["job_id"]
    assert posts(simulator) == job.attempts.count() == 1


def never_ran(job: Job, simulator: RunningSimulator) -> None:
    """In front of a person, with a proposal; never sent again."""
    assert job.state == JobState.ATTENTION, job.waiting_for
    assert Evidence.objects.filter(job=job, kind="verdict", grade__startswith="E4").exists()
    assert simulator.accepted() == []
    assert posts(simulator) <= 1 == job.attempts.count()


def posts(simulator: RunningSimulator) -> int:
    return sum(row["path"].endswith("/reinstallos") for row in simulator.ledger()["requests"])


def test_F32_a_400_that_was_taken_all_the_same(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answer = {"error": {"code": "Ecs.1002", "message": "OpenStack access timed out"}}
    planted(simulator, "answer", status=400, json=answer, accept=True)
    ran_once(finished(unclear(actor, server, clock), clock, simulator), simulator)


def test_F36_a_409_about_our_own_job(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    planted(simulator, "answer", status=409, json=INTERNAL, accept=True)
    ran_once(finished(unclear(actor, server, clock), clock, simulator), simulator)


def test_F36_a_409_because_somebody_else_is_at_it(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    planted(simulator, "answer", status=409, json=INTERNAL)
    job = unclear(actor, server, clock)
    simulator.console_reinstall(str(server.pk))
    finished(job, clock, simulator)
    assert job.state == JobState.ATTENTION
    assert "ana.weber" in job.waiting_for
    assert Evidence.objects.filter(job=job, kind="verdict", grade="E5").exists()
    assert (posts(simulator), simulator.accepted()) == (1, [])


def test_F40_accepted_with_nothing_but_a_204(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    planted(simulator, "answer", status=204, body="", accept=True)
    ran_once(finished(unclear(actor, server, clock), clock, simulator), simulator)


def test_F40_without_traces_the_disk_tells(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.world.scenario.cts = "refused"
    planted(simulator, "answer", status=204, body="", accept=True)
    job = finished(unclear(actor, server, clock), clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert went_through(job)[-3:] == ["uncertain", "verifying", "succeeded"]
    assert Evidence.objects.filter(job=job, kind="verdict", grade="E2").exists()


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_F41_5xx_taken_or_not(
    status: int, accept: bool, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    planted(simulator, "answer", status=status, json=INTERNAL, accept=accept)
    job = finished(unclear(actor, server, clock), clock, simulator)
    (ran_once if accept else never_ran)(job, simulator)


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        ("drop_before_read", False),
        ("drop_after_read", False),
        ("drop_after_accept", True),
        ("close_after_accept", True),
    ],
)
def test_F42_reset_before_and_after_it_was_read(
    fault: str, taken: bool, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    planted(simulator, fault)
    job = finished(unclear(actor, server, clock), clock, simulator)
    (ran_once if taken else never_ran)(job, simulator)


@pytest.mark.parametrize("fault", ["hang", "headers_then_hang", "drip"])
def test_F43_a_call_that_does_not_end_is_cut_at_the_wall_clock(
    fault: str,
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
    settings: Any,
) -> None:
    settings.CALL_WALL_S = 1.2
    planted(simulator, fault, accept=True, seconds=30)
    job = unclear(actor, server, clock)
    call = job.exchanges.get(method="POST")
    assert 1000 <= call.duration_ms < 3000
    ran_once(finished(job, clock, simulator), simulator)


@pytest.mark.parametrize("fault", ["truncate_body", "truncate_headers", "bad_chunk"])
def test_F44_an_answer_that_breaks_off(
    fault: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    planted(simulator, fault)
    ran_once(finished(unclear(actor, server, clock), clock, simulator), simulator)


GOOD_ID = "ff80808288d41e1b018990260955686a"
HTML = {"Content-Type": "text/html"}
UNREADABLE: dict[str, dict[str, Any]] = {
    "captive portal": {"body": "<html>Please sign in</html>", "headers": HTML},
    "another content type": {"body": f'{{"job_id": "{GOOD_ID}"}}', "headers": {"Content-Type": "text/plain"}},
    "byte order mark": {"body_base64": base64.b64encode(b"\xef\xbb\xbf" + b'{"job_id": "x"}').decode()},
    "a key twice": {"body": f'{{"job_id": "{GOOD_ID}", "job_id": "{GOOD_ID[::-1]}"}}'},
    "a number": {"json": {"job_id": 7}},
    "nothing": {"json": {"job_id": ""}},
    "no id": {"json": {}},
    "ten megabytes": {"body": '{"job_id": "' + "a" * 10_000_000 + '"}'},
    "a path": {"json": {"job_id": "../../v1/other"}},
    "a list": {"json": [GOOD_ID]},
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_F45_a_200_that_cannot_be_believed(
    name: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    planted(simulator, "answer", status=200, accept=True, **UNREADABLE[name])
    job = unclear(actor, server, clock)
    assert job.cloud_job_id == ""
    ran_once(finished(job, clock, simulator), simulator)
    asked = {row["path"].split("?")[0] for row in simulator.ledger()["requests"] if "/jobs/" in row["path"]}
    assert asked == {f"/v1/{job.project.project_id}/jobs/{job.cloud_job_id}"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["big_body", "gzip_bomb"])
def test_F46_a_body_that_grows_is_cut_and_takes_no_memory(
    fault: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    planted(simulator, fault, mb=50)
    assert dying.growth_in_mb(job, clock) < 20
    job.refresh_from_db()
    assert job.state == JobState.UNCERTAIN
    ran_once(finished(job, clock, simulator), simulator)
