"""Answers about unclear jobs that wait for a second person."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from reinstall.domain.secondperson import NEEDS_TWO, ProposalEnd
from reinstall.models.jobs import Job

_PERSON = settings.AUTH_USER_MODEL
_ENDS = [end.value for end in ProposalEnd]


class Proposal(models.Model):
    """One person says that the request of a job never started; another one has to agree."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="proposals")
    answer = models.CharField(max_length=20)
    reason = models.CharField(max_length=500)
    proposed_by = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="proposals")
    proposed_by_name = models.CharField(max_length=150)
    proposed_at = models.DateTimeField()
    #: "" while it is open.
    end = models.CharField(max_length=10, blank=True, choices=[(e, e) for e in _ENDS])
    #: Who ended it; the engine is nobody.
    ended_by = models.ForeignKey(_PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    ended_by_name = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["job", "id"]
        constraints = [
            models.UniqueConstraint(fields=["job"], condition=Q(end=""), name="one_open_proposal"),
            models.CheckConstraint(condition=Q(answer=NEEDS_TWO), name="proposal_answer_known"),
            models.CheckConstraint(
                condition=Q(end="", ended_at=None) | Q(end__in=_ENDS, ended_at__isnull=False),
                name="proposal_ended_exactly_with_an_end",
            ),
            # Two people are two: whatever the code believes, nobody confirms what they proposed.
            models.CheckConstraint(
                condition=~Q(end=ProposalEnd.CONFIRMED.value)
                | (Q(ended_by__isnull=False) & ~Q(ended_by=F("proposed_by"))),
                name="confirmed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.answer} of job {self.job_id}, by {self.proposed_by_name}"
