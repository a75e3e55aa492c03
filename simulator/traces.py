"""Records of the audit service (CTS) about reinstalls: one for the call, a later one for its end."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.clock import iso_millis
from simulator.messages import Response, answer
from simulator.records import Job, Trace
from simulator.world import World

CALL_DELAY_S = 20.0  # the record of a call is not there at once
COMPLETION_DELAY_S = 150.0
KEPT_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A call as the audit service writes it down: `request` is its body without user data or password.

    `at` is what the gateway's clock said, as in the Date of the answer; `now` is the cloud's own time.
    """

    request: str
    source_ip: str
    at: float
    now: float


def add_call(world: World, job: Job, seen: CallSeen) -> None:
    """The record of an accepted call."""
    who = Who(job.project_id, job.server_ids[0], job.user_id, job.request_id, job.trace_name)
    _add(world, who, seen, answer({"job_id": job.id}), "normal")


@dataclass(frozen=True, slots=True)
class Who:
    """Who called what on which server, and by which request."""

    project_id: str
    server_id: str
    user_id: str
    request_id: str
    trace_name: str


def add_refusal(world: World, who: Who, response: Response, seen: CallSeen) -> None:
    """The record of a call the service said no to."""
    _add(world, who, seen, response, "warning")


def add_completion(world: World, job: Job, at: float) -> None:
    """The record of the end of an asynchronous call; its response is the job."""
    ended = {
        "status": job.status,
        "entities": {"server_id": job.server_ids[0]},
        "job_id": job.id,
        "job_type": job.kind,
        "begin_time": iso_millis(job.begin),
        "end_time": iso_millis(at),
        "error_code": job.error_code,
        "fail_reason": job.error_text,
    }
    who = Who(job.project_id, job.server_ids[0], job.user_id, job.request_id, job.trace_name)
    seen = CallSeen("", "", at, at + COMPLETION_DELAY_S - CALL_DELAY_S)
    _add(world, who, seen, answer(ended), "incident" if job.status == "FAIL" else "normal")


def _add(world: World, who: Who, seen: CallSeen, said: Response, rating: str) -> None:
    if world.scenario.cts == "off":
        return
    server = world.servers.get(who.server_id)
    trace = Trace(
        id=world.new_uuid("trace"),
        project_id=who.project_id,
        name=who.trace_name,
        server_id=who.server_id,
        server_name=server.name if server else "",
        user_id=who.user_id,
        source_ip=seen.source_ip,
        request=seen.request,
        response=said.body.decode(),
        code=str(said.status),
        rating=rating,
        request_id=who.request_id,
        at=seen.at,
        record_at=seen.now + CALL_DELAY_S + world.scenario.cts_late_s,
    )
    world.traces.append(trace)
    world.changed()
