"""The second person: approves, declines, or two admins override; the requester withdraws."""

import logging
from datetime import datetime

from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.approvals import ApprovalDecision, ApprovalEnd
from reinstall.domain.errors import Conflict, NotAllowed, RuleBroken
from reinstall.domain.redaction import plain_text
from reinstall.domain.roles import Right
from reinstall.domain.states import JobState
from reinstall.models import Approval
from reinstall.services import access, approvals, history, moves, outbox, proof
from reinstall.services.approval_review import review, visible
from reinstall.services.approvals import Ending

log = logging.getLogger(__name__)

MAX_REASON = 500
_D = ApprovalDecision
_NEEDS_REASON = {
    _D.DECLINE: "Say why, so that it can be asked for better.",
    _D.OVERRIDE: "Say what the emergency is.",
}


def decide_approval(
    *,
    actor: Actor,
    now: datetime,
    approval_id: int,
    decision: str,
    request_hash: str,
    reason: str = "",
) -> Approval:
    """Approves, declines, withdraws or overrides an open approval. request_hash: what the person was shown.

    approve: looked over with the cloud first; what changed since it was asked for ends it (code void).
    override: the first admin begins it, a second one lets the order go on; neither needs the role approver,
    and the one who asked may only be the first. Raises RuleBroken naming decision or reason; Conflict where
    it is not open any more (not_open), was shown otherwise (stale), or must be put right first (checks);
    NotAllowed, NotFound.
    """
    chosen, said = _checked(decision, reason)
    approval = visible(actor, approval_id)
    _may(actor, approval, chosen)
    _must_be_open(approval, request_hash)
    if chosen in (_D.APPROVE, _D.OVERRIDE):
        proof.must_be_proved_to_wipe(actor, now=now, project=approval.project)
        _must_hold(approval, now)
    try:
        _ACTS[chosen](approval, actor, now, said)
    except moves.Overtaken:
        _must_be_open(visible(actor, approval_id), request_hash)
        raise Conflict("Somebody else is at it right now. Look at it again.", code="busy") from None
    return visible(actor, approval_id)


def _checked(decision: str, reason: str) -> tuple[ApprovalDecision, str]:
    if decision not in {known.value for known in _D}:
        raise RuleBroken(f"Write one of {', '.join(_D)}.", "decision", "choice")
    chosen, said = _D(decision), plain_text(reason.strip(), MAX_REASON + 1)
    if not said and chosen in _NEEDS_REASON:
        raise RuleBroken(_NEEDS_REASON[chosen], "reason", "required")
    if len(said) > MAX_REASON:
        raise RuleBroken(f"The reason has at most {MAX_REASON} characters.", "reason", "max_length")
    return chosen, said


def _may(actor: Actor, approval: Approval, decision: ApprovalDecision) -> None:
    """Raises NotAllowed where it is not this person's to do."""
    own = actor.user_id is not None and actor.user_id == approval.requested_by_id
    if actor.scopes is not None or actor.user_id is None:
        raise NotAllowed("A token cannot decide about an approval. It takes a person: sign in to do it.")
    if decision is _D.WITHDRAW:
        if not own:
            raise NotAllowed(
                f"Only {approval.order.requested_by_name} can withdraw it. Decline it, and say why."
            )
    elif decision is _D.OVERRIDE:
        access.must_have(actor, approval.project, Right.MANAGE)
    elif own:
        raise NotAllowed("You asked for it yourself: another person has to approve or decline it.")
    elif decision is _D.DECLINE and access.has(actor, approval.project, Right.MANAGE):
        return
    else:
        access.must_have(actor, approval.project, Right.APPROVE)


def _must_be_open(approval: Approval, request_hash: str) -> None:
    if approval.end:
        who = f" by {approval.ended_by_name}" if approval.ended_by_id else ""
        raise Conflict(f"It was {approval.end}{who} already. Your answer was not used.", code="not_open")
    if request_hash != approval.request_hash:
        raise Conflict(
            "What you were shown is not what is asked for now. Your answer was not used; look at it again.",
            code="stale",
        )


def _must_hold(approval: Approval, now: datetime) -> None:
    """Looks at it with the cloud, as the requester did. Raises Conflict; what changed ends it."""
    if now >= approval.expires_at:
        raise Conflict(
            "Its time is over: it was not approved within a day. Ask for it anew.", code="not_open"
        )
    found = review(approval, now)
    if found.void:
        approvals.make_void(approval, found.void, now)
        raise Conflict(f"It is not what was asked for any more, and was ended: {found.void}", code="void")
    if found.must_fix:
        first = found.must_fix[0]
        more = f" And {len(found.must_fix) - 1} more." if len(found.must_fix) > 1 else ""
        raise Conflict(f"It cannot be approved as things are: {first.sentence}{more}", code="checks")


def _approve(approval: Approval, actor: Actor, now: datetime, said: str) -> None:
    note = f"Approved by {actor.name}{f': {said}' if said else '.'}"
    with transaction.atomic():
        _end_with_jobs(approval, Ending(ApprovalEnd.APPROVED, actor, now, said, note, JobState.QUEUED))


def _decline(approval: Approval, actor: Actor, now: datetime, said: str) -> None:
    note = f"{actor.name} declined it: {said}"
    with transaction.atomic():
        approvals.end(
            approval, Ending(ApprovalEnd.DECLINED, actor, now, said, note, JobState.CANCELLED, "declined")
        )


def _withdraw(approval: Approval, actor: Actor, now: datetime, said: str) -> None:
    note = f"{actor.name} withdrew it{f': {said}' if said else ' before anybody had approved it.'}"
    with transaction.atomic():
        approvals.end(
            approval, Ending(ApprovalEnd.WITHDRAWN, actor, now, said, note, JobState.CANCELLED, "withdrawn")
        )


def _override(approval: Approval, actor: Actor, now: datetime, said: str) -> None:
    """The first admin leaves their name; the second one, who did not ask for it, lets it go on."""
    if approval.override_by_id is None:
        return _begin_override(approval, actor, now, said)
    if approval.override_by_id == actor.user_id:
        raise NotAllowed("You began this override: a second admin has to agree to it.")
    if approval.requested_by_id == actor.user_id:
        raise NotAllowed("You asked for it yourself: an override needs another admin as its second person.")
    first = approval.override_by_name
    note = f"Emergency override of {first} and {actor.name}: {approval.override_reason} / {said}"
    with transaction.atomic():
        _end_with_jobs(approval, Ending(ApprovalEnd.OVERRIDDEN, actor, now, said, note, JobState.QUEUED))
        first_job = approval.order.jobs.order_by("position")[0]
        by = {"by": [first, actor.name], "reasons": [approval.override_reason, said]}
        outbox.note_override(job=first_job, now=now, said=by)
    log.critical("order %s of %s goes out by emergency override", approval.order_id, approval.project.slug)


def _begin_override(approval: Approval, actor: Actor, now: datetime, said: str) -> None:
    with transaction.atomic():
        mine = Approval.objects.filter(pk=approval.pk, end="", override_by=None)
        begun = mine.update(
            override_by=actor.user_id,
            override_by_name=actor.name[:150],
            override_at=now,
            override_reason=said,
        )
        if not begun:
            raise moves.Overtaken(f"approval {approval.pk} was changed by somebody else")
        history.record(actor=actor, now=now, act=approvals.act_of(approval, "override_begun", note=said))
    log.warning("an emergency override of order %s was begun", approval.order_id)


def _end_with_jobs(approval: Approval, ending: Ending) -> None:
    """Lets the order go on. Raises Overtaken where every job was called off meanwhile."""
    if not approvals.end(approval, ending):
        raise moves.Overtaken(f"no job waits for approval {approval.pk} any more")


_ACTS = {_D.APPROVE: _approve, _D.DECLINE: _decline, _D.WITHDRAW: _withdraw, _D.OVERRIDE: _override}
