"""Projects to read, roles of people to edit. No secret has a field here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.timezone import now

from reinstall.admin.readonly import ReadOnlyAdmin
from reinstall.domain.actors import Actor, Source
from reinstall.models import Membership, Project
from reinstall.services import access


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin[Project]):
    """Projects and how they were last read."""

    list_display = ("name", "environment", "cloud", "project_id", "credential_kind", "synced_at")
    list_filter = ("environment", "cloud")
    search_fields = ("name", "slug", "project_id")
    exclude = ("credentials_sealed",)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Membership]):
    """Who may do what in a project; each change is written to the audit history."""

    list_display = ("user", "project", "role")
    list_filter = ("project", "role")
    search_fields = ("user__username", "project__name")
    list_select_related = ("user", "project")
    actions = None

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        made = access.set_role(
            actor=_staff(request), now=now(), user_id=obj.user_id, project=obj.project, role=obj.role
        )
        obj.pk = made.pk

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        access.end_role(actor=_staff(request), now=now(), user_id=obj.user_id, project=obj.project)

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        # A role is given anew for the same person and project; an old entry is not turned into another person's.
        return False


def _staff(request: HttpRequest) -> Actor:
    user = request.user
    return Actor(
        user_id=user.pk,
        name=user.get_username(),
        source=Source.BROWSER,
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=request.META.get("ecsportal.request_id", ""),
        sees_all=bool(user.is_superuser),
    )
