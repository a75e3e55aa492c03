"""Placing and sending, inside Django: `python -m benchmarks.submitters WHAT COUNT`, as JSON.

`place` places one order for so many servers. `send` is one worker process: it sweeps until so many attempts
were answered, by this process and by others. `told` says what became of them all, `clicks` of each.
"""

import json
import sys
import time
import uuid

import django

#: A worker gives up after so many seconds: something is wrong.
PATIENCE_S = 300.0


def main() -> None:
    django.setup()
    count = int(sys.argv[2])
    print(json.dumps(WORK[sys.argv[1]](count)))


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
        encrypted=False,
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


def send(count: int) -> dict[str, float]:
    """Sweeps, as a worker does, until none of `count` jobs waits any more; ms this process took for it."""
    from reinstall import tasks
    from reinstall.models import Job

    waiting = Job.objects.filter(state__in=("queued", "preflight", "stopping", "submitting"))
    begun, cpu, give_up = time.perf_counter(), time.process_time(), time.monotonic() + PATIENCE_S
    while left := waiting.count():
        if time.monotonic() > give_up:
            raise SystemExit(f"{left} of {count} jobs still wait after {PATIENCE_S:.0f} s")
        tasks.sweep()
    return {
        "wall_ms": (time.perf_counter() - begun) * 1000,
        "cpu_ms": (time.process_time() - cpu) * 1000,
    }


def told(count: int) -> dict[str, float]:
    """Of `count` jobs: accepted attempts, their servers, and seconds from first intent to last answer."""
    from django.db.models import Count, Max, Min

    from reinstall.domain.states import Verdict
    from reinstall.models import Attempt

    seen = Attempt.objects.filter(verdict=Verdict.ACCEPTED).aggregate(
        accepted=Count("pk"),
        servers=Count("job__server", distinct=True),
        first=Min("intent_at"),
        last=Max("answered_at"),
    )
    return {
        "accepted": seen["accepted"],
        "servers": seen["servers"],
        "seconds": (seen["last"] - seen["first"]).total_seconds(),
    }


def clicks(_: int) -> dict[int, dict[str, float]]:
    """Accepted jobs: when the answer was there, and how long the cloud took for the calls up to it."""
    from reinstall.domain.states import Verdict
    from reinstall.models import Attempt, Exchange

    found = {}
    for job, answered in Attempt.objects.filter(verdict=Verdict.ACCEPTED).values_list("job", "answered_at"):
        if answered is not None:
            calls = Exchange.objects.filter(job=job, at__lte=answered).values_list("duration_ms", flat=True)
            found[job] = {"accepted": answered.timestamp(), "round_trips_ms": sum(calls)}
    return found


WORK = {"place": place, "send": send, "told": told, "clicks": clicks}

if __name__ == "__main__":
    main()
