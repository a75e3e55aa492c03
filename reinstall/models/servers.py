"""What the cloud last told us: servers, their disks, images, key pairs and encryption keys."""

from django.db import models

from reinstall.models.clouds import Project


class Server(models.Model):
    """A server as last read. The primary key is the cloud's id: the lock of 4.1 rests on it being unique."""

    id = models.UUIDField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="servers")
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=40)
    task_state = models.CharField(max_length=60, blank=True)
    image_id = models.CharField(max_length=64, blank=True)
    image_name = models.CharField(max_length=255, blank=True)
    os_type = models.CharField(max_length=40, blank=True)
    flavor = models.CharField(max_length=80, blank=True)
    vcpus = models.PositiveIntegerField(null=True, blank=True)
    ram_mb = models.PositiveIntegerField(null=True, blank=True)
    zone = models.CharField(max_length=80, blank=True)
    keyname = models.CharField(max_length=255, blank=True)
    userid = models.CharField(max_length=64, blank=True)
    locked = models.BooleanField(default=False)
    #: "k=v" strings, as the cloud lists them.
    tags = models.JSONField(default=list, blank=True)
    #: Addresses as text, fixed ones first.
    addresses = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    #: Name, id and addresses in lower case: what the search looks through.
    search = models.TextField(blank=True)
    #: A reinstall makes a helper server that vanishes by itself; it can never be chosen.
    temporary = models.BooleanField(default=False)
    #: Why nobody may reinstall it; "" while it is not protected.
    protected_reason = models.CharField(max_length=500, blank=True, db_default="")
    protected_by_name = models.CharField(max_length=150, blank=True, db_default="")
    protected_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["project", "name", "id"], name="server_list"),
            models.Index(fields=["name", "id"], name="server_by_name"),
            models.Index(fields=["project", "status", "id"], name="server_by_status"),
            models.Index(fields=["project", "image_name", "id"], name="server_by_image"),
            models.Index(fields=["project", "seen_at", "id"], name="server_by_seen"),
            models.Index(fields=["status", "id"], name="server_all_status"),
            models.Index(fields=["image_name", "id"], name="server_all_image"),
            models.Index(fields=["seen_at", "id"], name="server_all_seen"),
        ]

    def __str__(self) -> str:
        return self.name


class Disk(models.Model):
    """A disk as attached to a server."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="disks")
    volume_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True)
    device = models.CharField(max_length=40, blank=True)
    size_gb = models.PositiveIntegerField(null=True, blank=True)
    #: 0 is the system disk; every other value, and none, stays.
    boot_index = models.IntegerField(null=True, blank=True)
    volume_type = models.CharField(max_length=40, blank=True)
    encrypted = models.BooleanField(default=False)
    cmkid = models.CharField(max_length=64, blank=True)
    shareable = models.BooleanField(default=False)
    #: Snapshots made of it at the cloud; None where the cloud did not tell.
    snapshots = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["server", "device", "volume_id"]
        constraints = [
            models.UniqueConstraint(fields=["server", "volume_id"], name="one_row_per_attachment"),
            models.UniqueConstraint(
                fields=["server"], condition=models.Q(boot_index=0), name="one_system_disk_per_server"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device or 'disk'} {self.volume_id}"

    @property
    def is_system(self) -> bool:
        return self.boot_index == 0


class KeyPair(models.Model):
    """A key pair the project's account can inject. The private half is never here."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="key_pairs")
    name = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=255, blank=True)
    key_type = models.CharField(max_length=20, blank=True)
    #: The cloud user the key belongs to: what `userid` must be.
    userid = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["userid", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "userid", "name"], name="one_row_per_key_pair"),
        ]

    def __str__(self) -> str:
        return self.name


class KmsKey(models.Model):
    """A customer master key that may encrypt a system disk. Only state 2 (enabled) can be chosen."""

    ENABLED = 2

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="kms_keys")
    key_id = models.CharField(max_length=64)
    alias = models.CharField(max_length=255, blank=True)
    state = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["alias", "key_id"]
        constraints = [models.UniqueConstraint(fields=["project", "key_id"], name="one_row_per_kms_key")]

    def __str__(self) -> str:
        return self.alias or self.key_id


class Image(models.Model):
    """An image of the project: its own and shared ones, public ones where a server was made from it.

    A reinstall takes the image the server was made from: where it is gone, the server cannot be reinstalled.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="images")
    image_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True)
    #: active, queued, saving, deleted or killed.
    status = models.CharField(max_length=20, blank=True)
    #: gold (public), private or shared.
    image_type = models.CharField(max_length=20, blank=True)
    os_type = models.CharField(max_length=40, blank=True)
    min_disk_gb = models.PositiveIntegerField(null=True, blank=True)
    #: False: login data is not injected by Cloud-Init, the v1 call is needed.
    cloud_init = models.BooleanField(default=True)
    #: The KMS key of an encrypted image, "" for none.
    cmkid = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "image_id"]
        constraints = [models.UniqueConstraint(fields=["project", "image_id"], name="one_row_per_image")]

    def __str__(self) -> str:
        return self.name or self.image_id
