"""Clouds and their projects: where the calls go, and with whose credentials."""

from django.conf import settings
from django.db import models

from reinstall.domain.actors import Actor
from reinstall.domain.roles import RIGHTS


class Environment(models.TextChoices):
    """What is at stake in a project; pages show it everywhere."""

    PRODUCTION = "production", "Production"
    STAGING = "staging", "Staging"
    SIMULATOR = "simulator", "Simulator"


class Cloud(models.Model):
    """One region of one cloud: the profile says how it behaves, endpoints where it is reached."""

    profile = models.CharField(max_length=40)
    region = models.CharField(max_length=60)
    #: Service name to base URL; empty where profile and region give it.
    endpoints = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "region", "endpoints"], name="one_cloud_per_address")
        ]
        ordering = ["profile", "region"]

    def __str__(self) -> str:
        return f"{self.profile} {self.region}"


class ProjectQuerySet(models.QuerySet["Project"]):
    """Scoped reads: nothing of a project may be shown to somebody who is not in it."""

    def visible_to(self, actor: Actor) -> "ProjectQuerySet":
        """The projects `actor` may see."""
        scoped = self
        if not actor.sees_all:
            if actor.user_id is None:
                return self.none()
            mine = Membership.objects.filter(user_id=actor.user_id).values("project_id")
            scoped = scoped.filter(pk__in=mine)
        if actor.only_projects is not None:
            scoped = scoped.filter(pk__in=actor.only_projects)
        return scoped


class Project(models.Model):
    """One project of a cloud, with the sealed credentials that act in it."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    environment = models.CharField(max_length=12, choices=Environment)
    cloud = models.ForeignKey(Cloud, on_delete=models.PROTECT, related_name="projects")
    #: The cloud's id of the project, 32 hex.
    project_id = models.CharField(max_length=64)
    credential_kind = models.CharField(max_length=10, choices=[("aksk", "AK/SK"), ("password", "Password")])
    #: Envelope of the credentials; never shown by any page.
    credentials_sealed = models.BinaryField(editable=False)
    credential_version = models.PositiveIntegerField(default=1)
    credentials_set_at = models.DateTimeField(null=True, blank=True)
    credentials_set_by_name = models.CharField(max_length=150, blank=True, db_default="")
    #: Raised with each change people make; a stale page is told.
    version = models.PositiveIntegerField(default=1, db_default=1)
    synced_at = models.DateTimeField(null=True, blank=True)
    sync_error = models.TextField(blank=True)
    created_at = models.DateTimeField()

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            # The same cloud project entered twice would give one server two rows, and two locks.
            models.UniqueConstraint(fields=["cloud", "project_id"], name="one_row_per_cloud_project"),
            models.CheckConstraint(
                condition=models.Q(environment__in=Environment.values), name="project_environment_known"
            ),
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """Who may do what in a project."""

    class Role(models.TextChoices):
        """What each may do: domain.roles."""

        VIEWER = "viewer", "Viewer"
        REQUESTER = "requester", "Requester"
        APPROVER = "approver", "Approver"
        OPERATOR = "operator", "Operator"
        AUDITOR = "auditor", "Auditor"
        ADMIN = "admin", "Admin"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="one_role_per_person_and_project"),
            # An unknown role would have no right, and say so nowhere.
            models.CheckConstraint(condition=models.Q(role__in=sorted(RIGHTS)), name="role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"
