"""Projects to read, roles of people to edit. No secret has a field here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.timezone import now

from reinstall.admin.readonly import ReadOnlyAdmin
from reinstall.admin.staff import staff_actor
from reinstall.domain.errors import NotAllowed, RuleBroken
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
    """Who may do what in a project; each change is written to the audit history.

    An entry keeps its person and project: only the role can be changed.
    """

    list_display = ("user", "project", "role")
    list_filter = ("project", "role")
    search_fields = ("user__username", "project__name")
    list_select_related = ("user", "project")
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("user", "project") if obj else ()

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        with _refused():
            made = access.set_role(
                actor=staff_actor(request), now=now(), user_id=obj.user_id, project=obj.project, role=obj.role
            )
        obj.pk = made.pk

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        with _refused():
            access.end_role(actor=staff_actor(request), now=now(), user_id=obj.user_id, project=obj.project)


@contextmanager
def _refused() -> Iterator[None]:
    """Staff who may open this page may still lack the role admin in the project, or be its last one."""
    try:
        yield
    except (NotAllowed, RuleBroken) as error:
        raise PermissionDenied(str(error)) from None
