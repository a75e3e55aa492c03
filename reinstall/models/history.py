"""The audit history: who did what, when, from where. Rows are added, never changed.

The database itself refuses UPDATE and DELETE of entries (migration 0014).
"""

from django.db import models


class AuditEvent(models.Model):
    """One act. No foreign keys: history outlives the things and the people it speaks of."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    #: browser, token, command or system.
    source = models.CharField(max_length=10)
    token_name = models.CharField(max_length=80, blank=True)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    #: noun.verb, like order.placed or job.running.
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=255, blank=True)
    project_slug = models.CharField(max_length=60, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    #: For moves of a job: its seq after the move, so that one move has exactly one entry.
    seq = models.PositiveIntegerField(null=True)
    #: The place in the chain (domain.chain): which of the streams, where in it, from 1 without a gap.
    stream = models.PositiveSmallIntegerField()
    position = models.PositiveBigIntegerField()
    #: The key of `mac` (AuditKey), which covers all of the above and the code of the entry before.
    key_id = models.PositiveIntegerField()
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["stream", "position"], name="one_entry_per_place"),
            models.UniqueConstraint(
                fields=["object_type", "object_id", "seq"],
                condition=models.Q(seq__isnull=False),
                name="one_entry_per_move",
            ),
        ]
        indexes = [
            models.Index(fields=["object_type", "object_id", "id"], name="audit_of_object"),
            models.Index(fields=["project_slug", "-id"], name="audit_of_project"),
            models.Index(fields=["actor_name", "-id"], name="audit_of_actor"),
            models.Index(fields=["-at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.object_label}"


class EngineTick(models.Model):
    """When the engine last looked for due work; one row. /ready reads it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"ticked {self.at}"
