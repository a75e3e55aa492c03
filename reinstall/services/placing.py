"""Writes an order that was judged: itself, its jobs, their events and audit entries, in a few statements."""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reinstall.domain.actors import Actor
from reinstall.domain.callversions import CallVersion
from reinstall.domain.identity import ServerFacts
from reinstall.domain.spec import ReinstallSpec
from reinstall.domain.states import JobState
from reinstall.models import Job, Order, PresetVersion, Project, Server
from reinstall.services import approvals, history, outbox, vault, wake
from reinstall.services.requests import (
    OrderRequest,
    confirm_phrase,
    facts_of,
    new_pepper,
    request_hashes,
    sealed_password,
    user_data_place,
    versions_of,
)

#: Rows one statement writes, and jobs of one order that are hinted at by themselves.
_AT_ONCE, _HINTED = 500, 20


@dataclass(frozen=True, slots=True)
class Decision:
    """All that goes into an order, judged."""

    actor: Actor
    now: datetime
    project: Project
    request: OrderRequest
    spec: ReinstallSpec
    servers: list[Server]
    submission_id: uuid.UUID
    user_id: int
    preset: PresetVersion | None = None

    @property
    def waits(self) -> bool:
        """Whether a second person has to agree first."""
        return approvals.is_needed(self.project)


def store_order(decision: Decision) -> Order:
    """Order, jobs, events and audit entries, in the caller's transaction.

    Raises IntegrityError where a job holds one of the servers, or the same submission was stored before.
    """
    request, spec, actor = decision.request, decision.spec, decision.actor
    facts = [facts_of(server) for server in decision.servers]
    versions = versions_of(decision.project, facts)
    pepper = new_pepper(spec)
    hashes = request_hashes(decision.project, facts, spec, versions, pepper)
    order = Order.objects.create(
        project=decision.project,
        requested_by_id=decision.user_id,
        requested_by_name=actor.name,
        source=actor.source,
        reason=request.reason.strip(),
        submission_id=decision.submission_id,
        keyname=spec.keyname,
        userid=spec.userid,
        mode=spec.mode,
        byol=spec.byol,
        encrypted=spec.encrypted,
        cmkid=spec.cmkid,
        password_set=bool(spec.adminpass),
        preset_version=decision.preset,
        user_data_bytes=len(spec.user_data),
        user_data_sha256=hashlib.sha256(spec.user_data).hexdigest() if spec.user_data else "",
        request_hash=hashlib.sha256("".join(hashes).encode()).hexdigest(),
        created_at=decision.now,
    )
    order.user_data_sealed = vault.seal_text(spec.user_data, place=user_data_place(order))
    order.adminpass_sealed = sealed_password(order, spec.adminpass, pepper)
    order.save(update_fields=["user_data_sealed", "adminpass_sealed"])
    calls = [(versions[fact.server_id], digest) for fact, digest in zip(facts, hashes, strict=True)]
    until = approvals.ask(order=order, actor=actor, now=decision.now).expires_at if decision.waits else None
    _store_jobs(decision, order, zip(facts, calls, strict=True), until)
    return order


def _store_jobs(
    decision: Decision,
    order: Order,
    asked: Iterable[tuple[ServerFacts, tuple[CallVersion, str]]],
    waits_until: datetime | None,
) -> None:
    """waits_until: when the wait for a second person ends; None where nobody is waited for."""
    jobs = [_new_job(decision, order, position, fact, call) for position, (fact, call) in enumerate(asked)]
    for job in jobs if waits_until else ():
        job.state, job.next_at = JobState.AWAITING_APPROVAL, waits_until
    Job.objects.bulk_create(jobs, batch_size=_AT_ONCE)
    _handled(decision)
    outbox.note_placed(jobs=jobs, now=decision.now)
    acts = [_placed_act(order, job) for job in jobs]
    history.record_all(actor=decision.actor, now=decision.now, acts=[*acts, _order_act(decision, order)])
    # A hint for each of many would be queued behind the answer to whoever waits; the sweep takes the others.
    for job in jobs[:_HINTED]:
        wake.ring(job.pk, due=waits_until is None)


def _handled(decision: Decision) -> None:
    """What failed on these servers before needs no look any more: somebody just did something about it."""
    for first in range(0, len(decision.servers), _AT_ONCE):
        again = decision.servers[first : first + _AT_ONCE]
        failed = Job.objects.filter(server__in=again, state=JobState.FAILED, handled_at=None)
        failed.update(handled_at=decision.now)


def _new_job(
    decision: Decision, order: Order, position: int, facts: ServerFacts, call: tuple[CallVersion, str]
) -> Job:
    """`call`: the version of the call, and the hash of the request."""
    server = decision.servers[position]
    return Job(
        order=order,
        project=order.project,
        server=server,
        server_name=server.name,
        position=position,
        state=JobState.QUEUED,
        state_since=decision.now,
        seq=1,
        call_version=call[0],
        request_hash=call[1],
        snapshot=facts.to_json(),
        lease_until=decision.now,
        next_at=decision.now,
        created_at=decision.now,
    )


def _placed_act(order: Order, job: Job) -> history.Act:
    return history.Act(
        action=f"job.{job.state}",
        object_type="job",
        object_id=str(job.pk),
        object_label=f"#{job.pk} {job.server_name}",
        project_slug=order.project.slug,
        after={"state": str(job.state), "request_hash": job.request_hash},
        seq=1,
    )


def _order_act(decision: Decision, order: Order) -> history.Act:
    names = [server.name for server in decision.servers]
    return history.Act(
        action="order.placed",
        object_type="order",
        object_id=str(order.pk),
        object_label=f"order {order.pk}: {confirm_phrase(names)}",
        project_slug=order.project.slug,
        after={
            "servers": [str(server.pk) for server in decision.servers[:50]],
            "server_count": len(names),
            "request": decision.spec.masked_body(),
            **({"preset": str(decision.preset)} if decision.preset else {}),
            "request_hash": order.request_hash,
        },
        note=order.reason,
    )
