"""What waits for a second person, and whether there is one."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from reinstall.domain.actors import Actor
from reinstall.domain.roles import Right, roles_with
from reinstall.domain.secondperson import decisions_for, needs_second_person
from reinstall.models import Job, Project, Proposal


@dataclass(frozen=True, slots=True)
class PendingView:
    """An open proposal. `decisions`: what this person may do with it, nothing without the right.

    `others`: whether anybody but the proposer has the right to confirm it.
    """

    id: int
    answer: str
    reason: str
    by: str
    at: datetime
    decisions: tuple[str, ...]
    others: bool


def pending_of(actor: Actor, job: Job, *, may_settle: bool) -> PendingView | None:
    """The open proposal of a job, as this person sees it."""
    found = Proposal.objects.filter(job=job, end="").first()
    if found is None:
        return None
    own = found.proposed_by_id == actor.user_id
    return PendingView(
        id=found.pk,
        answer=found.answer,
        reason=found.reason,
        by=found.proposed_by_name,
        at=found.proposed_at,
        decisions=decisions_for(proposer=own) if may_settle else (),
        others=others_may_settle(job.project, found.proposed_by_id),
    )


def two_needed(job: Job, *, in_doubt: bool) -> bool:
    """Whether "it never started" needs two people for this job."""
    return needs_second_person(settings.SECOND_PERSON, job.project.environment, in_doubt=in_doubt)


def others_may_settle(project: Project, user_id: int | None) -> bool:
    """Whether anybody but this person has the right to settle jobs of the project."""
    member = Q(memberships__project=project, memberships__role__in=roles_with(Right.SETTLE))
    people = User.objects.filter(Q(is_superuser=True) | member, is_active=True)
    return people.exclude(pk=user_id or 0).exists()
