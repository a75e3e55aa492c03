"""The rows behind the second person: proposed, confirmed, rejected, withdrawn, or overtaken by the job."""

from datetime import datetime
from typing import Any

from reinstall.domain.actors import Actor
from reinstall.domain.secondperson import ProposalEnd
from reinstall.models import Job, Proposal
from reinstall.services import history


def open_of(job: Job) -> Proposal | None:
    """The open proposal of the job, if there is one."""
    return Proposal.objects.filter(job=job, end="").first()


def make(*, job: Job, actor: Actor, now: datetime, answer: str, reason: str) -> Proposal:
    """A new open proposal, with its audit entry. In the transaction that holds the job's row."""
    made = Proposal.objects.create(
        job=job,
        answer=answer,
        reason=reason,
        proposed_by_id=actor.user_id or 0,
        proposed_by_name=actor.name,
        proposed_at=now,
    )
    after = {"answer": answer}
    history.record(actor=actor, now=now, act=_act(made, job, "proposed", after=after, note=reason))
    return made


def end(
    *, proposal: Proposal, job: Job, how: ProposalEnd, actor: Actor, now: datetime, reason: str = ""
) -> bool:
    """Ends an open proposal, with its audit entry. False when somebody else did so first.

    In a transaction that has changed the job's row before: whoever ends proposals takes the job first.
    """
    changed = Proposal.objects.filter(pk=proposal.pk, end="").update(
        end=how, ended_by=actor.user_id, ended_by_name=actor.name, ended_at=now, end_reason=reason[:500]
    )
    if changed:
        before = {"answer": proposal.answer, "by": proposal.proposed_by_name}
        history.record(actor=actor, now=now, act=_act(proposal, job, how.value, before=before, note=reason))
    return changed == 1


def overtake(*, job: Job, actor: Actor, now: datetime, to: str) -> None:
    """The job moves without it: what was open is void. In the transaction of the move."""
    found = open_of(job)
    if found is not None:
        end(
            proposal=found,
            job=job,
            how=ProposalEnd.VOID,
            actor=actor,
            now=now,
            reason=f"The job moved to {to}.",
        )


def _act(proposal: Proposal, job: Job, verb: str, **what: Any) -> history.Act:
    return history.Act(
        action=f"proposal.{verb}",
        object_type="proposal",
        object_id=str(proposal.pk),
        object_label=f"#{job.pk} {job.server_name}",
        project_slug=job.project.slug,
        **what,
    )
