"""What was said to the cloud for a job: in order, masked, and short where polls brought nothing new."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from ecsclient.exchange import Exchange as Call
from reinstall.domain.actors import Actor
from reinstall.models import Exchange, Job, Server
from reinstall.services import exchanges
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, placed_job

pytestmark = pytest.mark.django_db


def test_a_job_keeps_its_calls_in_order(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = finished(placed_job(actor, server, user_data=b"#!/bin/sh\necho canary-2\n"), clock, simulator)
    kept = list(job.exchanges.order_by("id"))
    said = [(row.method, row.path.rpartition("/")[2]) for row in kept]
    assert said[:2] == [("GET", str(server.pk)), ("GET", "block_device")]
    needed = [said.index(("GET", what)) for what in (str(server.project.project_id), job.order.keyname)]
    assert needed == sorted(needed) and needed[-1] < said.index(("GET", "os-instance-actions"))
    # All that is asked before the call is a read.
    assert {method for method, _ in said[: said.index(("POST", "reinstallos"))]} == {"GET"}
    (sent,) = (row for row in kept if row.method == "POST")
    assert json.loads(sent.request_body)["os-reinstall"]["metadata"]["user_data"].startswith("hidden: 24 B")
    assert json.loads(sent.response_body) == {"job_id": job.cloud_job_id}
    assert (sent.status, sent.outcome) == (200, "sent once")
    for row in kept:
        assert "canary" not in row.request_body + row.response_body
        assert "?" not in row.path


def test_polls_that_bring_nothing_new_are_one_row(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = advanced(placed_job(actor, server), clock)
    before = job.exchanges.count()
    simulator.advance(5)
    advanced(job, clock, times=4)
    polls = job.exchanges.filter(path__contains="/jobs/")
    assert job.exchanges.count() - before == polls.count() <= 2
    assert sum(row.times for row in polls) == 4
    last = polls.latest("id")
    assert last.outcome == "RUNNING"
    assert last.last_at > last.at or last.times == 1


def call(**changes: object) -> Call:
    values: dict[str, Any] = {
        "method": "GET",
        "path": "/v1/p/jobs/j?token=x",
        "status": 200,
        "request_body": b"",
        "response_body": b"{}",
        "duration_ms": 1,
        "request_id": "",
        "error": "",
        "at": now(),
    }
    return Call(**(values | changes))


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x01\xff",
        b'{"x": "\\ud800", "status": "\\u0000"}',
        b"[" * 50_000,
        b"<html>" + b"x" * 100_000,
        json.dumps({"status": "x" * 500, "adminPass": "canary"}).encode(),
        b'["RUNNING"]',
        b'{"server": "text", "error": 7}',
    ],
)
def test_nothing_the_cloud_says_stops_a_call_from_being_kept(
    body: bytes, actor: Actor, server: Server
) -> None:
    job = placed_job(actor, server)
    exchanges.note_call(job, call(response_body=body, error="\x1b[31m", request_id="r" * 500))
    row = Exchange.objects.get(job=job)
    assert len(row.response_body) <= 4096
    assert "canary" not in row.response_body
    assert row.path == "/v1/p/jobs/j"


def test_a_call_without_an_answer_is_kept_with_its_error(actor: Actor, server: Server) -> None:
    job: Job = placed_job(actor, server)
    exchanges.note_call(job, call(status=None, response_body=b"", error="connection refused"))
    row = Exchange.objects.get(job=job)
    assert (row.status, row.outcome, row.error) == (None, "no answer", "connection refused")


LOOK = ("/v1/p/cloudservers/s", "/v1/p/cloudservers/s/block_device", "/v3/p/traces")


def said(job: Job) -> list[tuple[str, int, str]]:
    return [(row.path, row.times, row.response_body) for row in job.exchanges.order_by("id")]


def test_looks_that_bring_nothing_new_count_on_their_rows(actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    first = now()
    for turn in range(3):
        for path in LOOK:
            exchanges.note_call(job, call(path=path, at=first + timedelta(minutes=turn)))
    assert said(job) == [(path, 3, "{}") for path in LOOK]
    row = job.exchanges.latest("id")
    assert (row.at, row.last_at) == (first, first + timedelta(minutes=2))


def test_what_a_look_finds_changed_is_a_row_of_its_own(actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    for disk in ("old", "old", "new", "old"):
        exchanges.note_call(job, call(path=LOOK[0]))
        exchanges.note_call(job, call(path=LOOK[1], response_body=disk.encode()))
    shown = [(times, body) for path, times, body in said(job) if path == LOOK[1]]
    assert shown == [(2, "old"), (1, "new"), (1, "old")]
    exchanges.note_call(job, call(path=LOOK[0], status=None, error="reset"))
    assert said(job)[-1][:2] == (LOOK[0], 1)


def test_reads_before_and_after_a_call_are_not_one_row(actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    for method, path in (("GET", LOOK[0]), ("POST", "/v2/p/reinstallos"), ("GET", LOOK[0]), ("GET", LOOK[1])):
        exchanges.note_call(job, call(method=method, path=path))
    exchanges.note_call(job, call(path=LOOK[0]))
    assert [(path, times) for path, times, _ in said(job)] == [
        (LOOK[0], 1),
        ("/v2/p/reinstallos", 1),
        (LOOK[0], 2),
        (LOOK[1], 1),
    ]


def test_the_looks_of_an_unclear_job_are_folded(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    match = {"method": "POST", "path": "*/reinstallos"}
    simulator.faults([{"match": match, "times": 1, "do": "drop_after_read"}])
    job = advanced(placed_job(actor, server), clock)
    before = job.exchanges.count()
    advanced(job, clock, times=5)
    assert job.state == "uncertain"
    looks = job.exchanges.order_by("id")[before:]
    assert len({row.path for row in looks}) == len(looks) <= 5
    assert {row.times for row in looks if "OS-CREDENTIAL" not in row.path} == {5}
