"""One fault run: a portal of one kind, a simulated cloud, orders, and everything that can go wrong, by seed.

Run by `tests.faults` in a process of its own, whose environment is the portal's. Prints one line of JSON.
"""

import argparse
import json
import os
import random
import sys
import time
import uuid
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests as http

from tests.concurrency.stack import Process
from tests.faults.outcome import Result
from tests.faults.planting import planted_faults
from tests.faults.processes import POINTS, Freezer, kill_one, portal

#: Until each job was sent or cannot be, however slow the machine; and for those that end by themselves soon.
CALM_S = 150.0
SOON_S = 12.0
#: For the embedded portal each death is a whole start, so it dies less often.
EMBEDDED_POINTS = "K2:0.03,K2b:0.02,K3:0.08,K6:0.02,K9:0.02,K9b:0.05"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=("embedded", "workers", "celery"), required=True)
    parser.add_argument("--broker", default="")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--storm", type=float, required=True, help="seconds")
    parser.add_argument("--kills-a-second", type=float, default=1.5)
    parser.add_argument("--control", default="", help="address of who restarts database and broker")
    return parser.parse_args()


class Cloud:
    """The simulator as its own program, and its control."""

    def __init__(self, data_dir: Path, seed: int, jobs: int) -> None:
        import subprocess

        scenario = data_dir / "scenario.json"
        scenario.write_text(json.dumps({"servers": {"shop-prod": jobs * 2 + 30}, "job_median_s": 50.0}))
        command = [sys.executable, "-m", "simulator", "--port", "0", "--speed", "20", "--seed", str(seed)]
        self.process = Process(
            "simulator",
            subprocess.Popen(
                [*command, "--scenario", str(scenario)], text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True,
            ),
        )  # fmt: skip
        self.url = self.process.wait_for(r"(http://127\.0\.0\.1:\d+)").group(1)

    def get(self, path: str) -> Any:
        return http.get(f"{self.url}/_sim/{path}", timeout=30).json()

    def plant(self, faults: list[dict[str, Any]]) -> None:
        answer = http.post(f"{self.url}/_sim/faults", json=faults, timeout=10)
        assert answer.status_code == 200, answer.text

    def advance(self, seconds: float) -> None:
        """The cloud's work goes on by `seconds`; its gateway keeps our time, by which reads are signed."""
        http.post(f"{self.url}/_sim/clock", json={"advance_s": seconds}, timeout=30).raise_for_status()


class Storm:
    """The run itself."""

    def __init__(self, given: argparse.Namespace) -> None:
        from django.conf import settings

        self.given = given
        self.chance = random.Random(given.seed)
        self.data_dir = Path(settings.DATA_DIR)
        self.cloud = Cloud(self.data_dir, given.seed, given.jobs)
        self.points = EMBEDDED_POINTS if given.kind == "embedded" else POINTS
        env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self.processes = portal(given.kind, env, self.data_dir, self.data_dir)
        self.freezer = Freezer()
        self.restarts: Counter[str] = Counter()
        self.ordered: dict[str, str] = {}
        self.canaries: list[str] = []
        self.waiting: list[str] = []

    # -------------------------------------------------------------- a portal with something to do

    def prepare(self) -> None:
        """Tables, a project, an inventory, a person; the faults of this seed are planted."""
        from django.contrib.auth.models import User
        from django.core.management import call_command

        from reinstall.domain.actors import Actor, Source
        from reinstall.models import KeyPair, Server
        from reinstall.models.clock import database_now
        from reinstall.services import clouds, inventory
        from tests.faults.reading import watch_claims

        call_command("migrate", verbosity=0, interactive=False)
        person = User.objects.create_superuser("tool")
        self.actor = Actor(user_id=person.pk, name="tool", source=Source.COMMAND, sees_all=True)
        document = self.cloud.get("cloud.json?project=shop-prod")
        self.canaries.append(document["credentials"]["secret_key"])
        project = clouds.add_project(actor=self.actor, now=database_now(), document=document)
        inventory.sync_project(actor=self.actor, now=database_now(), project=project)
        self.key = KeyPair.objects.filter(project=project).order_by("name")[0]
        usable = Server.objects.filter(project=project, status="ACTIVE", locked=False).order_by("name")
        self.waiting = [str(server.pk) for server in usable]
        watch_claims()
        self.cloud.plant(planted_faults(self.chance, self.waiting))

    def order_one(self) -> None:
        """The next server is ordered, as the form does it; a server no rule lets through is left out."""
        from django.db import DatabaseError, InterfaceError, close_old_connections

        from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
        from reinstall.models import Job, Server
        from reinstall.models.clock import database_now
        from reinstall.services import orders

        server_id = self.waiting.pop()
        submission = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.given.seed}:{server_id}")
        canary = f"canary-{submission.hex[:23]}"
        for _ in range(30):
            try:
                wanted = orders.OrderRequest(
                    project="shop-prod",
                    servers=(server_id,),
                    keyname=self.key.name,
                    userid=self.key.userid,
                    mode="withStopServer",
                    # Some of the system disks are encrypted: a word on it is asked for.
                    encrypted=False,
                    user_data=f"{canary}\n#!/bin/sh\n".encode(),
                    reason="fault run",
                    confirm=Server.objects.get(pk=server_id).name,
                )
                # The same submission each time: an order whose answer was lost is found again.
                orders.place_order(
                    actor=self.actor, now=database_now(), request=wanted, submission_id=submission
                )
                job = Job.objects.select_related("order__project__cloud").get(server_id=server_id)
                return self._remember(job, canary)
            except (Conflict, NotAllowed, NotFound, RuleBroken):
                return
            except (DatabaseError, InterfaceError):
                close_old_connections()
                time.sleep(0.3)
        raise AssertionError(f"{server_id} could not be ordered for ten seconds")

    def _remember(self, job: Any, canary: str) -> None:
        import base64
        import hashlib

        from reinstall.services import requests

        body = requests.spec_of_order(job.order).request_bytes()
        self.ordered[str(job.server_id)] = hashlib.sha256(body).hexdigest()
        self.canaries += [canary, base64.b64encode(canary.encode()).decode()]

    # -------------------------------------------------------------- the storm

    def rage(self) -> None:
        """Orders come in, and all else happens, until the time is over and nothing waits to be sent."""
        began = time.monotonic()
        pace = self.given.storm * 0.4 / self.given.jobs
        kill_every = 1 / self.given.kills_a_second
        next_order = next_kill = began
        disasters = self._disasters(began)
        while (now := time.monotonic()) < began + self.given.storm or self._unsent(now - began):
            for one in self.processes:
                one.ensure(self.points)
            while next_order <= now and len(self.ordered) < self.given.jobs and self.waiting:
                self.order_one()
                next_order += pace
            if now < began + 4:
                next_kill = now
            while next_kill <= now and now > began + 4:
                self._harm()
                next_kill += kill_every * self.chance.uniform(0.5, 1.5)
            self._operate()
            if disasters and now >= disasters[0][0]:
                self._disaster(disasters.pop(0)[1])
            time.sleep(0.05)

    def _unsent(self, seconds: float) -> bool:
        """Whether jobs wait that a worker may die with; a storm lasts three times its time at most."""
        from django.db import DatabaseError, InterfaceError, connection

        if seconds > 3 * self.given.storm:
            return False
        try:
            return len(self.ordered) < self.given.jobs or self._moving(soon=False) > 0
        except (DatabaseError, InterfaceError):
            connection.close()
            return True

    def _operate(self) -> None:
        """What the person on duty does after a look: closes the breaker, which half of all calls open."""
        from django.db import DatabaseError, InterfaceError, close_old_connections

        from reinstall.models import SystemFlag
        from reinstall.models.clock import database_now
        from reinstall.services import guards

        try:
            for flag in SystemFlag.objects.filter(name__startswith="breaker:", value__open=True):
                cloud_id = int(flag.name.partition(":")[2])
                guards.close_breaker(
                    actor=self.actor, now=database_now(), cloud_id=cloud_id, reason="looked at, a fault run"
                )
        except (DatabaseError, InterfaceError):
            close_old_connections()

    def _harm(self) -> None:
        throw = self.chance.random()
        if throw < 0.03:
            for one in self.processes:
                one.kill_all()
        elif throw < 0.08:
            self.chance.choice(self.processes).kill_all()
        elif throw < 0.18:
            pids = [pid for one in self.processes for pid in one.pids()]
            if pids:
                self.freezer.freeze(self.chance.choice(pids), self.chance.uniform(1, 8))
        else:
            kill_one(self.chance, self.processes)

    def _disasters(self, began: float) -> list[tuple[float, str]]:
        """When what is done by whoever runs database and broker."""
        names = http.get(f"{self.given.control}/", timeout=5).json() if self.given.control else []
        span = self.given.storm - 6
        times = [
            began + 5 + span * (n + self.chance.random()) / max(len(names), 1) for n in range(len(names))
        ]
        self.chance.shuffle(names)
        return list(zip(times, names, strict=True))

    def _disaster(self, name: str) -> None:
        http.post(f"{self.given.control}/{name}", timeout=60).raise_for_status()
        self.restarts[name] += 1

    # -------------------------------------------------------------- after it

    def calm(self) -> None:
        """No more faults: workers come back, and what can end ends."""
        if self.given.control:
            http.post(f"{self.given.control}/calm", timeout=60).raise_for_status()
        self._reconnect()
        time.sleep(1)
        for one in self.processes:
            one.kill_all()
        began = time.monotonic()
        while (calm := time.monotonic() - began) < CALM_S and self._moving(soon=calm < SOON_S):
            for one in self.processes:
                one.ensure("")
            self._operate()
            time.sleep(0.5)
        for one in self.processes:
            one.end()

    def _reconnect(self) -> None:
        """The last restart may have left connections of ours that are dead."""
        from django.db import DatabaseError, InterfaceError, connection

        from reinstall.models import Job

        for _ in range(60):
            try:
                Job.objects.exists()
            except (DatabaseError, InterfaceError):
                connection.close()
                time.sleep(0.5)
            else:
                return

    def _moving(self, *, soon: bool) -> int:
        """Jobs that may still be sent; with `soon` also those whose end is near."""
        from reinstall.domain.states import CANCELLABLE, JobState
        from reinstall.models import Job

        unsent = Job.objects.filter(state__in=[*sorted(CANCELLABLE), JobState.SUBMITTING]).count()
        sent = Job.objects.filter(state__in=(JobState.RUNNING, JobState.VERIFYING, JobState.UNCERTAIN))
        return unsent + (sent.count() if soon else 0)

    def long_after(self) -> None:
        """Hours later, by the portal's clock and the cloud's: what still waited has been decided."""
        from reinstall.domain.states import DRIVEN
        from reinstall.models import Job
        from reinstall.services import engine
        from tests.faults.reading import stop_watching_claims

        stop_watching_claims()
        ahead = timedelta()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            driven = Job.objects.filter(state__in=sorted(DRIVEN))
            first = driven.order_by("next_at").values_list("pk", "next_at", "lease_until").first()
            if first is None:
                return self._deliver(ahead)
            due = max(first[1] or first[2], first[2]) - datetime.now(UTC)
            if due > ahead:
                self.cloud.advance((due - ahead).total_seconds())
                ahead = due
            self._operate()
            engine.advance(job_id=first[0], clock=partial(_later, ahead), owner="later")

    def _deliver(self, ahead: timedelta) -> None:
        """Tells of what just happened."""
        from reinstall.services import outbox

        while outbox.deliver_due(clock=partial(_later, ahead), owner="later", send=lambda _: None):
            continue

    def judged(self, seconds: float) -> Result:
        """Ledger and database, side by side."""
        from django.db import connection

        from reinstall.models import Attempt
        from tests.faults.invariants import CHECKS, judge, unfinished
        from tests.faults.reading import read_database, read_ledger

        logs = {path.name: path.read_text(errors="replace") for path in self.data_dir.glob("*.log")}
        database = read_database(ordered=self.ordered, canaries=self.canaries, texts=logs)
        ledger = read_ledger(self.cloud.get("ledger"))
        broken = judge(ledger, database)
        count = Counter(violation.invariant for violation in broken)
        return Result(
            kind=self.given.kind,
            database=connection.vendor,
            broker=self.given.broker or "none",
            seed=self.given.seed,
            jobs=len(database.jobs),
            kills=sum(one.deaths() for one in self.processes),
            mid_call=Attempt.objects.filter(phase="").count(),
            faults=sum(fault["met"] for fault in self.cloud.get("faults")["faults"]),
            restarts=sum(self.restarts.values()),
            pauses=self.freezer.frozen,
            accepted=len(ledger.accepted),
            accepted_twice=count["I1"],
            wrong_labels=count["I3"],
            forgotten=count["I4"] + len(unfinished(database)),
            checked=len(CHECKS),
            seconds=round(seconds, 1),
            states=dict(Counter(job.state for job in database.jobs)),
            violations=[str(violation) for violation in broken],
        )

    def end(self) -> None:
        for one in self.processes:
            one.kill_all()
        self.cloud.process.end()


def _later(ahead: timedelta) -> datetime:
    return datetime.now(UTC) + ahead


def main() -> int:
    """Exit status 1 when a promise was broken."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecsportal.settings")
    django.setup()
    given = _arguments()
    began = time.monotonic()
    storm = Storm(given)
    try:
        for phase in (storm.prepare, storm.rage, storm.calm, storm.long_after):
            phase()
            print(f"{phase.__name__} after {time.monotonic() - began:.1f} s", flush=True)
        result = storm.judged(time.monotonic() - began)
    finally:
        storm.end()
    print("RESULT " + json.dumps(asdict(result)), flush=True)
    return 1 if result.violations or result.forgotten else 0


if __name__ == "__main__":
    sys.exit(main())
