"""What the engine keeps beside its jobs: evidence, events to deliver, the budget of calls, flags."""

from django.db import models

from reinstall.models.clouds import Cloud, Project
from reinstall.models.jobs import Job


class Evidence(models.Model):
    """A thing that was seen while an outcome was unclear. Rows are added, never changed."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="evidence")
    #: trace, disk, status, action, job_query, baseline, operator.
    kind = models.CharField(max_length=20)
    #: E1, E1', E2, E3, E4, E4', E5, or empty for what proves nothing.
    grade = models.CharField(max_length=4, blank=True)
    observed_at = models.DateTimeField()
    #: SHA-256 of what the cloud said; the same thing seen again is not a second row.
    digest = models.CharField(max_length=64)
    #: One sentence for the page.
    summary = models.CharField(max_length=500)
    #: What was seen, redacted.
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["job", "id"]
        constraints = [models.UniqueConstraint(fields=["job", "kind", "digest"], name="one_row_per_sighting")]

    def __str__(self) -> str:
        return f"{self.kind} of job {self.job_id}"


class Outbox(models.Model):
    """An event, written in the transaction of what it tells; delivered at least once, with one id."""

    #: UUIDv5 of job and seq: a receiver drops what it has seen.
    id = models.UUIDField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "seq"]
        constraints = [models.UniqueConstraint(fields=["job", "seq"], name="one_event_per_move")]
        indexes = [
            # Only what waits is in it; next_at is null once delivered or dead.
            models.Index(fields=["next_at"], condition=models.Q(next_at__isnull=False), name="outbox_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of job {self.job_id}"


class Budget(models.Model):
    """A token bucket of calls, shared by all workers: one row per cloud and share."""

    cloud = models.ForeignKey(Cloud, on_delete=models.CASCADE, related_name="budgets")
    share = models.CharField(max_length=10)
    tokens = models.FloatField()
    refilled_at = models.DateTimeField()
    #: The cloud asked for a pause; holds for every worker.
    blocked_until = models.DateTimeField(null=True)
    #: Calls a second, where the cloud named a limit lower than ours.
    limit_per_s = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cloud", "share"], name="one_bucket_per_share")]

    def __str__(self) -> str:
        return f"{self.share} calls of {self.cloud}"


class Watch(models.Model):
    """How the running jobs of a project are watched: when its servers are listed, what that taught."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="watch")
    #: The next list; moved ahead by whoever claims it, so one worker lists at a time.
    next_at = models.DateTimeField()
    listed_at = models.DateTimeField(null=True)
    #: Servers the last list held; says how many pages the next one has.
    servers = models.PositiveIntegerField(default=0)
    #: Lists in a row that failed.
    failures = models.PositiveIntegerField(default=0)
    #: Jobs whose server was seen at work, went idle, and had ended then; and those where that misled.
    agreed = models.PositiveIntegerField(default=0)
    misled = models.PositiveIntegerField(default=0)
    #: Seconds from acceptance to the end, of the latest jobs that succeeded, oldest first.
    durations = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"watch of {self.project}"


class SystemFlag(models.Model):
    """A fact about the installation: freeze, epoch, deployment, breaker of a cloud (breaker:<pk>)."""

    name = models.CharField(max_length=60, primary_key=True)
    value = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)
    set_by = models.CharField(max_length=150, blank=True)
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
