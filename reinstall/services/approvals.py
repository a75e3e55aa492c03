"""The rows behind approvals: asked for with the order, ended by a decision, by time, or by a change.

An agreement is bound to the exact request and to the people: services.engine asks `why_not_sent` before each
step towards the call and once more right before it. Whoever changes an approval takes its row before the
rows of its jobs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from reinstall.domain.actors import ENGINE, Actor
from reinstall.domain.approvals import GOOD, HOLDS, WAITS, ApprovalEnd, needs_approval
from reinstall.domain.roles import Right
from reinstall.domain.states import JobState
from reinstall.models import Approval, Job, Order, PresetVersion, Project
from reinstall.services import access, history, moves

#: The code a job ends with whose approval counts no more.
VOID = "approval_void"


def is_needed(project: Project) -> bool:
    """Whether an order in `project` waits for a second person."""
    return needs_approval(settings.SECOND_PERSON, project.environment)


def ask(*, order: Order, actor: Actor, now: datetime) -> Approval:
    """The open approval of an order, with its audit entry. In the transaction that stores the order."""
    made = Approval.objects.create(
        order=order,
        project=order.project,
        request_hash=order.request_hash,
        requested_by_id=order.requested_by_id,
        asked_at=now,
        expires_at=now + WAITS,
    )
    after = {"request_hash": order.request_hash, "expires_at": made.expires_at.isoformat()}
    history.record(actor=actor, now=now, act=act_of(made, "asked", after=after, note=order.reason))
    return made


def of_order(order: Order) -> Approval | None:
    """The approval of an order that needed one."""
    found: Approval | None = getattr(order, "approval", None)
    return found


def with_people() -> QuerySet[Approval]:
    """Approvals, read with all that says whether they count."""
    return Approval.objects.select_related("project__cloud", "order__requested_by", "ended_by", "override_by")


def take(order_id: int) -> Approval | None:
    """The approval of the order, its row held until the transaction ends."""
    return Approval.objects.select_for_update().filter(order=order_id).first()


def waiting_jobs(approval: Approval) -> list[Job]:
    """The jobs that wait for it."""
    waiting = Job.objects.filter(order=approval.order_id, state=JobState.AWAITING_APPROVAL)
    return list(waiting.select_related("project").order_by("position"))


# ---------------------------------------------------------------- what ends it


@dataclass(frozen=True, slots=True)
class Ending:
    """How an approval ends, by whom, and what becomes of the jobs that wait for it.

    code: what the jobs end with; "" where they go on.
    """

    how: ApprovalEnd
    actor: Actor
    now: datetime
    reason: str
    note: str
    to: JobState
    code: str = ""


def end(approval: Approval, ending: Ending) -> int:
    """Ends an open approval and moves its jobs; how many. In the caller's transaction.

    Raises moves.Overtaken where somebody else has ended it.
    """
    good = ending.how in GOOD
    values: dict[str, Any] = {
        "end": ending.how,
        "ended_by": ending.actor.user_id,
        "ended_by_name": ending.actor.name[:150],
        "ended_at": ending.now,
        "end_reason": ending.reason[:500],
        "good_until": ending.now + HOLDS if good else None,
    }
    if not Approval.objects.filter(pk=approval.pk, end="").update(**values):
        raise moves.Overtaken(f"approval {approval.pk} was ended by somebody else")
    jobs = waiting_jobs(approval)
    after = {"request_hash": approval.request_hash, "jobs": len(jobs)}
    act = act_of(approval, ending.how, after=after, note=ending.reason)
    history.record(actor=ending.actor, now=ending.now, act=act)
    changes: dict[str, Any] = (
        {"next_at": ending.now} if good else {"failure_code": ending.code, "failure_message": ending.note}
    )
    moves.move_all(jobs, ending.to, now=ending.now, actor=ending.actor, note=ending.note, **changes)
    return len(jobs)


def expire(job: Job, clock: Callable[[], datetime]) -> None:
    """Ends the wait of a job's order once its time is over, for all its jobs."""
    now = clock()
    approval = of_order(job.order)
    until = approval.expires_at if approval else job.created_at + WAITS
    if now < until:
        return moves.touch(job, announce=False, next_at=until)
    hours = round(WAITS.total_seconds() / 3600)
    note = f"Nobody approved it within {hours} hours. Nothing was sent; ask again if it is still wanted."
    if approval is None:
        return moves.move(
            job, JobState.EXPIRED, now=now, note=note, failure_code="expired", failure_message=note
        )
    with transaction.atomic():
        ending = Ending(ApprovalEnd.EXPIRED, ENGINE, now, note, note, JobState.EXPIRED, "expired")
        end(approval, ending)
    job.refresh_from_db(fields=["state", "seq", "next_at", "ended_at"])


def make_void(approval: Approval, why: str, now: datetime) -> None:
    """Something changed while it waited: nobody may agree to it any more, and its jobs end unsent."""
    note = f"{why} Nothing was sent; ask again if it is still wanted."
    with transaction.atomic():
        end(approval, Ending(ApprovalEnd.VOID, ENGINE, now, why, note, JobState.CANCELLED, VOID))


def withdraw_if_empty(*, approval: Approval, actor: Actor, now: datetime) -> None:
    """Ends an open approval whose last waiting job was called off. In the transaction of that."""
    if not approval.end and not waiting_jobs(approval):
        why = "All of its jobs were called off."
        end(approval, Ending(ApprovalEnd.WITHDRAWN, actor, now, why, why, JobState.CANCELLED))


def withdraw_empty(*, actor: Actor, now: datetime) -> None:
    """As `withdraw_if_empty`, for all that are open (after a restore)."""
    for approval in Approval.objects.select_for_update().filter(end="").select_related("order__project"):
        withdraw_if_empty(approval=approval, actor=actor, now=now)


# ---------------------------------------------------------------- whether it counts


def why_void(approval: Approval) -> str:
    """What changed since it was asked for, that nobody agreed to; "" for nothing."""
    order = approval.order
    if order.request_hash != approval.request_hash:
        return "What was stored is not what was to be approved: the hashes differ."
    if not access.person_may_request(order.requested_by, approval.project):
        who, where = order.requested_by_name, approval.project.name
        return f"{who}, who asked for this, may no longer reinstall in {where}."
    return _preset_changed(order)


def _preset_changed(order: Order) -> str:
    if order.preset_version_id is None:
        return ""
    rows = PresetVersion.objects.select_related("preset").defer("user_data_sealed")
    version = rows.get(pk=order.preset_version_id)
    preset = version.preset
    if preset.retired_at is not None:
        return f"The preset {preset.name} was retired by {preset.retired_by_name} since this was asked for."
    if preset.latest != version.number:
        return (
            f"The preset {preset.name} was changed since this was asked for: version {version.number} is now "
            f"version {preset.latest}."
        )
    return ""


def why_not_sent(job: Job, now: datetime) -> str:
    """Why the call for `job` must not be made for want of a second person; "" when nothing speaks against it.

    Fails closed: without an agreement that counts at this moment nothing is sent.
    """
    asked = of_order(job.order)
    if asked is None:
        name = job.project.name
        needed = f"Reinstalls in {name} need a second person by now, and nobody was asked."
        return needed if is_needed(job.project) else ""
    # Read anew each time: seconds pass between two steps of a job.
    approval = with_people().get(pk=asked.pk)
    if approval.void_at is not None:
        return approval.void_reason
    if approval.end not in GOOD or approval.good_until is None:
        return "Nobody has approved this."
    if now > approval.good_until:
        until = f"{approval.good_until:%Y-%m-%d %H:%M} UTC"
        return f"The approval of {approval.ended_by_name} was good until {until}."
    return why_void(approval) or _without_right(approval)


def _without_right(approval: Approval) -> str:
    """Whoever agreed must still be allowed to, at the moment it happens."""
    if approval.end == ApprovalEnd.APPROVED:
        people = [(approval.ended_by, Right.APPROVE)]
    else:
        people = [(approval.ended_by, Right.MANAGE), (approval.override_by, Right.MANAGE)]
    for person, right in people:
        if person is None or not access.person_may(person, approval.project, right):
            name = person.get_username() if person else "Somebody"
            return f"{name}, who approved this, may no longer approve in {approval.project.name}."
    return ""


def refuse(job: Job, why: str, now: datetime) -> None:
    """Ends a job whose approval counts no more, and notes on the approval that it does not."""
    note = f"{why} Nothing was sent; ask again if it is still wanted."
    approval = of_order(job.order)
    with transaction.atomic():
        if approval is not None and approval.void_at is None:
            alive = Approval.objects.filter(pk=approval.pk, void_at=None)
            if alive.update(void_at=now, void_reason=why[:500]):
                history.record(actor=ENGINE, now=now, act=act_of(approval, "voided", note=why))
        moves.move(job, JobState.REJECTED, now=now, note=note, failure_code=VOID, failure_message=note)


def act_of(approval: Approval, verb: str, **what: Any) -> history.Act:
    """What was done to an approval."""
    return history.Act(
        action=f"approval.{verb}",
        object_type="approval",
        object_id=str(approval.pk),
        object_label=f"order {approval.order_id}",
        project_slug=approval.project.slug,
        **what,
    )
