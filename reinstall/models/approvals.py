"""Orders that wait, or waited, for a second person."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from reinstall.domain.approvals import GOOD, ApprovalEnd
from reinstall.models.clouds import Project
from reinstall.models.orders import Order

_PERSON = settings.AUTH_USER_MODEL
_ENDS = [end.value for end in ApprovalEnd]
_GOOD = sorted(end.value for end in GOOD)


class Approval(models.Model):
    """One order, and whether somebody else agreed to exactly that. Bound to the order's hash."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="approval")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="approvals", db_index=False)
    #: The order's, as it was shown to whoever decided.
    request_hash = models.CharField(max_length=64)
    requested_by = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    #: "" while it is open.
    end = models.CharField(max_length=10, blank=True, choices=[(e, e) for e in _ENDS])
    #: Who ended it; the engine is nobody.
    ended_by = models.ForeignKey(
        _PERSON, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    ended_by_name = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=500, blank=True)
    #: Until when a call may rest on it; set exactly when somebody agreed.
    good_until = models.DateTimeField(null=True)
    #: Why and since when it counts no more although somebody had agreed: something changed before the call.
    void_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=500, blank=True)
    #: The first of the two admins of an emergency override; the second one ends it.
    override_by = models.ForeignKey(
        _PERSON, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    override_by_name = models.CharField(max_length=150, blank=True)
    override_at = models.DateTimeField(null=True)
    override_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["asked_at", "id"]
        indexes = [
            models.Index(fields=["end", "project", "asked_at"], name="approval_open"),
            models.Index(fields=["project", "-asked_at", "-id"], name="approval_list"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(end="", ended_at=None) | Q(end__in=_ENDS, ended_at__isnull=False),
                name="approval_ended_exactly_with_an_end",
            ),
            models.CheckConstraint(
                condition=Q(end__in=_GOOD, good_until__isnull=False)
                | (~Q(end__in=_GOOD) & Q(good_until=None)),
                name="approval_good_exactly_when_agreed",
            ),
            # Two people are two: whatever the code believes, nobody approves what they asked for.
            models.CheckConstraint(
                condition=~Q(end__in=_GOOD) | (Q(ended_by__isnull=False) & ~Q(ended_by=F("requested_by"))),
                name="approved_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(end=ApprovalEnd.OVERRIDDEN.value)
                | (Q(override_by__isnull=False) & ~Q(override_by=F("ended_by"))),
                name="overridden_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"approval of order {self.order_id}"
