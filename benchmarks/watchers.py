"""One worker's watching, inside Django: `python -m benchmarks.watchers CLOUD '{"jobs": 1000, ...}'`.

Time is simulated: each turn moves the clock of the cloud and the clock the engine is given by one second, as
often as the sweep looks. Calls, answers, rows and the code under measurement are real.
"""

import json
import resource
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import django
import psutil
import requests

#: Seconds of the cloud a run may take at most.
LONGEST = 4000
#: Jobs that run before the count begins: an installation learns from its first ones.
WARM_UP = 40


@dataclass
class Outcome:
    """What a run found. Times in ms, delays in s of the cloud, memory in MB."""

    jobs: int = 0
    ended: int = 0
    most_in_flight: int = 0
    job_calls: int = 0
    list_calls: int = 0
    other_calls: int = 0
    most_calls_in_10_s: int = 0
    delays: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    memory_mb: float = 0.0
    #: Every five minutes of the cloud, from the tenth on.
    memory_over_time_mb: list[float] = field(default_factory=list)


class Time:
    """The cloud's clock, moved by hand; called, it is the clock of the engine."""

    def __init__(self, cloud: str) -> None:
        self.cloud = cloud
        self.http = requests.Session()
        said = self.http.get(f"{cloud}/_sim/clock", timeout=10).json()["now"]
        self.now = datetime.fromisoformat(said)

    def __call__(self) -> datetime:
        return self.now

    def pass_on(self, seconds: float) -> None:
        answer = self.http.post(f"{self.cloud}/_sim/clock", json={"advance_s": seconds}, timeout=10)
        answer.raise_for_status()
        self.now += timedelta(seconds=seconds)


def main() -> None:
    """Prints the outcome as JSON."""
    django.setup()
    cloud, wish = sys.argv[1], json.loads(sys.argv[2])
    work = {"asking": asking, "following": following, "living": living}[wish["what"]]
    print(json.dumps(asdict(work(cloud, wish))))


def following(cloud: str, wish: dict[str, Any]) -> Outcome:
    """Starts `jobs` reinstalls, `per_s` a second, and watches them to their end."""
    from reinstall.services import watching

    clock, outcome, pool = Time(cloud), Outcome(), ThreadPoolExecutor(16)
    starting, found, ledger = _started(clock), dict[int, datetime](), _Ledger(cloud)
    _learn(starting, clock, pool)
    for _ in range(LONGEST):
        if outcome.jobs < wish["jobs"]:
            outcome.jobs += len(list(islice(starting, min(wish["per_s"], wish["jobs"] - outcome.jobs))))
        ledger.skip()
        begun, cpu = time.perf_counter(), time.process_time()
        watching.watch(clock=clock, owner="bench", pool=pool)
        outcome.wall_ms += (time.perf_counter() - begun) * 1000
        outcome.cpu_ms += (time.process_time() - cpu) * 1000
        ledger.count(outcome)
        found |= dict.fromkeys(_ended(), clock())
        outcome.most_in_flight = max(outcome.most_in_flight, outcome.jobs - len(found))
        if len(found) >= wish["jobs"]:
            break
        clock.pass_on(1.0)
    outcome.memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    outcome.delays = _delays(found)
    if len(found) < wish["jobs"]:
        raise SystemExit(f"only {len(found)} of {wish['jobs']} jobs were seen to end in {LONGEST} s")
    return outcome


def _ended() -> list[int]:
    """Jobs whose end was seen since the last time; they need no more turns."""
    from reinstall.models import Job

    ended = Job.objects.exclude(state="running").filter(next_at__isnull=False)
    ids = list(ended.values_list("pk", flat=True))
    ended.update(next_at=None)
    return ids


def _learn(starting: Iterator[int], clock: Time, pool: ThreadPoolExecutor) -> None:
    """The first jobs of an installation, from which it learns; what they cost is not counted."""
    from reinstall.services import watching

    left = len(list(islice(starting, WARM_UP)))
    while left > 0:
        clock.pass_on(1.0)
        watching.watch(clock=clock, owner="bench", pool=pool)
        left -= len(_ended())


def asking(cloud: str, wish: dict[str, Any]) -> Outcome:
    """Asks `jobs` running jobs one by one, `times` over, as fast as one process can; no list is read."""
    from reinstall.models import Job, Watch
    from reinstall.services import watching

    clock, outcome, pool = Time(cloud), Outcome(), ThreadPoolExecutor(16)
    outcome.jobs = len(list(islice(_started(clock), wish["jobs"])))
    clock.pass_on(10.0)
    watching.watch(clock=clock, owner="bench", pool=pool)
    Watch.objects.update(next_at=clock() + timedelta(days=1))
    ledger = _Ledger(cloud)
    for _ in range(wish["times"]):
        Job.objects.filter(state="running").update(next_at=clock())
        ledger.skip()
        begun, cpu = time.perf_counter(), time.process_time()
        while watching.watch(clock=clock, owner="bench", pool=pool).asked:
            pass
        outcome.wall_ms += (time.perf_counter() - begun) * 1000
        outcome.cpu_ms += (time.process_time() - cpu) * 1000
        ledger.count(outcome)
        clock.pass_on(5.0)
    outcome.memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return outcome


def living(cloud: str, wish: dict[str, Any]) -> Outcome:
    """`seconds` of the cloud in which `per_s` reinstalls start each second, are watched and verified."""
    from reinstall.models import Job
    from reinstall.services import turns, wake, watching

    # No worker takes messages here, this loop is the worker: hints would pile up in the queue in memory.
    wake.job_due.disconnect(dispatch_uid="queue")
    clock, outcome, pool = Time(cloud), Outcome(), ThreadPoolExecutor(16)
    starting = _started(clock)
    for second in range(wish["seconds"]):
        outcome.jobs += len(list(islice(starting, wish["per_s"])))
        watching.watch(clock=clock, owner="bench", pool=pool)
        list(pool.map(partial(_advance, clock), turns.due(now=clock())))
        if second % 10 == 0:
            outcome.most_in_flight = max(outcome.most_in_flight, Job.objects.filter(state="running").count())
        if second >= 600 and second % 300 == 0:
            outcome.memory_over_time_mb.append(_memory_now_mb())
        clock.pass_on(1.0)
    outcome.ended = Job.objects.filter(state="succeeded").count()
    return outcome


def _advance(clock: Time, job_id: int) -> None:
    from django.db import connection

    from reinstall.services import engine

    try:
        engine.advance(job_id=job_id, clock=clock, owner="bench")
    finally:
        connection.close()


def _memory_now_mb() -> float:
    return float(psutil.Process().memory_info().rss / 1024 / 1024)


class _Ledger:
    """What the cloud received, by kind."""

    def __init__(self, cloud: str) -> None:
        self.url, self.seen, self.last_ten = f"{cloud}/_sim/ledger", 0, [0] * 10
        self.http = requests.Session()

    def _new(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.http.get(self.url, params={"after": self.seen}, timeout=60).json()[
            "requests"
        ]
        self.seen = max([self.seen, *(row["n"] for row in rows)])
        return rows

    def skip(self) -> None:
        self._new()

    def count(self, outcome: Outcome) -> None:
        paths = [row["path"] for row in self._new() if not row["path"].startswith("/_sim")]
        lists = sum("/cloudservers/detail" in path for path in paths)
        asked = sum("/jobs/" in path for path in paths)
        outcome.list_calls += lists
        outcome.job_calls += asked
        outcome.other_calls += len(paths) - lists - asked
        self.last_ten = [*self.last_ten[1:], len(paths)]
        outcome.most_calls_in_10_s = max(outcome.most_calls_in_10_s, sum(self.last_ten))


def _started(clock: Time) -> Iterator[int]:
    """Has the cloud reinstall one server after the other, and keeps each as a running job: its id."""
    from django.contrib.auth.models import User

    from benchmarks.rows import an_order
    from ecsclient.errors import Refused
    from reinstall.models import Job, KeyPair, Project, Server
    from reinstall.services import links, plans
    from reinstall.services.requests import facts_of

    project = Project.objects.select_related("cloud").get(slug="shop-prod")
    session, key = links.session_of(project), KeyPair.objects.filter(project=project).order_by("name")[0]
    order = an_order(project, User.objects.get(), clock())
    wanted = {"keyname": key.name, "userid": key.userid, "mode": "withStopServer"}
    free = Server.objects.filter(project=project, locked=False).order_by("pk").values_list("pk", flat=True)
    # As a list: an open cursor holds SQLite at the moment it was opened, and others write meanwhile.
    for server in (Server.objects.get(pk=pk) for pk in list(free)):
        path = f"/v2/{project.project_id}/cloudservers/{server.pk}/reinstallos"
        try:
            cloud_job = str(session.post("ecs", path, {"os-reinstall": wanted})["job_id"])
        except Refused:
            # The few whose image is gone, or has no Cloud-Init.
            continue
        plan = plans.plan_of(cloud_id=project.cloud_id, now=clock())
        job = Job.objects.create(
            order=order,
            project=project,
            server=server,
            server_name=server.name,
            state="running",
            state_since=clock(),
            request_hash=uuid.uuid4().hex,
            baseline=facts_of(server).to_json(),
            cloud_job_id=cloud_job,
            accepted_at=clock(),
            next_at=clock() + timedelta(seconds=plan.first_s()),
            lease_until=clock(),
            created_at=clock(),
        )
        yield job.pk


def _delays(found: dict[int, datetime]) -> list[float]:
    """Seconds from the end of each job, as the cloud says, to the moment it was seen here."""
    from ecsclient import jobs
    from reinstall.models import Job, Project
    from reinstall.services import links

    session = links.session_of(Project.objects.select_related("cloud").get(slug="shop-prod"))
    delays = []
    for pk, cloud_job_id in Job.objects.filter(pk__in=found).values_list("pk", "cloud_job_id"):
        end = jobs.get_job(session, cloud_job_id).end
        assert end is not None, f"job {pk} was taken for ended and is not"
        # The simulator names ends 0.9 s late.
        delays.append((found[pk] - end).total_seconds() + 0.9)
    return delays


if __name__ == "__main__":
    main()
