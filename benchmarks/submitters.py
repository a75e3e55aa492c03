"""Placing and sending, inside Django: `python -m benchmarks.submitters place|send ...`, printed as JSON.

`place COUNT` places one order for so many servers, as a form or REST would, and empties nothing. `send COUNT`
is one worker process: it sweeps until so many attempts were answered, by this process and by others.
"""

import json
import os
import sys
import time
import uuid
from dataclasses import asdict, dataclass

import django

#: A worker gives up after so many seconds: something is wrong.
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What one worker process did. Times in ms."""

    calls: int
    cpu_ms: float
    wall_ms: float


def main() -> None:
    django.setup()
    count = int(sys.argv[2])
    print(json.dumps(place(count) if sys.argv[1] == "place" else asdict(send(count))))


def place(count: int) -> dict[str, float]:
    """One order for `count` servers; ms it took, and how many rows it wrote."""
    from django.contrib.auth.models import User

    from reinstall.domain.actors import Actor, Source
    from reinstall.models import AuditEvent, Job, KeyPair, Server
    from reinstall.models.clock import database_now
    from reinstall.services.orders import place_order
    from reinstall.services.requests import OrderRequest, confirm_phrase

    user = User.objects.get()
    actor = Actor(user_id=user.pk, name=user.username, source=Source.TOKEN, sees_all=True)
    key = KeyPair.objects.order_by("name")[0]
    free = Server.objects.filter(locked=False, gone_at=None, temporary=False, jobs=None)
    chosen = list(free.order_by("name").values_list("pk", "name")[:count])
    request = OrderRequest(
        project="shop-prod",
        servers=tuple(str(pk) for pk, _ in chosen),
        keyname=key.name,
        userid=key.userid,
        mode="withStopServer",
        user_data=b"#!/bin/sh\necho hello\n",
        reason="bench",
        confirm=confirm_phrase([name for _, name in chosen]),
    )
    entries = AuditEvent.objects.count()
    begun = time.perf_counter()
    placed = place_order(actor=actor, now=database_now(), request=request, submission_id=uuid.uuid4())
    took_ms = (time.perf_counter() - begun) * 1000
    jobs = Job.objects.filter(order=placed.order).count()
    return {"ms": took_ms, "jobs": jobs, "entries": AuditEvent.objects.count() - entries}


def send(count: int) -> Sent:
    """Sweeps, as a worker does, until `count` attempts have an answer; this process's share of them."""
    from reinstall import tasks
    from reinstall.domain.states import Verdict
    from reinstall.models import Attempt, Job

    def answered() -> int:
        return Attempt.objects.exclude(verdict=Verdict.ARMED).count()

    mine = f":{os.getpid()}:"
    begun, cpu, give_up = time.perf_counter(), time.process_time(), time.monotonic() + PATIENCE_S
    while answered() < count:
        if time.monotonic() > give_up:
            raise SystemExit(f"{answered()} of {count} calls were made in {PATIENCE_S:.0f} s")
        tasks.sweep()
    wall, spent = time.perf_counter() - begun, time.process_time() - cpu
    return Sent(Job.objects.filter(owner__contains=mine).count(), spent * 1000, wall * 1000)


if __name__ == "__main__":
    main()
