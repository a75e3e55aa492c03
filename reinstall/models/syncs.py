"""Readings of the inventory: how far one is, and what it found."""

from django.db import models
from django.db.models import Q

from reinstall.models.clouds import Project


class SyncRun(models.Model):
    """One reading of a project's inventory. At most one is open for each project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sync_runs")
    #: Who asked for it; "schedule" where nobody did.
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: What is being read now, in words; "" before and after.
    phase = models.CharField(max_length=40, blank=True)
    #: So many were read so far, of so many the cloud announced.
    read = models.PositiveIntegerField(default=0)
    announced = models.PositiveIntegerField(null=True, blank=True)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    #: The first ones: {"added": [{"id", "name"}], "changed": [{"id", "name", "fields"}], "gone": [...]}.
    differences = models.JSONField(default=dict, blank=True)
    #: Sentences on what could not be read.
    problems = models.JSONField(default=list, blank=True)
    complete = models.BooleanField(default=False)
    owner = models.CharField(max_length=100, blank=True)
    #: A reader that died gives the run up when this is over.
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=Q(ended_at=None), name="one_open_sync"),
        ]
        indexes = [models.Index(fields=["project", "-requested_at", "-id"], name="sync_list")]

    def __str__(self) -> str:
        return f"sync {self.pk} of {self.project_id}"
