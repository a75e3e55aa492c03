"""API tokens, idempotency keys, and how often was asked."""

from django.conf import settings
from django.db import models

from reinstall.models.clouds import Project


class ApiToken(models.Model):
    """A token of a person, stored as its SHA-256; the token itself was shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    #: First characters, so that people can tell tokens apart.
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    #: Of read, request.
    scopes = models.JSONField(default=list)
    #: Whether the token is limited to `projects`. Told by the list alone, a token whose last project was
    #: deleted would be good for all of them.
    limited = models.BooleanField(default=False)
    projects = models.ManyToManyField(Project, blank=True, related_name="api_tokens")
    #: Networks it may be used from, as "10.1.0.0/16"; empty: from anywhere.
    networks = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    #: The address of that use.
    last_used_from = models.CharField(max_length=64, blank=True, default="", db_default="")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """The answer that was given to a key, so that the same request gets the same answer again."""

    principal = models.CharField(max_length=80)
    key = models.CharField(max_length=128)
    #: SHA-256 of the canonical body.
    fingerprint = models.CharField(max_length=64)
    #: Null while the first request is still at work.
    status = models.PositiveIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["principal", "key"], name="one_answer_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"


class RateCount(models.Model):
    """How often something was asked in a window of time: one row per kind and principal, used again."""

    #: "read token:7", "order user:3", "project shop-prod".
    name = models.CharField(max_length=160, primary_key=True)
    #: Seconds since 1970.
    window_start = models.BigIntegerField()
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"
