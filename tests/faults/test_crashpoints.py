"""Kill -9 at each named place, once, in a real worker process; then the engine goes on in this one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from ecsportal.env import Environment
from ecsportal.faultruns import read_faults, read_lease
from reinstall.domain.actors import Actor
from reinstall.models import Attempt, Job, Project, Server
from reinstall.models.clock import database_now
from reinstall.services import engine
from reinstall.services.crashpoints import POINTS, crashpoint, plan
from simulator.server import RunningSimulator
from tests.faults.invariants import judge
from tests.faults.reading import read_database, read_ledger
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

ROOT = Path(__file__).resolve().parents[2]
#: The rows of the test are committed, for the worker to see; nothing is rolled back.
on_disk = pytest.mark.django_db(transaction=True)


class Worker:
    """One real process with one worker in it, that nobody brings back."""

    def __init__(self, faults: str) -> None:
        base = settings.DATABASES["default"]
        url = f"sqlite:///{connection.settings_dict['NAME']}"
        if connection.vendor == "postgresql":
            who = f"{base['USER']}:{base['PASSWORD']}@{base['HOST']}:{base['PORT']}"
            url = f"postgres://{who}/{connection.settings_dict['NAME']}"
        keep = {name: value for name, value in os.environ.items() if not name.startswith("ECSPORTAL_")}
        own = {
            "ECSPORTAL_DATA_DIR": str(settings.DATA_DIR),
            "ECSPORTAL_DATABASE_URL": url,
            "ECSPORTAL_SECRET_KEY": settings.SECRET_KEY,
            "ECSPORTAL_ENCRYPTION_KEYS": _keys(),
            "ECSPORTAL_DEPLOYMENT_ID": "faults-points",
            "ECSPORTAL_FAULT_INJECTION": faults,
            "ECSPORTAL_LEASE_S": "5",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", "--once"],
            cwd=ROOT, env=keep | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.out = self.process.stdout
        self.log = ""
        self.child = int(self.printed("born").split()[1])

    def printed(self, word: str) -> str:
        """Waits for a line with this in it."""
        for line in self.out:
            self.log += line
            if word in line:
                return line
        raise AssertionError(self.log)

    def died(self) -> str:
        """Waits for its end by SIGKILL, then ends its claim as time would; the log."""
        text, _ = self.process.communicate(timeout=60)
        self.log += text
        assert f"died {self.child} -9" in self.log, self.log
        engine.free_claims(now=database_now())
        return self.log

    def stopped(self) -> None:
        """Waits until it froze itself."""
        wait_for(
            lambda: "State:\tT" in Path(f"/proc/{self.child}/status").read_text(), "the worker to freeze"
        )

    def end(self) -> None:
        if self.process.poll() is None:
            os.kill(self.child, signal.SIGKILL)
            self.process.communicate(timeout=30)
        self.out.close()


def _keys() -> str:
    import base64

    return ",".join(
        f"{name}:{base64.b64encode(key).decode()}" for name, key in settings.ENCRYPTION_KEYS.items()
    )


def wait_for(look: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline, f"waited a minute for {what}"
        time.sleep(0.05)


@pytest.fixture
def worker(transactional_db: None) -> Iterator[Callable[[str], Worker]]:
    made: list[Worker] = []

    def start(faults: str) -> Worker:
        made.append(Worker(faults))
        return made[-1]

    yield start
    for one in made:
        one.end()


@pytest.fixture
def job(transactional_db: None, actor: Actor, server: Server) -> Job:
    return placed_job(actor, server)


def sent(simulator: RunningSimulator) -> int:
    """Calls that reached the cloud, taken or not."""
    return len(read_ledger(simulator.ledger()).posts)


def assert_kept(simulator: RunningSimulator) -> None:
    """Nothing in ledger and database contradicts a promise; delivery of events has tests of its own."""
    ordered = {
        str(attempt.job.server_id): attempt.body_sha256 for attempt in Attempt.objects.select_related("job")
    }
    for job in Job.objects.all():
        ordered.setdefault(str(job.server_id), "")
    broken = judge(read_ledger(simulator.ledger()), read_database(ordered=ordered))
    assert [str(violation) for violation in broken if violation.invariant != "I8"] == []


@on_disk
@pytest.mark.parametrize("point", ["K0", "K1", "K9"])
def test_F1_F2_killed_before_the_intent_is_on_disk(
    worker: Callable[[str], Worker], job: Job, clock: Clock, simulator: RunningSimulator, point: str
) -> None:
    worker(f"{point}:1").died()
    assert sent(simulator) == 0
    assert not job.attempts.exists()
    assert finished(job, clock, simulator).state == "succeeded"
    assert sent(simulator) == 1
    assert_kept(simulator)


@on_disk
@pytest.mark.parametrize("point", ["K2", "K2b"])
def test_F3_killed_between_intent_and_call_is_never_sent(
    worker: Callable[[str], Worker], job: Job, clock: Clock, simulator: RunningSimulator, point: str
) -> None:
    worker(f"{point}:1").died()
    job.refresh_from_db()
    assert job.state == "submitting"
    assert advanced(job, clock, times=2).state == "uncertain"
    assert finished(job, clock, simulator).state == "attention"
    assert sent(simulator) == 0
    assert [attempt.verdict for attempt in job.attempts.all()] == ["unknown"]
    assert_kept(simulator)


@on_disk
def test_F4_killed_with_the_request_on_the_wire(
    worker: Callable[[str], Worker], job: Job, clock: Clock, simulator: RunningSimulator
) -> None:
    simulator.faults([{"match": {"method": "POST", "path": "*/reinstallos"}, "do": "delay", "seconds": 30}])
    one = worker("K9b:0")
    wait_for(simulator.accepted, "the call to be taken")
    os.kill(one.child, signal.SIGKILL)
    one.died()
    assert finished(job, clock, simulator).state == "succeeded"
    assert sent(simulator) == len(simulator.accepted()) == 1
    assert_kept(simulator)


@on_disk
@pytest.mark.parametrize("point", ["K3", "K9b"])
def test_F5_killed_with_the_answer_in_hand(
    worker: Callable[[str], Worker], job: Job, clock: Clock, simulator: RunningSimulator, point: str
) -> None:
    log = worker(f"{point}:1").died()
    (taken,) = simulator.accepted()
    assert f"job_id={taken['job_id']}" in log, "the second witness must be on the stream before the database"
    assert finished(job, clock, simulator).state == "succeeded"
    assert sent(simulator) == 1
    assert_kept(simulator)


@on_disk
@pytest.mark.parametrize("point", ["K4", "K5"])
def test_F6_killed_once_the_answer_is_stored(
    worker: Callable[[str], Worker], job: Job, clock: Clock, simulator: RunningSimulator, point: str
) -> None:
    worker(f"{point}:1").died()
    job.refresh_from_db()
    assert job.state == "running"
    assert finished(job, clock, simulator).state == "succeeded"
    assert sent(simulator) == 1
    assert_kept(simulator)


@on_disk
@pytest.mark.parametrize("point", ["K6", "K7"])
def test_F7_killed_around_the_end(
    worker: Callable[[str], Worker], job: Job, clock: Clock, simulator: RunningSimulator, point: str
) -> None:
    simulator.set_speed(60)
    worker(f"{point}:1").died()
    job.refresh_from_db()
    assert (job.state == "succeeded") is (point == "K7")
    if point == "K6":
        finished(job, clock, simulator)
    assert job.state == "succeeded"
    assert sent(simulator) == 1
    assert_kept(simulator)


@on_disk
@pytest.mark.slow
def test_F11_frozen_between_intent_and_check_does_not_send(
    worker: Callable[[str], Worker], job: Job, clock: Clock, simulator: RunningSimulator
) -> None:
    one = worker("K2/stop:1")
    wait_for(lambda: Attempt.objects.exists(), "the intent")
    one.stopped()
    # Somebody else takes the job over while it sleeps; then it wakes.
    clock.add(6)
    assert advanced(job, clock, times=2).state == "uncertain"
    os.kill(one.child, signal.SIGCONT)
    time.sleep(1)
    assert sent(simulator) == 0
    assert finished(job, clock, simulator).state == "attention"
    assert sent(simulator) == 0
    assert_kept(simulator)


@on_disk
@pytest.mark.parametrize(("point", "calls"), [("K1", 1), ("K2", 0), ("K3", 1)])
def test_F13_out_of_memory_in_a_step(
    worker: Callable[[str], Worker],
    job: Job,
    clock: Clock,
    simulator: RunningSimulator,
    point: str,
    calls: int,
) -> None:
    one = worker(f"{point}/raise:1")
    one.printed(f"planted at {point}")
    os.kill(one.child, signal.SIGKILL)
    one.died()
    job = finished(job, clock, simulator)
    assert job.state == ("succeeded" if calls else "attention")
    assert sent(simulator) == calls
    assert_kept(simulator)


@on_disk
def test_F75_a_job_that_kills_its_process_takes_no_other_along_for_long(
    worker: Callable[[str], Worker], actor: Actor, project: Project, clock: Clock, simulator: RunningSimulator
) -> None:
    jobs = [placed_job(actor, server) for server in free_servers(project)[:2]]
    Job.objects.update(crash_count=1)
    worker("K1:1").died()
    # Both were due at once, and suspect: only the one at hand when the process died counts one more.
    assert sorted(Job.objects.values_list("crash_count", flat=True)) == [1, 2]
    for job in jobs:
        assert finished(job, clock, simulator).state == "succeeded"
        assert job.crash_count == 0
    assert len(simulator.accepted()) == 2


# ------------------------------------------------------------------ the setting


def test_a_portal_that_is_not_a_fault_run_refuses_crash_points() -> None:
    env = Environment({"ECSPORTAL_FAULT_INJECTION": "K2:1", "ECSPORTAL_LEASE_S": "5"})
    for name in ("local", "production", "", "my-faults"):
        with pytest.raises(ImproperlyConfigured, match="fault runs only"):
            read_faults(env, name)
        with pytest.raises(ImproperlyConfigured, match="from 90 to 3600"):
            read_lease(env, name)
    assert read_faults(env, "faults-7") == "K2:1"
    assert read_lease(env, "faults-7") == 5
    assert read_faults(Environment({}), "production") == ""
    assert read_lease(Environment({}), "production") == 180


@pytest.mark.parametrize("text", ["4", "nan", "inf", "many", "3601", "-5"])
def test_a_lease_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        read_lease(Environment({"ECSPORTAL_LEASE_S": text}), "faults-1")


@pytest.mark.parametrize("text", ["K99:1", "K2", "K2:2", "K2:-1", "K2/sleep:1", "K2:x", "K2:nan", "seed:x"])
def test_a_plan_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="ECSPORTAL_FAULT_INJECTION"):
        plan(text)


def test_every_point_of_the_plan_is_passed_by_the_engine() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "reinstall").rglob("*.py"))
    assert [name for name in POINTS if f'crashpoint("{name}")' not in code] == []


def test_without_the_setting_a_point_does_nothing() -> None:
    assert settings.FAULT_INJECTION == ""
    for name in POINTS:
        crashpoint(name)


def test_the_same_seed_falls_alike(settings: Any) -> None:
    program = (
        "import json, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'ecsportal.settings'\n"
        "from reinstall.services import crashpoints as c\n"
        "print(json.dumps([c._dice(7, 1).random() for _ in range(3)]))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
        for _ in "ab"
    ]
    assert json.loads(runs[0].stdout) == json.loads(runs[1].stdout)
