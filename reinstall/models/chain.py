"""What holds the audit history together: the ends of its streams, and the keys of its codes."""

from django.db import models


class AuditKey(models.Model):
    """A key of the codes in the audit history. Its entries need it for ever: rows are never removed."""

    id = models.AutoField(primary_key=True)
    #: 32 bytes, sealed; `keys rotate` wraps them anew.
    key_sealed = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"audit key {self.pk}"


class AuditStream(models.Model):
    """Where one of the streams of the audit history ends. The rows are there from the first day."""

    number = models.PositiveSmallIntegerField(primary_key=True)
    #: Of its last entry; 0 when it has none.
    position = models.PositiveBigIntegerField()
    #: The code of its last entry.
    mac = models.CharField(max_length=64, blank=True)
    key_id = models.PositiveIntegerField()
    #: Over all of the above, so that nobody moves the end back by hand.
    signature = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"stream {self.number} at {self.position}"
