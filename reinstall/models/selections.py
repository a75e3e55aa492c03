"""What a person picked out: servers chosen for one order, and lists worth coming back to."""

import uuid

from django.conf import settings
from django.db import models

from reinstall.models.clouds import Project

_PERSON = settings.AUTH_USER_MODEL


class Selection(models.Model):
    """Servers chosen for an order, as they were then: a later sync or filter adds none. Kept for a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(_PERSON, on_delete=models.CASCADE, related_name="selections")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    #: Ids as text, in the order of the list.
    server_ids = models.JSONField(default=list)
    #: Servers that were matched and are left out: [{"id", "name", "why"}].
    left_out = models.JSONField(default=list, blank=True)
    #: The filter it came from, as a query string; "" where servers were ticked one by one.
    query = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["created_at"], name="selection_by_age")]

    def __str__(self) -> str:
        return f"{len(self.server_ids)} servers"


class SavedView(models.Model):
    """A list with its filters, order and columns under a name, of one person."""

    user = models.ForeignKey(_PERSON, on_delete=models.CASCADE, related_name="saved_views")
    #: Which list: "servers".
    page = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    #: The query string that brings it back.
    query = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["page", "name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="one_view_per_name"),
        ]

    def __str__(self) -> str:
        return self.name
