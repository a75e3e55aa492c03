"""Jobs, their attempts to call the cloud, and the record of what was said. The row is the truth."""

from django.db import models
from django.db.models import Q

from reinstall.domain.states import ACTIVE, LIVE_VERDICTS, JobState, Verdict
from reinstall.models.clouds import Project
from reinstall.models.orders import Order
from reinstall.models.servers import Server


class Job(models.Model):
    """One server of one order. Its state changes in services.moves only."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="jobs")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="jobs")
    server_name = models.CharField(max_length=255)
    position = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=20, choices=[(s.value, s.value) for s in JobState])
    state_since = models.DateTimeField()
    #: Grows by one with each move; what live pages compare.
    seq = models.PositiveIntegerField(default=0)
    #: SHA-256 of the canonical request this job was placed with; compared again when the call is armed.
    request_hash = models.CharField(max_length=64)
    #: Version of the call its image takes, decided when the order was placed; covered by the hash.
    call_version = models.CharField(
        max_length=2, choices=[("v1", "v1"), ("v2", "v2")], default="v2", db_default="v2"
    )
    #: What the server was when the order was placed (name, addresses, disks), for the last look.
    snapshot = models.JSONField(default=dict)
    #: The same, as read at most a minute before arming; empty until then.
    baseline = models.JSONField(default=dict, blank=True)
    #: The same, as read after the cloud reported the end.
    found_after = models.JSONField(default=dict, blank=True)
    stop_job_id = models.CharField(max_length=64, blank=True)
    cloud_job_id = models.CharField(max_length=64, blank=True)
    cloud_status = models.CharField(max_length=40, blank=True)
    #: Sub-jobs as the cloud last reported them.
    cloud_steps = models.JSONField(default=list, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    #: Since when lists of servers show the server at work, and since when at rest again.
    busy_seen_at = models.DateTimeField(null=True, blank=True)
    idle_seen_at = models.DateTimeField(null=True, blank=True)
    poll_failures = models.PositiveIntegerField(default=0)
    #: When the cloud says that its job ended; None where it did not say.
    cloud_ended_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    failure_code = models.CharField(max_length=80, blank=True)
    failure_message = models.TextField(blank=True)
    #: A sentence about what the job waits for, where the state alone does not say it.
    waiting_for = models.CharField(max_length=500, blank=True)
    owner = models.CharField(max_length=80, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField()
    next_at = models.DateTimeField(null=True, blank=True)
    crash_count = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    #: Grows when a proposal to settle the job is made or answered; live pages compare it. With a default of
    #: the database's own: processes of the release before write rows without it.
    proposal_count = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    #: Since when nobody needs to look at a failed job any more: a later one of its server was placed.
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["server"], condition=Q(state__in=sorted(ACTIVE)), name="one_active_job_per_server"
            ),
            models.UniqueConstraint(fields=["order", "server"], name="one_job_per_order_and_server"),
            models.CheckConstraint(condition=Q(state__in=sorted(JobState)), name="job_state_known"),
            models.CheckConstraint(
                condition=~Q(state=JobState.RUNNING) | ~Q(cloud_job_id=""), name="running_has_cloud_job"
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(ACTIVE), ended_at=None)
                | (~Q(state__in=sorted(ACTIVE)) & Q(ended_at__isnull=False)),
                name="ended_exactly_when_final",
            ),
        ]
        indexes = [
            # The sweep: only rows with something to do are in it, however many are finished. A list of states
            # as the condition would not do: SQLite cannot compare it with the parameters of a query.
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="job_due"),
            models.Index(fields=["-created_at", "-id"], name="job_by_time"),
            models.Index(fields=["project", "-created_at", "-id"], name="job_list"),
            models.Index(fields=["project", "state", "-created_at", "-id"], name="job_by_state"),
            models.Index(fields=["server", "-created_at"], name="job_of_server"),
            # What needs a look is counted on every page, among all the failed jobs there ever were.
            models.Index(fields=["project", "state", "handled_at"], name="job_to_look_at"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Attempt(models.Model):
    """One intent to call the cloud, written and committed before the call."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField()
    verdict = models.CharField(max_length=12, choices=[(v.value, v.value) for v in Verdict])
    #: SHA-256 of the body; of a body with a password a keyed digest (services.requests says why).
    body_sha256 = models.CharField(max_length=64)
    #: The X-Sdk-Date of the signature; the gateway refuses it 15 minutes later. Null for a token call.
    signed_at = models.DateTimeField(null=True)
    intent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    phase = models.CharField(max_length=10, blank=True)
    status = models.PositiveIntegerField(null=True)
    code = models.CharField(max_length=80, blank=True)
    message = models.TextField(blank=True)
    request_id = models.CharField(max_length=80, blank=True)
    credential_version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["job", "number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number_once"),
            # The most valuable line of the product: while one attempt is armed, unknown or accepted, a second
            # one cannot even be written, whatever the worker believes.
            models.UniqueConstraint(
                fields=["job"], condition=Q(verdict__in=sorted(LIVE_VERDICTS)), name="one_live_attempt"
            ),
            models.CheckConstraint(condition=Q(verdict__in=sorted(Verdict)), name="verdict_known"),
        ]
        # The breaker looks at the last ten minutes.
        indexes = [models.Index(fields=["intent_at"], name="attempt_by_time")]

    def __str__(self) -> str:
        return f"attempt {self.number} of job {self.job_id}"


class Exchange(models.Model):
    """One call made for a job, masked; polls that brought nothing new are counted on one row."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="exchanges")
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    status = models.PositiveIntegerField(null=True)
    #: What the answer amounts to: a job or server status, an error code.
    outcome = models.CharField(max_length=80, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    request_id = models.CharField(max_length=80, blank=True)
    request_body = models.TextField(blank=True)
    response_body = models.TextField(blank=True)
    error = models.CharField(max_length=500, blank=True)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["job", "id"]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
