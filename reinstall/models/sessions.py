"""Where people are signed in, and tries to sign in that failed."""

from django.conf import settings
from django.db import models


class SignedIn(models.Model):
    """A browser somebody is signed in with. What it may do stands in the session; this is its list."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="signed_in")
    #: The session's key. It changes with each proof, and the row with it.
    key = models.CharField(max_length=40, unique=True)
    address = models.CharField(max_length=45, blank=True)
    #: As the browser names itself, cut.
    agent = models.CharField(max_length=300, blank=True)
    signed_in_at = models.DateTimeField()
    #: To the minute.
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at", "-id"]

    def __str__(self) -> str:
        return f"{self.user} from {self.address}"


class FailedTry(models.Model):
    """A try to prove who one is: written before it is looked at, deleted when it was right.

    So many processes at once cannot try more often than one.
    """

    class Step(models.TextChoices):
        PASSWORD = "password", "Password"
        CODE = "code", "Second factor"

    step = models.CharField(max_length=8, choices=Step)
    #: SHA-256 of the name that was typed, with a key: people type passwords into that field.
    who = models.CharField(max_length=64)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["who", "step", "at"], name="tries_of_a_name"),
            models.Index(fields=["address", "step", "at"], name="tries_of_an_address"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(step__in=["password", "code"]), name="try_step_known"),
        ]

    def __str__(self) -> str:
        return f"{self.step} from {self.address}"
