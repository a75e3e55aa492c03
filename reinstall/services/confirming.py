"""The second person: confirms or rejects what the first one proposed about an unclear job."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, RuleBroken
from reinstall.domain.roles import Right
from reinstall.domain.secondperson import Decision, ProposalEnd, decisions_for
from reinstall.domain.states import JobState
from reinstall.models import Job, Proposal
from reinstall.services import access, evidence, moves, proposals, settle

_ENDS = {
    Decision.CONFIRM: ProposalEnd.CONFIRMED,
    Decision.REJECT: ProposalEnd.REJECTED,
    Decision.WITHDRAW: ProposalEnd.WITHDRAWN,
}


def decide_proposal(
    *,
    actor: Actor,
    now: datetime,
    job_id: int,
    decision: str,
    reason: str = "",
    proposal_id: int | None = None,
) -> Job:
    """Confirms, rejects or withdraws the open proposal of a job.

    confirm: the job ends as not_applied and its server is free. reject, withdraw: the job waits as before.
    Whoever proposed may withdraw only, everybody else with the right may confirm or reject, with a reason.
    `proposal_id`: the one that was shown; Conflict where it is not the open one any more. Raises RuleBroken
    naming decision or reason; Conflict where there is nothing to decide, or the request might still arrive;
    NotAllowed, NotFound.
    """
    chosen, said = _checked(decision, reason)
    for _ in range(3):
        job = settle.mine(actor=actor, job_id=job_id, now=now)
        proposal = _open(job, proposal_id)
        _may(actor, proposal, chosen)
        if chosen is Decision.CONFIRM:
            settle.answerable(job, settle.Answer.NEVER_RAN, now)
            _still_counts(proposal, job)
        try:
            _end(job, proposal, chosen, actor=actor, now=now, reason=said)
            return job
        except moves.Overtaken:
            continue
    raise settle.busy(job_id)


def _checked(decision: str, reason: str) -> tuple[Decision, str]:
    if decision not in {known.value for known in Decision}:
        raise RuleBroken(f"Write one of {', '.join(Decision)}.", "decision", "choice")
    chosen = Decision(decision)
    return chosen, settle.checked_reason(reason, required=chosen is not Decision.WITHDRAW)


def _open(job: Job, proposal_id: int | None) -> Proposal:
    found = proposals.open_of(job)
    if found is None or proposal_id not in (None, found.pk):
        raise Conflict(
            f"What was proposed for job #{job.pk} is not open any more. Look at it again.",
            job=job.pk,
            code="not_open",
        )
    return found


def _may(actor: Actor, proposal: Proposal, decision: Decision) -> None:
    """Raises NotAllowed where it is the other person's turn."""
    own = actor.user_id == proposal.proposed_by_id
    if decision.value in decisions_for(proposer=own):
        return
    if own:
        raise NotAllowed("You proposed it yourself: another person has to confirm or reject it.")
    raise NotAllowed(f"Only {proposal.proposed_by_name} can withdraw it. Reject it, and say why.")


def _still_counts(proposal: Proposal, job: Job) -> None:
    """Two people with the right, not one and somebody who has lost it since."""
    person = User.objects.get(pk=proposal.proposed_by_id)
    if not access.person_may(person, job.project, Right.SETTLE):
        raise Conflict(
            f"{proposal.proposed_by_name} may not settle jobs in {job.project.name} any more. "
            "Reject this, and answer yourself.",
            job=job.pk,
            code="proposer_lost_right",
        )


def _end(
    job: Job, proposal: Proposal, decision: Decision, *, actor: Actor, now: datetime, reason: str
) -> None:
    """In one transaction, the job's row first: a move by the engine takes the rows in the same order."""
    with transaction.atomic():
        moves.touch(job, proposal_count=job.proposal_count + 1)
        how = _ENDS[decision]
        if not proposals.end(proposal=proposal, job=job, how=how, actor=actor, now=now, reason=reason):
            raise moves.Overtaken(f"proposal {proposal.pk} was answered by somebody else")
        if decision is Decision.CONFIRM:
            note = f"{proposal.proposed_by_name}: {proposal.reason} / Confirmed by {actor.name}: {reason}"
            moves.move(job, JobState.NOT_APPLIED, now=now, actor=actor, note=note)
        said = f"{actor.name} {how} what {proposal.proposed_by_name} proposed"
        data = {"answer": proposal.answer, "decision": decision.value, "reason": reason, "by": actor.name}
        evidence.keep(
            job,
            "operator",
            f"{said}: {reason}" if reason else f"{said}.",
            data,
            now,
            nonce=str(proposal.pk),
        )
