"""The people of a project: who has which role there, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed
from reinstall.domain.roles import ABOUT, Right, missing_right
from reinstall.models import AuditEvent, Project
from reinstall.selectors.pages import Ordering, Page, page_of
from reinstall.selectors.projects import get_project, may

_BY_NAME = Ordering("user", ("username",))


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a role. about: what it may do, in words. since, by: when and by whom it was given, as far
    as the audit history tells."""

    user_id: int
    name: str
    full_name: str
    active: bool
    role: str
    about: str
    since: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class People:
    """The people of a project as somebody may see them, and whether they may give and take roles."""

    project: Project
    page: Page[Member]
    may_manage: bool


def people_of(actor: Actor, slug: str, *, cursor: str = "") -> People:
    """By account name. Raises NotFound; NotAllowed for whoever is neither auditor nor admin there."""
    project = get_project(actor, slug)
    if not may_see_people(actor, project):
        raise NotAllowed(missing_right(Right.AUDIT, project.name))
    # One row for each: a person has one role in a project.
    rows = User.objects.filter(memberships__project=project).annotate(role=F("memberships__role"))
    page = page_of(rows, _BY_NAME, cursor=cursor, build=lambda found: _members(project, found))
    return People(project, page, may(actor, project, Right.MANAGE))


def may_see_people(actor: Actor, project: Project) -> bool:
    """Whether the actor may read who belongs to `project`, which they see."""
    return may(actor, project, Right.AUDIT)


def _members(project: Project, rows: Sequence[Any]) -> list[Member]:
    given = _given(project, [row.username for row in rows])
    return [
        Member(
            user_id=row.pk,
            name=row.username,
            full_name=row.get_full_name(),
            active=row.is_active,
            role=row.role,
            about=ABOUT[row.role],
            since=entry.at if entry else None,
            by=entry.actor_name if entry else "",
        )
        for row in rows
        for entry in [_of_role(given.get(f"{project.slug}/{row.username}"), row.role)]
    ]


def _given(project: Project, names: list[str]) -> dict[str, AuditEvent]:
    """By the object's name in the history, the newest entry that gave a role."""
    objects = [f"{project.slug}/{name}" for name in names]
    entries = AuditEvent.objects.filter(object_type="membership", object_id__in=objects, action="role.given")
    return {entry.object_id: entry for entry in entries.order_by("id")}


def _of_role(entry: AuditEvent | None, role: str) -> AuditEvent | None:
    """The entry, where it tells of the role the person has now."""
    return entry if entry is not None and entry.after.get("role") == role else None
