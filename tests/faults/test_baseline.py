"""What is noted right before the call, so that it can be compared afterwards."""

from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.identity import NONE_YET, ServerFacts
from reinstall.domain.states import JobState
from reinstall.models import Evidence, Project, Server
from reinstall.services import evidence
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

pytestmark = pytest.mark.django_db

TRACES = {"method": "GET", "path": "*/traces"}
ACTIONS = {"method": "GET", "path": "*/os-instance-actions"}
REINSTALL = {"method": "POST", "path": "*/reinstallos"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    evidence.forget()


def asked(simulator: RunningSimulator, end: str) -> int:
    return sum(row["path"].split("?")[0].endswith(end) for row in simulator.ledger()["requests"])


def test_the_baseline_names_the_newest_action_and_trace(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    first = finished(placed_job(actor, server), clock, simulator)
    before = ServerFacts.from_json(first.baseline)
    assert before is not None
    assert (before.newest_action, before.newest_trace, before.updated != "") == (NONE_YET, NONE_YET, True)
    simulator.advance(300)
    clock.ahead *= 0
    second = advanced(placed_job(actor, server), clock)
    after = ServerFacts.from_json(second.baseline)
    assert after is not None
    assert after.newest_action.startswith("req-")
    assert after.newest_trace.startswith("20")


@pytest.mark.parametrize("status", [403, 404, 500])
def test_witnesses_that_do_not_answer_hold_nothing_up_and_are_left_alone_for_a_while(
    status: int, actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    for match in (TRACES, ACTIONS):
        simulator.faults([{"match": match, "times": None, "do": "answer", "status": status, "json": {}}])
    for server in free_servers(project)[:2]:
        job = advanced(placed_job(actor, server), clock)
        assert job.state == JobState.RUNNING, job.waiting_for
        baseline = ServerFacts.from_json(job.baseline)
        assert baseline is not None
        assert (baseline.newest_action, baseline.newest_trace) == ("", "")
    assert (asked(simulator, "/traces"), asked(simulator, "/os-instance-actions")) == (1, 1)


def test_new_actions_on_the_server_are_seen_and_waited_for(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.world.scenario.cts = "off"
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "drop_after_read"}])
    job = advanced(placed_job(actor, server), clock)
    with simulator.lock:
        simulator.cloud.world.actions.append(_reboot(server, project_id=job.project.project_id))
    advanced(job, clock)
    assert "new actions on the server (reboot)" in job.waiting_for
    assert Evidence.objects.filter(job=job, kind="verdict", grade="E3").exists()
    clock.add(30 * 60)
    advanced(job, clock)
    assert job.state == JobState.UNCERTAIN, "an action extends the time, it is no verdict"
    clock.add(2 * 3600)
    advanced(job, clock)
    assert job.state == JobState.ATTENTION


def _reboot(server: Server, *, project_id: str) -> Any:
    from simulator.records import InstanceAction

    return InstanceAction(str(server.pk), "reboot", "u" * 32, project_id, "req-other", 1.0)


def test_a_baseline_of_a_newer_version_can_be_read_by_an_older_one() -> None:
    facts = ServerFacts("s-1", "web-01", newest_action="r-1")
    assert ServerFacts.from_json(facts.to_json() | {"of_tomorrow": "x"}) == facts
    old = {name: value for name, value in facts.to_json().items() if not name.startswith("newest")}
    read = ServerFacts.from_json(old)
    assert read is not None and (read.newest_action, read.newest_trace) == ("", "")
