"""Asynchronous tasks: how they begin, how long they take, how they end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator import reinstall_steps, traces
from simulator.clock import DAY_S
from simulator.ids import dice, job_id_of
from simulator.records import Job, Server, Step
from simulator.world import World

# Shares of the whole time, in order: waiting, stopping, detaching, making the disk, attaching, booting.
REINSTALL_SHARES = (
    ("run", 0.03),
    ("stop", 0.12),
    ("detach", 0.05),
    ("create", 0.05),
    ("attach", 0.45),
    ("boot", 0.10),
    ("finish", 0.20),
)
# A failing job ends where its cause says: the last step it reaches is the one before this.
FAILS_INSTEAD_OF = {"Ecs.0226": "finish", "Ecs.0219": "finish"}
POWER_SECONDS = {"os-stop": 9.0, "os-start": 14.0, "os-reboot": 22.0}
POWER_KINDS = {"os-stop": "stopServer", "os-start": "startServer", "os-reboot": "rebootServer"}
POWER_TASKS = {"os-stop": "powering-off", "os-start": "powering-on", "os-reboot": "rebooting"}


@dataclass(frozen=True, slots=True)
class Effects:
    """What a planted fault does to one job. The default does nothing."""

    fail_code: str | None = None
    fail_reason: str = ""
    lost: bool = False
    keep_disk: bool = False
    change_data_disk: bool = False
    factor: float = 1.0
    start_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for a job, and when."""

    now: float
    project_id: str
    user_id: str
    request_id: str
    effects: Effects


@dataclass(frozen=True, slots=True)
class ReinstallWish:
    """The parts of an accepted reinstall that change the server."""

    key_name: str | None
    cmk_id: str | None
    trace_name: str


def _new_job(world: World, order: Order, kind: str, servers: list[Server], number: int) -> Job:
    job = Job(
        id=job_id_of(world.seed, number),
        project_id=order.project_id,
        user_id=order.user_id,
        kind=kind,
        server_ids=[s.id for s in servers],
        begin=order.now,
        request_id=order.request_id,
        steps=[],
        lost=order.effects.lost,
        keep_disk=order.effects.keep_disk,
        change_data_disk=order.effects.change_data_disk,
        fail_code=order.effects.fail_code,
        fail_reason=order.effects.fail_reason,
    )
    for server in servers:
        server.busy_job = job.id
    return job


def _length(world: World, number: int, median: float, factor: float) -> float:
    """Log-normal seconds around the median, within 0.4 and 6 times of it."""
    throw = dice(world.seed, "duration", number).gauss(0.0, world.scenario.job_sigma)
    return median * min(6.0, max(0.4, math.exp(throw))) * factor


def start_reinstall(world: World, server: Server, order: Order, wish: ReinstallWish) -> Job:
    """Takes a checked reinstall on. The server is busy from here until the job's end."""
    number = world.next_number()
    job = _new_job(world, order, "reInitOs", [server], number)
    job.key_name, job.cmk_id, job.trace_name = wish.key_name, wish.cmk_id, wish.trace_name
    total = _length(world, number, world.scenario.job_median_s, order.effects.factor)
    at = order.now + order.effects.start_after_s
    for name, share in REINSTALL_SHARES:
        at += total * share
        if name != "stop" or server.power_state == 1:
            job.steps.append(Step(at, name))
    if job.fail_code:
        _cut_for_failure(job, FAILS_INSTEAD_OF.get(job.fail_code, "attach"))
    world.put_job(job)
    return job


def start_power(world: World, servers: list[Server], order: Order, action: str) -> Job:
    """Begins os-stop, os-start or os-reboot of one or many servers as one job."""
    number = world.next_number()
    job = _new_job(world, order, POWER_KINDS[action], servers, number)
    total = _length(world, number, POWER_SECONDS[action], order.effects.factor)
    at = order.now + order.effects.start_after_s
    job.steps = [Step(at + 0.1 * total, "power:" + action), Step(at + total, "done:" + action)]
    if job.fail_code:
        _cut_for_failure(job, "done:" + action)
    world.put_job(job)
    return job


def _cut_for_failure(job: Job, instead_of: str) -> None:
    place = next(i for i, step in enumerate(job.steps) if step.name == instead_of)
    job.steps[place:] = [Step(job.steps[place].at, "fail")]


def run_due(world: World, now: float) -> None:
    """Lets everything happen that should have happened by `now`, in the order of its time."""
    while (job := world.pop_due(now)) is not None:
        step = job.steps.pop(0)
        if step.name == "forget":
            del world.jobs[job.id]
            world.changed()
            continue
        _apply(world, job, step)
        world.schedule(job)


def _apply(world: World, job: Job, step: Step) -> None:
    present = [world.servers[i] for i in job.server_ids if i in world.servers]
    if not present:
        _end(world, job, step.at, "Ecs.0114", "The ECS does not exist.")
        return
    if step.name in ("run", "fail") or ":" in step.name:
        _apply_common(world, job, step, present)
        return
    reinstall_steps.STEPS[step.name](world, job, present[0], step.at)
    if step.name == "finish":
        _end(world, job, step.at, None, "")


def _apply_common(world: World, job: Job, step: Step, servers: list[Server]) -> None:
    kind, _, action = step.name.partition(":")
    if kind == "run":
        _mark_running(job, step.at)
        for server in servers:
            reinstall_steps.begin(server, step.at)
    elif kind == "power":
        _mark_running(job, step.at)
        for server in servers:
            server.task_state = POWER_TASKS[action]
            server.status = "REBOOT" if action == "os-reboot" else server.status
    elif kind == "done":
        for server in servers:
            _power_done(server, action, step.at)
            world.add_action(server.id, action.removeprefix("os-"), job, step.at)
        _end(world, job, step.at, None, "")
    else:
        _fail(world, job, servers, step.at)


def _mark_running(job: Job, at: float) -> None:
    job.status, job.sub_begin = "RUNNING", at


def _power_done(server: Server, action: str, at: float) -> None:
    off = action == "os-stop"
    server.status = "SHUTOFF" if off else "ACTIVE"
    server.vm_state = "stopped" if off else "active"
    server.power_state = 4 if off else 1
    server.task_state, server.updated_at = None, at


def _fail(world: World, job: Job, servers: list[Server], at: float) -> None:
    for server in servers:
        if job.kind == "reInitOs":
            reinstall_steps.undo(world, job, server, at)
        else:
            server.task_state = None
            server.status = "ACTIVE" if server.power_state == 1 else "SHUTOFF"
    _end(world, job, at, job.fail_code, job.fail_reason)


def _end(world: World, job: Job, at: float, code: str | None, reason: str) -> None:
    """Closes the job; it can be asked about for one more day."""
    job.status = "FAIL" if code else "SUCCESS"
    job.sub_begin = job.begin if job.sub_begin is None else job.sub_begin
    job.end, job.error_code, job.error_text = at, code, reason or None
    job.steps = [Step(at + DAY_S, "forget")]
    for server_id in job.server_ids:
        server = world.servers.get(server_id)
        if server is not None and server.busy_job == job.id:
            server.busy_job = None
    if job.kind == "reInitOs":
        reinstall_steps.remove_temporary(world, job)
        traces.add_completion(world, job, at)
