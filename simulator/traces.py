"""Records of the audit service (CTS) about reinstalls: one for the call, a later one for its end."""

from __future__ import annotations

import json

from simulator.clock import iso_millis
from simulator.records import Job, Trace
from simulator.world import World

CALL_DELAY_S = 20.0  # the record of a call is not there at once
COMPLETION_DELAY_S = 150.0
KEPT_S = 7 * 86_400.0


def add_call(world: World, job: Job, request: str, source_ip: str, at: float) -> None:
    """The record of an accepted call: `request` is its body without user data or password."""
    response = json.dumps({"job_id": job.id})
    _add(world, job, at, at + CALL_DELAY_S, request=request, response=response, source_ip=source_ip)


def add_completion(world: World, job: Job, at: float) -> None:
    """The record of the end of an asynchronous call; its response is the job."""
    answer = {
        "status": job.status,
        "entities": {"server_id": job.server_ids[0]},
        "job_id": job.id,
        "job_type": job.kind,
        "begin_time": iso_millis(job.begin),
        "end_time": iso_millis(at),
        "error_code": job.error_code,
        "fail_reason": job.error_text,
    }
    _add(world, job, at, at + COMPLETION_DELAY_S, request="", response=json.dumps(answer), source_ip="")


def _add(
    world: World, job: Job, at: float, record_at: float, *, request: str, response: str, source_ip: str
) -> None:
    server = world.servers.get(job.server_ids[0])
    trace = Trace(
        id=world.new_uuid("trace"),
        project_id=job.project_id,
        name=job.trace_name,
        server_id=job.server_ids[0],
        server_name=server.name if server else "",
        user_id=job.user_id,
        source_ip=source_ip,
        request=request,
        response=response,
        code="200",
        rating="incident" if job.status == "FAIL" else "normal",
        request_id=job.request_id,
        at=at,
        record_at=record_at,
    )
    world.traces.append(trace)
    world.changed()
