"""Orders: one decision by one person about one or many servers. Frozen once placed."""

from django.conf import settings
from django.db import models

from reinstall.models.clouds import Project


class Order(models.Model):
    """What was asked for, by whom and why; each of its servers is a Job. Never changed after it is placed."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="orders")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    requested_by_name = models.CharField(max_length=150)
    #: browser, token or command.
    source = models.CharField(max_length=10)
    reason = models.CharField(max_length=500, blank=True)
    #: Given by the form (signed, once) or made from the idempotency key: a second submit finds the first.
    submission_id = models.UUIDField(unique=True)
    keyname = models.CharField(max_length=64, blank=True)
    userid = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=20, blank=True)
    byol = models.BooleanField(default=False)
    encrypted = models.BooleanField(null=True)
    cmkid = models.CharField(max_length=36, blank=True)
    #: Envelope of the script, emptied when the days to keep it are over.
    user_data_sealed = models.BinaryField(default=b"", editable=False)
    user_data_bytes = models.PositiveIntegerField(default=0)
    user_data_sha256 = models.CharField(max_length=64, blank=True)
    #: Envelope of the password that is set instead of a key pair, where the cloud has that, and of the key
    #: its digests are made with; b"" for none, emptied with the script.
    adminpass_sealed = models.BinaryField(default=b"", db_default=b"", editable=False)
    #: Whether a password was asked for; stays true when the envelope is emptied.
    password_set = models.BooleanField(default=False, db_default=False)
    #: The version of the preset the settings were taken from, where one was.
    preset_version = models.ForeignKey(
        "PresetVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="orders"
    )
    #: SHA-256 over the canonical requests of all its jobs, in order.
    request_hash = models.CharField(max_length=64)
    not_before = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["project", "-created_at", "-id"], name="order_list")]

    def __str__(self) -> str:
        return f"order {self.pk}"
