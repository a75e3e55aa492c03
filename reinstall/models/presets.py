"""Presets: settings for reinstalls with a name. Versions are never changed; a job keeps the one it used."""

from django.db import models

from reinstall.domain.presets import reference
from reinstall.models.clouds import Project


class Preset(models.Model):
    """A name for settings of reinstalls in one project. Retired, never deleted, once it was used."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="presets")
    #: Of the whole portal: it is the address of the preset's page.
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    created_by_name = models.CharField(max_length=150)
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by_name = models.CharField(max_length=150, blank=True)
    #: The newest version's number.
    latest = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=models.Q(retired_at=None),
                name="one_kept_preset_per_name",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PresetVersion(models.Model):
    """What a preset said at one time: fields as those of an order. Never changed."""

    preset = models.ForeignKey(Preset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    keyname = models.CharField(max_length=64, blank=True)
    userid = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=20, blank=True)
    byol = models.BooleanField(default=False)
    encrypted = models.BooleanField(null=True)
    cmkid = models.CharField(max_length=36, blank=True)
    #: Envelope of the script.
    user_data_sealed = models.BinaryField(default=b"", editable=False)
    user_data_bytes = models.PositiveIntegerField(default=0)
    user_data_sha256 = models.CharField(max_length=64, blank=True)
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by_name = models.CharField(max_length=150)

    class Meta:
        ordering = ["preset", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["preset", "number"], name="one_row_per_preset_version"),
        ]

    def __str__(self) -> str:
        return f"{self.preset.name} v{self.number}"

    @property
    def reference(self) -> str:
        """As a form and REST name it."""
        return reference(self.preset.slug, self.number)
